import type { Bug } from '../bug.js';

/** Two Arm guests: the toolstack can show one a page of the other. */
const scene = `
machine arm
ram 0x100..0x103
dom0 pages=1
device nic /ethernet@ff0e0000 stream=0x877 withheld
limits domains=3 grants=0 gfns=2
createdomain guest iommu max_pages=1
createdomain other max_pages=1
populate_physmap guest 0x101 gfn=0
populate_physmap other 0x102 gfn=0
assign_device guest nic
`;

export const NX_FOREIGN_REF: Bug = {
  id: 'NX-FOREIGN-REF',
  title: 'Arm: an entry for another domain’s page holds no reference of it',
  class: 'A',
  year: 2013,
  releases: '4.3; one path up to 4.14',
  mechanism:
    'A guest frame can be made to lead to a page of another domain. When the entry holds no reference, the page’s ' +
    'owner can give it back, and the next owner shares it with a stranger and its devices.',
  behaviours: { foreignReference: 'none' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['P2M', 'REACH', 'I4', 'FREED'],
  fixes: ['84f29a98dc', '4922caf1de', '3e2121ce47'],
};
