import type { Bug } from '../bug.js';
import { LARGE_PAGE } from './scenes.js';

export const NX_AMD_MERGE_FREE: Bug = {
  id: 'NX-AMD-MERGE-FREE',
  title: 'A table that has become one large page is given back while the unit still walks it',
  class: 'B',
  year: 2014,
  releases: 'up to 4.4; mended in 4.4.1',
  mechanism:
    'When all entries of a table came to what one large page maps, the table was freed before the page ' +
    'took its place. In between, and until the flush, the unit went through memory that was somebody ' +
    'else’s.',
  behaviours: { mergedTable: 'freed-first' },
  scene: LARGE_PAGE,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['INV-ATOMIC', 'FREED'],
  fixes: ['6b4d71d028'],
};
