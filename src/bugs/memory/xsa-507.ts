import type { Bug } from '../bug.js';

/** A guest with a page, one that can be populated on demand. */
const scene = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap max_pages=3
populate_physmap guest 0x101 gfn=0
`;

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
  scene: scene,
  bounds: {
    refs: 0,
    hotplug: false,
    operations: ['populate_on_demand', 'add_to_physmap', 'decrease_reservation'],
  },
  invariants: ['POD'],
  fixes: ['372497ce42'],
};
