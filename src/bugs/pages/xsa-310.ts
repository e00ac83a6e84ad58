import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_310: Bug = {
  id: 'XSA-310',
  title: 'A page table that is emptied half-way when its domain dies lacks a reference',
  class: 'C',
  year: 2019,
  releases: '4.8 to 4.12, with the repair of XSA-299; mended in 4.12.2 and 4.13',
  mechanism:
    'A table that is partly validated holds a type reference for that. When emptying one was interrupted in the death of its ' +
    'domain, the table was marked so without taking the reference, and dropping it later brought the count below 0.',
  behaviours: { partialTeardown: 'uncounted' },
  scene: PV_GUEST_OF_TABLES,
  bounds: {
    refs: 0,
    levels: [4],
    vaSlots: 0,
    entries: 2,
    memory: false,
    destroy: true,
    operations: ['mmu_update'],
  },
  invariants: ['BUG'],
  fixes: ['66bdc16aee', '4e70f4476c', 'ececa12b2c'],
  after: 'XSA-299b',
};
