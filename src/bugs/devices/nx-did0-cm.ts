import type { Bug } from '../bug.js';

export const NX_DID0_CM: Bug = {
  id: 'NX-DID0-CM',
  title: 'A VT-d unit in caching mode is made to forget what was absent under domain id 0',
  class: 'B',
  year: 2021,
  releases: '4.12 to 4.16, on emulated units',
  mechanism:
    'A unit that caches what is not present does so under the domain’s id, while Xen flushed such entries ' +
    'under id 0. The device went on faulting on a page that had been mapped for it.',
  behaviours: { vtdAbsentTag: 'domain-zero' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
unit dmar0 caching-mode
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
assign_device guest nic
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false, hotplug: false },
  invariants: ['I4'],
  fixes: ['b111a41acd', 'c5c84e9766'],
};
