import type { Bug } from '../bug.js';
import { HVM_MIDDLEMAN, ONLY_GRANTS } from './scenes.js';

export const NX_TRANS_MAP: Bug = {
  id: 'NX-TRANS-MAP',
  title: 'A transitive grant is mapped as if it were a page',
  class: 'A',
  year: 2021,
  releases: 'all before 4.15; mended in 4.13.3 and 4.14.2',
  mechanism:
    'A grant that passes another one on is for copies only, which was looked at only once a copy had pinned ' +
    'it. Mapped before, the number of the grant behind it was taken for a frame of the domain in the middle.',
  behaviours: { transitiveMap: 'as-full-page' },
  scene: HVM_MIDDLEMAN,
  bounds: { ...ONLY_GRANTS, vaSlots: 0, operations: ['grant_set_version', 'grant_transitive'] },
  invariants: ['INV-AUTH'],
  fixes: ['b339e3a976'],
};
