import { R, type Rights, W } from '../formats/address.js';
import { AMDVI_TABLES } from '../formats/amdvi.js';
import { EPT } from '../formats/ept.js';
import { ENTRY_SPAN, EntryWords, type RadixFormat, type RootShape, TABLE_ENTRIES } from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { allocXenFrame, freeXenFrame } from './frames.js';
import { noteGlimpse } from './glimpses.js';
import { noteFreedTable } from './remembered.js';
import type { Xen } from './state.js';

/**
 * How Xen writes entries of a radix tree whose tables are frames of its heap: IOMMU tables and p2m alike. Pages are of
 * the size of a level (1: 4 KiB, 2: 2 MiB, 3: 1 GiB).
 *
 * What the last operation found and did stands in fields until the next one.
 */
export class RadixWriter {
  private readonly format: RadixFormat;
  private readonly shape: RootShape;
  private readonly coalesceUpTo: number;
  /** Whether it writes tables that the IOMMU has to itself. */
  private readonly isIommus: boolean;
  private readonly words = new EntryWords();
  /** By level: what turns the low bits of a page's entry into those of a page of the level below. */
  private readonly toSmaller: readonly number[];
  /** Frame of the table of each level that the last walk went through. */
  private readonly tables = new Float64Array(8);
  /** The walk's input, its parts above and below 2^27, and its index in the root. */
  private input = 0;
  private high = 0;
  private low = 0;
  private rootIndex = 0;
  /** The entry that the last walk ended at, before any change; 0 when it was absent. */
  lo = 0;
  hi = 0;
  /** The level of that entry. */
  level = 1;
  /** Whether a superpage was split on the way. */
  split = false;
  /** Whether the last walk ended for want of a table frame. */
  outOfMemory = false;
  /** Whether the entry was there already, bit for bit. */
  unchanged = false;
  /** Whether a table was replaced by a page, or freed because it was empty. */
  coalesced = false;

  /**
   * With `coalesceUpTo` a table whose pages have become one is replaced by a page of the level above, up to that level,
   * and one whose entries are all absent is freed, as the IOMMU drivers of Xen 4.17 do (5a991ad8a5; dossier §4.4). They
   * keep a marker in each entry to know when; here the entries themselves are looked at, which has the same outcome.
   */
  constructor(format: RadixFormat, shape: RootShape, coalesceUpTo = 0) {
    this.format = format;
    this.shape = shape;
    this.coalesceUpTo = coalesceUpTo;
    this.isIommus = format === AMDVI_TABLES || format === VTD_SECOND_LEVEL;
    this.toSmaller = Array.from({ length: 8 }, (_, level) => (level < 2 ? 0 : this.lowBits(level)));
  }

  /** In which of its low bits a page's entry at `level` differs from one of the level below. */
  private lowBits(level: number): number {
    this.format.leafEntry(0, 0, level, this.words);
    const large = this.words.lo;
    this.format.leafEntry(0, 0, level - 1, this.words);
    return (large ^ this.words.lo) & 0xfff;
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

  /** Writes an entry. Of a p2m only from c23274fd0412 (XSA-321) on does Xen see to it that IOMMUs get to know. */
  private write(xen: Xen, at: number, lo: number, hi: number): void {
    const synced = this.format !== EPT || xen.profile.sharedEptCaches === 'written-back';
    xen.writeTableEntry(at, lo, hi, synced);
  }

  /** Whether the root has a place for `input`. */
  covers(input: number): boolean {
    const { topLevel, concatenated } = this.shape;
    return input >= 0 && input < concatenated * ENTRY_SPAN[topLevel + 1]!;
  }

  /**
   * Walks to the entry of `input` at level `target`; its words are then in `lo` and `hi`. Returns its physical address.
   * A superpage on the way is split. Missing tables are made when `make` is set; otherwise, or when the Xen heap is
   * empty, the answer is -1, and `level` says where the walk ended.
   */
  private find(xen: Xen, root: number, input: number, target: number, make: boolean): number {
    const { topLevel } = this.shape;
    const { format, tables } = this;
    this.aim(root, input);
    this.split = false;
    this.outOfMemory = false;
    this.coalesced = false;
    this.unchanged = false;
    let table = root;
    for (let level = topLevel; ; level--) {
      tables[level] = table;
      const at = this.entryAddress(level);
      const lo = xen.ram.read32(at);
      const hi = xen.ram.read32(at + 4);
      if (level === target) {
        this.lo = lo;
        this.hi = hi;
        this.level = level;
        return at;
      }
      const present = format.present(lo, hi, level);
      if (present && !format.leaf(lo, hi, level)) {
        table = format.frame(lo, hi);
        continue;
      }
      // An absent entry that says something, such as populate-on-demand, is split, too.
      const splits = present || (lo | hi) !== 0;
      this.lo = 0;
      this.hi = 0;
      this.level = level;
      this.outOfMemory = splits || make;
      const next = this.outOfMemory ? allocXenFrame(xen) : -1;
      if (next < 0) return -1;
      this.outOfMemory = false;
      table = xen.ram.frameAt(next);
      const filledFirst = !this.isIommus || xen.profile.splitOrder === 'filled-first';
      if (splits && filledFirst) this.fillFromPage(xen, table, lo, hi, level);
      this.split ||= present;
      format.tableEntry(table, level, this.words);
      this.write(xen, at, this.words.lo, this.words.hi);
      if (present && !this.mapsSame(xen, table, lo, hi, level))
        noteGlimpse(
          xen,
          isEmpty(xen, table)
            ? 'an empty table where a page was mapped'
            : 'a table that maps otherwise than the page it took the place of',
        );
      if (splits && !filledFirst) this.fillFromPage(xen, table, lo, hi, level);
      if (!present && this.coalesceUpTo !== 0) this.count(xen, level, 1);
    }
  }

  /** Index of the walk's input at `level`; that of the root is not masked, as concatenated tables are one long table. */
  private index(level: number): number {
    if (level === this.shape.topLevel) return this.rootIndex;
    return (
      (level > 3 ? this.high >>> (9 * (level - 4)) : this.low >>> (9 * (level - 1))) & (TABLE_ENTRIES - 1)
    );
  }

  private aim(root: number, input: number): void {
    const { topLevel } = this.shape;
    this.input = input;
    this.high = Math.floor(input / 0x800_0000);
    this.low = input & 0x7ff_ffff;
    this.rootIndex = topLevel === 4 ? this.high & 511 : Math.floor(input / ENTRY_SPAN[topLevel]!);
    this.tables[topLevel] = root;
  }

  private entryAddress(level: number): number {
    return this.tables[level]! * 4096 + this.index(level) * 8;
  }

  /** Splits a superpage: the entries of `table` map its parts, with the same rights and software bits. */
  private fillFromPage(xen: Xen, table: number, lo: number, hi: number, level: number): void {
    const span = ENTRY_SPAN[level - 1]!;
    const low = (lo & 0xfff) ^ this.toSmaller[level]!;
    const high = hi & ~0xf_ffff;
    let frame = this.format.frame(lo, hi);
    // What is absent and names no frame has parts that name none.
    const step = frame === 0 && !this.format.present(lo, hi, level) ? 0 : span;
    // A device may do with the parts what it might with the whole (b8238afd0760).
    const keeps = !this.isIommus || xen.profile.splitRights === 'kept';
    for (let at = table * 4096; at < (table + 1) * 4096; at += 8, frame += step) {
      if (keeps) this.write(xen, at, (frame << 12) | low, high | ((frame / 0x10_0000) & 0xf_ffff));
      else this.writeAllRights(xen, at, frame, level - 1);
    }
    if (this.coalesceUpTo !== 0) xen.frame.typeInfo.set(xen.ram.indexOf(table), TABLE_ENTRIES);
  }

  /** Whether a table maps the parts of a page as the page's entry did. */
  private mapsSame(xen: Xen, table: number, lo: number, hi: number, level: number): boolean {
    const { format } = this;
    const base = format.frame(lo, hi);
    const rights = format.rights(lo, hi, level);
    const span = ENTRY_SPAN[level - 1]!;
    for (let index = 0; index < TABLE_ENTRIES; index++) {
      const partLo = xen.ram.read32(table * 4096 + index * 8);
      const partHi = xen.ram.read32(table * 4096 + index * 8 + 4);
      if (!format.present(partLo, partHi, level - 1) || format.rights(partLo, partHi, level - 1) !== rights)
        return false;
      if (format.frame(partLo, partHi) !== base + index * span) return false;
    }
    return true;
  }

  private writeAllRights(xen: Xen, at: number, frame: number, level: number): void {
    this.format.leafEntry(frame, R | W, level, this.words);
    this.write(xen, at, this.words.lo, this.words.hi);
  }

  /**
   * Maps `input` to the page at `frame` with `rights`, both aligned to `level`; `software` goes into the high word's
   * software bits. False when a table is needed and the Xen heap is empty. Afterwards {@link wasPresent} tells about the
   * entry before; a table that it pointed to stays until {@link freeReplaced}.
   */
  map(
    xen: Xen,
    root: number,
    input: number,
    frame: number,
    rights: Rights,
    software = 0,
    level = 1,
  ): boolean {
    this.format.leafEntry(frame, rights, level, this.words);
    return this.put(xen, root, input, this.words.lo, this.words.hi | software, level);
  }

  /** The same with an entry made by the caller. */
  put(xen: Xen, root: number, input: number, lo: number, hi: number, level: number): boolean {
    const at = this.find(xen, root, input, level, true);
    if (at < 0) return false;
    if (lo === this.lo && hi === this.hi) {
      this.unchanged = true;
      return true;
    }
    const halves = this.isIommus && xen.profile.entryWrites === 'by-halves' && level === 1;
    if (halves) this.writeByHalves(xen, at, lo, hi);
    this.write(xen, at, lo, hi);
    if (this.coalesceUpTo !== 0) {
      if (!this.wasPresent) this.count(xen, level, 1);
      this.coalesce(xen, level);
    }
    return true;
  }

  /** The compiler may write an entry's half with the address first: hardware then meets it with the old other half. */
  private writeByHalves(xen: Xen, at: number, lo: number, hi: number): void {
    const { format } = this;
    this.write(xen, at, lo, this.hi);
    const replaces = this.wasPresent && format.present(lo, hi, 1) && format.present(lo, this.hi, 1);
    const frame = format.frame(lo, this.hi);
    const rights = format.rights(lo, this.hi, 1);
    const isOld = frame === format.frame(this.lo, this.hi) && rights === format.rights(this.lo, this.hi, 1);
    const isNew = frame === format.frame(lo, hi) && rights === format.rights(lo, hi, 1);
    if (replaces && !isOld && !isNew)
      noteGlimpse(xen, 'an entry with the frame of one mapping and the rights of another');
  }

  /** Puts a page of the next size in the place of each table that the page written at level `from` made contiguous. */
  private coalesce(xen: Xen, from: number): void {
    for (let level = from; level < this.coalesceUpTo && this.isOnePage(xen, level); level++) {
      const first = this.tables[level]! * 4096;
      const lo = xen.ram.read32(first);
      const hi = xen.ram.read32(first + 4);
      const at = this.entryAddress(level + 1);
      const freesFirst = xen.profile.mergedTable === 'freed-first';
      if (freesFirst) this.freeLowerTable(xen, level);
      this.write(xen, at, lo ^ this.toSmaller[level + 1]!, hi);
      if (!freesFirst) this.freeLowerTable(xen, level);
    }
  }

  /** Whether the entries of the table of `level` map what one page could; the walk's input is among them. */
  private isOnePage(xen: Xen, level: number): boolean {
    const { format } = this;
    if (this.entries(xen, level) !== TABLE_ENTRIES) return false;
    const first = this.tables[level]! * 4096;
    const span = ENTRY_SPAN[level]!;
    const lo = xen.ram.read32(first);
    const hi = xen.ram.read32(first + 4);
    const base = format.frame(lo, hi);
    if (!format.present(lo, hi, level) || !format.leaf(lo, hi, level)) return false;
    if (base % ENTRY_SPAN[level + 1]! !== 0) return false;
    for (let index = 1; index < TABLE_ENTRIES; index++) {
      const frame = base + index * span;
      if (xen.ram.read32(first + index * 8) !== ((frame << 12) | (lo & 0xfff))) return false;
      const high = (hi & ~0xf_ffff) | ((frame / 0x10_0000) & 0xf_ffff);
      if (xen.ram.read32(first + index * 8 + 4) !== high) return false;
    }
    return true;
  }

  private freeLowerTable(xen: Xen, level: number, isClear = false): void {
    this.coalesced = true;
    const above = this.entryAddress(level + 1);
    const lo = xen.ram.read32(above);
    const hi = xen.ram.read32(above + 4);
    const isTable = this.format.present(lo, hi, level + 1) && !this.format.leaf(lo, hi, level + 1);
    if (isTable && this.format.frame(lo, hi) === this.tables[level])
      noteGlimpse(xen, 'a table that was given back while an entry still led to it');
    freeXenFrame(xen, xen.ram.indexOf(this.tables[level]!), isClear);
  }

  /**
   * Clears the entry of `input` at `level`, splitting a larger page. Afterwards {@link wasPresent} tells whether there
   * was one. False when a superpage could not be split for want of memory.
   */
  unmap(xen: Xen, root: number, input: number, level = 1): boolean {
    const at = this.find(xen, root, input, level, false);
    if (at < 0) return !this.outOfMemory;
    if ((this.lo | this.hi) === 0) return true;
    this.write(xen, at, 0, 0);
    if (this.coalesceUpTo !== 0) this.freeEmpty(xen, level);
    return true;
  }

  /** Frees each table, below the topmost two, that lost its last entry. */
  private freeEmpty(xen: Xen, from: number): void {
    for (let level = from; ; level++) {
      this.count(xen, level, -1);
      if (level + 1 >= this.shape.topLevel || this.entries(xen, level) !== 0) return;
      const at = this.entryAddress(level + 1);
      this.write(xen, at, 0, 0);
      this.freeLowerTable(xen, level, true);
    }
  }

  // How many entries a table of a coalescing tree has is kept as the type count of its frame.

  private entries(xen: Xen, level: number): number {
    return xen.frame.typeInfo.get(xen.ram.indexOf(this.tables[level]!));
  }

  private count(xen: Xen, level: number, change: number): void {
    xen.frame.typeInfo.add(xen.ram.indexOf(this.tables[level]!), change);
  }

  /**
   * Frees the tables below the entry that the last {@link map} or {@link unmap} replaced. `slot` is the domain whose devices
   * translate through them, or -1.
   */
  freeReplaced(xen: Xen, slot: number): void {
    if (this.level === 1 || !this.wasPresent || this.wasPage) return;
    if (slot >= 0) {
      const span = ENTRY_SPAN[this.level]!;
      const table = xen.ram.indexOf(this.format.frame(this.lo, this.hi));
      noteFreedTable(xen, slot, table, this.input - (this.input % span), span);
    }
    this.freeTable(xen, this.format.frame(this.lo, this.hi), this.level - 1);
  }

  /** Gives every table of the tree at frame `root` back, the root included. */
  free(xen: Xen, root: number): void {
    this.freeTable(xen, root, this.shape.topLevel);
  }

  private freeTable(xen: Xen, table: number, level: number): void {
    for (let at = table * 4096; level > 1 && at < (table + 1) * 4096; at += 8) {
      const lo = xen.ram.read32(at);
      const hi = xen.ram.read32(at + 4);
      if (!this.format.present(lo, hi, level) || this.format.leaf(lo, hi, level)) continue;
      this.freeTable(xen, this.format.frame(lo, hi), level - 1);
    }
    freeXenFrame(xen, xen.ram.indexOf(table));
  }

  /** Whether the last walk ended at a present entry. */
  get wasPresent(): boolean {
    return this.format.present(this.lo, this.hi, this.level);
  }

  /** Whether that entry, when present, mapped a page. */
  get wasPage(): boolean {
    return this.level === 1 || this.format.leaf(this.lo, this.hi, this.level);
  }

  /**
   * Reads the entry that maps `input`, of whatever size, into `lo`, `hi` and `level`; false when it is absent: then they
   * are those of the entry that is.
   */
  read(xen: Xen, root: number, input: number): boolean {
    const { format } = this;
    let table = root;
    this.aim(root, input);
    for (let level = this.shape.topLevel; ; level--) {
      const at = table * 4096 + this.index(level) * 8;
      const lo = xen.ram.read32(at);
      const hi = xen.ram.read32(at + 4);
      const present = format.present(lo, hi, level);
      if (level === 1 || !present || format.leaf(lo, hi, level)) {
        this.lo = lo;
        this.hi = hi;
        this.level = level;
        return present;
      }
      table = format.frame(lo, hi);
    }
  }

  /** The 4 KiB frame that the entry of the last walk maps its input to. */
  get frame(): number {
    const base = this.format.frame(this.lo, this.hi);
    return this.level === 1 ? base : base + (this.input % ENTRY_SPAN[this.level]!);
  }

  get rights(): Rights {
    return this.format.rights(this.lo, this.hi, this.level);
  }
}

function isEmpty(xen: Xen, table: number): boolean {
  for (let at = table * 4096; at < (table + 1) * 4096; at += 4) if (xen.ram.read32(at) !== 0) return false;
  return true;
}
