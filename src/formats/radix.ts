import type { Rights } from './address.js';
import type { EntryLayout } from './layout.js';
import type { WordSource } from './words.js';

/** Entries in a table; every format here uses the 4 KiB granule with 64-bit entries. */
export const TABLE_ENTRIES = 512;

/** Inputs (4 KiB frames) below one entry at level l: `ENTRY_SPAN[l]`; level 1 holds the 4 KiB leaves. */
export const ENTRY_SPAN: readonly number[] = [
  1 / 512,
  1,
  2 ** 9,
  2 ** 18,
  2 ** 27,
  2 ** 36,
  2 ** 45,
  2 ** 54,
];

/** A 64-bit entry as two words; the way out for functions that make one. */
export class EntryWords {
  lo = 0;
  hi = 0;
}

/**
 * A page-table format. Functions take the entry's two words and the level it stands at: level 1 is the 4 KiB leaf
 * level, whatever the manual calls it.
 */
export interface RadixFormat {
  readonly name: string;
  /** The 4 KiB leaf entry's layout. */
  readonly layout: EntryLayout;
  /** The layout of a leaf or table entry at `level`. */
  layoutAt(level: number, leaf: boolean): EntryLayout;
  present(lo: number, hi: number, level: number): boolean;
  /** Whether the entry maps a page rather than points to a table. Only asked when present. */
  leaf(lo: number, hi: number, level: number): boolean;
  /** Frame number of the next table or the page. For a superpage the low bits may hold attributes; walkers align. */
  frame(lo: number, hi: number): number;
  /** Leaf: rights of the page. Table entry: rights it lets through. Walkers take the AND along the path. */
  rights(lo: number, hi: number, level: number): Rights;
  /** Whether the hardware refuses a present entry for its encoding. Only asked when present. */
  reserved(lo: number, hi: number, level: number): boolean;
  /**
   * Level of the table below a table entry, in a format whose entries say so and may skip levels; where it is missing,
   * each table points to those of the level below. Inputs must be zero in the bits of skipped levels.
   */
  readonly nextLevel?: (lo: number, level: number) => number;
  /** Inputs that a leaf's page spans, in a format where the entry says so; where it is missing, the level's. */
  readonly pageSpan?: (lo: number, hi: number, level: number) => number;
  /**
   * Bits of a 4 KiB leaf's two words that say where it leads, with which rights, and whether it is refused. Entries of
   * neighbouring pages that agree in them but for the frame, which counts up, are alike; all bits where it is missing.
   */
  readonly leafMask?: { readonly lo: number; readonly hi: number };
  /** The manual's name of the level, for example "L1" or "level 3". */
  levelName(level: number): string;
  /** Makes an entry for a table of `level` that points to the table in `frame`, one level below, and restricts nothing. */
  tableEntry(frame: number, level: number, out: EntryWords): void;
  /** Makes an entry that maps the page at `frame` (aligned to the level) with `rights`. */
  leafEntry(frame: number, rights: Rights, level: number, out: EntryWords): void;
}

/** The root of a tree. */
export interface RootShape {
  /** Level of the root table: 4 for four-level tables. */
  readonly topLevel: number;
  /** Root tables in consecutive frames; 1 except for Arm's concatenated tables. */
  readonly concatenated: number;
  /** Input address bits when fewer than the root tables could index (Arm's T0SZ). */
  readonly inputBits?: number;
}

/** Four levels from one root table: VT-d with 48 bits, EPT, x86-64. */
export const FOUR_LEVELS: RootShape = { topLevel: 4, concatenated: 1 };
/** Three levels from one root table: VT-d with 39 bits. */
export const THREE_LEVELS: RootShape = { topLevel: 3, concatenated: 1 };

/** The first input frame that the root does not cover. */
export function inputLimit(shape: RootShape): number {
  const bits = shape.inputBits;
  return bits === undefined ? ENTRY_SPAN[shape.topLevel + 1]! * shape.concatenated : 2 ** (bits - 12);
}

/** How a walk ended. */
export const WalkStatus = {
  /** At a leaf. Its rights may still not allow the access. */
  OK: 0,
  /** At an entry that is not present, or at one that skips levels whose bits the input has set. */
  NOT_PRESENT: 1,
  /** At a present entry whose encoding the hardware refuses. */
  RESERVED: 2,
  /** Before the first table: the root does not cover the input. */
  BEYOND: 3,
} as const;

/** Every right of every format. */
export const ALL_RIGHTS: Rights = 0xf;

/** Walks a tree of one format in one memory. Results stand in fields until the next walk; nothing is allocated. */
export class Walker {
  readonly format: RadixFormat;
  readonly source: WordSource;
  /** How the last walk ended, a {@link WalkStatus}. */
  status: number = WalkStatus.BEYOND;
  /** The 4 KiB frame the input maps to, also inside a superpage; -1 unless the status is OK. */
  frame = -1;
  /** Frames in the page that the input lies in, a power of two; of no meaning unless the status is OK. */
  span = 1;
  /** Rights of the whole path; 0 unless the status is OK. */
  rights: Rights = 0;
  /**
   * What the present entries read let through, whatever the status. Hardware that checks permissions on its way
   * down refuses an access that an upper entry denies before it sees a reserved bit further down.
   */
  pathRights: Rights = 0;
  /** Level of the last entry read. */
  level = 0;
  /** Physical address of the last entry read; -1 when none was. */
  entryAddress = -1;
  /** The last entry read. */
  lo = 0;
  hi = 0;

  constructor(format: RadixFormat, source: WordSource) {
    this.format = format;
    this.source = source;
  }

  /** Walks from the root at `rootFrame` for the input frame (dfn, gfn, virtual page number). Returns the status. */
  walk(rootFrame: number, shape: RootShape, input: number): number {
    const format = this.format;
    const source = this.source;
    const { nextLevel, pageSpan } = format;
    let level = shape.topLevel;
    this.pathRights = ALL_RIGHTS;
    if (input < 0 || input >= inputLimit(shape)) return this.end(WalkStatus.BEYOND, level, -1, 0, 0);
    // Concatenated root tables are one long table, so the root's index is not masked.
    let index = Math.floor(input / ENTRY_SPAN[level]!);
    const high = Math.floor(input / 0x8000000);
    const low = input & 0x7ffffff;
    let table = rootFrame;
    let rights = ALL_RIGHTS;
    for (;;) {
      const address = table * 4096 + index * 8;
      const lo = source.read32(address);
      const hi = source.read32(address + 4);
      if (!format.present(lo, hi, level)) return this.end(WalkStatus.NOT_PRESENT, level, address, lo, hi);
      rights &= format.rights(lo, hi, level);
      this.pathRights = rights;
      if (format.reserved(lo, hi, level)) return this.end(WalkStatus.RESERVED, level, address, lo, hi);
      table = format.frame(lo, hi);
      if (format.leaf(lo, hi, level)) {
        this.end(WalkStatus.OK, level, address, lo, hi);
        const span = pageSpan === undefined ? ENTRY_SPAN[level]! : pageSpan(lo, hi, level);
        this.span = span;
        this.frame = span === 1 ? table : table - (table % span) + (input % span);
        this.rights = rights;
        return WalkStatus.OK;
      }
      if (nextLevel === undefined) level--;
      else {
        const next = nextLevel(lo, level);
        if (next < level - 1 && input % ENTRY_SPAN[level]! >= ENTRY_SPAN[next + 1]!) {
          return this.end(WalkStatus.NOT_PRESENT, level, address, lo, hi);
        }
        level = next;
      }
      index = (level > 3 ? high >>> (9 * (level - 4)) : low >>> (9 * (level - 1))) & 511;
    }
  }

  private end(status: number, level: number, address: number, lo: number, hi: number): number {
    this.status = status;
    this.frame = -1;
    this.rights = 0;
    this.level = level;
    this.entryAddress = address;
    this.lo = lo;
    this.hi = hi;
    return status;
  }
}
