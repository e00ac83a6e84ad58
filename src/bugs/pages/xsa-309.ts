import type { Bug } from '../bug.js';
import { PV_GUEST_OF_TABLES } from '../scenes.js';

export const XSA_309: Bug = {
  id: 'XSA-309',
  title: 'Linear page tables are counted anew when a validation is resumed',
  class: 'C',
  year: 2019,
  releases: '4.8 to 4.12, with the repair of XSA-240; mended in 4.12.2',
  mechanism:
    'Which tables lead to others of their level was known by a count, which was set to 0 whenever a validation began, also ' +
    'when one that had been preempted went on. A table that had been counted could then become part of a longer chain.',
  behaviours: { linearCountOnResume: 'reset' },
  scene: PV_GUEST_OF_TABLES,
  bounds: { refs: 0, levels: [4], vaSlots: 0, memory: false, steps: true, operations: ['mmu_update'] },
  invariants: ['LINEAR'],
  fixes: ['7473efd12f'],
  after: 'XSA-240',
};
