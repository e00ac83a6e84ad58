import type { Bug } from '../bug.js';
import { ARM_NEIGHBOUR } from './scenes.js';

export const NX_FOREIGN_REF: Bug = {
  id: 'NX-FOREIGN-REF',
  title: 'Arm: an entry for another domain’s page holds no reference of it',
  class: 'A',
  year: 2013,
  releases: '4.3; one path up to 4.14',
  mechanism:
    'A guest frame can be made to lead to a page of another domain. When the entry holds no reference, the page’s ' +
    'owner can give it back, and the next owner shares it with a stranger and its devices.',
  behaviours: { foreignReference: 'none' },
  scene: ARM_NEIGHBOUR,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['P2M', 'REACH', 'I4', 'FREED'],
  fixes: ['84f29a98dc', '4922caf1de', '3e2121ce47'],
};
