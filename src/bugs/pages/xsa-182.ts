import type { Bug } from '../bug.js';

export const XSA_182: Bug = {
  id: 'XSA-182',
  title: 'A linear page table becomes writable by an update that nobody looks at',
  class: 'A',
  year: 2016,
  releases: 'all before 4.8',
  mechanism:
    'An update that left an entry of an L2, L3 or L4 its frame was taken to change nothing that matters, whatever its flags. ' +
    'A read-only entry of a table for itself is legal, and could be made writable so: the guest then wrote its page tables.',
  behaviours: { entryFastPath: 'same-frame' },
  scene: `
machine x86
ram 0x100..0x101
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: { refs: 0, operations: ['mmu_update'] },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['e1bff4c2ea'],
};
