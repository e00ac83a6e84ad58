import type { ToolstackBehaviours } from './behaviours.js';
import type { DomainConfig, DomainType } from './domain-config.js';
import type { Host } from './host.js';
import type { PassthroughMode, Refusal } from './passthrough.js';

/** XEN_DOMCTL_CDF_*, as far as xl asks for them (dossier §2.1). */
export type CreateFlag =
  | 'hvm'
  | 'hap'
  | 'oos_off'
  | 'iommu'
  | 'nested_virt'
  | 'vpmu'
  | 'trap_unmapped_accesses';

/** XEN_DOMCTL_IOMMU_* */
export type IommuOpt = 'no_sharept';

/** How a domain's devices reach memory: not at all, through the CPU's own tables, or through tables of their own. */
export type IommuContext = 'none' | 'shared' | 'split';

interface Defaulted {
  readonly type: DomainType;
  readonly hap: boolean;
  readonly mode: string;
  readonly host: Host;
}

/** The flags libxl passes to Xen (libxl__domain_make), in the order of their bits. */
export function createFlags(
  config: DomainConfig,
  { type, hap, mode, host }: Defaulted,
  behaviours: ToolstackBehaviours,
): { flags: CreateFlag[]; iommuOpts: IommuOpt[] } {
  const translated = type !== 'pv';
  const trap = config.trapUnmappedAccesses ?? host.arch === 'arm';
  const asked: readonly (readonly [CreateFlag, boolean])[] = [
    ['hvm', translated],
    ['hap', translated && hap],
    ['oos_off', translated && config.oos === false],
    ['iommu', (mode as PassthroughMode) !== 'disabled'],
    ['nested_virt', translated && config.nestedhvm === true && behaviours.nestedVirtFlag === 'present'],
    ['vpmu', config.vpmu === true && behaviours.vpmuFlag === 'present'],
    ['trap_unmapped_accesses', trap && behaviours.trapUnmappedAccesses === 'default-on-arm'],
  ];
  return {
    flags: asked.filter(([, set]) => set).map(([flag]) => flag),
    iommuOpts: mode === 'sync_pt' ? ['no_sharept'] : [],
  };
}

/** What Xen itself finds wrong with the flags (dossier §2.2): always EINVAL, with a line in its own log. */
export function refusedByXen(flags: readonly CreateFlag[], host: Host): Refusal | undefined {
  const has = (flag: CreateFlag): boolean => flags.includes(flag);
  const fault =
    has('hvm') && !host.hvm
      ? ['hvm-unavailable', 'HVM and PVH guests are not available']
      : has('hap') && !host.hap
        ? ['hap-unavailable', 'HAP is asked for, but not available']
        : has('hvm') && !has('hap') && !host.shadow
          ? ['shadow-unavailable', 'a guest without HAP needs shadow paging, which is not available']
          : undefined;
  if (fault === undefined) return undefined;
  const [code, message] = fault as [string, string];
  return {
    code,
    message: `Xen refuses to create the domain (EINVAL): ${message}`,
    hint: `${host.origin} decides; see virt_caps in xl info`,
    keys: code === 'hvm-unavailable' ? ['type', 'builder'] : ['hap', 'type', 'builder'],
  };
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
