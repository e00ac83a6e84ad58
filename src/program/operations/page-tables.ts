import { domain, keyed, type Operation, optional, page, rights } from './operation.js';

/** Page tables and page types of PV guests. */
export const PAGE_TABLES: readonly Operation[] = [
  ...[1, 2, 3, 4].map(
    (level): Operation => ({
      name: `pin_l${level}_table`,
      actor: 'guest',
      doc: `Pins a page as an L${level} page table (MMUEXT_PIN_L${level}_TABLE).`,
      source: '§3.2',
      preemptible: true,
      parameters: [domain, page],
    }),
  ),
  {
    name: 'unpin_table',
    actor: 'guest',
    doc: 'Drops the pin (MMUEXT_UNPIN_TABLE).',
    source: '§3.2',
    parameters: [domain, page],
  },
  {
    name: 'mmu_update',
    actor: 'guest',
    doc: 'Sets an entry of a page table to a page, or to 0 when none is given.',
    source: '§3.2',
    parameters: [
      domain,
      { name: 'entry', kind: 'entry', doc: 'the entry, `T[3]`' },
      optional(page),
      optional(rights),
    ],
  },
  {
    name: 'update_va_mapping',
    actor: 'guest',
    doc: 'Maps a page at a virtual page of the domain’s kernel, or nothing when no page is given.',
    source: '§3.2',
    preemptible: true,
    parameters: [
      domain,
      { name: 'va', kind: 'number', doc: 'the virtual page, from 0', keyed: true },
      optional(page),
      optional(rights),
      keyed('of', 'domain', 'whose page it is: dom0 may map foreign pages'),
    ],
  },
  {
    name: 'new_baseptr',
    actor: 'guest',
    doc: 'The domain’s CPU runs on this L4 table from now on (MMUEXT_NEW_BASEPTR).',
    source: '§3.2',
    parameters: [domain, page],
  },
  {
    name: 'new_user_baseptr',
    actor: 'guest',
    doc: 'Processes of the domain run on this L4 table, or on none (MMUEXT_NEW_USER_BASEPTR).',
    source: '§3.2',
    parameters: [domain, optional(page)],
  },
  {
    name: 'set_gdt',
    actor: 'guest',
    doc: 'The page holds the domain’s segment descriptors (set_gdt of one frame); its type is seg_desc then.',
    source: '§3.2',
    parameters: [domain, page, keyed('entries', 'number', 'descriptors, 512 by default; 0 for no table')],
  },
  {
    name: 'clear_page',
    actor: 'guest',
    doc: 'Xen clears a page for the domain (MMUEXT_CLEAR_PAGE).',
    source: '§3.2',
    parameters: [domain, page],
  },
  {
    name: 'copy_page',
    actor: 'guest',
    doc: 'Xen copies a page of the domain’s to another (MMUEXT_COPY_PAGE).',
    source: '§3.2',
    parameters: [domain, page, { name: 'source', kind: 'page', doc: 'the page to be copied' }],
  },
  {
    name: 'tlb_flush',
    actor: 'guest',
    doc: 'Flushes the domain’s CPU TLB (MMUEXT_TLB_FLUSH_MULTI).',
    source: '§3.2',
    parameters: [domain],
  },
  {
    name: 'store',
    actor: 'guest',
    doc: 'The guest’s CPU writes an entry that points to a page, or 0, into a page it has mapped writable.',
    source: '§3.2',
    parameters: [domain, { name: 'entry', kind: 'entry', doc: 'where' }, optional(page), optional(rights)],
  },
  {
    name: 'checks',
    actor: 'program',
    doc: 'Shows what each of Xen’s tests for “map this page” says of a page (status: type, populate, hwdom).',
    source: '§3.5',
    parameters: [page],
  },
];
