import { STEP_NAMES } from '../xen/call-steps.js';
import { MAP_SPACES } from '../xen/physmap.js';

/**
 * The operations of the program language, as data. From this table follow the text form, the JSON form and its schema,
 * the reference in docs/program.md, and what the runner accepts. Names are those of the hypercalls.
 */

/** What a parameter stands for. */
export type ParameterKind =
  /** A domain by name: `dom0`, `guest`, `dom_io`, or `dom_invalid` for DOMID_INVALID. */
  | 'domain'
  /** A name the operation gives to the domain it makes. */
  | 'newDomain'
  /** A page by name, or a frame by number. */
  | 'page'
  /** A name for the page that the operation gets, or the number of the frame it must get. */
  | 'newPage'
  /** An address: page or frame number, with an offset: `P+0x148`, `0x8424cb148`. */
  | 'address'
  /** An entry of a table page: `T[3]`. */
  | 'entry'
  | 'device'
  /** A device by name, also one that the machine does not have. */
  | 'anyDevice'
  /** Maptrack handle by name. */
  | 'handle'
  | 'newHandle'
  | 'number'
  | 'name'
  | 'mark'
  | 'newMark'
  /** One of the words in `words`. */
  | 'word'
  /** Any of the words in `words`, in any order. */
  | 'flags';

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly doc: string;
  /** Written `name=value` rather than by position. */
  readonly keyed?: boolean;
  readonly optional?: boolean;
  readonly words?: readonly string[];
  /** A number that people read in hexadecimal. */
  readonly hex?: boolean;
}

export interface Operation {
  readonly name: string;
  /** Who acts. */
  readonly actor: 'toolstack' | 'guest' | 'device' | 'program';
  readonly doc: string;
  /** Dossier section, and the hypercall where the name does not say it. */
  readonly source: string;
  readonly parameters: readonly Parameter[];
  /** The parameter whose thing is gone afterwards: its name can be given again. */
  readonly frees?: string;
}

const domain: Parameter = { name: 'domain', kind: 'domain', doc: 'the domain' };
const page: Parameter = { name: 'page', kind: 'page', doc: 'the page' };
const device: Parameter = { name: 'device', kind: 'anyDevice', doc: 'the device' };
const rights: Parameter = { name: 'rights', kind: 'word', words: ['rw', 'ro'], doc: 'whether writes pass' };
const optional = (parameter: Parameter): Parameter => ({ ...parameter, optional: true });
const keyed = (name: string, kind: ParameterKind, doc: string): Parameter => ({
  name,
  kind,
  doc,
  keyed: true,
  optional: true,
});
const hex = (parameter: Parameter): Parameter => ({ ...parameter, hex: true });
const flags = (words: readonly string[], doc: string): Parameter => ({
  name: 'flags',
  kind: 'flags',
  words,
  doc,
  optional: true,
});

export const CREATE_FLAGS = [
  'hvm',
  'hap',
  's3_integrity',
  'oos_off',
  'xs_domain',
  'iommu',
  'nested_virt',
  'vpmu',
  'trap_unmapped_accesses',
] as const;

export const OPERATIONS: readonly Operation[] = [
  {
    name: 'createdomain',
    actor: 'toolstack',
    doc: 'Creates a domain. Without `hvm` it is PV; on Arm `hvm hap` are implied.',
    source: '§2.1–2.4',
    parameters: [
      { name: 'domain', kind: 'newDomain', doc: 'its name in this program' },
      flags(CREATE_FLAGS, 'createdomain flags'),
      keyed('iommu_opts', 'number', 'iommu_opts bits; 1 is no_sharept'),
      keyed('max_vcpus', 'number', '1 by default'),
      keyed('max_pages', 'number', 'pages it may own; 64 by default'),
      keyed('domid', 'number', 'the domid; the lowest free one by default'),
      hex(keyed('raw_flags', 'number', 'flag bits beyond the named ones')),
    ],
  },
  {
    name: 'destroydomain',
    actor: 'toolstack',
    doc:
      'Destroys a domain, to the end of the hypercall. While others hold pages of it, it goes on as a zombie; then it ' +
      'vanishes, and its domid is free.',
    source: '§6.6, §5.7',
    parameters: [domain],
    frees: 'domain',
  },
  {
    name: 'max_mem',
    actor: 'toolstack',
    doc: 'Sets how many pages a domain may own. What it has beyond that it keeps.',
    source: '§3.4',
    parameters: [domain, { name: 'pages', kind: 'number', doc: 'pages it may own' }],
  },
  {
    name: 'populate_physmap',
    actor: 'toolstack',
    doc: 'Gives a domain a page (XENMEM_populate_physmap).',
    source: '§3.4',
    parameters: [
      domain,
      { name: 'page', kind: 'newPage', doc: 'a name for it, or the number of the free frame to take' },
      hex(keyed('gfn', 'number', 'where a translated domain gets it')),
      keyed('count', 'number', 'this many pages, the first of them named'),
    ],
  },
  {
    name: 'add_to_physmap',
    actor: 'toolstack',
    doc:
      'Puts a frame that Xen shares with a translated domain at a guest frame, or moves a page there: its devices reach ' +
      'it there, too (XENMEM_add_to_physmap).',
    source: '§4.3',
    parameters: [
      domain,
      {
        name: 'space',
        kind: 'word',
        words: MAP_SPACES,
        doc: 'what: shared_info, the grant frame, or a page of its own',
      },
      hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true }),
      hex(
        keyed('index', 'number', 'gmfn: where the page is now; otherwise the frame’s number, 0 by default'),
      ),
    ],
  },
  {
    name: 'decrease_reservation',
    actor: 'guest',
    doc: 'Gives a page back (XENMEM_decrease_reservation).',
    source: '§3.4',
    parameters: [domain, optional(page), hex(keyed('gfn', 'number', 'the page of a translated domain'))],
    frees: 'page',
  },
  {
    name: 'memory_exchange',
    actor: 'guest',
    doc: 'Gives a page back for another (XENMEM_exchange of one page). PV only, and nobody may hold the page.',
    source: '§3.2, §3.4',
    parameters: [
      domain,
      page,
      {
        name: 'newpage',
        kind: 'newPage',
        doc: 'a name for the new one, or the number of the free frame to take',
      },
    ],
    frees: 'page',
  },
  ...[1, 2, 3, 4].map(
    (level): Operation => ({
      name: `pin_l${level}_table`,
      actor: 'guest',
      doc: `Pins a page as an L${level} page table (MMUEXT_PIN_L${level}_TABLE).`,
      source: '§3.2',
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
    parameters: [
      domain,
      { name: 'va', kind: 'number', doc: 'the virtual page, from 0', keyed: true },
      optional(page),
      optional(rights),
      keyed('of', 'domain', 'whose page it is: dom0 may map foreign pages'),
    ],
  },
  {
    name: 'store',
    actor: 'guest',
    doc: 'The guest’s CPU writes an entry that points to a page, or 0, into a page it has mapped writable.',
    source: '§3.2',
    parameters: [domain, { name: 'entry', kind: 'entry', doc: 'where' }, optional(page), optional(rights)],
  },
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
  {
    name: 'assign_device',
    actor: 'toolstack',
    doc: 'Assigns a device to a domain (or quarantines it: dom_io).',
    source: '§1.3, §6.1',
    parameters: [domain, device, keyed('flags', 'number', 'assignment flags; 1 is RDM_RELAXED')],
  },
  {
    name: 'test_assign_device',
    actor: 'toolstack',
    doc: 'Asks whether a device could be assigned: to this domain, or with `dom_invalid` to anybody.',
    source: '§2.5, §6.1',
    parameters: [domain, device],
  },
  {
    name: 'deassign_device',
    actor: 'toolstack',
    doc: 'Takes a device from a domain.',
    source: '§6.2',
    parameters: [domain, device],
  },
  {
    name: 'begin',
    actor: 'toolstack',
    doc: 'Starts assign_device and stops after its first step, so that others can run in between.',
    source: '§1.3',
    parameters: [
      { name: 'operation', kind: 'word', words: ['assign_device'], doc: 'the hypercall' },
      domain,
      device,
    ],
  },
  {
    name: 'step',
    actor: 'toolstack',
    doc: 'Runs the next step of the hypercall under way (status idle: there is none), or runs it until `until` is next.',
    source: '§1.3',
    parameters: [{ ...keyed('until', 'word', 'stop before this step'), words: STEP_NAMES.slice(1) }],
  },
  {
    name: 'finish',
    actor: 'toolstack',
    doc: 'Runs the hypercall under way to its end.',
    source: '§1.3',
    parameters: [keyed('max_steps', 'number', 'give up after so many steps; 10000000 by default')],
  },
  {
    name: 'dma',
    actor: 'device',
    doc: 'A device reads or writes memory.',
    source: '§7',
    parameters: [
      { name: 'device', kind: 'device', doc: 'the device' },
      { name: 'access', kind: 'word', words: ['read', 'write'], doc: 'the direction' },
      { name: 'address', kind: 'address', doc: 'the bus address' },
      hex(keyed('value', 'number', '32-bit word to write; 0xdeadbeef by default')),
    ],
  },
  {
    name: 'checks',
    actor: 'program',
    doc: 'Shows what each of Xen’s tests for “map this page” says of a page (status: type, populate, hwdom).',
    source: '§3.5',
    parameters: [page],
  },
  {
    name: 'mark',
    actor: 'program',
    doc: 'Remembers the whole state under a name.',
    source: 'docs/program.md',
    parameters: [{ name: 'name', kind: 'newMark', doc: 'the name' }],
  },
  {
    name: 'same_state',
    actor: 'program',
    doc: 'Whether the state equals a marked one, word for word: what led from there to here can go on for ever.',
    source: 'docs/program.md',
    parameters: [{ name: 'name', kind: 'mark', doc: 'the mark' }],
  },
];

export const OPERATION_BY_NAME: ReadonlyMap<string, Operation> = new Map(
  OPERATIONS.map((operation) => [operation.name, operation]),
);

/** How an operation is written: `populate_physmap DOMAIN PAGE [gfn=N] [count=N]`. */
export function usage(operation: {
  readonly name: string;
  readonly parameters: readonly (Omit<Parameter, 'kind'> & { readonly kind: string })[];
}): string {
  const part = (parameter: (typeof operation.parameters)[number]): string => {
    const { name, kind, words = [], keyed, optional } = parameter;
    if (kind === 'flags') return words.map((word) => `[${word}]`).join(' ');
    const value = kind === 'word' ? words.join('|') : keyed && kind === 'number' ? 'N' : name.toUpperCase();
    const text = keyed ? `${name}=${value}` : value;
    return optional ? `[${text}]` : text;
  };
  return [operation.name, ...operation.parameters.map(part)].join(' ');
}
