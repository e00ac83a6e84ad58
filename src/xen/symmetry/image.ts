import { iotlbRow } from '../../hardware/iotlb.js';
import { PAGE_WORDS } from '../../store/store.js';
import type { Field, Table } from '../../store/table.js';
import type { Xen } from '../state.js';
import { type FrameRoles, Role } from './frame-roles.js';
import type { Renaming } from './renaming.js';

/** What a word of a table names, as far as renamings change it; the field says it (store/table.ts). */
const Names = {
  nothing: 0,
  /** A frame by its index, + 1. */
  frame: 1,
  /** A frame by its number, or the input that it has in a table where inputs are frames. */
  mfn: 2,
  grant: 3,
  device: 4,
  requester: 5,
  /** An entry of a page table, by frame and index (grant-host-mapping.ts). */
  hostEntry: 6,
  /** The place of an entry in a table, in bytes. */
  tableOffset: 7,
  /** The low word of an entry of a page table. */
  tableEntry: 8,
  /** A handle, by its row in maptrack. */
  handle: 9,
} as const;

/** The kinds of names, with how they are kept: only where 0 is none can what is numbered 0 be renamed. */
const KINDS: Readonly<Record<string, { readonly code: number; readonly bias: number }>> = {
  frame: { code: Names.frame, bias: 1 },
  mfn: { code: Names.mfn, bias: 0 },
  grant: { code: Names.grant, bias: 1 },
  device: { code: Names.device, bias: 1 },
  requester: { code: Names.requester, bias: 1 },
  'host entry': { code: Names.hostEntry, bias: 0 },
  'table offset': { code: Names.tableOffset, bias: 0 },
  'table entry': { code: Names.tableEntry, bias: 0 },
  handle: { code: Names.handle, bias: 1 },
};

/** Names that no renaming changes. */
const NEVER_RENAMED: ReadonlySet<string> = new Set(['slot', 'call']);

function codeOf({ names, bias = 0 }: Field): number {
  if (names === undefined || NEVER_RENAMED.has(names)) return Names.nothing;
  const kind = KINDS[names];
  if (kind === undefined || kind.bias !== bias) {
    throw new Error(
      `a field names a ${names} as its number + ${bias}: symmetry/image.ts does not know such words`,
    );
  }
  return kind.code;
}

/** What the words of a machine's tables are: the same for all renamings. */
export class TableWords {
  private readonly tables: readonly Table[];
  /** By page of the store: the table that has it, + 1. */
  private readonly tableOfPage: Uint16Array;
  /** By table and field. */
  private readonly codes: readonly (readonly number[])[];

  constructor(xen: Xen) {
    this.tables = xen.layout.tables;
    this.tableOfPage = new Uint16Array(xen.store.pageCount);
    this.tables.forEach(({ base, rows, fieldNames }, n) => {
      const end = base + rows * fieldNames.length;
      for (let page = base / PAGE_WORDS; page * PAGE_WORDS < end; page++) this.tableOfPage[page] = n + 1;
    });
    this.codes = this.tables.map(({ fieldNames, fields }) => fieldNames.map((name) => codeOf(fields[name]!)));
  }

  private indexOf(word: number): number {
    const page = Math.floor(word / PAGE_WORDS);
    return page < this.tableOfPage.length ? this.tableOfPage[page]! - 1 : -1;
  }

  /** The table that a word stands in. */
  tableOf(word: number): Table | undefined {
    return this.tables[this.indexOf(word)];
  }

  /** What a word names. */
  nameOf(word: number): number {
    const table = this.indexOf(word);
    if (table < 0) return Names.nothing;
    const { base, fieldNames } = this.tables[table]!;
    return this.codes[table]![(word - base) % fieldNames.length]!;
  }
}

/** Entries of 8 bytes in a table of 4 KiB. */
const ENTRIES = 512;

/**
 * A renaming as a permutation of states, word by word: what it makes of tables is said by their fields and rows, what it
 * makes of RAM by the role of each frame ({@link FrameRoles}).
 */
export class Image {
  private readonly xen: Xen;
  private readonly roles: FrameRoles;
  private readonly renaming: Renaming;
  private readonly tableWords: TableWords;
  /** Words of fixed structures that change places. */
  private readonly fixedWords = new Map<number, number>();
  private readonly requesters = new Map<number, number>();

  // The frames that are renamed lie close together: what is added to each number, from the lowest on.
  private readonly lowest: number;
  private readonly shift: Int32Array;
  /** By index of an entry in a table whose inputs are frames: the one that takes its place. */
  private readonly entries: Int32Array;

  constructor(xen: Xen, renaming: Renaming, roles: FrameRoles, tableWords: TableWords) {
    this.xen = xen;
    this.renaming = renaming;
    this.roles = roles;
    this.tableWords = tableWords;
    const numbers = roles.renamed.map((pdx) => xen.ram.frameAt(pdx));
    this.lowest = Math.min(...numbers);
    this.shift = new Int32Array(numbers.length === 0 ? 0 : Math.max(...numbers) - this.lowest + 1);
    this.entries = Int32Array.from({ length: ENTRIES }, (_, n) => n);
    for (const pdx of roles.renamed) {
      const from = xen.ram.frameAt(pdx);
      const to = xen.ram.frameAt(renaming.frames[pdx]!);
      this.shift[from - this.lowest] = to - from;
      this.entries[from % ENTRIES] = to % ENTRIES;
    }
    renaming.devices.forEach((to, from) => {
      if (to === from) return;
      const { devices } = xen.spec;
      this.requesters.set(devices[from]!.requester, devices[to]!.requester);
      this.exchangeEntries(roles.entriesOf[from]!, roles.entriesOf[to]!);
    });
  }

  private exchangeEntries(from: readonly number[], to: readonly number[]): void {
    from.forEach((word, n) => {
      this.fixedWords.set(word, to[n]!);
    });
  }

  /** The word of a table that takes a word's place: the same field of another row. */
  private wordOfTable({ base, rows, fieldNames, rowsOf }: Table, word: number): number {
    const width = fieldNames.length;
    const row = Math.floor((word - base) / width);
    if (rowsOf.length === 0 || row >= rows) return word;
    let rest = row;
    let place = 0;
    let unit = 1;
    for (let n = rowsOf.length - 1; n >= 0; n--) {
      const { kind, count } = rowsOf[n]!;
      if (count === 0) return word;
      place += unit * this.rowFor(kind, rest % count, count);
      rest = Math.floor(rest / count);
      unit *= count;
    }
    return word + (place - row) * width;
  }

  /** Which of the `count` things of a kind takes the place of the n-th. */
  private rowFor(kind: string, n: number, count: number): number {
    const { frames, refs, handles, devices } = this.renaming;
    switch (kind) {
      case 'frame':
        return frames[n]!;
      case 'grant':
        return refs[n]!;
      case 'handle':
        return handles[n]!;
      case 'device':
        return devices[n]!;
      case 'domain id holder': {
        const first = count - devices.length;
        return n < first ? n : first + devices[n - first]!;
      }
      case 'IOTLB entry':
        return this.hashed(n, (pdx) => iotlbRow(this.xen.ram.frameAt(pdx), count));
      case 'CPU TLB entry':
        return this.hashed(n, (pdx) => pdx & (count - 1));
      case 'context cache entry': {
        const row = (device: number) => this.xen.spec.devices[device]!.requester & (count - 1);
        const from = devices.findIndex((to, device) => to !== device && row(device) === n);
        return from < 0 ? n : row(devices[from]!);
      }
      default:
        return n;
    }
  }

  /** The row of what is kept by frame at `rowOf`: roles.ts sees to it that no two frames meet there. */
  private hashed(row: number, rowOf: (pdx: number) => number): number {
    for (const pdx of this.roles.renamed) if (rowOf(pdx) === row) return rowOf(this.renaming.frames[pdx]!);
    return row;
  }

  /** The word that takes this word's place. */
  word(index: number): number {
    const pdx = this.xen.ram.indexOfWord(index);
    if (pdx < 0) {
      const table = this.tableWords.tableOf(index);
      return table === undefined ? index : this.wordOfTable(table, index);
    }
    const offset = index & (PAGE_WORDS - 1);
    switch (this.roles.of[pdx]) {
      case Role.renamed:
        return this.xen.ram.wordsOf(this.renaming.frames[pdx]!) + offset;
      case Role.table:
      case Role.grantsOrTable:
        return index - offset + this.entries[offset >>> 1]! * 2 + (offset & 1);
      case Role.grants: {
        const ref = offset >>> 1;
        return ref < this.renaming.refs.length
          ? index - offset + this.renaming.refs[ref]! * 2 + (offset & 1)
          : index;
      }
      case Role.fixed:
        return this.fixedWords.get(index) ?? index;
      default:
        return index;
    }
  }

  /** What stands there when `index` holds `value`. */
  value(index: number, value: number): number {
    const pdx = this.xen.ram.indexOfWord(index);
    if (pdx >= 0) return this.valueInRam(this.roles.of[pdx]!, index, value);
    switch (this.tableWords.nameOf(index)) {
      case Names.frame:
        return value === 0 ? 0 : this.renaming.frames[value - 1]! + 1;
      case Names.mfn:
        return this.renameNumber(value);
      case Names.grant:
        return value === 0 ? 0 : this.renaming.refs[value - 1]! + 1;
      case Names.device:
        return value === 0 ? 0 : this.renaming.devices[value - 1]! + 1;
      case Names.handle:
        return value === 0 ? 0 : this.renaming.handles[value - 1]! + 1;
      case Names.requester:
        return (this.requesters.get(value - 1) ?? value - 1) + 1;
      case Names.hostEntry:
        return this.renameHostEntry(value);
      case Names.tableOffset:
        return this.entries[value >>> 3]! * 8 + (value & 7);
      case Names.tableEntry:
        return this.renameEntry(value);
      default:
        return value;
    }
  }

  /** Words of RAM: entries of tables have their frame from bit 12 of the low word up, a grant's is its second word. */
  private valueInRam(role: number, index: number, value: number): number {
    const isLow = (index & 1) === 0;
    switch (role) {
      case Role.fixed:
        return value;
      case Role.grants:
        return this.roles.namesFrame(index) ? this.renameNumber(value) : value;
      case Role.grantsOrTable:
        return isLow ? this.renameEntry(value) : this.renameNumber(value);
      default:
        return isLow ? this.renameEntry(value) : value;
    }
  }

  /** A frame's number, as a word of 32 bits. */
  private renameNumber(value: number): number {
    const n = (value >>> 0) - this.lowest;
    return n >= 0 && n < this.shift.length ? value + this.shift[n]! : value;
  }

  /** The low word of an entry: all frames that are renamed agree in what the high word has. */
  private renameEntry(value: number): number {
    const n = (value >>> 12) - (this.lowest % 0x10_0000);
    return n >= 0 && n < this.shift.length ? value + (this.shift[n]! << 12) : value;
  }

  private renameHostEntry(value: number): number {
    if (value >= 0) return value;
    const entry = -value - 1;
    const pdx = Math.floor(entry / ENTRIES) - 1;
    return pdx < 0 ? value : -(this.renaming.frames[pdx]! + 1) * ENTRIES - (entry % ENTRIES) - 1;
  }
}
