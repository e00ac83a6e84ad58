import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_242: Bug = {
  id: 'XSA-242',
  title: 'Unlocking a page table drops its last reference, and what its entries hold stays held',
  class: 'C',
  year: 2017,
  releases: 'all before 4.10',
  mechanism:
    'While an entry is updated, the page table is locked by a type reference of its own. If its other references went ' +
    'meanwhile, unlocking dropped the last one without emptying the table, so that its pages could never be freed.',
  behaviours: { lockedTablePut: 'allowed' },
  scene: PV_GUEST_OF_TABLES,
  bounds: {
    steps: true,
    refs: 0,
    levels: [1],
    vaSlots: 0,
    operations: ['begin mmu_update'],
  },
  invariants: ['INV-REF'],
  fixes: ['6410733a8a'],
};
