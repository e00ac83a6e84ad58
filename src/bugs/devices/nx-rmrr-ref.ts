import type { Bug } from '../bug.js';

export const NX_RMRR_REF: Bug = {
  id: 'NX-RMRR-REF',
  title: 'The first of two devices that leaves takes the reserved region that both need',
  class: 'A',
  year: 2014,
  releases: 'all before 4.5; mended in 4.4.1',
  mechanism:
    'Regions that two devices of a domain share were mapped once and not counted. When one device left, ' +
    'the region went with it, and the other device faulted on memory that its firmware needs.',
  behaviours: { reservedSharing: 'uncounted' },
  scene: `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
device disk 0000:04:00.0
reserved 0x80..0x80 nic also=disk
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I11'],
  fixes: ['dd52706177', '8b99f4400b', 'd41501fcf6'],
};
