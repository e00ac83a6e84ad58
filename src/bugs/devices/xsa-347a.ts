import type { Bug } from '../bug.js';

export const XSA_347A: Bug = {
  id: 'XSA-347a',
  title: 'An entry of live AMD-Vi tables is written in parts',
  class: 'C',
  year: 2020,
  releases: 'all before 4.15; mended in 4.10 to 4.14, too',
  mechanism:
    'Entries in use were written field by field, in an order that was the compiler’s. In between, a ' +
    'device could reach the new frame with the rights that it had to the old one.',
  behaviours: { entryWrites: 'by-halves' },
  scene: `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
limits domains=3 grants=1 handles=1 va_slots=1 iotlb=4 gfns=1
createdomain guest hvm hap iommu max_pages=1
populate_physmap guest 0x101 gfn=0
createdomain granter max_pages=1
populate_physmap granter 0x102
assign_device guest nic
`,
  bounds: {
    levels: [],
    refs: 1,
    vaSlots: 0,
    entries: 0,
    selfGrants: false,
    operations: ['grant', 'map_grant_ref'],
    onlyOperations: true,
    handles: 1,
  },
  invariants: ['INV-ATOMIC'],
  fixes: ['3b055121c5'],
};
