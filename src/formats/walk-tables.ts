import type { Rights } from './address.js';
import { KnownTables } from './known-tables.js';
import {
  ALL_RIGHTS,
  ENTRY_SPAN,
  inputLimit,
  type RadixFormat,
  type RootShape,
  TABLE_ENTRIES,
} from './radix.js';

/** Memory as a walk over whole trees reads it: page by page, each 1024 words somewhere in an array. */
export interface TablePages {
  /** The array in which the page that was located last lies. Never written to by a walk. */
  readonly words: Int32Array;
  /**
   * Where in {@link words} the page of `frame` begins, valid until the next call; -1 where there is no memory.
   * @param level level of the table it is read as; deeper tables have lower ones.
   */
  locate(frame: number, level: number): number;
}

/** Told what a walk finds, in the order of inputs. */
export interface WalkSink {
  /** Set by the sink when it can take no more: the walk ends before its next table. */
  readonly full: boolean;
  /** `count` inputs from `input` map to consecutive frames from `frame`, by pages of `level`. Runs are not joined yet. */
  leaves(input: number, frame: number, count: number, rights: Rights, level: number): void;
  /**
   * `count` inputs from `input` map as those from `sharedInput` do, to `pages` pages with `rights` together, because the
   * table in frame `table`, of `level`, stands behind both.
   */
  repeat(
    input: number,
    count: number,
    rights: Rights,
    sharedInput: number,
    pages: number,
    table: number,
    level: number,
  ): void;
  /** A table is read. */
  table(frame: number, level: number, input: number): void;
  /** A present entry that the hardware would refuse; what lies below it is unreachable. */
  refused(address: number, lo: number, hi: number, level: number, input: number): void;
  /** An entry that points to a table where there is no memory, which is not read. */
  outside(address: number, lo: number, hi: number, level: number, input: number): void;
  /** An entry that points to a table on the path to it. It is read once more, as a table of a lower level. */
  loop(address: number, lo: number, hi: number, level: number, input: number): void;
}

export interface WalkBounds {
  /** Rights with which the root is reached, where something above it restricts them. All unless given. */
  readonly rights?: Rights;
  /** Whether what is mapped without any right is left out. It is told unless given. */
  readonly reachableOnly?: boolean;
  /** Tables to read at most. As many as there are unless given. */
  readonly maxTables?: number;
  /** How many times a shared subtree may be walked again before it is told as a repeat. 0 unless given. */
  readonly expand?: number;
}

/** More than the levels of any format, so that a path fits. */
const DEPTHS = 10;

/**
 * A walk over everything that tables map, of any format: the one that audits, the model and the lab share. It goes by
 * numbers in typed arrays and allocates nothing per table, so that a billion entries are a matter of seconds.
 *
 * A table that is reached again at the same level under the same path rights maps the same as before, so it is not
 * walked again but told as a repeat. Hence the work is linear in the number of distinct tables even for a quarantine
 * tree whose 512^n paths all end at one scratch page, and a table that points to itself ends after as many steps as there
 * are levels: each step down is another level. Because path rights take part in recognising a subtree, what is told
 * without the repeats already names every frame that can be reached and every right to it.
 */
export class TableWalk {
  /** Tables read. A frame counts once for each level and path rights under which it serves. */
  tables = 0;
  /** 4 KiB pages mapped, repeats included. */
  pages = 0;
  /** Rights of all pages together. */
  rights: Rights = 0;
  /** Whether every table was read, neither cut off by the bounds nor by the sink. */
  complete = true;

  private readonly format: RadixFormat;
  private readonly source: TablePages;
  private readonly sink: WalkSink;
  private readonly known = new KnownTables();
  private readonly reachableOnly: boolean;
  private readonly maxTables: number;
  private expansions: number;
  private readonly pathRights: Rights;

  // The path from the root, a table each.
  private depth = -1;
  private readonly frames = new Float64Array(DEPTHS);
  private readonly levels = new Uint8Array(DEPTHS);
  private readonly bases = new Float64Array(DEPTHS);
  private readonly paths = new Uint8Array(DEPTHS);
  /** The entry to go on with, and how many there are. */
  private readonly next = new Uint16Array(DEPTHS);
  private readonly entries = new Uint16Array(DEPTHS);
  /** Pages told before it, and rights of those below it. */
  private readonly before = new Float64Array(DEPTHS);
  private readonly unions = new Uint8Array(DEPTHS);

  constructor(format: RadixFormat, source: TablePages, sink: WalkSink, bounds: WalkBounds = {}) {
    this.format = format;
    this.source = source;
    this.sink = sink;
    this.reachableOnly = bounds.reachableOnly ?? false;
    this.maxTables = bounds.maxTables ?? Number.POSITIVE_INFINITY;
    this.expansions = bounds.expand ?? 0;
    this.pathRights = bounds.rights ?? ALL_RIGHTS;
  }

  /** Walks everything below the root at `rootFrame`. */
  walk(rootFrame: number, shape: RootShape): void {
    const limit = inputLimit(shape);
    const span = ENTRY_SPAN[shape.topLevel + 1]!;
    for (let i = 0; i < shape.concatenated && i * span < limit; i++) {
      this.descend(rootFrame + i, shape.topLevel, i * span, limit, this.pathRights);
      while (this.depth >= 0) this.step();
    }
  }

  /** Begins with a table whose first entry serves input `base`, up to the input `limit`, unless that is too much. */
  private descend(frame: number, level: number, base: number, limit: number, path: Rights): void {
    if (this.tables >= this.maxTables || this.sink.full) {
      this.complete = false;
      return;
    }
    this.tables++;
    this.sink.table(frame, level, base);
    const depth = ++this.depth;
    this.frames[depth] = frame;
    this.levels[depth] = level;
    this.bases[depth] = base;
    this.paths[depth] = path;
    this.next[depth] = 0;
    this.entries[depth] = Math.min(TABLE_ENTRIES, Math.ceil((limit - base) / ENTRY_SPAN[level]!));
    this.before[depth] = this.pages;
    this.unions[depth] = 0;
  }

  /** Goes on with the deepest table until one below it is to be read, or it has been read. */
  private step(): void {
    const { depth } = this;
    const frame = this.frames[depth]!;
    const level = this.levels[depth]!;
    const at = this.source.locate(frame, level);
    if (at >= 0) {
      if (level === 1) this.unions[depth] = this.pageTable(at, frame, this.bases[depth]!, this.paths[depth]!);
      else if (this.directory(at, depth, frame, level)) return;
    }
    this.ascend(frame, level);
  }

  /** A table has been read: remembers what lies below it, and tells the table above. */
  private ascend(frame: number, level: number): void {
    const depth = this.depth--;
    const rights = this.unions[depth]!;
    if (depth === 0) {
      this.rights |= rights;
      return;
    }
    this.unions[depth - 1] = this.unions[depth - 1]! | rights;
    const key = keyOf(frame, level, this.paths[depth]!);
    this.known.add(key, this.bases[depth]!, this.pages - this.before[depth]!, rights);
  }

  /** A table of 4 KiB pages, from `words[at]`. Returns the rights of its pages together. */
  private pageTable(at: number, frame: number, base: number, path: Rights): Rights {
    const { format, sink, reachableOnly } = this;
    const { words } = this.source;
    const { pageSpan } = format;
    const loMask = format.leafMask?.lo ?? -1;
    const hiMask = format.leafMask?.hi ?? -1;
    const end = at + 2 * this.entries[this.depth]!;
    let union: Rights = 0;
    let pages = 0;
    let i = at;
    while (i < end) {
      const lo = words[i]!;
      const hi = words[i + 1]!;
      if ((lo | hi) === 0 || !format.present(lo, hi, 1)) {
        i += 2;
        continue;
      }
      const input = base + ((i - at) >> 1);
      if (format.reserved(lo, hi, 1)) {
        sink.refused(frame * 4096 + (i - at) * 4, lo, hi, 1, input);
        i += 2;
        continue;
      }
      const rights = path & format.rights(lo, hi, 1);
      const first = i;
      let target = format.frame(lo, hi);
      i += 2;
      const page = pageSpan === undefined ? 1 : pageSpan(lo, hi, 1);
      if (page > 1) target = target - (target % page) + (input % page);
      else {
        // Up to where the low word's part of the address overflows, the next page's entry is known beforehand.
        const runEnd = Math.min(end, first + 2 * (0x10_0000 - (lo >>> 12)));
        const nextHi = hi & hiMask;
        let nextLo = ((lo & loMask) + 0x1000) | 0;
        while (i < runEnd && (words[i]! & loMask) === nextLo && (words[i + 1]! & hiMask) === nextHi) {
          i += 2;
          nextLo = (nextLo + 0x1000) | 0;
        }
      }
      if (rights === 0 && reachableOnly) continue;
      const count = (i - first) >> 1;
      pages += count;
      union |= rights;
      sink.leaves(input, target, count, rights, 1);
    }
    this.pages += pages;
    return union;
  }

  /** A table of higher level, from `words[at]`. Returns whether a table below it comes first. */
  private directory(at: number, depth: number, frame: number, level: number): boolean {
    const { format, sink } = this;
    const { words } = this.source;
    const { nextLevel, pageSpan } = format;
    const span = ENTRY_SPAN[level]!;
    const path = this.paths[depth]!;
    const entries = this.entries[depth]!;
    for (let index = this.next[depth]!; index < entries; index++) {
      const lo = words[at + 2 * index]!;
      const hi = words[at + 2 * index + 1]!;
      if (!format.present(lo, hi, level)) continue;
      const input = this.bases[depth]! + index * span;
      if (format.reserved(lo, hi, level)) {
        sink.refused(frame * 4096 + index * 8, lo, hi, level, input);
        continue;
      }
      const rights = path & format.rights(lo, hi, level);
      if (rights === 0 && this.reachableOnly) continue;
      const target = format.frame(lo, hi);
      if (format.leaf(lo, hi, level)) {
        const page = pageSpan === undefined ? span : pageSpan(lo, hi, level);
        this.pages += span;
        this.unions[depth] = this.unions[depth]! | rights;
        sink.leaves(input, target - (target % page) + (page > span ? input % page : 0), span, rights, level);
        continue;
      }
      // Where levels are skipped, only the first of the inputs below the entry are translated.
      const below = nextLevel === undefined ? level - 1 : nextLevel(lo, level);
      if (this.met(target, below, input, rights)) continue;
      const address = frame * 4096 + index * 8;
      if (this.isOnPath(target)) sink.loop(address, lo, hi, level, input);
      if (this.source.locate(target, below) < 0) {
        sink.outside(address, lo, hi, level, input);
        if (this.source.locate(frame, level) !== at) return this.again(depth, index + 1);
        continue;
      }
      this.next[depth] = index + 1;
      this.descend(target, below, input, input + ENTRY_SPAN[below + 1]!, rights);
      return true;
    }
    return false;
  }

  /** Has the table at `depth` gone on with from entry `index`: looking elsewhere has moved its words. */
  private again(depth: number, index: number): boolean {
    this.next[depth] = index;
    return true;
  }

  private isOnPath(frame: number): boolean {
    for (let depth = 0; depth <= this.depth; depth++) if (this.frames[depth] === frame) return true;
    return false;
  }

  /** Whether the table below an entry was met before, and is told as that. */
  private met(frame: number, level: number, input: number, path: Rights): boolean {
    const { known } = this;
    if (!known.find(keyOf(frame, level, path))) return false;
    if (known.pages === 0) return true;
    if (this.expansions > 0) {
      this.expansions--;
      return false;
    }
    this.pages += known.pages;
    this.unions[this.depth] = this.unions[this.depth]! | known.rights;
    this.sink.repeat(input, ENTRY_SPAN[level + 1]!, known.rights, known.input, known.pages, frame, level);
    return true;
  }
}

/** One number for a table, the level at which it serves and the rights of the path to it: 40, 3 and 4 bits. */
function keyOf(frame: number, level: number, path: Rights): number {
  return (frame * 8 + level) * 16 + path;
}
