import type { WordSource } from '../formats/words.js';
import { decimal, hex, type Layout, naming, optional } from '../store/table.js';

/** Entries that can be under way; when one more comes, the oldest arrives. */
const ENTRIES = 16;
/** Bytes of a cache line. */
const LINE = 64;

/**
 * What a unit sees of its tables while writes to them are still under way, in a write buffer or in cache lines that it
 * does not snoop: the entries as they were. Whoever writes an entry notes it first; a flush lets all arrive.
 * (Intel VT-d spec 5.10 §6.8, CAP.RWBF; ECAP.C.)
 */
export class DelayedWrites implements WordSource {
  private readonly memory: WordSource;
  private readonly entries;
  private readonly state;

  constructor(layout: Layout, name: string, memory: WordSource) {
    this.memory = memory;
    this.entries = layout.table(
      `${name} delayed write`,
      ENTRIES,
      { frame: optional(hex), offset: naming('table offset', hex), lo: naming('table entry', hex), hi: hex },
      (row) => `${name} delayed write ${row}`,
    ).columns;
    this.state = layout.table(`${name} delayed writes`, 1, { count: decimal }, () => name).columns;
  }

  /** The entry that keeps what the 64 bits around `pa` held before a write that is under way, or -1. */
  rowOf(pa: number): number {
    const count = this.state.count.get(0);
    const frame = Math.floor(pa / 4096);
    const offset = (pa % 4096) & ~7;
    for (let row = 0; row < count; row++) {
      if (this.entries.frame.get(row) === frame + 1 && this.entries.offset.get(row) === offset) return row;
    }
    return -1;
  }

  read32(pa: number): number {
    const row = this.rowOf(pa);
    if (row < 0) return this.memory.read32(pa);
    return (pa & 4) === 0 ? this.entries.lo.get(row) : this.entries.hi.get(row);
  }

  /** The 64-bit entry at `pa` is about to be written: until a flush the unit sees what is there now. */
  note(pa: number): void {
    if (this.rowOf(pa) >= 0) return;
    if (this.state.count.get(0) === ENTRIES) this.remove(0);
    const row = this.state.count.get(0);
    const at = pa - (pa % 8);
    this.entries.frame.set(row, Math.floor(pa / 4096) + 1);
    this.entries.offset.set(row, (pa % 4096) & ~7);
    this.entries.lo.set(row, this.memory.read32(at));
    this.entries.hi.set(row, this.memory.read32(at + 4));
    this.state.count.set(0, row + 1);
  }

  private remove(gone: number): void {
    const last = this.state.count.get(0) - 1;
    for (const column of Object.values(this.entries)) {
      for (let row = gone; row < last; row++) column.set(row, column.get(row + 1));
      column.set(last, 0);
    }
    this.state.count.set(0, last);
  }

  /** The cache lines of `bytes` from `pa` arrive. */
  arrive(pa: number, bytes: number): void {
    const first = Math.floor(pa / LINE);
    const last = Math.floor((pa + bytes - 1) / LINE);
    for (let row = this.state.count.get(0) - 1; row >= 0; row--) {
      const at = (this.entries.frame.get(row) - 1) * 4096 + this.entries.offset.get(row);
      if (Math.floor(at / LINE) >= first && Math.floor(at / LINE) <= last) this.remove(row);
    }
  }

  /** Entries that have not arrived. */
  get count(): number {
    return this.state.count.get(0);
  }

  /** Everything arrives. */
  flush(): void {
    const count = this.state.count.get(0);
    if (count === 0) return;
    for (const column of Object.values(this.entries)) {
      for (let row = 0; row < count; row++) column.set(row, 0);
    }
    this.state.count.set(0, 0);
  }
}
