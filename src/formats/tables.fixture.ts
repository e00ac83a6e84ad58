import type { Rights } from './address.js';
import { ENTRY_SPAN, EntryWords, type RadixFormat, type RootShape } from './radix.js';
import type { WordSink } from './words.js';

/** Memory backed frame by frame, counting its reads. */
export class SparseMemory implements WordSink {
  reads = 0;
  private readonly frames = new Map<number, Int32Array>();

  read32(pa: number): number {
    this.reads++;
    return this.frames.get(Math.floor(pa / 4096))?.[(pa % 4096) >>> 2] ?? 0;
  }

  write32(pa: number, value: number): void {
    const frame = Math.floor(pa / 4096);
    let words = this.frames.get(frame);
    if (words === undefined) this.frames.set(frame, (words = new Int32Array(1024)));
    words[(pa % 4096) >>> 2] = value;
  }
}

/** Builds trees entry by entry. */
export class TreeBuilder {
  readonly memory: SparseMemory;
  readonly format: RadixFormat;
  readonly shape: RootShape;
  readonly root: number;
  private nextFrame: number;
  private readonly entry = new EntryWords();

  /** Tables are taken from `root` on upwards. */
  constructor(format: RadixFormat, shape: RootShape, root = 0x1000, memory = new SparseMemory()) {
    this.memory = memory;
    this.format = format;
    this.shape = shape;
    this.root = root;
    this.nextFrame = root + shape.concatenated;
  }

  newTable(): number {
    return this.nextFrame++;
  }

  write(pa: number, lo: number, hi: number): void {
    this.memory.write32(pa, lo);
    this.memory.write32(pa + 4, hi);
  }

  /** Physical address of the entry for `input` at `level`, making the tables above it. */
  entryAt(input: number, level: number): number {
    const { topLevel } = this.shape;
    let address = this.root * 4096 + Math.floor(input / ENTRY_SPAN[topLevel]!) * 8;
    for (let at = topLevel; at > level; at--) {
      const lo = this.memory.read32(address);
      const hi = this.memory.read32(address + 4);
      let table = this.format.frame(lo, hi);
      if (!this.format.present(lo, hi, at)) {
        table = this.newTable();
        this.pointAt(address, table, at);
      }
      address = table * 4096 + (Math.floor(input / ENTRY_SPAN[at - 1]!) % 512) * 8;
    }
    return address;
  }

  /** Makes the entry at `address`, of a table of `level`, point to a table. */
  pointAt(address: number, table: number, level: number): void {
    this.format.tableEntry(table, level, this.entry);
    this.write(address, this.entry.lo, this.entry.hi);
  }

  /** Makes the entry at `address` map a page. */
  mapAt(address: number, frame: number, rights: Rights, level: number): void {
    this.format.leafEntry(frame, rights, level, this.entry);
    this.write(address, this.entry.lo, this.entry.hi);
  }

  /** Maps the page of `level` at `input`. */
  map(input: number, frame: number, rights: Rights, level = 1): void {
    this.mapAt(this.entryAt(input, level), frame, rights, level);
  }
}
