import type { ToolstackBehaviours } from './behaviours.js';
import type { DomainConfig, DomainType } from './domain-config.js';
import type { Host } from './host.js';

/** XEN_DOMCTL_CDF_*, as far as xl asks for them (dossier §2.1). */
export type CreateFlag =
  | 'hvm'
  | 'hap'
  | 'oos_off'
  | 'iommu'
  | 'nested_virt'
  | 'vpmu'
  | 'trap_unmapped_accesses';

/** What `passthrough=` has become when libxl is done with it. */
export type PassthroughMode = 'disabled' | 'sync_pt' | 'share_pt';

/** Why libxl or Xen refuses to create a domain, in their words. */
export interface Refusal {
  readonly code: string;
  /** What is printed in the log. */
  readonly message: string;
  readonly hint: string;
  /** The settings that it is about; the first one that the config has is pointed at. */
  readonly keys: readonly string[];
}

/** XEN_DOMCTL_IOMMU_* */
export type IommuOpt = 'no_sharept';

/** How a domain's devices reach memory: not at all, through the CPU's own tables, or through tables of their own. */
export type IommuContext = 'none' | 'shared' | 'split';

/** What libxl's defaults have made of the config. */
export interface Defaulted {
  readonly type: DomainType;
  readonly hap: boolean;
  readonly mode: PassthroughMode;
}

/** The flags libxl passes to Xen (libxl__domain_make), in the order of their bits. */
export function createFlags(
  config: DomainConfig,
  { type, hap, mode }: Defaulted,
  { arch }: Pick<Host, 'arch'>,
  behaviours: ToolstackBehaviours,
): { flags: CreateFlag[]; iommuOpts: IommuOpt[] } {
  const translated = type !== 'pv';
  const trap = config.trapUnmappedAccesses ?? arch === 'arm';
  const asked: readonly (readonly [CreateFlag, boolean])[] = [
    ['hvm', translated],
    ['hap', translated && hap],
    ['oos_off', translated && config.oos === false],
    ['iommu', mode !== 'disabled'],
    ['nested_virt', translated && config.nestedhvm === true && behaviours.nestedVirtFlag === 'present'],
    ['vpmu', config.vpmu === true && behaviours.vpmuFlag === 'present'],
    ['trap_unmapped_accesses', trap && behaviours.trapUnmappedAccesses === 'default-on-arm'],
  ];
  return {
    flags: asked.filter(([, set]) => set).map(([flag]) => flag),
    iommuOpts: mode === 'sync_pt' ? ['no_sharept'] : [],
  };
}

/** What Xen itself finds wrong with the flags (dossier §2.2): always EINVAL, and a line in its log if it is a debug build. */
export function refusedByXen(
  flags: readonly CreateFlag[],
  host: Host,
  { hapUnsupported }: Pick<ToolstackBehaviours, 'hapUnsupported'>,
): Refusal | undefined {
  const [hvm, hap] = [flags.includes('hvm'), flags.includes('hap')];
  const type = ['type', 'builder'];
  const faults: readonly (readonly [boolean, string, string, readonly string[]])[] = [
    [hvm && !host.hvm, 'hvm-unavailable', 'HVM support not available', type],
    [!hvm && !host.pv, 'pv-unavailable', 'PV support not available', type],
    [
      hap && !host.hap && hapUnsupported === 'refused',
      'hap-unavailable',
      'HAP requested but not available',
      ['hap', ...type],
    ],
    [
      hvm && !hap && !host.shadow,
      'shadow-unavailable',
      'Shadow paging requested but not available',
      ['hap', ...type],
    ],
  ];
  const fault = faults.find(([applies]) => applies);
  if (fault === undefined) return undefined;
  const [, code, message, keys] = fault;
  const hint = `Xen refuses to create the domain (EINVAL); ${host.origin} decides: see virt_caps in xl info`;
  return { code, message, hint, keys };
}

/** The IOMMU context that Xen creates with the domain (dossier §2.3, §2.4). Adds its reasons to `why`. */
export function contextOf(
  flags: readonly CreateFlag[],
  iommuOpts: readonly IommuOpt[],
  host: Host,
  why: string[],
): IommuContext {
  if (!flags.includes('iommu')) {
    why.push('Without the iommu flag Xen makes no context: map, unmap and flush do nothing.');
    return 'none';
  }
  if (flags.includes('hap') && host.share && !iommuOpts.includes('no_sharept')) {
    const tables = host.arch === 'arm' ? 'stage-2 tables' : 'EPT';
    why.push(`The IOMMU walks the domain's own ${tables}: what the guest can reach, its devices can.`);
    return 'shared';
  }
  why.push(
    flags.includes('hvm')
      ? 'The IOMMU has tables of its own, which mirror the p2m from the creation of the domain on.'
      : 'The IOMMU has tables of its own, which map the pages of writable type from the creation of the domain on.',
  );
  return 'split';
}
