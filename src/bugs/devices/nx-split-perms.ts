import type { Bug } from '../bug.js';
import { LARGE_PAGE } from './scenes.js';

export const NX_SPLIT_PERMS: Bug = {
  id: 'NX-SPLIT-PERMS',
  title: 'The parts of a large page that is split may be read and written, whatever it allowed',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16',
  mechanism:
    'The entries that a large page was split into allowed everything. Unmapping one page of a read-only ' +
    'range made the rest of it writable for devices.',
  behaviours: { splitRights: 'all' },
  scene: LARGE_PAGE,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['INV-ATOMIC', 'REACH'],
  fixes: ['b8238afd07'],
};
