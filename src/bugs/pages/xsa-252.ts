import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_252: Bug = {
  id: 'XSA-252',
  title: 'Giving a pinned page table back unpins it, in one go',
  class: 'A',
  year: 2018,
  releases: 'all before 4.11',
  mechanism:
    'decrease_reservation of a page that was pinned as a page table dropped the pin as well, as the death of a domain does. ' +
    'With it everything below was emptied, and nothing looked whether something else wanted the CPU.',
  behaviours: { decreasePinned: 'unpins' },
  scene: PV_GUEST_OF_TABLES,
  bounds: { refs: 0, levels: [2], vaSlots: 0, entries: 2 },
  invariants: ['INV-PROGRESS'],
  fixes: ['d798a09529'],
};
