import type { Bug } from '../bug.js';
import { ARM_BACKEND } from './scenes.js';

export const XSA_235: Bug = {
  id: 'XSA-235',
  title: 'Arm: asking for a frame that a grant table does not have locks the table for ever',
  class: 'A',
  year: 2017,
  releases: '4.5 to 4.9',
  mechanism:
    'Two error paths of adding a frame of the grant table to a p2m returned without dropping the table’s lock. ' +
    'Whoever needs the table next hangs, and takes a CPU of the host along.',
  behaviours: { armNoGrantFrame: 'keeps-lock' },
  scene: ARM_BACKEND,
  bounds: { onlyOperations: true, operations: ['add_to_physmap'] },
  invariants: ['LOCKS'],
  fixes: ['59546c1897'],
};
