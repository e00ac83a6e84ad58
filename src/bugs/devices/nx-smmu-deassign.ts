import type { Bug } from '../bug.js';

export const NX_SMMU_DEASSIGN: Bug = {
  id: 'NX-SMMU-DEASSIGN',
  title: 'A device behind an SMMU that was taken from a domain never translates again',
  class: 'A',
  year: 2022,
  releases: 'Arm, 4.15 and 4.16',
  mechanism:
    'Taking a device from a domain gave back its stream mapping registers, which were set up when the ' +
    'device was found and never again. The next owner’s device matched no stream and faulted.',
  behaviours: { smmuStreamMappings: 'lost-on-detach' },
  scene: `
machine arm
ram 0x100..0x102
iommu smmu
dom0 pages=1
device nic /nic stream=1 withheld
limits domains=2 grants=1 handles=1 iotlb=4 gfns=2
createdomain guest iommu max_pages=2
populate_physmap guest 0x101 gfn=0
`,
  bounds: { levels: [], refs: 0, vaSlots: 0, entries: 0, selfGrants: false },
  invariants: ['OWNED'],
  fixes: ['fc151829ba', 'c7669d3652', 'f96dfde845', 'a12d2d90d3', '9f6cd49837'],
};
