import { R, type Rights, W } from './address.js';
import { AMDVI_TABLES } from './amdvi.js';
import { AmdviLookup, DeviceEntryStatus } from './amdvi-lookup.js';
import { FOUR_LEVELS, inputLimit, type RootShape, Walker, WalkStatus } from './radix.js';
import { VTD_SECOND_LEVEL } from './vtd.js';
import { vtdFaultReason } from './vtd-faults.js';
import { VtdLookup } from './vtd-lookup.js';
import { type MappedRange, type WalkAllOptions, type WalkSummary, walkAll } from './walk-all.js';
import type { WordSource } from './words.js';

/** IOMMUs whose tables a view can read. */
export type IommuKind = 'vtd' | 'amdvi';

/** What an IOMMU does with a device's accesses: refuses all, translates them, or lets them pass as they are. */
export type DeviceState = 'blocked' | 'translated' | 'passthrough';

/** Frame numbers from here up are no physical addresses. */
const FRAME_LIMIT = 2 ** 40;

/** Every level and type that the entry can say: a view cannot ask the unit what it supports. */
const ANY_CONTEXT = { levels: [3, 4, 5], passThrough: true, deviceTlbs: true } as const;

const NOTES: Readonly<Record<number, string>> = {
  [DeviceEntryStatus.IGNORED]: 'V = 0: the unit ignores the entry and lets everything pass',
  [DeviceEntryStatus.ABORTED]: 'TV = 0: everything is aborted',
  [DeviceEntryStatus.ILLEGAL]: 'a reserved bit or mode in the device table entry',
  [DeviceEntryStatus.GUEST]: 'guest translation, which is not followed',
  [DeviceEntryStatus.OUTSIDE]: 'beyond the device table',
};

/**
 * What an IOMMU's tables in memory let devices do, read from the outside: no unit, no caches. Select a device, then
 * ask for frames; look-ups allocate nothing. Encodings that the hardware refuses count as no rights, and memory that
 * does not exist reads as zero, so that any root can be looked at. A selection holds what the tables said then.
 */
export class IommuView {
  readonly kind: IommuKind;
  readonly source: WordSource;
  /** Byte address of the root table (VT-d) or device table (AMD-Vi). */
  readonly rootTable: number;
  state: DeviceState = 'blocked';
  /** Domain id of the device selected; -1 when it is blocked or its entry is ignored. */
  did = -1;
  /** Frame of the device's root table; -1 unless it is translated. */
  root = -1;
  /** Levels and width of its tables; of no meaning unless it is translated. */
  shape: RootShape = FOUR_LEVELS;
  /** What is restricted above the tables: IR and IW of a device table entry. */
  entryRights: Rights = 0;
  /** Why a device is blocked, or passes without anybody having said so; empty otherwise. */
  note = '';
  /** Frame that the last {@link rights} led to; -1 when to none. */
  frame = -1;
  private readonly vtd: VtdLookup;
  private readonly amdvi: AmdviLookup;
  private readonly walker: Walker;

  /** @param devices AMD-Vi: entries of the device table, when it is not the largest. */
  constructor(source: WordSource, kind: IommuKind, rootTable: number, devices?: number) {
    this.source = source;
    this.kind = kind;
    this.rootTable = rootTable;
    this.vtd = new VtdLookup(source, ANY_CONTEXT);
    this.amdvi = new AmdviLookup(source, devices);
    this.walker = new Walker(kind === 'vtd' ? VTD_SECOND_LEVEL : AMDVI_TABLES, source);
  }

  /** Selects a requester (bus << 8 | devfn) and says what becomes of its accesses. */
  select(requester: number): DeviceState {
    this.did = -1;
    this.root = -1;
    this.entryRights = 0;
    this.note = '';
    this.frame = -1;
    this.state = this.kind === 'vtd' ? this.selectVtd(requester) : this.selectAmdvi(requester);
    return this.state;
  }

  private selectVtd(requester: number): DeviceState {
    const { vtd } = this;
    const reason = vtd.find(this.rootTable, requester);
    if (reason !== 0) {
      this.note = vtdFaultReason(reason)?.meaning ?? '';
      return 'blocked';
    }
    this.did = vtd.did;
    this.shape = vtd.shape;
    this.entryRights = R | W;
    this.root = vtd.root;
    return vtd.root < 0 ? 'passthrough' : 'translated';
  }

  private selectAmdvi(requester: number): DeviceState {
    const { amdvi } = this;
    const status = amdvi.find(this.rootTable, requester);
    this.note = NOTES[status] ?? '';
    if (status !== DeviceEntryStatus.OK && status !== DeviceEntryStatus.IGNORED) return 'blocked';
    this.entryRights = amdvi.rights;
    if (status === DeviceEntryStatus.IGNORED) return 'passthrough';
    if (amdvi.rights === 0) {
      this.note = 'neither IR nor IW in the device table entry';
      return 'blocked';
    }
    this.did = amdvi.did;
    if (amdvi.shape === undefined) return 'passthrough';
    this.shape = amdvi.shape;
    this.root = amdvi.root;
    return 'translated';
  }

  /** Rights of the device selected on an input frame; {@link frame} is then where it leads. */
  rights(input: number): Rights {
    this.frame = -1;
    if (this.state === 'blocked') return 0;
    if (this.state === 'passthrough') {
      // VT-d checks the width even of what passes (Intel VT-d spec 5.10 §9.3, TT = 10b).
      const limit = this.kind === 'vtd' ? inputLimit(this.shape) : FRAME_LIMIT;
      if (input < 0 || input >= limit) return 0;
      this.frame = input;
      return this.entryRights;
    }
    const { walker } = this;
    if (walker.walk(this.root, this.shape, input) !== WalkStatus.OK) return 0;
    this.frame = walker.frame;
    return walker.rights & this.entryRights;
  }

  /**
   * Visits everything that the tables of the device selected map, see {@link walkAll}. Undefined for a device that is
   * not translated: it reaches nothing, or everything.
   */
  walkAll(visit: (range: MappedRange) => void, options: WalkAllOptions = {}): WalkSummary | undefined {
    if (this.state !== 'translated') return undefined;
    const { source, root, shape, entryRights } = this;
    return walkAll(this.walker.format, source, root, shape, visit, { ...options, rights: entryRights });
  }
}

/** Everything that a device's tables map. */
export interface Leaves extends WalkSummary {
  readonly mapped: readonly MappedRange[];
  /** Whether one table stands behind several ranges of inputs, as in the tree of a quarantine page. */
  readonly sharedSubtrees: boolean;
}

/** Tables to read at most, unless told otherwise: those of 128 GiB in 4 KiB pages. */
const MAX_TABLES = 1 << 16;

/**
 * Everything that the tables of the device selected in `view` map, as ranges; undefined when it is not translated.
 * Reads at most `maxTables` tables and then says that it is not `complete`, whatever garbage the root leads to.
 */
export function collectLeaves(view: IommuView, maxTables: number = MAX_TABLES): Leaves | undefined {
  const mapped: MappedRange[] = [];
  const summary = view.walkAll((range) => void mapped.push(range), { maxTables });
  return summary && { ...summary, mapped, sharedSubtrees: summary.repeats > 0 };
}
