import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const XSA_277: Bug = {
  id: 'XSA-277',
  title: 'Giving back a guest frame that has no memory leaves the p2m locked',
  class: 'A',
  year: 2018,
  releases: '4.11 and its branches’ last releases; mended in 4.12 and 4.11.1',
  mechanism:
    'To look up a guest frame takes the lock of the p2m. A test that was added for frames without memory returned ' +
    'at once, and left the lock behind for whoever comes next.',
  behaviours: { unmappedRemoval: 'keeps-lock' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false },
  invariants: ['LOCKS'],
  fixes: ['d80988cfc0'],
};
