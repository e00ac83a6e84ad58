import type { Rights } from './address.js';
import {
  ALL_RIGHTS,
  ENTRY_SPAN,
  inputLimit,
  type RadixFormat,
  type RootShape,
  TABLE_ENTRIES,
} from './radix.js';
import type { WordSource } from './words.js';

/** Where a subtree that is reached once more was walked first. */
export interface SharedSubtree {
  /** Frame of the table at its top, and its level. */
  readonly table: number;
  readonly level: number;
  /** The input at which the same subtree, under the same rights, was walked. */
  readonly input: number;
  /** 4 KiB pages mapped below it. */
  readonly pages: number;
}

/** Consecutive inputs that map to consecutive frames by pages of one size with equal rights. */
export interface MappedRange {
  /** First input frame. */
  readonly input: number;
  /** Frame it maps to; -1 for a repeat. */
  readonly frame: number;
  /** 4 KiB frames in the range. */
  readonly count: number;
  /** Rights of the whole path; for a repeat, of all its pages together. */
  readonly rights: Rights;
  /** Level of the leaves: 1 for 4 KiB pages, 2 for 2 MiB, 3 for 1 GiB; 0 for a repeat. */
  readonly pageLevel: number;
  /**
   * Set for a repeat: these `count` inputs map exactly as the `count` inputs from `shared.input` do, holes and rights
   * included, because the same table stands behind both.
   */
  readonly shared?: SharedSubtree;
}

export interface WalkAllOptions {
  /** How many times a shared subtree may be walked again before repeats are reported as such. 0 unless given. */
  readonly expand?: number;
  /** Rights with which the root is reached, where something above it restricts them. All unless given. */
  readonly rights?: Rights;
  /** Tables to read at most; beyond them the walk is not `complete`. As many as there are unless given. */
  readonly maxTables?: number;
  /** Told of each table read: its frame, level, and the first input below it. */
  readonly onTable?: (frame: number, level: number, input: number) => void;
  /** Told of each present entry that the hardware would refuse. What lies below it is unreachable. */
  readonly onReserved?: (address: number, lo: number, hi: number, level: number, input: number) => void;
}

export interface WalkSummary {
  /** Tables read. A frame counts once for each level and path rights under which it serves. */
  readonly tables: number;
  /** 4 KiB pages mapped, repeats included. */
  readonly pages: number;
  /** Ranges visited. */
  readonly ranges: number;
  /** Repeats among them. */
  readonly repeats: number;
  /** Present entries that the hardware would refuse. */
  readonly reserved: number;
  /** Rights of all pages together. */
  readonly rights: Rights;
  /** Whether every table was read, not cut off at `maxTables`. */
  readonly complete: boolean;
}

/** What lies below a table, remembered for when it is met again. */
interface Subtree {
  readonly input: number;
  readonly pages: number;
  readonly rights: Rights;
}

/** One walk over a whole tree. */
class TreeWalk {
  pages = 0;
  tables = 0;
  ranges = 0;
  repeats = 0;
  reserved = 0;
  complete = true;
  /** By table frame, level and path rights, see {@link keyOf}. */
  private readonly known = new Map<number, Subtree>();
  private expansions: number;
  private readonly maxTables: number;
  // The range being collected; count 0 when there is none.
  private input = 0;
  private frame = 0;
  private count = 0;
  private rights: Rights = 0;
  private pageLevel = 0;

  private readonly format: RadixFormat;
  private readonly source: WordSource;
  private readonly visit: (range: MappedRange) => void;
  private readonly options: WalkAllOptions;

  constructor(
    format: RadixFormat,
    source: WordSource,
    visit: (range: MappedRange) => void,
    options: WalkAllOptions,
  ) {
    this.format = format;
    this.source = source;
    this.visit = visit;
    this.options = options;
    this.expansions = options.expand ?? 0;
    this.maxTables = options.maxTables ?? Number.POSITIVE_INFINITY;
  }

  /** Walks a table whose first entry serves input `base`, up to the input `limit`. Returns the rights below it. */
  table(frame: number, level: number, base: number, limit: number, path: Rights): Rights {
    const { format, source } = this;
    if (this.tables >= this.maxTables) {
      this.complete = false;
      return 0;
    }
    const span = ENTRY_SPAN[level]!;
    const { nextLevel, pageSpan } = format;
    this.tables++;
    this.options.onTable?.(frame, level, base);
    let union: Rights = 0;
    for (let index = 0; index < TABLE_ENTRIES; index++) {
      const input = base + index * span;
      if (input >= limit) break;
      const address = frame * 4096 + index * 8;
      const lo = source.read32(address);
      const hi = source.read32(address + 4);
      if (!format.present(lo, hi, level)) continue;
      if (format.reserved(lo, hi, level)) {
        this.reserved++;
        this.options.onReserved?.(address, lo, hi, level, input);
        continue;
      }
      const rights = path & format.rights(lo, hi, level);
      const target = format.frame(lo, hi);
      if (format.leaf(lo, hi, level)) {
        let first = target - (target % span);
        if (pageSpan !== undefined) {
          const page = pageSpan(lo, hi, level);
          first = target - (target % page) + (input % page);
        }
        this.leaf(input, first, span, rights, level);
        union |= rights;
      } else {
        // Where levels are skipped, only the first of the inputs below the entry are translated.
        const next = nextLevel === undefined ? level - 1 : nextLevel(lo, level);
        union |= this.subtree(target, next, input, ENTRY_SPAN[next + 1]!, rights);
      }
    }
    return union;
  }

  /** Walks the table below an entry, or reports that it is one met before. */
  private subtree(frame: number, level: number, input: number, span: number, path: Rights): Rights {
    const key = keyOf(frame, level, path);
    const known = this.known.get(key);
    if (known !== undefined) {
      if (known.pages === 0) return 0;
      if (this.expansions === 0) return this.repeat(known, frame, level, input, span);
      this.expansions--;
    }
    const before = this.pages;
    const rights = this.table(frame, level, input, input + span, path);
    if (known === undefined) this.known.set(key, { input, pages: this.pages - before, rights });
    return rights;
  }

  private repeat(known: Subtree, table: number, level: number, input: number, span: number): Rights {
    this.flush();
    this.pages += known.pages;
    this.repeats++;
    this.ranges++;
    const shared = { table, level, input: known.input, pages: known.pages };
    this.visit({ input, frame: -1, count: span, rights: known.rights, pageLevel: 0, shared });
    return known.rights;
  }

  private leaf(input: number, frame: number, count: number, rights: Rights, level: number): void {
    this.pages += count;
    if (
      this.count > 0 &&
      this.input + this.count === input &&
      this.frame + this.count === frame &&
      this.rights === rights &&
      this.pageLevel === level
    ) {
      this.count += count;
      return;
    }
    this.flush();
    this.input = input;
    this.frame = frame;
    this.count = count;
    this.rights = rights;
    this.pageLevel = level;
  }

  /** Hands out the range being collected. */
  flush(): void {
    if (this.count === 0) return;
    this.ranges++;
    const { input, frame, count, rights, pageLevel } = this;
    this.count = 0;
    this.visit({ input, frame, count, rights, pageLevel });
  }
}

/** One number for a table, the level at which it serves and the rights of the path to it: 40, 3 and 4 bits. */
function keyOf(frame: number, level: number, path: Rights): number {
  return (frame * 8 + level) * 16 + path;
}

/**
 * Visits everything a tree maps, in the order of inputs, as coalesced ranges.
 *
 * A table that is reached again at the same level under the same path rights maps the same as before, so it is not
 * walked again but reported as a repeat (or walked again, as often as `expand` allows). Hence the work is linear in
 * the number of distinct tables even for a quarantine tree whose 512^n paths all end at one scratch page, and a table
 * that points to itself ends after as many steps as there are levels: each step down is another level. Because path
 * rights take part in recognising a subtree, the visited ranges without the repeats already name every frame that
 * can be reached and every right to it.
 */
export function walkAll(
  format: RadixFormat,
  source: WordSource,
  rootFrame: number,
  shape: RootShape,
  visit: (range: MappedRange) => void,
  options: WalkAllOptions = {},
): WalkSummary {
  const walk = new TreeWalk(format, source, visit, options);
  const limit = inputLimit(shape);
  const span = ENTRY_SPAN[shape.topLevel + 1]!;
  let rights: Rights = 0;
  for (let i = 0; i < shape.concatenated && i * span < limit; i++) {
    const above = options.rights ?? ALL_RIGHTS;
    rights |= walk.table(rootFrame + i, shape.topLevel, i * span, limit, above);
  }
  walk.flush();
  const { tables, pages, ranges, repeats, reserved, complete } = walk;
  return { tables, pages, ranges, repeats, reserved, rights, complete };
}
