import type { Bug } from '../bug.js';

/** A guest with a device and no page yet. */
const scene = `
machine x86
ram 0x100..0x102
iommu vtd no-sharept
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 gfns=2
createdomain guest hvm hap iommu max_pages=2
assign_device guest nic
`;

export const NX_ADDPAGE_RC: Bug = {
  id: 'NX-ADDPAGE-RC',
  title: 'A page that could not be put into the p2m is reported as given',
  class: 'A',
  year: 2021,
  releases: 'up to 4.15',
  mechanism:
    'Whether a page could be made known to its new owner was not looked at. The caller was told of a success, and ' +
    'goes on with a page that no CPU and no device of the domain can reach.',
  behaviours: { failedAdd: 'ignored' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, failures: 1, failuresWithin: 2 },
  invariants: ['INV-CONTRACT'],
  fixes: ['a16cf950fc'],
};
