import type { Rights } from '../formats/address.js';
import { EntryWords, type RadixFormat, type RootShape } from '../formats/radix.js';
import { allocXenFrame, freeXenFrame } from './frames.js';
import type { Xen } from './state.js';

/** How Xen writes entries of a radix tree whose tables are frames of its heap: IOMMU tables and p2m alike. */
export class RadixWriter {
  private readonly format: RadixFormat;
  private readonly shape: RootShape;
  private readonly words = new EntryWords();
  /** The entry that the last `find` ended at, before any change; 0 when it was absent. */
  lo = 0;
  hi = 0;

  constructor(format: RadixFormat, shape: RootShape) {
    this.format = format;
    this.shape = shape;
  }

  /**
   * The first of the root's frames, consecutive when concatenated. -1 when the Xen heap has none (frames taken by then
   * stay taken: the caller undoes the whole call).
   */
  allocRoot(xen: Xen): number {
    const root = allocXenFrame(xen);
    for (let i = 1; i < this.shape.concatenated; i++) if (allocXenFrame(xen) !== root + i) return -1;
    return root;
  }

  /**
   * Physical address of the 4 KiB leaf entry for `input` in the tree at frame `root`; its words are then in `lo` and
   * `hi`. Missing tables are made when `make` is set; otherwise, or when the Xen heap is empty, the answer is -1.
   */
  private find(xen: Xen, root: number, input: number, make: boolean): number {
    let table = root;
    const high = Math.floor(input / 0x800_0000);
    const low = input & 0x7ff_ffff;
    for (let level = this.shape.topLevel; ; level--) {
      const bits = level > 3 ? high >>> (9 * (level - 4)) : low >>> (9 * (level - 1));
      // Concatenated root tables are one long table.
      const top = level === this.shape.topLevel;
      const index = top && level < 4 ? Math.floor(input / 512 ** (level - 1)) : bits & 511;
      const at = table * 4096 + index * 8;
      const lo = xen.ram.read32(at);
      const hi = xen.ram.read32(at + 4);
      if (level === 1) {
        this.lo = lo;
        this.hi = hi;
        return at;
      }
      if (this.format.present(lo, hi, level)) {
        table = this.format.frame(lo, hi);
        continue;
      }
      const next = make ? allocXenFrame(xen) : -1;
      if (next < 0) return -1;
      table = xen.ram.frameAt(next);
      this.format.tableEntry(table, level, this.words);
      xen.ram.write32(at, this.words.lo);
      xen.ram.write32(at + 4, this.words.hi);
    }
  }

  /**
   * Maps `input` to `frame` with `rights`; `software` goes into the high word's software bits. False when a table is
   * needed and the Xen heap is empty. Afterwards {@link wasPresent} tells about the entry before.
   */
  map(xen: Xen, root: number, input: number, frame: number, rights: Rights, software = 0): boolean {
    const at = this.find(xen, root, input, true);
    if (at < 0) return false;
    this.format.leafEntry(frame, rights, 1, this.words);
    xen.ram.write32(at, this.words.lo);
    xen.ram.write32(at + 4, this.words.hi | software);
    return true;
  }

  /** Clears the entry of `input`. Afterwards {@link wasPresent} tells whether there was one. */
  unmap(xen: Xen, root: number, input: number): void {
    const at = this.find(xen, root, input, false);
    if (at < 0) {
      this.lo = 0;
      this.hi = 0;
      return;
    }
    xen.ram.write32(at, 0);
    xen.ram.write32(at + 4, 0);
  }

  /** Gives every table of the tree at frame `root` back, the root included. */
  free(xen: Xen, root: number): void {
    this.freeTable(xen, root, this.shape.topLevel);
  }

  private freeTable(xen: Xen, table: number, level: number): void {
    for (let at = table * 4096; level > 1 && at < (table + 1) * 4096; at += 8) {
      const lo = xen.ram.read32(at);
      const hi = xen.ram.read32(at + 4);
      if (this.format.present(lo, hi, level)) this.freeTable(xen, this.format.frame(lo, hi), level - 1);
    }
    freeXenFrame(xen, xen.ram.indexOf(table));
  }

  get wasPresent(): boolean {
    return this.format.present(this.lo, this.hi, 1);
  }

  /** Reads the entry of `input` into `lo` and `hi`; false when it is absent. */
  read(xen: Xen, root: number, input: number): boolean {
    if (this.find(xen, root, input, false) < 0) return false;
    return this.wasPresent;
  }

  get frame(): number {
    return this.format.frame(this.lo, this.hi);
  }

  get rights(): Rights {
    return this.format.rights(this.lo, this.hi, 1);
  }
}
