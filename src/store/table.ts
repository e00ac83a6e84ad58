import { PAGE_WORDS, type Store } from './store.js';

/** A named part of a word: bits `low` up to `low + width - 1`. */
export interface Part {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  show(value: number): string;
}

/** How one word of a table reads: as a whole, or part by part. */
export interface Field {
  show(word: number): string;
  readonly parts?: readonly Part[];
  /** What a word of it names, where it names something: `frame`, `slot`. Whoever owns the table knows the kinds. */
  readonly names?: string;
  /** How much more than the number of what it names such a word holds: 1 where 0 is none. */
  readonly bias?: number;
}

/** A number in decimal. */
export const decimal: Field = { show: (word) => String(word) };

/** A number in hexadecimal, unsigned. */
export const hex: Field = { show: (word) => `0x${(word >>> 0).toString(16)}` };

/** 0 or 1 as `no` and `yes`. */
export const flag: Field = { show: (word) => (word ? 'yes' : 'no') };

/** A small number by its name. */
export function enumeration(names: readonly string[]): Field {
  return { show: (word) => names[word] ?? String(word) };
}

/** A word that holds "nothing" as 0 and otherwise `value + 1`: how optional references are kept. */
export function optional(inner: Field): Field {
  const show = (word: number): string => (word === 0 ? 'none' : inner.show(word - 1));
  return inner.names === undefined ? { show } : { show, names: inner.names, bias: (inner.bias ?? 0) + 1 };
}

/** A field whose words name things of a kind. */
export function naming(kind: string, field: Field): Field {
  return { ...field, names: kind };
}

/** A word made of named parts. */
export function bitParts(parts: readonly Part[]): Field {
  return { parts, show: (word) => parts.map((part) => `${part.name} ${partText(part, word)}`).join(' ') };
}

/** What the part holds in `word`; unsigned. */
export function partValue(part: Part, word: number): number {
  const mask = part.width === 32 ? 0xffffffff : 2 ** part.width - 1;
  return ((word >>> part.low) & mask) >>> 0;
}

export function partText(part: Part, word: number): string {
  return part.show(partValue(part, word));
}

/** One field of every row. */
export class Column {
  private readonly store: Store;
  private readonly base: number;
  private readonly stride: number;

  constructor(store: Store, base: number, stride: number) {
    this.store = store;
    this.base = base;
    this.stride = stride;
  }

  get(row: number): number {
    return this.store.read(this.base + row * this.stride);
  }

  set(row: number, value: number): void {
    this.store.write(this.base + row * this.stride, value);
  }

  add(row: number, amount: number): void {
    const index = this.base + row * this.stride;
    this.store.write(index, this.store.read(index) + amount);
  }
}

export type Fields = Readonly<Record<string, Field>>;

/** What the rows of a table are: `count` things of a kind, for each of those before. */
export interface RowsOf {
  readonly kind: string;
  readonly count: number;
}

/** A named table of named fields in the store: `rows` rows of one word a field. */
export interface Table<F extends Fields = Fields> {
  readonly name: string;
  readonly rows: number;
  readonly base: number;
  readonly fieldNames: readonly string[];
  readonly fields: F;
  /** How a row is called in a list of changes: `frame 0x105`. */
  readonly label: (row: number) => string;
  readonly columns: { readonly [K in keyof F]: Column };
  /** Follows from other tables, so that its changes are not worth telling. */
  readonly derived: boolean;
  /** What the rows are, the last changing fastest: domains, then the grants of each. Empty where they are nothing. */
  readonly rowsOf: readonly RowsOf[];
}

/** The tables of a model and where they stand in the store. */
export class Layout {
  readonly store: Store;
  readonly tables: Table[] = [];
  private nextKey = 1;

  constructor(store: Store) {
    this.store = store;
  }

  /** Lays a table of `rows` rows; all words are 0. */
  table<F extends Fields>(
    name: string,
    rows: number,
    fields: F,
    label: (row: number) => string,
    { derived = false, rowsOf = [] }: { derived?: boolean; rowsOf?: readonly RowsOf[] } = {},
  ): Table<F> {
    const fieldNames = Object.keys(fields);
    const pages = Math.max(1, Math.ceil((rows * fieldNames.length) / PAGE_WORDS));
    const base = this.store.addPages(this.nextKey, pages);
    this.nextKey += pages;
    const columns: Record<string, Column> = {};
    fieldNames.forEach((field, offset) => {
      columns[field] = new Column(this.store, base + offset, fieldNames.length);
    });
    const table = {
      name,
      rows,
      base,
      fieldNames,
      fields,
      label,
      columns,
      derived,
      rowsOf,
    } as unknown as Table<F>;
    this.tables.push(table as unknown as Table);
    return table;
  }

  /** The table, row and field that a store word belongs to, or undefined when it is none of a table's. */
  locate(word: number): { table: Table; row: number; field: string } | undefined {
    for (const table of this.tables) {
      const offset = word - table.base;
      const width = table.fieldNames.length;
      if (offset >= 0 && offset < table.rows * width) {
        return { table, row: Math.floor(offset / width), field: table.fieldNames[offset % width]! };
      }
    }
    return undefined;
  }
}
