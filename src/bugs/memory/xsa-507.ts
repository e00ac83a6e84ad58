import type { Bug } from '../bug.js';
import { ON_DEMAND } from './scenes.js';

export const XSA_507: Bug = {
  id: 'XSA-507',
  title: 'Populate on demand takes frames that Xen shares for ordinary memory',
  class: 'A',
  year: 2026,
  releases: 'all before 4.22; mended in 4.17 and later branches',
  mechanism:
    'Pages that a guest gives back go into the cache for guest frames that wait for one. A frame that Xen shares ' +
    'with the guest went there, too, and was given out as memory while Xen used it.',
  behaviours: { podReclaim: 'any' },
  scene: ON_DEMAND,
  bounds: {
    refs: 0,
    hotplug: false,
    operations: ['populate_on_demand', 'add_to_physmap', 'decrease_reservation'],
  },
  invariants: ['POD'],
  fixes: ['372497ce42'],
};
