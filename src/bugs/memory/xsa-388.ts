import type { Bug } from '../bug.js';

/** A guest of which the first 512 guest frames wait for pages, and the next has one. */
const scene = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap max_pages=3
populate_physmap guest 0x101 gfn=0x200
populate_on_demand guest gfn=0 order=9
`;

export const XSA_388: Bug = {
  id: 'XSA-388',
  title: 'Populate on demand: a range that is not aligned touches what is beside it',
  class: 'A',
  year: 2021,
  releases: '4.11 to 4.15; mended in 4.12 and later branches',
  mechanism:
    'Of guest frames that are given back, those that wait for a page were counted entry by entry, as if the range ' +
    'began where an entry does. So a page beside the entry was taken for one that waits, and removed uncounted.',
  behaviours: { podPieces: 'as-asked' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['decrease_reservation'], orders: [9] },
  invariants: ['POD', 'INV-M2P'],
  fixes: ['182c737b9b', '8ec13f68e0'],
};
