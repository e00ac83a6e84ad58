import type { Bug } from '../bug.js';
import { ARM_NEIGHBOUR } from './scenes.js';

export const NX_ARM_LOCALFLUSH: Bug = {
  id: 'NX-ARM-LOCALFLUSH',
  title: 'Arm: what is put over another domain’s page leaks its reference',
  class: 'B',
  year: 2014,
  releases: 'before 4.4',
  mechanism:
    'A new entry in the place of one for another domain’s page did not drop the reference that the old one held. ' +
    'The page could never be freed again, nor its owner end. (The same commit flushes all CPUs, where one was.)',
  behaviours: { foreignReplaced: 'leaked' },
  scene: ARM_NEIGHBOUR,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['INV-REF'],
  fixes: ['c938f5414b'],
};
