import { commandLineBehaviours } from './cmdline-behaviours.js';
import type { Arch } from './host.js';
import { carries, type Release } from './release.js';

/** The switches of `iommu=` and `dom0-iommu=`, before they act on each other. */
export interface Switches {
  enable: boolean;
  force: boolean;
  workaroundBiosBug: boolean;
  quarantine: 'none' | 'basic' | 'scratch-page';
  igfx: boolean;
  verbose: boolean;
  snoop: boolean;
  qinval: boolean;
  superpages: boolean;
  intremap: boolean;
  intpost: boolean;
  crashDisable: boolean;
  debug: boolean;
  amdPerdevIntremap: boolean;
  sharept: boolean;
  dom0Passthrough: boolean;
  dom0Strict: boolean;
  dom0MapInclusive: boolean;
  /** Null until it is set: then on for x86. */
  dom0MapReserved: boolean | null;
  dom0None: boolean;
}

type BooleanSwitch = { [K in keyof Switches]: boolean extends Switches[K] ? K : never }[keyof Switches];

/** One option of a list, with the builds that know it. `first` lists are read as in {@link carries}. */
export interface XenOption {
  readonly name: string;
  readonly sets: BooleanSwitch | 'quarantine';
  /** Also switched on when this is. */
  readonly implies?: BooleanSwitch;
  readonly since?: readonly string[];
  readonly until?: readonly string[];
  /** From then on only builds for x86 know it. */
  readonly x86Since?: readonly string[];
  /** From then on builds for Arm recognise it again, and say that it has no effect. */
  readonly idleOnArmSince?: readonly string[];
  readonly deprecatedSince?: readonly string[];
}

/** `iommu=`, in the order in which Xen tries the names (parse_iommu_param); 4.11's prefixes depend on it. */
export const IOMMU_OPTIONS: readonly XenOption[] = [
  { name: 'force', sets: 'force' },
  { name: 'required', sets: 'force' },
  { name: 'quarantine', sets: 'quarantine', since: ['4.13', '4.12.2', '4.11.3'], x86Since: ['4.16'] },
  { name: 'workaround_bios_bug', sets: 'workaroundBiosBug', until: ['4.12'] },
  { name: 'igfx', sets: 'igfx', x86Since: ['4.14'], idleOnArmSince: ['4.18'] },
  { name: 'verbose', sets: 'verbose' },
  { name: 'snoop', sets: 'snoop', x86Since: ['4.14'] },
  { name: 'qinval', sets: 'qinval', x86Since: ['4.14'], idleOnArmSince: ['4.18'] },
  { name: 'superpages', sets: 'superpages', since: ['4.17'], x86Since: ['4.17'] },
  { name: 'intremap', sets: 'intremap', x86Since: ['4.14'] },
  { name: 'intpost', sets: 'intpost', x86Since: ['4.14'] },
  { name: 'crash-disable', sets: 'crashDisable', since: ['4.13'], x86Since: ['4.13'] },
  { name: 'debug', sets: 'debug', implies: 'verbose' },
  { name: 'amd-iommu-perdev-intremap', sets: 'amdPerdevIntremap' },
  { name: 'dom0-passthrough', sets: 'dom0Passthrough', deprecatedSince: ['4.12'] },
  { name: 'dom0-strict', sets: 'dom0Strict', deprecatedSince: ['4.12'] },
  { name: 'sharept', sets: 'sharept', x86Since: ['4.13'] },
];

/** `dom0-iommu=` (parse_dom0_iommu_param). `none` has no boolean form and is not in this table. */
export const DOM0_IOMMU_OPTIONS: readonly XenOption[] = [
  { name: 'passthrough', sets: 'dom0Passthrough' },
  { name: 'strict', sets: 'dom0Strict' },
  { name: 'map-inclusive', sets: 'dom0MapInclusive' },
  { name: 'map-reserved', sets: 'dom0MapReserved' as BooleanSwitch },
];

export function isBuiltIn(option: XenOption, release: Release, arch: Arch): boolean {
  const { since, until, x86Since, idleOnArmSince } = option;
  if (since !== undefined && !carries(release, since)) return false;
  if (until !== undefined && carries(release, until)) return false;
  if (arch === 'x86' || x86Since === undefined || !carries(release, x86Since)) return true;
  return idleOnArmSince !== undefined && carries(release, idleOnArmSince);
}

export function defaultSwitches(release: Release, arch: Arch): Switches {
  const quarantine = IOMMU_OPTIONS.find(({ name }) => name === 'quarantine')!;
  const { mapInclusiveDefault } = commandLineBehaviours(release);
  return {
    enable: true,
    force: false,
    workaroundBiosBug: false,
    quarantine: isBuiltIn(quarantine, release, arch) ? 'basic' : 'none',
    igfx: true,
    verbose: false,
    snoop: true,
    qinval: true,
    superpages: true,
    intremap: true,
    intpost: false,
    crashDisable: false,
    debug: false,
    amdPerdevIntremap: true,
    sharept: true,
    dom0Passthrough: false,
    dom0Strict: false,
    dom0MapInclusive: arch === 'x86' && mapInclusiveDefault === 'on',
    dom0MapReserved: null,
    dom0None: false,
  };
}

const TRUE = ['yes', 'on', 'true', 'enable', '1'];
const FALSE = ['no', 'off', 'false', 'disable', '0'];

/** Xen's parse_bool: no more than these words, in lower case. Undefined when it is none of them. */
export function xenBoolean(text: string, match: 'prefix' | 'whole'): boolean | undefined {
  if (text === '') return undefined;
  const is = (word: string): boolean => (match === 'prefix' ? word.startsWith(text) : word === text);
  return FALSE.some(is) ? false : TRUE.some(is) ? true : undefined;
}
