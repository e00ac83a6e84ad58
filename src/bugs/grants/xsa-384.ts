import type { Bug } from '../bug.js';
import { HVM_WITH_STATUS_FRAMES } from './scenes.js';

export const XSA_384: Bug = {
  id: 'XSA-384',
  title: 'A status frame is freed on its way into the p2m',
  class: 'C',
  year: 2021,
  releases: 'all before 4.16; mended in 4.13.4, 4.14.3, 4.15.1',
  mechanism:
    'The frame to be added was looked up under the grant table’s lock, and used after the lock was dropped. ' +
    'Going back to version 1 in between freed it, and the guest got a frame of somebody else’s.',
  behaviours: { statusFrameAdded: 'referenced', statusFrameReference: 'none' },
  scene: HVM_WITH_STATUS_FRAMES,
  bounds: { onlyOperations: true, operations: ['begin add_to_physmap', 'grant_set_version'] },
  invariants: ['REACH', 'P2M'],
  fixes: ['eb6bbf7b30'],
  after: 'XSA-379',
};
