import type { Bug } from '../bug.js';

export const XSA_378C: Bug = {
  id: 'XSA-378c',
  title: 'Guests remove or replace the entries of their p2m that a device’s firmware needs',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16; mended in 4.11 to 4.15, too',
  mechanism:
    'Memory operations meant for RAM took identity entries of reserved regions out of the p2m, or put ' +
    'other pages there. The device then faulted or reached something else, while Xen’s record said that ' +
    'the region was mapped.',
  behaviours: { typedEntryGuard: 'grants' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
reserved 0x1..0x1 nic
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=3
createdomain guest hvm hap iommu max_pages=3
populate_physmap guest 0x101 gfn=0
assign_device guest nic
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, hotplug: false },
  invariants: ['I11', 'INV-SYNC'],
  fixes: ['753cb68e65', '0bf755e2c8', '111469cc7b'],
};
