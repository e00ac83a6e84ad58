import { type Arch, describeHost, type Host, type Iommu } from '../../toolstack/host.js';
import { resolvePassthrough } from '../../toolstack/passthrough.js';
import { DEFAULT_RELEASE, toolstackRelease } from '../../toolstack/release.js';
import type { Evidence, World } from './cause.js';
import { settles } from './weigh.js';

/** What `dommu check` says of the config that was given with a log. */
export interface ConfigVerdict {
  /** The refusals, in libxl's or Xen's words, with what would help. */
  readonly refusals: readonly { readonly code: string; readonly text: string }[];
  /** Whether the domain has an IOMMU context from its creation on; null where that is decided later (up to 4.12). */
  readonly hasContext: boolean | null;
}

const verdicts = new WeakMap<World, ConfigVerdict>();

/** The config of {@link World}, as libxl and Xen would take it on the machine of the log; undefined without a config. */
export function verdictOnConfig(world: World): ConfigVerdict | undefined {
  const { config, edition } = world;
  if (config === undefined) return undefined;
  const known = verdicts.get(world);
  if (known !== undefined) return known;
  const release = edition === undefined ? DEFAULT_RELEASE : toolstackRelease(edition);
  const { diagnostics, context, lateContext, effective } = resolvePassthrough(config, hostOf(world), release);
  const verdict: ConfigVerdict = {
    refusals: diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(({ code, message, hint }) => ({
        code,
        text: hint === undefined ? message : `${message}; ${hint}`,
      })),
    hasContext: effective === null || lateContext !== null ? null : context !== 'none',
  };
  verdicts.set(world, verdict);
  return verdict;
}

/** The host as far as the log shows it: its IOMMU, and whether that is in use. */
function hostOf({ facts, events }: World): Host {
  const units = new Set(events.map(({ unit }) => unit));
  const arm = units.has('smmuv2') || units.has('smmuv3') || units.has('ipmmu');
  const arch: Arch = arm ? 'arm' : 'x86';
  const vendor: Iommu = arm ? 'smmu' : units.has('amdvi') ? 'amdvi' : 'vtd';
  const host = describeHost({ arch, iommu: facts.iommu?.value === 'disabled' ? 'none' : vendor });
  const hap = facts.features.get('hap');
  return { ...host, hap: host.hap && hap?.value !== false, origin: 'the machine of this log' };
}

/** The config starts the guest with less memory than it may have: it is populated on demand, or ballooned. */
export function* belowMaxmem({ config }: World): Generator<Evidence> {
  const { memoryKib, maxmemKib } = config ?? {};
  if (memoryKib === undefined || maxmemKib === undefined || memoryKib >= maxmemKib) return;
  yield settles(`the config has memory below maxmem, ${memoryKib} and ${maxmemKib} KiB`);
}
