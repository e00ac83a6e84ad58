import type { Bug } from '../bug.js';

/** A guest with one small page, and room for a large one. */
const scene = `
machine x86
ram 0x200..0x3ff
ram 0x1000..0x1000
dom0 pages=0
device nic 0000:03:00.0
limits domains=2 grants=0 gfns=1
createdomain guest hvm hap iommu max_pages=600
populate_physmap guest 0x1000 gfn=0
assign_device guest nic
`;

export const XSA_480: Bug = {
  id: 'XSA-480',
  title: 'A table of an EPT is given back while the flush of its entry is to come',
  class: 'B',
  year: 2026,
  releases: '4.17 to 4.21',
  mechanism:
    'Flushes of an EPT are put off until its lock is dropped. A clean-up took out the flush before a table is ' +
    'given back that a larger page took the place of, so that the table was used for something else while it was ' +
    'walked.',
  behaviours: { eptReplacedTable: 'before-flush' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['populate_physmap'], orders: [9] },
  invariants: ['FREED'],
  fixes: ['4bc2e5333a'],
};
