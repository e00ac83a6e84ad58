import type { Bug } from '../bug.js';

export const XSA_285: Bug = {
  id: 'XSA-285',
  title: 'A page becomes a page table while the late walk is mapping it for devices',
  class: 'C',
  year: 2019,
  releases: 'all before 4.12; mended in 4.11.2; 4.13 has no late walk any more',
  mechanism:
    'When the first device of a running PV guest was assigned, Xen looked at each page’s type once and then mapped it if it ' +
    'was writable. A page that the guest made a page table in between stayed mapped, as there had been nothing to unmap yet.',
  behaviours: { lateMapRecheck: 'no' },
  on: 'late-enable',
  scene: `
machine x86
ram 0x100..0x101
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: { refs: 0, entries: 0, levels: [1] },
  invariants: ['I2'],
  deeper: 2,
  fixes: ['1f0b0bb777'],
};
