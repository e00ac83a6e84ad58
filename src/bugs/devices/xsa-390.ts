import type { Bug } from '../bug.js';

export const XSA_390: Bug = {
  id: 'XSA-390',
  title: 'A VT-d unit with fewer levels is given the root of tables that it shares',
  class: 'D',
  year: 2021,
  releases: '4.15; mended in 4.16 and 4.15.2',
  mechanism:
    'A unit of three levels must begin at the table below the root. For tables shared with the p2m that ' +
    'step was left out, so the unit took the root for a table of the level below and resolved every ' +
    'address one level off.',
  behaviours: { sharedRootLevels: 'as-it-is' },
  scene: `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
unit dmar0 levels=3
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=3
createdomain guest hvm hap iommu max_pages=3
populate_physmap guest 0x101 gfn=0
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['I9', 'REACH'],
  fixes: ['02b46377b6'],
};
