import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_45: Bug = {
  id: 'XSA-45',
  title: 'Whole trees of page tables are validated and emptied in one go',
  class: 'A',
  year: 2013,
  releases: 'all before 4.3',
  mechanism:
    'When a guest pinned a page table, unpinned it or changed to another, everything below it was gone through without a ' +
    'look whether something else wanted the CPU. With a large tree the host stood still for as long.',
  behaviours: { pageTableWork: 'in-one-go' },
  scene: PV_GUEST_OF_TABLES,
  bounds: { refs: 0, levels: [2], vaSlots: 0, entries: 2 },
  invariants: ['INV-PROGRESS'],
  fixes: ['6cdc9be2a5', 'a3e049f8e8', 'e2e6b7b627', 'b8efae696c', '9b167bd2f3'],
};
