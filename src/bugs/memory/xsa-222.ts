import type { Bug } from '../bug.js';

/** A guest with one page of 2 MiB. */
const scene = `
machine x86
ram 0x200..0x3ff
dom0 pages=0
device nic 0000:03:00.0
limits domains=2 grants=0 gfns=1
createdomain guest hvm hap iommu max_pages=512
populate_physmap guest 0x200 gfn=0 order=9
assign_device guest nic
`;

export const XSA_222: Bug = {
  id: 'XSA-222',
  title: 'A page that could not be taken out of the p2m is freed',
  class: 'A',
  year: 2017,
  releases: 'all before 4.10',
  mechanism:
    'To take a page out of the middle of a larger one needs memory for a table, and can fail. Those who gave the ' +
    'page back did not look, and freed what the guest still had.',
  behaviours: { failedRemoval: 'ignored' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, failures: 1 },
  invariants: ['I3', 'REACH', 'P2M'],
  fixes: ['a0cce6048d', 'b614f642c3'],
};
