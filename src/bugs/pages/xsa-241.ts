import type { Bug } from '../bug.js';

export const XSA_241: Bug = {
  id: 'XSA-241',
  title: 'A page is stamped with a time that is over',
  class: 'C',
  year: 2017,
  releases: 'all before 4.10',
  mechanism:
    'Flushes are left out for CPUs that have flushed since a page was stamped, when its last type reference went. The time was ' +
    'read before it was stored: a flush in between seemed to come later, though the page was mapped and used after it.',
  behaviours: { stampTime: 'read-before' },
  scene: `
machine x86
ram 0x100..0x101
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=2 cpu_tlb=4
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: {
    steps: true,
    refs: 0,
    levels: [1],
    vaSlots: 2,
    memory: false,
    operations: ['begin update_va_mapping'],
  },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['23a183607a'],
};
