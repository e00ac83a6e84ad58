import type { Bug } from '../bug.js';
import { ARM_GUEST } from '../scenes.js';

export const NX_ARM_SETWAY: Bug = {
  id: 'NX-ARM-SETWAY',
  title: 'Arm: following a guest’s accesses takes its memory from its devices',
  class: 'A',
  year: 2021,
  releases: '4.12 to 4.15; mended in 4.14.4 and 4.15.2',
  mechanism:
    'To follow what a guest accesses after a cache operation by set and way, Xen made its p2m invalid until the ' +
    'CPU comes there. A device that walks the same p2m cannot make it valid again, and faults.',
  behaviours: { armSetWay: 'p2m-invalidated' },
  scene: ARM_GUEST,
  bounds: { refs: 0, operations: ['clean_by_set_way'] },
  invariants: ['INV-SYNC'],
  fixes: ['2b45ff6030', '14c57887f3'],
};
