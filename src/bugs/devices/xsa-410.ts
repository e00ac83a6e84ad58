import type { Bug } from '../bug.js';

export const XSA_410: Bug = {
  id: 'XSA-410',
  title: 'Pages enter the p2m of a dying domain after it was emptied',
  class: 'A',
  year: 2022,
  releases: 'all before 4.17; mended in 4.13 to 4.16, too',
  mechanism:
    'Emptying the p2m of a domain that dies was one long step, and mapping pages into it went on being ' +
    'possible. What others mapped behind the emptied part kept its references for ever.',
  behaviours: { armPageAddedDying: 'performed' },
  scene: `
machine arm
ram 0x100..0x102
iommu smmu
dom0 pages=1
device nic /nic stream=1 withheld
limits domains=3 grants=1 handles=1 iotlb=4 gfns=3
createdomain granter iommu max_pages=1
populate_physmap granter 0x101 gfn=0
createdomain guest iommu max_pages=2
assign_device guest nic
`,
  bounds: {
    levels: [],
    refs: 0,
    vaSlots: 0,
    entries: 0,
    selfGrants: false,
    destroy: true,
    steps: true,
    hotplug: false,
    operations: ['add_to_physmap'],
  },
  invariants: ['I15', 'INV-REF', 'HEAP'],
  fixes: ['3ebe773293', '3202084566', 'ff600a8cf8', 'f50a2c0e1d', 'e7aa55c0aa', '8a2111250b'],
};
