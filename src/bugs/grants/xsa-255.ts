import type { Bug } from '../bug.js';
import { HVM_WITH_DEVICE, ONLY_GRANTS } from './scenes.js';

export const XSA_255: Bug = {
  id: 'XSA-255',
  title: 'Status frames are freed while they are mapped',
  class: 'A',
  year: 2018,
  releases: 'all before 4.11; mended in 4.6 to 4.10',
  mechanism:
    'Going back to version 1 freed the frames that hold the statuses of version 2 without asking who has them ' +
    'mapped. The guest, and its devices, kept a frame that went to somebody else.',
  behaviours: { statusFramesAtVersion1: 'freed' },
  scene: HVM_WITH_DEVICE,
  bounds: { ...ONLY_GRANTS, refs: 0, operations: ['grant_set_version', 'add_to_physmap'] },
  invariants: ['REACH', 'I3', 'BUG'],
  fixes: ['38bfcc165d', '9d2f8f9c65'],
};
