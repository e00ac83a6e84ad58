import type { Bug } from '../bug.js';

/** An Arm guest without a device. */
const scene = `
machine arm
ram 0x100..0x102
dom0 pages=1
limits domains=2 grants=0 gfns=2
createdomain guest max_pages=2
populate_physmap guest 0x101 gfn=0
`;

export const XSA_393: Bug = {
  id: 'XSA-393',
  title: 'Arm: an entry that was set aside is not cleared when its page goes',
  class: 'A',
  year: 2021,
  releases: '4.12 to 4.16; mended in 4.12 and later branches',
  mechanism:
    'Xen makes entries invalid to see what a guest accesses, and takes them for valid itself. A removal looked at ' +
    'the bit of the hardware: the page was freed, its entry stayed, and the guest’s next access made it valid ' +
    'again.',
  behaviours: { armRemoval: 'hardware-valid' },
  scene: scene,
  bounds: { refs: 0, operations: ['clean_by_set_way', 'cpu_access'] },
  invariants: ['P2M'],
  fixes: ['a428b913a0'],
};
