import type { Bug } from '../bug.js';

export const XSA_287: Bug = {
  id: 'XSA-287',
  title: 'A page that is being exchanged is allocated and nobody’s',
  class: 'C',
  year: 2019,
  releases: 'all before 4.12; mended in 4.11.2',
  mechanism:
    'While it was stolen from its owner for an exchange or a transfer, a page kept the reference of its allocation and had no ' +
    'owner. Who looked it up got a reference and was told that there was no owner, and so never gave it back.',
  behaviours: { stolenPage: 'allocated' },
  scene: `
machine x86
ram 0x100..0x102
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: { steps: true, refs: 0, levels: [1], operations: ['begin memory_exchange'] },
  invariants: ['INV-REF'],
  fixes: ['3d4868a481'],
};
