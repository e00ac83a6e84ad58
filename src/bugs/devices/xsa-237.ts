import type { Bug } from '../bug.js';
import { BARE_GUEST } from './scenes.js';

export const XSA_237: Bug = {
  id: 'XSA-237',
  title: 'A guest sets up the interrupts of a device that is not its own',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10; mended in 4.5 to 4.9, too',
  mechanism:
    'Setting up message-signalled interrupts looked for the device, and not for whose it was. A guest ' +
    'could have the interrupts of a device of another domain’s, and program it.',
  behaviours: { pirqOwner: 'any' },
  scene: BARE_GUEST,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, operations: ['map_pirq'] },
  invariants: ['PIRQ'],
  fixes: ['db72faf69c', '3308374b1b', 'a46126fec2', '573ac7b22a', '6f17f5c43a'],
};
