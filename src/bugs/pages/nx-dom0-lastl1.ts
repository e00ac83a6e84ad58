import type { Bug } from '../bug.js';

export const NX_DOM0_LASTL1: Bug = {
  id: 'NX-DOM0-LASTL1',
  title: 'The last page table of a strict PV dom0 stays in its IOMMU tables',
  class: 'A',
  year: 2022,
  releases: 'up to 4.16, with a strict PV dom0',
  mechanism:
    'While it built dom0, Xen mapped pages for devices by taking a writable reference of each, and then wrote the types of ' +
    'the page tables directly. The last table was mapped before, and writing its type took no mapping away.',
  behaviours: { lastBootTable: 'stays-mapped' },
  scene: `
machine x86
ram 0x100..0x101
iommu vtd
dom0 strict pages=2 tables=1
device nic 0000:03:00.0
limits domains=1 grants=1 handles=1 va_slots=1
`,
  bounds: {},
  invariants: ['I2'],
  fixes: ['c1e1564c89'],
};
