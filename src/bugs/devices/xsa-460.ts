import type { Bug } from '../bug.js';

export const XSA_460: Bug = {
  id: 'XSA-460',
  title: 'What was mapped of a reserved region before an error is known to nobody',
  class: 'A',
  year: 2024,
  releases: '4.16 to 4.19; mended in all of them',
  mechanism:
    'The record of a reserved region was made when all of its pages were mapped. When one of them failed, ' +
    'those before it stayed mapped and no later unmap could find them.',
  behaviours: { reservedRecord: 'after-mapping' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
reserved 0x1..0x2 nic
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=3
createdomain guest hvm hap iommu max_pages=3
populate_physmap guest 0x101 gfn=0
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I11', 'REACH'],
  fixes: ['beadd68b54'],
};
