import { TABLE_ENTRIES } from '../formats/radix.js';
import type { WordSink } from '../formats/words.js';

/** Where the marker stands: in the high word of an entry or the low one, from bit `shift`. */
export interface ContiguityBits {
  readonly high: boolean;
  readonly shift: number;
}

/** What was written into an entry whose table's markers are to follow. */
export const EntryKind = { absent: 0, page: 1, table: 2 } as const;

/** log2 of the entries of a table. */
const ALL = 9;

/** The highest order that the marker of an entry can say: how far its index is aligned. */
function alignment(index: number): number {
  return index === 0 ? ALL : 31 - Math.clz32(index & -index);
}

/**
 * How Xen 4.17 knows that a table is full or empty without looking at all of it (5a991ad8a5, 6fc03330cd): an entry's
 * software bits hold the order of the run of like entries that begins there, absent ones or pages that follow each
 * other, up to the alignment of its index. Entry 0 at order 9 says that the whole table is one run.
 *
 * The model looks at the entries instead (radix-writer.ts); here is what Xen does, for it to be held against.
 */
export class ContiguityMarkers {
  /** The marker's bits in the two words of an entry; one of them is 0. */
  readonly lowMask: number;
  readonly highMask: number;
  private readonly shift: number;
  private readonly offset: number;

  constructor({ high, shift }: ContiguityBits) {
    const mask = 0xf << shift;
    this.lowMask = high ? 0 : mask;
    this.highMask = high ? mask : 0;
    this.shift = shift;
    this.offset = high ? 4 : 0;
  }

  /** Marks every entry of an empty table. */
  initialise(ram: WordSink, table: number): void {
    for (let index = 0; index < TABLE_ENTRIES; index += 2) {
      ram.write32(table * 4096 + index * 8 + this.offset, alignment(index) << this.shift);
    }
  }

  private marker(ram: WordSink, table: number, index: number): number {
    return (ram.read32(table * 4096 + index * 8 + this.offset) >>> this.shift) & 0xf;
  }

  private mark(ram: WordSink, table: number, index: number, order: number): void {
    const at = table * 4096 + index * 8 + this.offset;
    ram.write32(at, (ram.read32(at) & ~(0xf << this.shift)) | (order << this.shift));
  }

  /** Whether two entries are alike, markers aside: both absent, or pages whose addresses differ in `bit` alone. */
  private continues(
    ram: WordSink,
    table: number,
    index: number,
    buddy: number,
    bit: number,
    kind: number,
  ): boolean {
    const at = table * 4096 + index * 8;
    const above = table * 4096 + buddy * 8;
    const lo = ram.read32(above) & ~this.lowMask;
    const hi = ram.read32(above + 4) & ~this.highMask;
    if (kind === EntryKind.absent) return lo === 0 && hi === 0;
    const differsLo = lo ^ (ram.read32(at) & ~this.lowMask);
    const differsHi = hi ^ (ram.read32(at + 4) & ~this.highMask);
    return bit < 32
      ? differsLo === 1 << bit && differsHi === 0
      : differsLo === 0 && differsHi === 1 << (bit - 32);
  }

  /**
   * Brings the markers of `table`, of `level`, up to date after its entry `index` was written without a marker. True
   * when the whole table is now one run: it can go.
   */
  update(ram: WordSink, table: number, index: number, level: number, kind: number): boolean {
    for (let below = index; below !== 0; ) {
      const order = alignment(below);
      below &= below - 1;
      if (this.marker(ram, table, below) <= order) break;
      this.mark(ram, table, below, order);
    }
    if (kind === EntryKind.table) return false;
    const shift = (level - 1) * 9 + 12;
    if (kind === EntryKind.page && !this.isAligned(ram, table, index, level)) return false;
    // How far the run reaches upwards from here, then which runs below it becomes part of.
    let order = 0;
    while (
      order < alignment(index) &&
      this.isRun(ram, table, index, index | (1 << order), order, shift, kind)
    ) {
      order++;
    }
    for (let at = index; ; order++) {
      this.mark(ram, table, at, order);
      if (order === ALL) return true;
      if (!this.isRun(ram, table, at, at ^ (1 << order), order, shift, kind)) return false;
      at &= ~(1 << order);
    }
  }

  /** Whether a run of `order` begins at `buddy` and goes together with the one at `index`. */
  private isRun(
    ram: WordSink,
    table: number,
    index: number,
    buddy: number,
    order: number,
    shift: number,
    kind: number,
  ): boolean {
    const matches = this.continues(ram, table, index, buddy, order + shift, kind);
    return matches && this.marker(ram, table, buddy) === order;
  }

  /** Whether the page of entry `index` could be that part of a page of the next size. */
  private isAligned(ram: WordSink, table: number, index: number, level: number): boolean {
    const at = table * 4096 + index * 8;
    const frame = (ram.read32(at) >>> 12) + (ram.read32(at + 4) & 0xf_ffff) * 0x10_0000;
    return Math.floor(frame / 512 ** (level - 1)) % TABLE_ENTRIES === index;
  }
}
