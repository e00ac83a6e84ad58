import type { Bug } from '../bug.js';

export const XSA_58: Bug = {
  id: 'XSA-58',
  title: 'A page table is freed before what its entries hold has been given back',
  class: 'C',
  year: 2013,
  releases: 'with the repair of XSA-45; mended in 4.3',
  mechanism:
    'Since XSA-45 was mended, what a table holds that turned out to be none is given back later, so that this can be preempted. ' +
    'Nothing held the table until then, and its owner could have it freed in between.',
  behaviours: { deferredCleanup: 'unreferenced' },
  scene: `
machine x86
ram 0x101..0x102
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=2
populate_physmap guest 0x101
populate_physmap guest 0x102
`,
  bounds: { steps: true, refs: 0, entries: 2, vaSlots: 0, levels: [2] },
  invariants: ['BUG'],
  fixes: ['b8efae696c', '9b167bd2f3'],
  after: 'XSA-45',
};
