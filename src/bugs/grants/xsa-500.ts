import type { Bug } from '../bug.js';
import { BACKEND_WITH_PAGES, ONLY_GRANTS } from './scenes.js';

export const XSA_500: Bug = {
  id: 'XSA-500',
  title: 'A copy writes the page that is pinned, and holds the one that the entry names now',
  class: 'A',
  year: 2026,
  releases: 'all up to 4.22; mended in 4.17 to 4.22',
  mechanism:
    'The first writing copy to a grant that is pinned for reading looks at the entry anew and takes its ' +
    'references on the page found there, but writes to the one that was pinned. The granter may have changed ' +
    'the entry meanwhile, and made the pinned page a page table.',
  behaviours: { pinnedCopy: 'reads-entry-again' },
  on: 'staging',
  scene: BACKEND_WITH_PAGES,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, operations: ['grant', 'grant_copy'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['61b0a59ce2'],
};
