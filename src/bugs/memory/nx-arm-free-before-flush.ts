import type { Bug } from '../bug.js';

/** An Arm guest with a device that is shown a page of another guest. */
const scene = `
machine arm
ram 0x100..0x101
dom0 pages=0
device nic /ethernet@ff0e0000 stream=0x877 withheld
limits domains=3 grants=0 gfns=1
createdomain guest iommu max_pages=1
createdomain other max_pages=1
populate_physmap other 0x100 gfn=0
assign_device guest nic
`;

export const NX_ARM_FREE_BEFORE_FLUSH: Bug = {
  id: 'NX-ARM-FREE-BEFORE-FLUSH',
  title: 'Arm: what an entry led to is given back before the IOMMU is flushed',
  class: 'B',
  year: 2019,
  releases: 'up to 4.12; mended in 4.11.3 and 4.12.2',
  mechanism:
    'A p2m entry that is replaced gives back the tables below it, or its reference of another domain’s page. It ' +
    'did so after the flush of the CPUs and before that of the IOMMU: devices still wrote what was free.',
  behaviours: { armReplacedEntry: 'before-flush' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['FREED'],
  fixes: ['6718787797'],
};
