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

export const XSA_30: Bug = {
  id: 'XSA-30',
  title: 'Making guest frames wait for pages leaves the p2m locked where it fails',
  class: 'A',
  year: 2012,
  releases: 'before 4.3',
  mechanism:
    'Guest frames that have memory cannot be made to wait for a page. The way out of the function that found so ' +
    'went past the unlock, and a guest could take it itself.',
  behaviours: { podMarkError: 'keeps-lock' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['populate_on_demand'] },
  invariants: ['LOCKS'],
  fixes: ['54c82f9962'],
};
