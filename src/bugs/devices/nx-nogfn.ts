import type { Bug } from '../bug.js';

export const NX_NOGFN: Bug = {
  id: 'NX-NOGFN',
  title: 'Pages without a guest frame number are mapped where the invalid one is',
  class: 'A',
  year: 2015,
  releases: '4.5; mended in 4.6',
  mechanism:
    'Filling a domain’s tables when its first device came, the walk took every page that the domain ' +
    'owned. Those that are in no p2m had INVALID_GFN for a number, and were mapped there for its devices.',
  behaviours: { latePagesWithoutGfn: 'mapped' },
  on: 'late-enable',
  scene: `
machine x86
ram 0x100..0x102
iommu vtd no-sharept
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=1
createdomain guest hvm hap max_pages=2
populate_physmap guest 0x101 gfn=0
`,
  bounds: {
    levels: [],
    refs: 0,
    vaSlots: 0,
    entries: 0,
    selfGrants: false,
    operations: ['populate_physmap'],
  },
  invariants: ['INV-SYNC', 'REACH'],
  fixes: ['7349efc695'],
};
