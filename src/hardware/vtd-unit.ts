import { R, type Rights, W } from '../formats/address.js';
import {
  FOUR_LEVELS,
  inputLimit,
  type RadixFormat,
  type RootShape,
  THREE_LEVELS,
  Walker,
  WalkStatus,
} from '../formats/radix.js';
import {
  ContextType,
  clearEntry,
  contextDid,
  entryFrame,
  entryPresent,
  VTD_ENTRY_BYTES,
  VTD_SECOND_LEVEL,
  vtdSecondLevel,
  writeContextEntry,
  writeRootEntry,
} from '../formats/vtd.js';
import { faultWord0, faultWord1, faultWord2, faultWord3, VtdReason } from '../formats/vtd-faults.js';
import { VtdLookup } from '../formats/vtd-lookup.js';
import type { Tree } from '../formats/walk-entries.js';
import { flag, hex, type Layout, optional } from '../store/table.js';
import { ContextCache } from './context-cache.js';
import { DelayedWrites } from './delayed-writes.js';
import type { IommuFault, IommuUnit } from './iommu.js';
import { Iotlb, orderOf } from './iotlb.js';
import type { Ram } from './ram.js';
import { FULL_VTD, type VtdCapabilities, vtdLevels } from './vtd-capabilities.js';

/** The second-level format as a unit reads it; most read it in full. */
function formatOf({ superpageLevel, snoopControl }: VtdCapabilities): RadixFormat {
  if (superpageLevel === FULL_VTD.superpageLevel && snoopControl) return VTD_SECOND_LEVEL;
  return vtdSecondLevel({ hostAddressWidth: 52, superpageLevel, snoopControl });
}

export interface VtdOptions {
  readonly capabilities?: VtdCapabilities;
  /** Entries of the context cache, a power of two, or 0: every root and context entry is then read anew. */
  readonly contextCache?: number;
  /** How the unit is called in lists of changes. */
  readonly name?: string;
}

/**
 * A VT-d remapping unit in legacy mode: root table, context tables and second-level tables in RAM, an IOTLB tagged by
 * DID, a context cache, and a primary fault record. It has no device-TLBs. In caching mode it remembers what was not
 * present as if it were something. Every fault is recorded; Xen never sets FPD. (Intel VT-d spec 5.10 §3.4, §6.1, §6.2,
 * §7.)
 */
export class VtdUnit implements IommuUnit {
  readonly iotlb: Iotlb;
  readonly contextCache: ContextCache;
  readonly capabilities: VtdCapabilities;
  /** Levels of the contexts that the unit's own functions write. */
  readonly levels: number;
  /** What the unit does not see yet of its tables; undefined for one that sees every write at once. */
  readonly delayed: DelayedWrites | undefined;
  frame = -1;
  iotlbRow = -1;
  /** Row of the context cache by which the last `translate` found its context; -1 where it read the tables. */
  contextRow = -1;
  private readonly ram: Ram;
  private readonly walker: Walker;
  private readonly lookup: VtdLookup;
  private readonly registers;

  // Where the last access came from and what became of it; registers, not state that outlives the step.
  private reason = 0;
  private requester = 0;
  private address = 0;
  private write = false;
  private root = 0;
  private shape: RootShape = FOUR_LEVELS;
  private did = 0;

  constructor(layout: Layout, ram: Ram, iotlbSize: number, options: VtdOptions = {}) {
    const { capabilities = FULL_VTD, contextCache = 0, name = 'VT-d' } = options;
    const { levels, passThrough, coherent, writeBuffer } = capabilities;
    this.capabilities = capabilities;
    this.levels = vtdLevels(capabilities);
    this.ram = ram;
    this.delayed = coherent && !writeBuffer ? undefined : new DelayedWrites(layout, name, ram);
    const source = this.delayed ?? ram;
    this.walker = new Walker(formatOf(capabilities), source);
    this.lookup = new VtdLookup(source, { levels, passThrough, deviceTlbs: false });
    this.iotlb = new Iotlb(layout, name, iotlbSize);
    this.contextCache = new ContextCache(layout, name, contextCache);
    this.registers = layout.table(
      `${name} unit`,
      1,
      { rootTable: optional(hex), enabled: flag },
      () => `${name} unit`,
    ).columns;
  }

  /** Sets RTADDR to the root table in frame `frame` and turns translation on (GCMD.SRTP, GCMD.TE). */
  enable(frame: number): void {
    this.registers.rootTable.set(0, frame + 1);
    this.registers.enabled.set(0, 1);
  }

  /** Physical address of the root entry of a requester's bus. */
  private rootAddress(requester: number): number {
    return this.rootTable * 4096 + (requester >>> 8) * VTD_ENTRY_BYTES;
  }

  /** Physical address of the context entry of `requester`, or -1 where its bus has no context table. */
  private contextAddress(requester: number): number {
    const at = this.rootAddress(requester);
    const word0 = this.ram.read32(at);
    if (!entryPresent(word0)) return -1;
    return entryFrame(word0, this.ram.read32(at + 4)) * 4096 + (requester & 0xff) * VTD_ENTRY_BYTES;
  }

  /** The same where there must be one. @throws RangeError when the bus has no context table. */
  private contextToWrite(requester: number): number {
    const at = this.contextAddress(requester);
    if (at >= 0) return at;
    const bus = `0x${(requester >>> 8).toString(16)}`;
    throw new RangeError(`bus ${bus} has no context table; setContextTable comes first`);
  }

  /** Makes the root entry of a bus point to the context table in `frame`. */
  setContextTable(bus: number, frame: number): void {
    const at = this.rootAddress(bus << 8);
    this.noteWrite(at, VTD_ENTRY_BYTES);
    writeRootEntry(this.ram, at, frame);
    this.syncCache(at, VTD_ENTRY_BYTES);
  }

  /** Frame of the root table, or -1 before {@link enable}. */
  get rootTable(): number {
    return this.registers.rootTable.get(0) - 1;
  }

  /** Frame of a bus's context table, or -1 when it has none. */
  contextTable(bus: number): number {
    const at = this.contextAddress(bus << 8);
    return at < 0 ? -1 : Math.floor(at / 4096);
  }

  hasContextTable(bus: number): boolean {
    return this.contextAddress(bus << 8) >= 0;
  }

  /** Points a requester's context entry at second-level tables. Its bus must have a context table. */
  setContext(requester: number, root: number, did: number): void {
    const at = this.contextToWrite(requester);
    this.noteWrite(at, VTD_ENTRY_BYTES);
    writeContextEntry(this.ram, at, ContextType.MULTI_LEVEL, root, this.levels, did);
    this.syncCache(at, VTD_ENTRY_BYTES);
  }

  /** Lets a requester's accesses pass untranslated. */
  setPassThrough(requester: number, did: number): void {
    const at = this.contextToWrite(requester);
    this.noteWrite(at, VTD_ENTRY_BYTES);
    writeContextEntry(this.ram, at, ContextType.PASS_THROUGH, 0, this.levels, did);
    this.syncCache(at, VTD_ENTRY_BYTES);
  }

  clearContext(requester: number): void {
    const at = this.contextToWrite(requester);
    this.noteWrite(at, VTD_ENTRY_BYTES);
    clearEntry(this.ram, at);
    this.syncCache(at, VTD_ENTRY_BYTES);
  }

  /** The DID in a requester's context entry in RAM, whatever the unit has seen of it; -1 when it is not present. */
  contextDid(requester: number): number {
    const at = this.contextAddress(requester);
    return at < 0 || !entryPresent(this.ram.read32(at)) ? -1 : contextDid(this.ram.read32(at + 8));
  }

  /** Entries in `bytes` from `pa` are about to be written: a unit that delays writes still sees what is there. */
  noteWrite(pa: number, bytes: number): void {
    if (this.delayed === undefined) return;
    for (let offset = 0; offset < bytes; offset += 8) this.delayed.note(pa + offset);
  }

  /** Drains the write buffer (GCMD.WBF). What sits in caches that the unit does not snoop stays there. */
  flushWrites(): void {
    if (this.capabilities.coherent) this.delayed?.flush();
  }

  /** The cache lines of `bytes` from `pa` are written back; they still may have to get through the write buffer. */
  syncCache(pa: number, bytes: number): void {
    const { coherent, writeBuffer } = this.capabilities;
    if (!coherent && !writeBuffer) this.delayed?.arrive(pa, bytes);
  }

  /** Device-selective invalidation of the context cache. Like every invalidation it lets writes arrive first. */
  invalidateContext(did: number, requester: number): void {
    this.flushWrites();
    this.contextCache.invalidateDevice(did, requester);
  }

  /** Domain-selective invalidation of the IOTLB. */
  invalidateDomain(did: number): void {
    this.flushWrites();
    this.iotlb.invalidateDomain(did);
  }

  /** Page-selective invalidation of the IOTLB: 2^order pages from `input`, which is aligned to them. */
  invalidatePages(did: number, input: number, count: number): void {
    this.flushWrites();
    this.iotlb.invalidatePages(did, input, count);
  }

  /** Looks a requester up in the context cache and then in the tables, and remembers what the tables say. */
  private contextOf(requester: number): number {
    this.contextRow = -1;
    if (this.contextCache.rows === 0) return this.findContext(requester);
    const row = this.registers.enabled.get(0) ? this.contextCache.find(requester) : -1;
    this.contextRow = row;
    if (row >= 0) return this.recall(row);
    const reason = this.findContext(requester);
    if (this.did < 0) return reason;
    if (reason === 0) {
      this.contextCache.fill(requester, this.did, this.root, this.shape.topLevel, 0);
    } else if (this.capabilities.cachingMode) {
      this.contextCache.fill(requester, 0, -1, 0, reason);
    }
    return reason;
  }

  /** Takes the context from the cache's entry at `row`: the reason of a fault, or 0. */
  private recall(row: number): number {
    const { contextCache } = this;
    this.did = contextCache.did(row);
    this.root = contextCache.root(row);
    this.shape = contextCache.levels(row) === 3 ? THREE_LEVELS : FOUR_LEVELS;
    return contextCache.reason(row);
  }

  /**
   * Looks a requester up in root and context table: the reason of a fault, or 0. Afterwards `root` is the second-level
   * root, or -1 for no translation, `shape` says what it covers, and `did` is the domain id, or -1 for a disabled unit.
   */
  private findContext(requester: number): number {
    if (!this.registers.enabled.get(0)) {
      this.root = -1;
      this.did = -1;
      return 0;
    }
    const { lookup } = this;
    this.did = 0;
    const reason = lookup.find(this.rootTable * 4096, requester);
    if (reason !== 0) return reason;
    this.root = lookup.root;
    this.shape = lookup.shape;
    this.did = lookup.did;
    return 0;
  }

  /** Whether `input` lies beyond what the context found last translates or passes; a disabled unit passes all. */
  private beyondWidth(input: number): boolean {
    return this.did >= 0 && input >= inputLimit(this.shape);
  }

  translate(requester: number, address: number, write: boolean): boolean {
    this.requester = requester;
    this.address = address;
    this.write = write;
    this.reason = this.translateInput(requester, Math.floor(address / 4096), write ? W : R);
    return this.reason === 0;
  }

  private translateInput(requester: number, input: number, need: Rights): number {
    this.iotlbRow = -1;
    const reason = this.contextOf(requester);
    if (reason !== 0) return reason;
    if (this.beyondWidth(input)) return VtdReason.BEYOND_WIDTH;
    if (this.root < 0) {
      this.frame = input;
      return 0;
    }
    const cached = this.iotlb.find(this.did, input);
    if (cached >= 0) {
      const rights = this.iotlb.rights(cached);
      if ((rights & need) !== 0 || rights === 0) this.iotlbRow = cached;
      if ((rights & need) !== 0) {
        this.frame = this.iotlb.frameFor(cached, input);
        return 0;
      }
      // What was not present is remembered in caching mode only; of what was present, the unit looks again.
      if (rights === 0) return need === W ? VtdReason.WRITE_DENIED : VtdReason.READ_DENIED;
    }
    const status = this.walker.walk(this.root, this.shape, input);
    // Permission is checked on the way down, before the reserved bits of the same entry.
    if (status === WalkStatus.NOT_PRESENT && this.capabilities.cachingMode) {
      this.iotlb.fill(this.did, input, 0, 0);
    }
    if (status === WalkStatus.NOT_PRESENT || (this.walker.pathRights & need) === 0) {
      return need === W ? VtdReason.WRITE_DENIED : VtdReason.READ_DENIED;
    }
    if (status === WalkStatus.RESERVED) return VtdReason.ENTRY_RESERVED;
    this.frame = this.walker.frame;
    this.iotlb.fill(this.did, input, this.walker.frame, this.walker.rights, orderOf(this.walker.span));
    return 0;
  }

  tableRights(requester: number, input: number): Rights {
    return this.select(requester) ? this.selectedRights(input) : 0;
  }

  select(requester: number): boolean {
    return this.findContext(requester) === 0;
  }

  selectRemembered(requester: number): boolean {
    if (this.contextCache.rows === 0) return false;
    const row = this.registers.enabled.get(0) ? this.contextCache.find(requester) : -1;
    return row >= 0 && this.recall(row) === 0;
  }

  selectedRights(input: number): Rights {
    if (this.beyondWidth(input)) return 0;
    if (this.root < 0) {
      this.frame = input;
      return R | W;
    }
    if (this.walker.walk(this.root, this.shape, input) !== WalkStatus.OK) return 0;
    this.frame = this.walker.frame;
    return this.walker.rights;
  }

  get selectedRoot(): number {
    return this.root;
  }

  get selectedTree(): Tree | undefined {
    const { root, shape, walker } = this;
    return root < 0 ? undefined : { format: walker.format, source: walker.source, root, shape };
  }

  /** Why the tables have no context for a requester that could be used: the reason of the fault, or 0. */
  contextReason(requester: number): number {
    return this.findContext(requester);
  }

  tagOf(requester: number): number {
    return this.findContext(requester) === 0 && this.root >= 0 ? this.did : -1;
  }

  rememberedTagOf(requester: number): number {
    return this.selectRemembered(requester) && this.root >= 0 ? this.did : -1;
  }

  /** The primary fault record that the last refused access left: FRCD words 0 to 3. */
  lastFault(): IommuFault {
    const page = Math.floor(this.address / 4096);
    return {
      requester: this.requester,
      address: this.address,
      write: this.write,
      registers: {
        reason: this.reason,
        frcd0: faultWord0(page),
        frcd1: faultWord1(page),
        frcd2: faultWord2(this.requester),
        frcd3: faultWord3(this.reason, !this.write),
      },
    };
  }
}
