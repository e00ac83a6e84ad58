import type { Bug } from '../bug.js';

/** A guest without a page. */
const scene = `
machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=0 gfns=2
createdomain guest hvm hap max_pages=3
`;

export const XSA_31_158: Bug = {
  id: 'XSA-31/158',
  title: 'Memory operations of any order',
  class: 'A',
  year: 2012,
  releases: 'before 4.3; the limits were mended again in 4.7',
  mechanism:
    'The order of an extent was not bounded where no memory is allocated for it. To make so many guest frames ' +
    'wait for pages keeps a CPU from everybody.',
  behaviours: { podOrderLimit: 'none' },
  scene: scene,
  bounds: { refs: 0, hotplug: false, operations: ['populate_on_demand'], orders: [24] },
  invariants: ['INV-PROGRESS'],
  fixes: ['8f5a6d9790', '4a578b316e', 'ff841cead2'],
};
