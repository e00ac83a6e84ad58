import type { Diagnostic } from '../text/diagnostic.js';
import { type ToolstackBehaviours, toolstackBehaviours } from './behaviours.js';
import {
  type CreateFlag,
  contextOf,
  createFlags,
  type IommuContext,
  type IommuOpt,
  type PassthroughMode,
  type Refusal,
  refusedByXen,
} from './createdomain.js';
import { type DomainConfig, type DomainType, domainType, type PassthroughRequest } from './domain-config.js';
import type { Host } from './host.js';
import type { Release } from './release.js';
import { at, atValue } from './xl-value.js';

export interface Resolution {
  readonly type: DomainType;
  readonly requested: PassthroughRequest;
  /** Null when the domain would not start. */
  readonly effective: PassthroughMode | null;
  /** How the IOMMU context is asked for: by `passthrough=`, through `pci=` or `dtdev=`, or not at all. */
  readonly declared: 'passthrough' | 'devices' | 'default';
  /** The context the domain is created with; `none` when it would not start. */
  readonly context: IommuContext;
  /** Up to 4.12: the context that the first assigned device makes Xen build, null when no device is listed. */
  readonly lateContext: Exclude<IommuContext, 'none'> | null;
  /** Flags and IOMMU options of XEN_DOMCTL_createdomain; empty when the domain would not start. */
  readonly flags: readonly CreateFlag[];
  readonly iommuOpts: readonly IommuOpt[];
  /** What libxl sets aside for IOMMU tables of their own, in KiB. */
  readonly iommuMemoryKib: number;
  /** The steps that led here, as sentences. */
  readonly why: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What libxl works on while it fills in defaults. `mode` and `hap` change from step to step. */
interface Draft {
  readonly config: DomainConfig;
  readonly host: Host;
  readonly behaviours: ToolstackBehaviours;
  readonly type: DomainType;
  readonly hasDevices: boolean;
  mode: PassthroughRequest;
  hap: boolean;
  readonly why: string[];
}

type Step = (draft: Draft) => Refusal | undefined;

/**
 * What libxl makes of the config on this host, in its own order, then what Xen makes of that: dossier §2.6, §2.2, §2.4.
 * The config must be free of errors from `loadDomainConfig`.
 */
export function resolvePassthrough(config: DomainConfig, host: Host, release: Release): Resolution {
  const behaviours = toolstackBehaviours(release);
  const devices = config.pci.length + config.dtdev.length;
  const requested = config.passthrough;
  const draft: Draft = {
    config,
    host,
    behaviours,
    type: domainType(config, host.arch),
    hasDevices: devices > 0,
    mode: requested,
    hap: false,
    why: [],
  };
  const declared = requested !== 'default' ? 'passthrough' : draft.hasDevices ? 'devices' : 'default';
  const steps = behaviours.contextDecided === 'at-creation' ? UP_FRONT : LATE;
  const warnings = adviceOn(draft);
  const base = { type: draft.type, requested, declared } as const;
  for (const step of steps) {
    const refusal = step(draft);
    if (refusal !== undefined) return refused(base, draft, refusal, warnings);
  }
  const mode = draft.mode as PassthroughMode;
  const { flags, iommuOpts } = createFlags(
    config,
    { type: draft.type, hap: draft.hap, mode },
    host,
    behaviours,
  );
  const refusal = refusedByXen(flags, host, behaviours);
  if (refusal !== undefined) return refused(base, draft, refusal, warnings);
  const upFront = behaviours.contextDecided === 'at-creation';
  return {
    ...base,
    effective: mode,
    context: upFront ? contextOf(flags, iommuOpts, host, draft.why) : 'none',
    lateContext: upFront ? null : lateContextOf(draft),
    flags,
    iommuOpts,
    iommuMemoryKib: mode === 'sync_pt' ? iommuMemoryKib(config.maxmemKib ?? DEFAULT_MEMORY_KIB) : 0,
    why: draft.why,
    diagnostics: warnings,
  };
}

/** libxl gives a domain 32 MiB when nothing is said. */
const DEFAULT_MEMORY_KIB = 32 * 1024;

/**
 * libxl's reserve for IOMMU tables: four levels of tables with 512 entries each over the domain's memory, in KiB
 * (libxl__get_required_iommu_memory).
 */
export function iommuMemoryKib(maxmemKib: number): number {
  let pages = Math.floor(maxmemKib / 4);
  let tables = 0;
  for (let level = 0; level < 4; level++) {
    pages = Math.ceil(pages / 512);
    tables += pages;
  }
  return tables * 4;
}

/** HAP is on by default where the host has it; a guest that is not PV needs it or shadow paging. */
const defaultHap: Step = (draft) => {
  const { type, config, host, behaviours } = draft;
  if (type === 'pv') return undefined;
  if (behaviours.hapDefault === 'from-capabilities' && !host.hap && !host.shadow) {
    return {
      code: 'no-paging',
      message: 'neither hap nor shadow paging available',
      hint: 'this host can run PV guests only',
      keys: ['type', 'builder', 'hap'],
    };
  }
  draft.hap = config.hap ?? (behaviours.hapDefault === 'always-on' || host.hap);
  return undefined;
};

/** §2.6 step 1 */
const defaultPassthrough: Step = (draft) => {
  if (draft.mode !== 'default') {
    draft.why.push(`passthrough="${draft.mode}" is set.`);
    return undefined;
  }
  draft.mode = draft.hasDevices ? 'enabled' : 'disabled';
  draft.why.push(
    draft.hasDevices
      ? `passthrough is not set and ${devicesInWords(draft.config)}, so libxl enables it.`
      : 'passthrough is not set and no pci= or dtdev= device is listed, so libxl disables it.',
  );
  return undefined;
};

/** §2.6 step 2 */
const needsIommu: Step = ({ mode, host }) =>
  mode === 'disabled' || host.directio
    ? undefined
    : {
        code: 'passthrough-not-supported',
        message: 'passthrough not supported on this platform',
        hint: `${host.origin}: the IOMMU is off or absent; turn it on in the firmware and with iommu=1`,
        keys: ['passthrough', 'pci', 'dtdev'],
      };

/** §2.6 step 3 */
const disabledHasNoDevices: Step = ({ mode, hasDevices }) =>
  mode !== 'disabled' || !hasDevices
    ? undefined
    : {
        code: 'passthrough-disabled-with-devices',
        message: 'passthrough disabled but devices are specified',
        hint: 'remove passthrough="disabled" or the devices',
        keys: ['passthrough'],
      };

/** §2.6 step 4 on x86: no PVH; shared tables need HAP and an IOMMU that can walk them. */
const x86Mode: Step = (draft) => {
  const { type, host } = draft;
  if (host.arch !== 'x86') return undefined;
  if (type === 'pvh' && draft.mode !== 'disabled') {
    return {
      code: 'passthrough-pvh',
      message: 'passthrough not yet supported for x86 PVH guests',
      hint: 'use type="hvm", or "pv" with a kernel that has the PCI front end',
      keys: ['passthrough', 'pci', 'dtdev'],
    };
  }
  const whyNotShare =
    type === 'pv'
      ? 'not valid for PV domain'
      : !host.share
        ? 'not supported on this platform'
        : !draft.hap
          ? 'only valid for HAP guests'
          : undefined;
  if (draft.mode === 'enabled') {
    draft.mode = whyNotShare === undefined ? 'share_pt' : 'sync_pt';
    draft.why.push(
      whyNotShare === undefined
        ? 'enabled becomes share_pt: the guest has HAP and the IOMMU can use its tables.'
        : `enabled becomes sync_pt: share_pt is ${whyNotShare}.`,
    );
  }
  if (draft.mode !== 'share_pt' || whyNotShare === undefined) return undefined;
  return {
    code: 'share-pt-impossible',
    message: `passthrough="share_pt" ${whyNotShare}`,
    hint: 'use passthrough="enabled", which picks what is possible, or "sync_pt"',
    keys: ['passthrough'],
  };
};

/** §2.6 step 4 on Arm: the IOMMU always walks the stage-2 tables. */
const armMode: Step = (draft) => {
  if (draft.host.arch !== 'arm') return undefined;
  if (draft.mode === 'enabled') {
    draft.mode = 'share_pt';
    draft.why.push('enabled becomes share_pt: on Arm the IOMMU always walks the stage-2 tables.');
  }
  if (draft.mode === 'disabled' || draft.mode === 'share_pt') return undefined;
  return {
    code: 'passthrough-not-on-arm',
    message: `passthrough="${draft.mode}" not supported on ARM`,
    hint: 'use passthrough="enabled" or "share_pt"',
    keys: ['passthrough'],
  };
};

/** §2.6 step 5: a device cannot wait for a page that is populated on demand. */
const noPopulateOnDemand: Step = ({ type, mode, config, behaviours }) => {
  const { memoryKib, maxmemKib } = config;
  const onDemand =
    type !== 'pv' && memoryKib !== undefined && maxmemKib !== undefined && memoryKib < maxmemKib;
  if (!onDemand) return undefined;
  const keys = ['maxmem', 'memory'];
  const hint = 'set memory and maxmem to the same amount';
  if (behaviours.podRefused === 'with-any-passthrough') {
    const message = 'IOMMU required for device passthrough but not supported together with PoD';
    return mode === 'disabled' ? undefined : { code: 'pod-with-passthrough', message, hint, keys };
  }
  const message = 'PCI device assignment for HVM guest failed due to PoD enabled';
  return config.pci.length === 0 ? undefined : { code: 'pod-with-passthrough', message, hint, keys };
};

/** Xen for x86 knows no devices of a device tree, so that libxl fails when it assigns them and destroys the domain. */
const noDeviceTreeOnX86: Step = ({ host, config }) =>
  host.arch !== 'x86' || config.dtdev.length === 0
    ? undefined
    : {
        code: 'dtdev-on-x86',
        message: 'xc_assign_dtdevice failed: x86 has no device tree',
        hint: 'check it with --arch arm, or assign PCI devices with pci=',
        keys: ['dtdev'],
      };

/** libxl__domain_config_setdefault, from 4.13 on; then what is sure to fail later. */
const UP_FRONT: readonly Step[] = [
  defaultHap,
  defaultPassthrough,
  needsIommu,
  disabledHasNoDevices,
  x86Mode,
  armMode,
  noPopulateOnDemand,
  noDeviceTreeOnX86,
];

/** Up to 4.12 nothing is declared: the domain starts without a context, and devices bring one (dossier §1.2). */
const contextComesLater: Step = (draft) => {
  draft.mode = 'disabled';
  draft.why.push('this release has no passthrough=: every domain is created without an IOMMU context.');
  draft.why.push(
    draft.hasDevices
      ? `${devicesInWords(draft.config)}; assigning the first one makes Xen build the context of a domain that exists.`
      : 'no device is listed; a device that is attached later would bring the context.',
  );
  return undefined;
};

/** libxl probes with test_assign for HVM guests only; a PV guest gets its device even without an IOMMU (§2.5). */
const lateNeedsIommu: Step = ({ type, host, config }) =>
  host.directio || type === 'pv' || (config.pci.length === 0 && config.dtdev.length === 0)
    ? undefined
    : {
        code: 'passthrough-not-supported',
        message:
          type === 'hvm' ? 'PCI device cannot be assigned - no IOMMU?' : 'xc_assign_device failed: no IOMMU',
        hint: `${host.origin}: the IOMMU is off or absent`,
        keys: ['pci', 'dtdev'],
      };

const LATE: readonly Step[] = [
  defaultHap,
  noPopulateOnDemand,
  contextComesLater,
  lateNeedsIommu,
  noDeviceTreeOnX86,
];

function lateContextOf({ hasDevices, type, host, hap }: Draft): Resolution['lateContext'] {
  if (!hasDevices || !host.directio) return null;
  return type !== 'pv' && hap && host.hap && host.share ? 'shared' : 'split';
}

function devicesInWords({ pci, dtdev }: DomainConfig): string {
  const counts = [
    ['pci=', pci.length],
    ['dtdev=', dtdev.length],
  ] as const;
  return counts
    .filter(([, count]) => count > 0)
    .map(([key, count]) => `${key} lists ${count} device${count === 1 ? '' : 's'}`)
    .join(' and ');
}

/** What is allowed, but not what it looks like. */
function adviceOn({ config, host, type, hasDevices, behaviours }: Draft): Diagnostic[] {
  const advice: Diagnostic[] = [];
  const warn = (key: string, code: string, message: string, hint?: string): void => {
    const setting = config.settings.get(key);
    if (setting) advice.push(atValue(config.source, setting.value, 'warning', code, message, hint));
  };
  if (type === 'pv' && config.hap === true) {
    warn('hap', 'hap-of-pv', 'hap has no effect on a PV domain');
  }
  if (host.arch === 'arm' && config.type === 'pv') {
    warn('type', 'pv-on-arm', 'libxl converts a PV guest to PVH on Arm');
  }
  if (host.arch === 'arm' && config.pci.length > 0) {
    const hint = 'list platform devices in dtdev= with a partial device tree in device_tree=';
    warn('pci', 'pci-on-arm', 'PCI devices cannot be assigned on Arm in a released Xen', hint);
  }
  if (behaviours.contextDecided === 'at-first-assignment' && type === 'pv' && hasDevices && !host.directio) {
    const message = 'the device is assigned without an IOMMU: it can reach all memory of the host';
    warn('pci', 'assigned-without-iommu', message);
  }
  return advice;
}

function refused(
  base: Pick<Resolution, 'type' | 'requested' | 'declared'>,
  { config, why }: Draft,
  refusal: Refusal,
  warnings: readonly Diagnostic[],
): Resolution {
  const { code, message, hint, keys } = refusal;
  const setting = keys.map((key) => config.settings.get(key)).find((found) => found !== undefined);
  const value = setting?.value;
  const first = value?.kind === 'list' ? (value.items[0] ?? value) : value;
  const diagnostic =
    first === undefined
      ? at(config.source, 0, 1, 'error', code, message, hint)
      : atValue(config.source, first, 'error', code, message, hint);
  return {
    ...base,
    effective: null,
    context: 'none',
    lateContext: null,
    flags: [],
    iommuOpts: [],
    iommuMemoryKib: 0,
    why: [...why, `The domain would not start: ${message}.`],
    diagnostics: [...warnings, diagnostic],
  };
}
