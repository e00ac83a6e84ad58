import type { Bug } from '../bug.js';
import { LARGE_PAGE } from './scenes.js';

export const NX_SPLIT_BLANK: Bug = {
  id: 'NX-SPLIT-BLANK',
  title: 'A large page gives way to an empty table that is filled afterwards',
  class: 'C',
  year: 2020,
  releases: 'all before 4.15',
  mechanism:
    'Splitting a large page of AMD-Vi tables put an empty table in its place and filled it then. In ' +
    'between, devices faulted on the parts of the page that nobody was changing.',
  behaviours: { splitOrder: 'installed-first' },
  scene: LARGE_PAGE,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['INV-ATOMIC'],
  fixes: ['2a758376f9'],
};
