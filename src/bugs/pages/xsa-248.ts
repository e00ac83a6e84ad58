import type { Bug } from '../bug.js';

export const XSA_248: Bug = {
  id: 'XSA-248',
  title: 'Pages in which Xen notes things of a domain belong to the domain',
  class: 'A',
  year: 2017,
  releases: 'all before 4.11',
  mechanism:
    'Pages that Xen keeps for a domain, such as the bitmap of log-dirty mode, were noted as the domain’s own. A PV guest may ' +
    'map whatever it owns, so it could map and write them.',
  behaviours: { internalPages: 'guest' },
  scene: `
machine x86
ram 0x100..0x101
xen-heap 0x10..0x1f
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=1
populate_physmap guest 0x101
`,
  bounds: { refs: 0, operations: ['enable_log_dirty', 'update_va_mapping'], anyFrame: true },
  invariants: ['INV-CPU-WRITE'],
  fixes: ['ff2a793e15'],
};
