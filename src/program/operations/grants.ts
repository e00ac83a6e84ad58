import { domain, flags, hex, keyed, type Operation, page } from './operation.js';

const ref = { name: 'ref', kind: 'number', doc: 'grant reference' } as const;
const handle = { name: 'handle', kind: 'handle', doc: 'the handle' } as const;
const of = keyed('of', 'domain', 'whose table; the caller’s own by default');
const frames = { name: 'frames', kind: 'number', doc: 'how many frames' } as const;
const va = (doc: string) => keyed('va', 'number', doc);
const pte = (doc: string) => keyed('pte', 'entry', doc);

/** What a domain writes into its grant table, and what it maps and unmaps of others'. */
const MAPPING: readonly Operation[] = [
  {
    name: 'grant',
    actor: 'guest',
    doc: 'Writes a grant entry that offers a page, in the version that the table has.',
    source: '§5.1',
    parameters: [
      domain,
      ref,
      { name: 'to', kind: 'domain', doc: 'the grantee' },
      page,
      flags(
        ['readonly', 'sub_page', 'pwt', 'pcd', 'pat'],
        'GTF_ flags: reading only; a part of the page, for copies; how to cache',
      ),
      keyed('offset', 'number', 'sub_page: the first byte; only version 2 has room for it'),
      keyed('length', 'number', 'sub_page: how many bytes'),
    ],
  },
  {
    name: 'grant_transitive',
    actor: 'guest',
    doc: 'Writes a grant entry that passes on a grant which the domain has been given. For copies, in version 2.',
    source: '§5.1, §5.6',
    parameters: [
      domain,
      ref,
      { name: 'to', kind: 'domain', doc: 'the grantee' },
      { name: 'via', kind: 'domain', doc: 'who gave the grant that is passed on' },
      { name: 'viaref', kind: 'number', doc: 'its reference there' },
      flags(['readonly'], 'for reading only'),
    ],
  },
  {
    name: 'accept_transfer',
    actor: 'guest',
    doc: 'Writes a grant entry that takes a page from another domain.',
    source: '§5.1, §5.6',
    parameters: [
      domain,
      ref,
      { name: 'from', kind: 'domain', doc: 'who may give it' },
      hex(keyed('gfn', 'number', 'where a translated domain wants it; 0 by default')),
    ],
  },
  {
    name: 'end_grant',
    actor: 'guest',
    doc: 'Clears a grant entry that is not in use.',
    source: '§5.1',
    parameters: [domain, ref],
  },
  {
    name: 'map_grant_ref',
    actor: 'guest',
    doc:
      'Maps a granted page (GNTTABOP_map_grant_ref). A PV domain’s CPU reaches it through the virtual page or the table ' +
      'entry that is named; without one it stands somewhere else in its kernel.',
    source: '§5.2–5.4',
    preemptible: true,
    parameters: [
      domain,
      { name: 'handle', kind: 'newHandle', doc: 'a name for the handle' },
      { name: 'granter', kind: 'domain', doc: 'who granted it' },
      { ...ref, doc: 'its grant reference' },
      flags(
        ['host', 'device', 'readonly', 'application'],
        'GNTMAP flags; host when neither host nor device is given',
      ),
      hex(keyed('gfn', 'number', 'where a translated domain wants it')),
      va('the virtual page where a PV domain wants it'),
      pte('the L1 table’s entry where a PV domain wants it (GNTMAP_contains_pte)'),
      hex(keyed('raw_flags', 'number', 'flag bits beyond the named ones')),
    ],
  },
  {
    name: 'unmap_grant_ref',
    actor: 'guest',
    doc: 'Unmaps a granted page (GNTTABOP_unmap_grant_ref); all of the handle unless host, device or nothing is given.',
    source: '§5.5',
    preemptible: true,
    parameters: [
      domain,
      handle,
      flags(['host', 'device', 'nothing'], 'which mapping; nothing: both addresses are 0'),
      keyed('dev_bus_addr', 'page', 'the bus address passed along'),
      hex(keyed('gfn', 'number', 'where the host mapping is said to be; where it was made by default')),
      va('the same, for a PV domain'),
      pte('the same, for an entry that was named'),
    ],
    frees: 'handle',
  },
  {
    name: 'unmap_and_replace',
    actor: 'guest',
    doc: 'Unmaps a granted page, and puts what another virtual page maps in its place (GNTTABOP_unmap_and_replace).',
    source: '§5.5',
    parameters: [
      domain,
      handle,
      { name: 'with', kind: 'number', doc: 'the virtual page that is moved', keyed: true },
      va('where the mapping is said to be; where it was made by default'),
      pte('the same, for an entry that was named'),
    ],
    frees: 'handle',
  },
];

const TABLE: readonly Operation[] = [
  {
    name: 'grant_copy',
    actor: 'guest',
    doc:
      'Copies bytes between two pages, each named by a grant or, of the domain’s own, by itself (GNTTABOP_copy). The domain ' +
      'of a grant is the caller unless it is named.',
    source: '§5.6',
    preemptible: true,
    parameters: [
      domain,
      keyed('from', 'page', 'the page to copy from'),
      keyed('from_ref', 'number', 'or the grant'),
      keyed('from_domain', 'domain', 'whose grant'),
      keyed('from_offset', 'number', 'the first byte; 0 by default'),
      keyed('to', 'page', 'the page to copy to'),
      keyed('to_ref', 'number', 'or the grant'),
      keyed('to_domain', 'domain', 'whose grant'),
      keyed('to_offset', 'number', 'the first byte; 0 by default'),
      keyed('length', 'number', 'how many bytes; 4 by default'),
    ],
  },
  {
    name: 'grant_transfer',
    actor: 'guest',
    doc: 'Gives a page away to a domain that accepts it by a grant entry (GNTTABOP_transfer).',
    source: '§5.6',
    parameters: [domain, page, { name: 'to', kind: 'domain', doc: 'who gets it' }, ref],
  },
  {
    name: 'swap_grant_ref',
    actor: 'guest',
    doc: 'Two of the domain’s grant entries change places (GNTTABOP_swap_grant_ref).',
    source: '§5.6',
    parameters: [
      domain,
      { name: 'a', kind: 'number', doc: 'the one' },
      { name: 'b', kind: 'number', doc: 'the other' },
    ],
  },
  {
    name: 'grant_cache_flush',
    actor: 'guest',
    doc: 'Writes back or forgets what caches hold of a part of a page (GNTTABOP_cache_flush); the page is named by its MFN.',
    source: '§5.6',
    parameters: [
      domain,
      page,
      flags(['clean', 'inval'], 'what to do'),
      keyed('offset', 'number', 'the first byte; 0 by default'),
      keyed('length', 'number', 'how many bytes; all of the page by default'),
      hex(keyed('raw_op', 'number', 'bits of the operation beyond the named ones')),
    ],
  },
  {
    name: 'grant_set_version',
    actor: 'guest',
    doc: 'Sets the version of the domain’s grant table (GNTTABOP_set_version).',
    source: '§5.6',
    preemptible: true,
    parameters: [domain, { name: 'version', kind: 'number', doc: '1 or 2' }],
  },
  {
    name: 'grant_get_version',
    actor: 'guest',
    doc: 'Asks for the version of a grant table (GNTTABOP_get_version; status: version 1 or version 2).',
    source: '§5.6',
    parameters: [domain, of],
  },
  {
    name: 'grant_setup_table',
    actor: 'guest',
    doc: 'Makes a grant table as large as asked for, and asks where it is (GNTTABOP_setup_table).',
    source: '§5.6',
    parameters: [domain, frames, of],
  },
  {
    name: 'grant_query_size',
    actor: 'guest',
    doc: 'Asks how large a grant table is (GNTTABOP_query_size; status: 1 of 4 frames).',
    source: '§5.6',
    parameters: [domain, of],
  },
  {
    name: 'grant_get_status_frames',
    actor: 'guest',
    doc: 'Asks where the status frames of a grant table are (GNTTABOP_get_status_frames).',
    source: '§5.6',
    parameters: [domain, frames, of],
  },
];

/** Grants. */
export const GRANTS: readonly Operation[] = [...MAPPING, ...TABLE];
