import { SETTABLE_ACCESS } from '../../xen/mem-access.js';
import { SETTABLE_TYPES } from '../../xen/mem-type.js';
import { MAP_SPACES } from '../../xen/physmap.js';
import { domain, hex, keyed, type Operation, optional, page } from './operation.js';

/** Memory of domains. */
export const MEMORY: readonly Operation[] = [
  {
    name: 'populate_physmap',
    actor: 'toolstack',
    doc: 'Gives a domain a page (XENMEM_populate_physmap).',
    source: '§3.4',
    preemptible: true,
    parameters: [
      domain,
      { name: 'page', kind: 'newPage', doc: 'a name for it, or the number of the free frame to take' },
      hex(keyed('gfn', 'number', 'where a translated domain gets it')),
      keyed('count', 'number', 'this many extents, the first page of them named'),
      keyed('order', 'number', 'each extent has 2^order pages; 0 by default'),
    ],
  },
  {
    name: 'add_to_physmap',
    actor: 'toolstack',
    doc:
      'Puts a frame that Xen shares with a translated domain at a guest frame, or moves a page there: its devices reach ' +
      'it there, too (XENMEM_add_to_physmap).',
    source: '§4.3',
    preemptible: true,
    parameters: [
      domain,
      {
        name: 'space',
        kind: 'word',
        words: MAP_SPACES,
        doc: 'what: a frame that Xen shares, a page of its own or several, another’s page, or device memory',
      },
      hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true }),
      hex(
        keyed('index', 'number', 'gmfn: where the page is now; otherwise the frame’s number, 0 by default'),
      ),
      keyed('size', 'number', 'gmfn_range: this many pages'),
      keyed('of', 'domain', 'gmfn_foreign: whose page it is'),
    ],
  },
  {
    name: 'clean_by_set_way',
    actor: 'guest',
    doc: 'Arm: the guest’s CPU cleans its caches by set and way. Status: ok, or `undefined` for the exception it takes.',
    source: '§9',
    parameters: [domain],
  },
  {
    name: 'cpu_access',
    actor: 'guest',
    doc: 'Arm and HVM: the guest’s CPU accesses a guest frame. Status: ok, or `abort` where it has nothing.',
    source: '§9',
    parameters: [domain, hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true })],
  },
  {
    name: 'hypercall_output',
    actor: 'guest',
    doc:
      'Any hypercall of a translated guest’s whose answer is to be written into a guest frame of its. Status: ok, or EFAULT ' +
      'where the guest may not write.',
    source: '§4.5',
    parameters: [domain, hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true })],
  },
  {
    name: 'decrease_reservation',
    actor: 'guest',
    doc: 'Gives a page back (XENMEM_decrease_reservation).',
    source: '§3.4',
    parameters: [
      domain,
      optional(page),
      hex(keyed('gfn', 'number', 'the page of a translated domain')),
      keyed('order', 'number', '2^order pages from there on'),
    ],
    frees: 'page',
  },
  {
    name: 'memory_mapping',
    actor: 'toolstack',
    doc:
      'Device memory appears in a translated domain, or leaves it (XEN_DOMCTL_memory_mapping). The right to it ' +
      '(iomem_permission) is taken to have been given, but for RAM.',
    source: '§4.1',
    parameters: [
      domain,
      { name: 'action', kind: 'word', words: ['add', 'remove'], doc: 'which of the two' },
      hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true }),
      hex({ name: 'mfn', kind: 'number', doc: 'the first frame of device memory', keyed: true }),
      keyed('count', 'number', 'this many frames; 1 by default'),
    ],
  },
  {
    name: 'memory_exchange',
    actor: 'guest',
    doc: 'Gives a page back for another (XENMEM_exchange of one page). PV only, and nobody may hold the page.',
    source: '§3.2, §3.4',
    preemptible: true,
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
  {
    name: 'claim_pages',
    actor: 'toolstack',
    doc: 'Sets memory aside for a domain that is being built (XENMEM_claim_pages).',
    source: '§3.4',
    parameters: [
      domain,
      {
        name: 'pages',
        kind: 'number',
        doc: 'how many in all, those it has included; 0 gives up what is left',
        keyed: true,
      },
    ],
  },
  {
    name: 'populate_on_demand',
    actor: 'toolstack',
    doc: 'Guest frames of an HVM domain wait for pages, which they get when a CPU comes there (XENMEMF_populate_on_demand).',
    source: '§3.4',
    parameters: [
      domain,
      hex({ name: 'gfn', kind: 'number', doc: 'the first', keyed: true }),
      keyed('order', 'number', '2^order of them; 0 by default'),
    ],
  },
  {
    name: 'set_pod_target',
    actor: 'toolstack',
    doc: 'How many pages a domain has in all, those included that wait for guest frames (XENMEM_set_pod_target).',
    source: '§3.4',
    parameters: [domain, { name: 'pages', kind: 'number', doc: 'how many', keyed: true }],
  },
  {
    name: 'set_mem_type',
    actor: 'toolstack',
    doc:
      'The device model makes memory of an HVM domain one that can only be read, or written again ' +
      '(XEN_DMOP_set_mem_type).',
    source: '§4.1, §4.2',
    parameters: [
      domain,
      { name: 'type', kind: 'word', words: SETTABLE_TYPES, doc: 'what it becomes' },
      hex({ name: 'gfn', kind: 'number', doc: 'where', keyed: true }),
      keyed('count', 'number', 'this many guest frames; 1 by default'),
    ],
  },
  {
    name: 'set_mem_access',
    actor: 'toolstack',
    doc:
      'Takes rights on guest frames away, or gives them back (XENMEM_access_op_set_access). Somebody is taken to listen ' +
      'to the events.',
    source: '§4.1, §4.2, §4.5',
    parameters: [
      domain,
      {
        name: 'access',
        kind: 'word',
        words: SETTABLE_ACCESS,
        doc: 'what is left of the rights of their types',
      },
      hex(keyed('gfn', 'number', 'where; without it, what is mapped from now on')),
      keyed('count', 'number', 'this many guest frames; 1 by default'),
    ],
  },
];
