import type { Bug } from '../bug.js';

/** A guest, without a page yet, behind a unit that does not snoop caches. */
const scene = `
machine x86
ram 0x100..0x102
unit dmar non-coherent
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap iommu max_pages=2
assign_device guest nic
`;

export const XSA_321: Bug = {
  id: 'XSA-321',
  title: 'What Xen writes into a shared p2m stays in the CPU’s cache',
  class: 'D',
  year: 2020,
  releases: 'all before 4.14; mended in 4.9 and later branches',
  mechanism:
    'Tables that the IOMMU shares with the p2m were written and not written back. A unit that does not snoop ' +
    'caches goes on with the old entry, whatever it is told to forget.',
  behaviours: { sharedEptCaches: 'left-dirty' },
  scene: scene,
  bounds: { refs: 0, hotplug: false },
  invariants: ['REACH', 'I4', 'INV-SYNC', 'FREED'],
  fixes: ['c23274fd04', 'b6d9398144', '5fe515a0fe', 'a64ea16522'],
};
