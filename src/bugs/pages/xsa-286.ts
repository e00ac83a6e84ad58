import type { Bug } from '../bug.js';

export const XSA_286: Bug = {
  id: 'XSA-286',
  title: 'Xen finds a guest’s page tables by what the CPU remembers of them',
  class: 'B',
  year: 2020,
  releases: 'all before 4.15; mended in 4.14.1',
  mechanism:
    'Xen reaches the page tables that a PV guest runs on through a mapping made of those tables themselves. After a change ' +
    'of an upper level nothing flushed it, so that Xen could look at and write another table than the guest now has there.',
  behaviours: { upperLevelFlush: 'no' },
  scene: `
machine x86
ram 0x101..0x105
limits domains=2 grants=1 handles=1 va_slots=1 cpu_tlb=4
createdomain guest max_pages=5
populate_physmap guest 0x101
populate_physmap guest 0x102
populate_physmap guest 0x103
populate_physmap guest 0x104
populate_physmap guest 0x105
# The tables that it runs on, as its builder makes them.
mmu_update guest 0x102[0] 0x101 rw
mmu_update guest 0x103[0] 0x102 rw
mmu_update guest 0x104[0] 0x103 rw
new_baseptr guest 0x104
`,
  bounds: { refs: 0, levels: [1], vaSlots: 0, memory: false, operations: ['update_linear_mapping'] },
  invariants: ['STALE-TABLE'],
  fixes: ['16a20963b3'],
};
