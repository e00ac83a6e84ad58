import type { Bug } from '../bug.js';

/** A guest with devices behind two units. */
const scene = `
machine x86
ram 0x100..0x102
iommu vtd no-sharept
unit near devices=nic
unit far
dom0 pages=1
device nic 0000:03:00.0
device disk 0000:04:00.0
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap iommu max_pages=2
populate_physmap guest 0x101 gfn=0
assign_device guest nic
assign_device guest disk
`;

export const NX_MULTI_IOMMU_ERR: Bug = {
  id: 'NX-MULTI-IOMMU-ERR',
  title: 'The last IOMMU’s answer to a flush hides the error of another',
  class: 'B',
  year: 2021,
  releases: 'up to 4.15; mended in 4.13.4, 4.14.3 and 4.15.1',
  mechanism:
    'A domain with devices behind several units is flushed from all of them, and only what the last one answered ' +
    'was kept. So a page was freed that the first unit still remembered.',
  behaviours: { vtdFlushStatus: 'last-unit' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, failures: 1 },
  invariants: ['FREED', 'REACH'],
  fixes: ['e7059776f9'],
};
