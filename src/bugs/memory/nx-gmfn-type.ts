import type { Bug } from '../bug.js';
import { HVM_SHARED } from '../scenes.js';

export const NX_GMFN_TYPE: Bug = {
  id: 'NX-GMFN-TYPE',
  title: 'Moving a page in the p2m makes it writable',
  class: 'A',
  year: 2025,
  releases: 'all before 4.22; mended in 4.19.5, 4.20.3 and 4.21.1',
  mechanism:
    'A page that moves in a p2m arrives as memory for reading and writing, whatever it was before. So a guest ' +
    'that may only read a page could move it, and write it.',
  behaviours: { movedPageType: 'any' },
  scene: HVM_SHARED,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap', 'set_mem_type'] },
  invariants: ['MOVED'],
  fixes: ['c9491ea21a'],
};
