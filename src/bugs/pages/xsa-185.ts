import type { Bug } from '../bug.js';

export const XSA_185: Bug = {
  id: 'XSA-185',
  title: 'The L3 table of a 32-bit guest leads to itself, writable',
  class: 'A',
  year: 2016,
  releases: 'all before 4.8',
  mechanism:
    'A read-only entry of a page table for the table itself is legal. Xen makes every L3 entry of a 32-bit guest writable, ' +
    'since the guest really runs on four levels, and forgot that it thereby lets the guest write its page tables.',
  behaviours: { l3Recursion: 'allowed' },
  scene: `
machine x86
ram 0x101..0x102
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=2
set_address_size guest 32
populate_physmap guest 0x101
populate_physmap guest 0x102
`,
  bounds: { refs: 0, levels: [3], vaSlots: 0, entries: 4, memory: false, operations: ['mmu_update'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['c844d637d9'],
};
