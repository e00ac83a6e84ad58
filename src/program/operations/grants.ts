import { domain, flags, hex, keyed, type Operation, page } from './operation.js';

/** Grants. */
export const GRANTS: readonly Operation[] = [
  {
    name: 'grant',
    actor: 'guest',
    doc: 'Writes a grant entry that offers a page (v1).',
    source: '§5.1',
    parameters: [
      domain,
      { name: 'ref', kind: 'number', doc: 'grant reference' },
      { name: 'to', kind: 'domain', doc: 'the grantee' },
      page,
      flags(['readonly'], 'offers reading only'),
    ],
  },
  {
    name: 'end_grant',
    actor: 'guest',
    doc: 'Clears a grant entry that is not in use.',
    source: '§5.1',
    parameters: [domain, { name: 'ref', kind: 'number', doc: 'grant reference' }],
  },
  {
    name: 'map_grant_ref',
    actor: 'guest',
    doc: 'Maps a granted page (GNTTABOP_map_grant_ref).',
    source: '§5.2–5.4',
    parameters: [
      domain,
      { name: 'handle', kind: 'newHandle', doc: 'a name for the handle' },
      { name: 'granter', kind: 'domain', doc: 'who granted it' },
      { name: 'ref', kind: 'number', doc: 'its grant reference' },
      flags(['host', 'device', 'readonly'], 'GNTMAP flags; host when neither host nor device is given'),
      hex(keyed('gfn', 'number', 'where a translated domain wants it')),
    ],
  },
  {
    name: 'unmap_grant_ref',
    actor: 'guest',
    doc: 'Unmaps a granted page (GNTTABOP_unmap_grant_ref); all of the handle unless host or device is given.',
    source: '§5.5',
    parameters: [
      domain,
      { name: 'handle', kind: 'handle', doc: 'the handle' },
      flags(['host', 'device'], 'which mapping'),
      keyed('dev_bus_addr', 'page', 'the bus address passed along'),
    ],
    frees: 'handle',
  },
];
