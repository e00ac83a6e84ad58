import type { Rights } from './address.js';
import type { RadixFormat, RootShape } from './radix.js';
import { type TablePages, TableWalk, type WalkSink } from './walk-tables.js';
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

/** Words in a table. */
const TABLE_WORDS = 1024;
/** More than the levels of any format. */
const LEVELS = 8;

/** Tables read word by word from any source: the one of each level that the path goes through. */
class CopiedTables implements TablePages {
  readonly words = new Int32Array(LEVELS * TABLE_WORDS);
  private readonly frames = new Float64Array(LEVELS).fill(-1);
  private readonly source: WordSource;

  constructor(source: WordSource) {
    this.source = source;
  }

  locate(frame: number, level: number): number {
    const at = level * TABLE_WORDS;
    if (this.frames[level] !== frame) {
      const { source, words } = this;
      for (let i = 0; i < TABLE_WORDS; i++) words[at + i] = source.read32(frame * 4096 + i * 4);
      this.frames[level] = frame;
    }
    return at;
  }
}

/** Joins runs of pages of one size to ranges, and hands them out as objects. */
class RangeVisits implements WalkSink {
  readonly full = false;
  ranges = 0;
  repeats = 0;
  reserved = 0;
  private readonly visit: (range: MappedRange) => void;
  private readonly options: WalkAllOptions;
  // The range being collected; count 0 when there is none.
  private input = 0;
  private frame = 0;
  private count = 0;
  private rights: Rights = 0;
  private pageLevel = 0;

  constructor(visit: (range: MappedRange) => void, options: WalkAllOptions) {
    this.visit = visit;
    this.options = options;
  }

  leaves(input: number, frame: number, count: number, rights: Rights, level: number): void {
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

  repeat(
    input: number,
    count: number,
    rights: Rights,
    sharedInput: number,
    pages: number,
    table: number,
    level: number,
  ): void {
    this.flush();
    this.repeats++;
    this.ranges++;
    const shared = { table, level, input: sharedInput, pages };
    this.visit({ input, frame: -1, count, rights, pageLevel: 0, shared });
  }

  table(frame: number, level: number, input: number): void {
    this.options.onTable?.(frame, level, input);
  }

  refused(address: number, lo: number, hi: number, level: number, input: number): void {
    this.reserved++;
    this.options.onReserved?.(address, lo, hi, level, input);
  }

  /** Every word source has all memory. */
  outside(): void {}

  /** Its end is the walk's business. */
  loop(): void {}

  /** Hands out the range being collected. */
  flush(): void {
    if (this.count === 0) return;
    this.ranges++;
    const { input, frame, count, rights, pageLevel } = this;
    this.count = 0;
    this.visit({ input, frame, count, rights, pageLevel });
  }
}

/**
 * Visits everything a tree maps, in the order of inputs, as coalesced ranges: {@link TableWalk} over a source of words.
 * A table that is reached again at the same level under the same path rights is reported as a repeat (or walked again, as
 * often as `expand` allows).
 */
export function walkAll(
  format: RadixFormat,
  source: WordSource,
  rootFrame: number,
  shape: RootShape,
  visit: (range: MappedRange) => void,
  options: WalkAllOptions = {},
): WalkSummary {
  const visits = new RangeVisits(visit, options);
  const walk = new TableWalk(format, new CopiedTables(source), visits, options);
  walk.walk(rootFrame, shape);
  visits.flush();
  const { tables, pages, rights, complete } = walk;
  const { ranges, repeats, reserved } = visits;
  return { tables, pages, ranges, repeats, reserved, rights, complete };
}
