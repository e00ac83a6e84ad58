import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const XSA_92: Bug = {
  id: 'XSA-92',
  title: 'The type of memory, given to a guest frame that has none',
  class: 'A',
  year: 2014,
  releases: 'up to 4.4; mended in 4.4.1',
  mechanism:
    'The device model of a guest may change the type of its memory. A hole that was made memory got an entry that ' +
    'leads to a frame of all ones, for devices too.',
  behaviours: { typeOfHoles: 'set' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['set_mem_type'] },
  invariants: ['REACH'],
  fixes: ['83bb5eb4d3'],
};
