import { domain, flags, hex, keyed, type Operation } from './operation.js';

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

/** Domains: their creation, limits and end. */
export const DOMAINS: readonly Operation[] = [
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
      keyed('max_grant_version', 'number', 'the highest version of its grant table, since 4.16'),
      hex(keyed('raw_flags', 'number', 'flag bits beyond the named ones')),
    ],
  },
  {
    name: 'boot_domain',
    actor: 'program',
    doc:
      'A domain that Xen makes of the device tree when it boots (dom0less; Arm only), to stand before anything else. ' +
      'Status: ok, `ignored` by a Xen that knows no such domains, or `panic`: then the host is down.',
    source: '§2.6, §9',
    parameters: [
      { name: 'domain', kind: 'newDomain', doc: 'its name in this program' },
      { ...keyed('passthrough', 'word', 'the property of that name'), words: ['enabled', 'disabled'] },
      keyed('pages', 'number', 'its memory, from guest frame 0x40000; 4 pages by default'),
      hex(keyed('static_mem', 'number', 'the first frame of its static memory')),
      keyed('device', 'anyDevice', 'a device of its partial device tree'),
      flags(
        ['module', 'direct_map', 'hardware', 'force'],
        'a partial device tree; direct-map; the capability; device without an IOMMU',
      ),
    ],
  },
  {
    name: 'destroydomain',
    actor: 'toolstack',
    doc:
      'Destroys a domain, to the end of the hypercall. While others hold pages of it, it goes on as a zombie; then it ' +
      'vanishes, and its domid is free.',
    source: '§6.6, §5.7',
    preemptible: true,
    parameters: [domain],
    frees: 'domain',
  },
  {
    name: 'set_address_size',
    actor: 'toolstack',
    doc: 'Makes a PV domain without pages one of 32 bits, or of 64 again.',
    source: '§3.2',
    parameters: [
      { name: 'domain', kind: 'domain', doc: 'the domain' },
      { name: 'bits', kind: 'number', doc: '32 or 64' },
    ],
  },
  {
    name: 'max_mem',
    actor: 'toolstack',
    doc: 'Sets how many pages a domain may own. What it has beyond that it keeps.',
    source: '§3.4',
    parameters: [domain, { name: 'pages', kind: 'number', doc: 'pages it may own' }],
  },
];
