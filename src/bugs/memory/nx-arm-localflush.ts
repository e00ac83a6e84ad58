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

export const NX_ARM_LOCALFLUSH: Bug = {
  id: 'NX-ARM-LOCALFLUSH',
  title: 'Arm: what is put over another domain’s page leaks its reference',
  class: 'B',
  year: 2014,
  releases: 'before 4.4',
  mechanism:
    'A new entry in the place of one for another domain’s page did not drop the reference that the old one held. ' +
    'The page could never be freed again, nor its owner end. (The same commit flushes all CPUs, where one was.)',
  behaviours: { foreignReplaced: 'leaked' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['add_to_physmap'] },
  invariants: ['INV-REF'],
  fixes: ['c938f5414b'],
};
