import type { Bug } from '../bug.js';

export const XSA_378A: Bug = {
  id: 'XSA-378a',
  title: 'AMD-Vi maps all memory between a device’s reserved ranges',
  class: 'A',
  year: 2021,
  releases: 'all before 4.16; mended in 4.11 to 4.15, too',
  mechanism:
    'When firmware listed several ranges for a device, the driver extended one range to hold all of them. ' +
    'Everything in between was mapped one to one for the guest that got the device, with the rights of ' +
    'the last.',
  behaviours: { unityRanges: 'merged', reservedRecord: 'vtd-only' },
  scene: `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
reserved 0xff..0xff nic access=ro
reserved 0x103..0x103 nic
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4
createdomain guest iommu max_pages=2
populate_physmap guest 0x101
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['REACH'],
  deeper: 2,
  fixes: ['34750a3eb0', 'b02c5c8898', '8ea80530cd'],
};
