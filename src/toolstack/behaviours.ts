import { carries, type Release } from './release.js';

/**
 * What releases of xl, libxl and Xen do differently when a domain with devices is created. The code asks this record
 * and never a version number.
 */
export interface ToolstackBehaviours {
  /** When a domain gets its IOMMU context: by `passthrough=` when it is created, or with its first device. */
  readonly contextDecided: 'at-first-assignment' | 'at-creation';
  /** Whether libxl looks at the host before it turns HAP on. */
  readonly hapDefault: 'always-on' | 'from-capabilities';
  /** What Xen does with HAP on a host that has none: it falls back to shadow paging, or refuses. */
  readonly hapUnsupported: 'falls-back' | 'refused';
  /** Which domains with populate-on-demand memory libxl refuses. */
  readonly podRefused: 'with-pci-devices' | 'with-any-passthrough';
  /** Whether `pci=` knows `bdf=`, `vslot=` and `name=`, and refuses an option that it does not know. */
  readonly pciSpec: 'positional' | 'keywords';
  /** Whether `policy=` within `rdm=` is read; the other kind drops the whole setting without a word. */
  readonly rdmPolicy: 'read' | 'drops-rdm';
  /** Whether `trap_unmapped_accesses` is asked for by default on Arm. */
  readonly trapUnmappedAccesses: 'unknown' | 'default-on-arm';
  readonly nestedVirtFlag: 'absent' | 'present';
  readonly vpmuFlag: 'absent' | 'present';
}

/** One change of behaviour. `first` names the release of the main line, then the stable releases that got it. */
export interface BehaviourChange<Behaviours> {
  readonly behaviour: keyof Behaviours & string;
  readonly from: string;
  readonly to: string;
  readonly first: readonly string[];
  /** The commit, or the place in the source, that decides it. */
  readonly evidence: string;
}

/**
 * Read from the release tags, stable series included: the carriers of `podRefused` differ from what the main line
 * alone would suggest.
 */
export const TOOLSTACK_CHANGES: readonly BehaviourChange<ToolstackBehaviours>[] = [
  {
    behaviour: 'contextDecided',
    from: 'at-first-assignment',
    to: 'at-creation',
    first: ['4.13'],
    evidence: 'babde47a3f, ad011ad088, f89f555827',
  },
  {
    behaviour: 'hapDefault',
    from: 'always-on',
    to: 'from-capabilities',
    first: ['4.13'],
    evidence: 'libxl__domain_create_info_setdefault',
  },
  {
    behaviour: 'hapUnsupported',
    from: 'falls-back',
    to: 'refused',
    first: ['4.13'],
    evidence: 'arch_sanitise_domain_config',
  },
  {
    behaviour: 'podRefused',
    from: 'with-pci-devices',
    to: 'with-any-passthrough',
    first: ['4.17', '4.16.1', '4.15.3', '4.14.5'],
    evidence: '07449ecfa4',
  },
  {
    behaviour: 'pciSpec',
    from: 'positional',
    to: 'keywords',
    first: ['4.15'],
    evidence: 'xlu_pci_parse_spec_string',
  },
  {
    behaviour: 'rdmPolicy',
    from: 'read',
    to: 'drops-rdm',
    first: ['4.15'],
    evidence: 'xlu_rdm_parse takes the success of parse_rdm_policy for a failure',
  },
  {
    behaviour: 'trapUnmappedAccesses',
    from: 'unknown',
    to: 'default-on-arm',
    first: ['4.21'],
    evidence: 'XEN_DOMCTL_CDF_trap_unmapped_accesses',
  },
  {
    behaviour: 'nestedVirtFlag',
    from: 'absent',
    to: 'present',
    first: ['4.15'],
    evidence: 'XEN_DOMCTL_CDF_nested_virt',
  },
  { behaviour: 'vpmuFlag', from: 'absent', to: 'present', first: ['4.16'], evidence: 'XEN_DOMCTL_CDF_vpmu' },
];

/** The oldest value of each behaviour, with every change that the release carries applied in order. */
export function behavioursOf<Behaviours>(
  changes: readonly BehaviourChange<Behaviours>[],
  release: Release,
): Behaviours {
  const values: Record<string, string> = {};
  for (const { behaviour, from, to, first } of changes) {
    values[behaviour] ??= from;
    if (carries(release, first)) values[behaviour] = to;
  }
  return values as Behaviours;
}

export function toolstackBehaviours(release: Release): ToolstackBehaviours {
  return behavioursOf(TOOLSTACK_CHANGES, release);
}
