import type { Bug } from '../bug.js';

export const XSA_113: Bug = {
  id: 'XSA-113',
  title: 'A refused MACHPHYS_UPDATE keeps the page',
  class: 'A',
  year: 2014,
  releases: 'all before 4.5',
  mechanism:
    'A reference of the page was taken before it was looked whether its owner is translated, for whom the operation is ' +
    'refused, and was not given back then. Who may manage such a domain could make its pages stay for ever.',
  behaviours: { machphysRefusal: 'keeps-reference' },
  scene: `
machine x86
ram 0x100..0x102
dom0 pages=1
limits domains=2 grants=1 handles=1 gfns=2
createdomain guest hvm hap max_pages=2
populate_physmap guest 0x101 gfn=0
`,
  bounds: { operations: ['machphys_update'] },
  invariants: ['INV-REF'],
  fixes: ['6913fa31fa'],
};
