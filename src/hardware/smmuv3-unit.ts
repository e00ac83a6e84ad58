import { R, type Rights, W } from '../formats/address.js';
import { ARM_STAGE2, STAGE2_SHAPES } from '../formats/arm-stage2.js';
import { type RootShape, Walker } from '../formats/radix.js';
import {
  OUTPUT_BITS,
  STE_ABORT,
  STE_BYTES,
  STREAM_SPLIT,
  type Stage2Entry,
  SteConfig,
  stage2Entry,
} from '../formats/smmuv3.js';
import { SmmuV3Event, streamEvent, translationEvent } from '../formats/smmuv3-events.js';
import type { Tree } from '../formats/walk-entries.js';
import { hex, type Layout, optional } from '../store/table.js';
import type { IommuFault, IommuUnit } from './iommu.js';
import { Iotlb, orderOf } from './iotlb.js';
import type { Ram } from './ram.js';
import { refusalOfStage2, Stage2Refusal } from './stage2.js';

/** No event is recorded: the stream is stopped by its configuration. */
export const NO_EVENT = 0;

/** Events by {@link Stage2Refusal}. */
const EVENTS: readonly number[] = [
  NO_EVENT,
  SmmuV3Event.F_TRANSLATION,
  SmmuV3Event.F_ADDR_SIZE,
  SmmuV3Event.F_ACCESS,
  SmmuV3Event.F_PERMISSION,
];

/** What a stream's entry says, as far as this unit goes by it. */
const Stream = { refused: 0, stopped: 1, bypass: 2, translated: 3 } as const;

/** Frames that a second-level stream table takes: 256 entries. */
export const STREAM_TABLE_FRAMES = ((1 << STREAM_SPLIT) * STE_BYTES) / 4096;

/**
 * An SMMUv3 that translates by stage 2 only, as Xen programs it: a stream table in RAM, linear or of two levels, that
 * leads a stream to a VMID and a root; an IOTLB tagged by VMID; records of events. Configuration is looked up for every
 * access, none is cached. (Arm IHI 0070 §3.3, §5; dossier §7.4.)
 */
export class SmmuV3Unit implements IommuUnit {
  readonly iotlb: Iotlb;
  frame = -1;
  iotlbRow = -1;
  /** Bits of a stream id (IDR1.SIDSIZE). */
  readonly streamBits: number;
  private readonly ram: Ram;
  private readonly walker: Walker;
  private readonly registers;
  private readonly words = new Int32Array(8);

  // The last access; see VtdUnit.
  private requester = 0;
  private address = 0;
  private write = false;
  private event: number = NO_EVENT;

  // The entry that `find` found last.
  private shape: RootShape | undefined;
  private root = 0;
  private vmid = 0;
  private outputLimit = 0;
  private records = false;
  private selected: number = Stream.refused;

  constructor(layout: Layout, ram: Ram, iotlbSize: number, streamBits: number) {
    this.ram = ram;
    this.streamBits = streamBits;
    this.walker = new Walker(ARM_STAGE2, ram);
    this.iotlb = new Iotlb(layout, 'SMMUv3', iotlbSize);
    this.registers = layout.table(
      'SMMUv3',
      1,
      { streamTable: optional(hex) },
      () => 'SMMUv3 registers',
    ).columns;
  }

  /** Whether the stream table has two levels: where ids are too long for one table of the second. */
  get twoLevels(): boolean {
    return this.streamBits > STREAM_SPLIT;
  }

  /** Frame of the stream table (STRTAB_BASE), or -1 while there is none. */
  get streamTable(): number {
    return this.registers.streamTable.get(0) - 1;
  }

  /** Frames that the first or only level takes. */
  get streamTableFrames(): number {
    const bytes = this.twoLevels
      ? 2 ** (this.streamBits - STREAM_SPLIT) * 8
      : 2 ** this.streamBits * STE_BYTES;
    return Math.ceil(bytes / 4096);
  }

  /** Sets STRTAB_BASE. Of a linear table every entry is made to abort, as Xen does. */
  setStreamTable(frame: number): void {
    this.registers.streamTable.set(0, frame + 1);
    if (!this.twoLevels) this.abortAll(frame, 2 ** this.streamBits);
  }

  private abortAll(frame: number, entries: number): void {
    for (let i = 0; i < entries; i++) this.writeEntry(frame * 4096 + i * STE_BYTES, STE_ABORT);
  }

  /** Physical address of the first-level descriptor of a stream, in a table of two levels. */
  descriptorAddress(stream: number): number {
    return this.streamTable * 4096 + (stream >>> STREAM_SPLIT) * 8;
  }

  /** Whether a stream's entry exists: in a table of two levels the second must have been linked. */
  hasEntry(stream: number): boolean {
    return this.entryAddress(stream) >= 0;
  }

  /** Links a second-level table at `frame`, its entries set to abort, for the 256 streams around `stream`. */
  linkTable(stream: number, frame: number): void {
    this.abortAll(frame, 1 << STREAM_SPLIT);
    const at = this.descriptorAddress(stream);
    this.ram.write32(at, (frame << 12) | (STREAM_SPLIT + 1));
    this.ram.write32(at + 4, (frame / 0x10_0000) & 0xf_ffff);
  }

  /** Frame of the second-level table that has a stream's entry, or -1. */
  tableOf(stream: number): number {
    if (!this.twoLevels || stream >= 2 ** this.streamBits) return -1;
    const at = this.descriptorAddress(stream);
    const lo = this.ram.read32(at);
    return (lo & 31) === 0 ? -1 : (lo >>> 12) + (this.ram.read32(at + 4) & 0xf_ffff) * 0x10_0000;
  }

  /** Physical address of a stream's entry, or -1: beyond the table, or in a table that is not linked. */
  entryAddress(stream: number): number {
    if (stream < 0 || stream >= 2 ** this.streamBits || this.streamTable < 0) return -1;
    if (!this.twoLevels) return this.streamTable * 4096 + stream * STE_BYTES;
    const span = this.ram.read32(this.descriptorAddress(stream)) & 31;
    const index = stream & ((1 << STREAM_SPLIT) - 1);
    if (span === 0 || index >= 2 ** (span - 1)) return -1;
    return this.tableOf(stream) * 4096 + index * STE_BYTES;
  }

  private writeEntry(at: number, words: ArrayLike<number>): void {
    for (let i = 0; i < 8; i++) this.ram.write32(at + 4 * i, words[i]!);
  }

  /** Stops a stream. */
  writeAbort(stream: number): void {
    this.writeEntry(this.entryAddress(stream), STE_ABORT);
  }

  /** Leads a stream through stage-2 tables. */
  writeStage2(stream: number, entry: Stage2Entry): void {
    stage2Entry(entry, this.words);
    this.writeEntry(this.entryAddress(stream), this.words);
  }

  /** Reads a stream's entry. What is wrong with one that is refused stands in `event`. (IHI 0070 §5.5) */
  private find(stream: number): number {
    const at = this.entryAddress(stream);
    this.event = SmmuV3Event.C_BAD_STREAMID;
    if (at < 0) return Stream.refused;
    this.event = SmmuV3Event.F_STE_FETCH;
    if (this.ram.indexOf(Math.floor(at / 4096)) < 0) return Stream.refused;
    const head = this.ram.read32(at);
    this.event = SmmuV3Event.C_BAD_STE;
    if ((head & 1) === 0) return Stream.refused;
    const config = (head >>> 1) & 7;
    this.event = NO_EVENT;
    if (config < SteConfig.BYPASS) return Stream.stopped;
    if (config === SteConfig.BYPASS) return Stream.bypass;
    this.event = SmmuV3Event.C_BAD_STE;
    return config === SteConfig.STAGE2 && this.readStage2(at) ? Stream.translated : Stream.refused;
  }

  /** The stage-2 half of an entry; false for what no implementation with the 4K granule of VMSAv8-64 takes. */
  private readStage2(at: number): boolean {
    const control = this.ram.read32(at + 20);
    const t0sz = control & 63;
    const sl0 = (control >>> 6) & 3;
    this.shape = STAGE2_SHAPES.find((shape) => shape.t0sz === t0sz && shape.sl0 === sl0);
    const outputBits = OUTPUT_BITS[(control >>> 16) & 7];
    if (this.shape === undefined || outputBits === undefined) return false;
    const granule = (control >>> 14) & 3;
    const aarch64 = (control >>> 19) & 1;
    const bigEndian = (control >>> 20) & 1;
    if (granule !== 0 || aarch64 === 0 || bigEndian !== 0) return false;
    this.vmid = this.ram.read32(at + 16) & 0xffff;
    this.outputLimit = 2 ** (outputBits - 12);
    this.records = ((control >>> 26) & 1) !== 0;
    this.root = (this.ram.read32(at + 24) >>> 12) + (this.ram.read32(at + 28) & 0xf_ffff) * 0x10_0000;
    return true;
  }

  /** What the tables of the requester selected last have against an access, a {@link Stage2Refusal}. */
  selectedRefusal(input: number, need: Rights): number {
    return refusalOfStage2(this.walker, this.root, this.shape!, input, need, this.outputLimit);
  }

  translate(requester: number, address: number, write: boolean): boolean {
    this.requester = requester;
    this.address = address;
    this.write = write;
    this.iotlbRow = -1;
    const stream = this.find(requester);
    const input = Math.floor(address / 4096);
    if (stream === Stream.bypass) {
      this.frame = input;
      return true;
    }
    if (stream !== Stream.translated) return false;
    const need = write ? W : R;
    const cached = this.iotlb.find(this.vmid, input);
    if (cached >= 0 && (this.iotlb.rights(cached) & need) !== 0) {
      this.iotlbRow = cached;
      this.frame = this.iotlb.frameFor(cached, input);
      return true;
    }
    const refusal = this.selectedRefusal(input, need);
    if (refusal !== Stage2Refusal.none) {
      this.event = this.records ? EVENTS[refusal]! : NO_EVENT;
      return false;
    }
    const { walker } = this;
    this.frame = walker.frame;
    this.iotlb.fill(this.vmid, input, walker.frame, walker.rights & (R | W), orderOf(walker.span));
    return true;
  }

  tableRights(requester: number, input: number): Rights {
    return this.select(requester) ? this.selectedRights(input) : 0;
  }

  select(requester: number): boolean {
    this.selected = this.find(requester);
    return this.selected === Stream.bypass || this.selected === Stream.translated;
  }

  selectedRights(input: number): Rights {
    this.frame = input;
    if (this.selected === Stream.bypass) return R | W;
    if (this.selectedRefusal(input, R | W) !== Stage2Refusal.none) return 0;
    this.frame = this.walker.frame;
    return this.walker.rights & (R | W);
  }

  get selectedRoot(): number {
    return this.selected === Stream.translated ? this.root : -1;
  }

  get selectedTree(): Tree | undefined {
    if (this.selected !== Stream.translated) return undefined;
    const { walker, root, shape } = this;
    return { format: walker.format, source: walker.source, root, shape: shape! };
  }

  /** The unit reads every entry anew. */
  selectRemembered(): boolean {
    return false;
  }

  rememberedTagOf(): number {
    return -1;
  }

  tagOf(requester: number): number {
    return this.find(requester) === Stream.translated ? this.vmid : -1;
  }

  /**
   * The record of the last refused access: its type as `event`, 0 when none was made, and its eight words as `event0` to
   * `event7`. That of a configuration error names the stream alone; its further fields are zero.
   */
  lastFault(): IommuFault {
    const { requester, address, write, event } = this;
    const stage2 = event >= SmmuV3Event.F_TRANSLATION && event <= SmmuV3Event.F_PERMISSION;
    const words = stage2
      ? translationEvent({ type: event, stream: requester, write, address })
      : event === NO_EVENT
        ? []
        : streamEvent(event, requester);
    const registers = Object.fromEntries(words.map((word, i) => [`event${i}`, word]));
    return { requester, address, write, registers: { event, ...registers } };
  }
}
