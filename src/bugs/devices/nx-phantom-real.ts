import type { Bug } from '../bug.js';

export const NX_PHANTOM_REAL: Bug = {
  id: 'NX-PHANTOM-REAL',
  title: 'A function that really is there is taken for another’s phantom',
  class: 'A',
  year: 2022,
  releases: '4.3 to 4.16; mended in 4.15 and 4.16, too',
  mechanism:
    'A stride of phantom functions given on the command line reached over functions that exist. Assigning ' +
    'the device then pointed the other function’s entry, too, at the guest’s tables, while dom0 owned it.',
  behaviours: { phantomFunctions: 'by-stride' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 strict pages=1
device nic 0000:03:00.0 phantom=4
device disk 0000:03:00.4
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I9', 'REACH'],
  fixes: ['444b555dc9'],
};
