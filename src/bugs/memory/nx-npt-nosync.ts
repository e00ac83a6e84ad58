import type { Bug } from '../bug.js';

/** A guest with a device and no page yet. */
const scene = `
machine x86
ram 0x100..0x102
iommu amdvi
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 gfns=2
createdomain guest hvm hap iommu max_pages=2
assign_device guest nic
`;

export const NX_NPT_NOSYNC: Bug = {
  id: 'NX-NPT-NOSYNC',
  title: 'A p2m in the format of page tables no longer reaches the IOMMU',
  class: 'A',
  year: 2019,
  releases: 'two weeks of the development of 4.13',
  mechanism:
    'A clean-up took the sharing of nested page tables out, and the hook that keeps separate IOMMU tables in sync ' +
    'with it. Pages that were given back stayed mapped for devices, and new ones never were.',
  behaviours: { nptIommuHook: 'none' },
  scene: scene,
  bounds: { refs: 0 },
  invariants: ['I3', 'REACH', 'INV-SYNC'],
  fixes: ['ee91a49a44'],
};
