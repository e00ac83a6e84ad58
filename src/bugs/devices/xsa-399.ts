import type { Bug } from '../bug.js';

export const XSA_399: Bug = {
  id: 'XSA-399',
  title: 'A domain id that is given back takes its next holder’s record with it',
  class: 'C',
  year: 2022,
  releases: '4.12 to 4.16; mended in all of them',
  mechanism:
    'Giving back a VT-d domain id freed the id first and cleared the record of who had it afterwards. A ' +
    'domain that got the id in between lost its record, so that nothing was invalidated for it any more.',
  behaviours: { domainIdCleanup: 'id-first' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
unit dmar0 domain_ids=256
dom0 pages=1
device nic 0000:03:00.0
device disk 0000:04:00.0
limits domains=3 grants=1 handles=1 va_slots=1 iotlb=4
createdomain guest iommu max_pages=1
createdomain other iommu max_pages=1
populate_physmap other 0x101
assign_device guest nic
`,
  bounds: {
    levels: [],
    refs: 0,
    vaSlots: 0,
    entries: 0,
    selfGrants: false,
    hotplug: false,
    onlyOperations: true,
    operations: ['begin destroydomain', 'assign_device'],
  },
  invariants: ['INV-DID', 'I4'],
  fixes: ['d9eca7bb6c'],
};
