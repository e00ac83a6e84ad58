import type { DeviceType, RegionKind } from '../xen/machine.js';

/** A program as data: what text and JSON forms both mean. */

/** An argument: words stay strings, numbers are numbers, flags a list of words. */
export type Argument = string | number | readonly string[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What a step must do, in the order written. */
export type Expectation = Place &
  (
    | { readonly kind: 'status'; readonly status: string }
    | { readonly kind: 'fault'; readonly text: string }
    | { readonly kind: 'violation'; readonly invariant: string }
    | { readonly kind: 'change'; readonly text: string }
  );

export interface Statement extends Place {
  readonly op: string;
  readonly args: Readonly<Record<string, Argument>>;
  readonly expect: readonly Expectation[];
}

/** Statements again and again: a number of times, or until the state recurs (`forever`). */
export interface Repeat extends Place {
  readonly repeat: number | 'forever';
  readonly body: readonly Step[];
  /** Of one for ever: what it is to come to, {@link LOOP_STATUSES}. Where nothing is said, it is to recur. */
  readonly expect: readonly Expectation[];
}

/**
 * What a `repeat forever` comes to: the state comes back with a hypercall under way all along that makes steps and does not
 * end; it comes back otherwise; it does not come back.
 */
export const LOOP_STATUSES = ['livelock', 'recurs', 'does not recur'] as const;
export type LoopStatus = (typeof LOOP_STATUSES)[number];

export type Step = Statement | Repeat;

export const isRepeat = (step: Step): step is Repeat => 'repeat' in step;

export interface Range {
  readonly first: number;
  readonly last: number;
}

/** What may be said of a device in one word. */
export const DEVICE_FLAGS = ['withheld', 'unprotected', 'hidden', 'absent'] as const;

export interface DeviceDeclaration {
  readonly name: string;
  /** SBDF or device-tree path. */
  readonly address: string;
  readonly stream?: number;
  /** AMD-Vi: whose requests the device's look like, as firmware says (IVRS). */
  readonly alias?: string;
  /** A PCI function's kind; an endpoint unless it is said. */
  readonly type?: DeviceType;
  /** Stride of its phantom functions. */
  readonly phantom?: number;
  /** The bridge it is behind, and the physical function of which it is a virtual one: names of other devices. */
  readonly behind?: string;
  readonly vfof?: string;
  /** Not given to dom0 at boot. */
  readonly withheld?: boolean;
  /** A node of the device tree that no IOMMU stands in front of. */
  readonly unprotected?: boolean;
  /** PCI: dom_xen has it, though it is dom0's driver that uses it; not found at boot; translations of its own. */
  readonly hidden?: boolean;
  readonly absent?: boolean;
}

/** A region that a device, or two, need to reach at any time. */
export interface ReservedDeclaration extends Range {
  readonly device: string;
  readonly also?: string;
  /** AMD-Vi: what the devices do there; `rw` by default. */
  readonly access?: 'rw' | 'ro' | 'wo';
}

/** What a VT-d unit lacks, or has beyond the usual. */
export const UNIT_FLAGS = [
  'caching-mode',
  'no-page-selective',
  'no-pass-through',
  'no-snoop',
  'non-coherent',
  'write-buffer',
  'register-invalidation',
] as const;
export type UnitFlag = (typeof UNIT_FLAGS)[number];

/** One of the VT-d or AMD-Vi units of a machine that declares them. All but name and scope is VT-d's. */
export interface UnitDeclaration {
  readonly name: string;
  /** Names of the devices behind it, with commas between; all that are behind no other when it is not said. */
  readonly devices?: string;
  /** Domain ids that it tells apart. */
  readonly domain_ids?: number;
  /** The largest order of pages that can be invalidated at once. */
  readonly mamv?: number;
  /** Levels of its tables. */
  readonly levels?: number;
  /** The highest level with superpages. */
  readonly superpages?: number;
  readonly flags?: readonly UnitFlag[];
}

/** What dom0 may do with a region of the memory map: not map it for its CPUs; only read it. */
export const REGION_FLAGS = ['denied', 'read-only'] as const;
export type RegionFlag = (typeof REGION_FLAGS)[number];

/** Addresses that are no RAM. */
export interface RegionDeclaration extends Range {
  readonly kind: RegionKind;
  readonly flags?: readonly RegionFlag[];
}

/** The host and its dom0. Everything has a default, so that the shortest program is one line. */
export interface MachineDeclaration {
  readonly arch: 'x86' | 'arm';
  readonly ram: readonly Range[];
  readonly xenHeap: Range;
  readonly iommu: 'vtd' | 'amdvi' | 'smmu' | 'smmuv3' | 'none';
  /** SMMU: device-tree path, FSYNR0.S1CBNDX. */
  readonly smmuPath: string;
  readonly s1cbndx: number;
  /** SMMUv2: context banks and stream mapping registers, where they are fewer than are ever needed. */
  readonly smmuBanks?: number;
  readonly smmuMappings?: number;
  /** SMMUv3: bits of a stream id. */
  readonly streamBits?: number;
  readonly sharept: boolean;
  readonly quarantine: boolean;
  readonly verbosity: 'quiet' | 'verbose' | 'debug';
  /** iommu=quarantine=scratch-page. */
  readonly scratchPage: boolean;
  /** Xen's option `gnttab=`. */
  readonly gnttab: readonly GnttabWord[];
  readonly dom0Mode: 'relaxed' | 'strict' | 'passthrough';
  readonly dom0Pages: number;
  /** Arm: there is no dom0; the domains are those of the device tree. */
  readonly noDom0?: boolean;
  readonly dom0PageTables: number;
  readonly devices: readonly DeviceDeclaration[];
  /** Further stream ids of device-tree devices. */
  readonly streams: readonly { readonly device: string; readonly stream: number }[];
  readonly reserved: readonly ReservedDeclaration[];
  /** x86: what else stands in the firmware's memory map. */
  readonly regions: readonly RegionDeclaration[];
  /** x86: dom0-iommu=map-inclusive and map-reserved; as the release has them where nothing is said. */
  readonly mapInclusive?: boolean;
  readonly mapReserved?: boolean;
  /** VT-d, AMD-Vi: one unit in front of everything when none is declared. */
  readonly units: readonly UnitDeclaration[];
  readonly limits: Readonly<Partial<Record<LimitName, number>>>;
}

/** What a program can say of Xen's option `gnttab=`. */
export const GNTTAB_WORDS = ['max-ver-1', 'no-transitive', 'no-transfer'] as const;
export type GnttabWord = (typeof GNTTAB_WORDS)[number];

/** Sizes of the model's tables that a program can set. */
export const LIMIT_NAMES = [
  'domains',
  'grants',
  'handles',
  'va_slots',
  'iotlb',
  'cpu_tlb',
  'calls',
  'context_cache',
  'gfns',
  'grant_frames',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** The machine of a program that declares nothing. */
export const DEFAULT_MACHINE: MachineDeclaration = {
  arch: 'x86',
  ram: [{ first: 0x100, last: 0x13f }],
  xenHeap: { first: 0x10, last: 0x4f },
  iommu: 'vtd',
  smmuPath: '/smmu@fd800000',
  s1cbndx: 0,
  sharept: true,
  quarantine: true,
  verbosity: 'quiet',
  scratchPage: false,
  gnttab: [],
  dom0Mode: 'relaxed',
  dom0Pages: 4,
  dom0PageTables: 0,
  devices: [],
  streams: [],
  reserved: [],
  regions: [],
  units: [],
  limits: {},
};

/**
 * A machine with defaults for what it does not declare. On Arm the IOMMU is an SMMU. Where the RAM is given, dom0 has
 * no pages unless it is given them too: it would take frames that the program wants for others.
 */
export function completeMachine(declared: Partial<MachineDeclaration>): MachineDeclaration {
  return {
    ...DEFAULT_MACHINE,
    ...(declared.arch === 'arm' && { iommu: 'smmu' }),
    ...((declared.ram !== undefined || declared.noDom0) && { dom0Pages: 0 }),
    ...declared,
  };
}

/** Pages that a domain from a config gets when the program does not say. */
export const CONFIG_PAGES = 4;

/** The name of a page that a domain from a config starts with, counted from 0. */
export const configPageName = (domain: string, page: number): string => `${domain}_${page}`;

/** A domain made from an xl config, as xl would. Its first pages are named after it: guest_0, guest_1 … */
export interface ConfigDomain extends Place {
  readonly name: string;
  /** Path of the config, relative to the program's file. */
  readonly file: string;
  /** Pages to give it in place of its memory=, which no search could hold. */
  readonly pages?: number;
  /** The config itself, as it was read with the program: where it was found, and its text. */
  readonly text?: { readonly name: string; readonly content: string };
}

export interface Program {
  readonly file: string;
  /** The edition it asks for; the command line's wins. */
  readonly edition?: string;
  readonly machine: MachineDeclaration;
  readonly configs: readonly ConfigDomain[];
  readonly steps: readonly Step[];
}

/** All statements of steps, those in blocks once. */
export function* statementsOf(steps: readonly Step[]): Generator<Statement> {
  for (const step of steps) {
    if (isRepeat(step)) yield* statementsOf(step.body);
    else yield step;
  }
}
