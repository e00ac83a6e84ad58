import type { Bug } from '../bug.js';
import { ARM_GUEST } from '../scenes.js';

export const XSA_98: Bug = {
  id: 'XSA-98',
  title: 'Arm: Xen writes for a guest where the guest may only read',
  class: 'A',
  year: 2014,
  releases: 'before 4.5',
  mechanism:
    'What a hypercall answers is written into the guest’s memory through a mapping of Xen’s own. Whether the ' +
    'guest itself may write there was not asked: it could have Xen write pages that were granted to it for ' +
    'reading.',
  behaviours: { armGuestBuffer: 'any-memory' },
  scene: ARM_GUEST,
  bounds: { hotplug: false, operations: ['hypercall_output'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['0fbaa84f60', '278283cd0b'],
};
