import type { Bug } from '../bug.js';

export const XSA_311: Bug = {
  id: 'XSA-311',
  title: 'AMD-Vi tables that grow lose the levels made before memory runs out',
  class: 'A',
  year: 2019,
  releases: 'all before 4.14; mended in 4.8 to 4.13, too',
  mechanism:
    'The tables of a translated domain grew upwards when an address had no place in them. When the second ' +
    'new level could not be had, the first was linked to nothing and lost.',
  behaviours: { amdGrowth: 'at-the-end' },
  on: '4.12',
  scene: `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=1
createdomain guest hvm hap max_pages=1
assign_device guest nic
`,
  bounds: {
    levels: [],
    refs: 0,
    vaSlots: 0,
    entries: 0,
    selfGrants: false,
    failures: 1,
    failuresWithin: 8,
    hotplug: false,
    operations: ['populate_physmap'],
  },
  invariants: ['HEAP'],
  fixes: ['b4f042236a', 'b75b3c62fe'],
};
