import { hex } from '../text/hex.js';

/**
 * Layouts as data: every architectural entry and register is a table of bit fields that a reader can compare with
 * the manual line by line. Decoding, encoding and rendering all work from the table; the hot paths of a format
 * (walking, building entries) read the same bits with plain integer operations and are tested against it.
 */

/** What a field holds; decides how it is rendered. */
export type FieldKind = 'flag' | 'number' | 'frame' | 'enum' | 'reserved' | 'ignored';

/** One field of an entry. Bit numbers count within the whole entry, bit 0 the lowest of its first word. */
export interface BitField {
  /** Readable name in camelCase; rendered as words (`faultDisable` becomes "fault disable"). */
  readonly name: string;
  /** Lowest bit. */
  readonly lo: number;
  /** Highest bit, included. */
  readonly hi: number;
  /** The manual's abbreviation and what the field means. */
  readonly doc: string;
  /** Section of the manual when it differs from the layout's. */
  readonly section?: string;
  /** Names of the values of an `enum`. */
  readonly values?: Readonly<Record<number, string>>;
  /** `flag` for one bit and `number` for more, unless said otherwise. */
  readonly kind?: FieldKind;
}

/** An entry's or register's bits. Every bit belongs to exactly one field, if need be a reserved or ignored one. */
export interface EntryLayout {
  readonly name: string;
  /** Manual and section, for example "Intel VT-d spec §9.3". */
  readonly manual: string;
  /** Length in 32-bit words. */
  readonly words: number;
  readonly fields: readonly BitField[];
}

const indexes = new WeakMap<EntryLayout, Map<string, BitField>>();

/** The field of that name. @throws RangeError when the layout has none. */
export function fieldOf(layout: EntryLayout, name: string): BitField {
  let index = indexes.get(layout);
  if (index === undefined) {
    index = new Map(layout.fields.map((field) => [field.name, field]));
    indexes.set(layout, index);
  }
  const field = index.get(name);
  if (field !== undefined) return field;
  throw new RangeError(`${layout.name} has no field "${name}"; it has ${[...index.keys()].join(', ')}`);
}

/** How a field is to be rendered. */
export function kindOf(field: BitField): FieldKind {
  return field.kind ?? (field.lo === field.hi ? 'flag' : 'number');
}

/** The field's value in the entry whose first word is `words[at]`; unsigned, exact below 2^53. */
export function readField(field: BitField, words: ArrayLike<number>, at = 0): number {
  let value = 0;
  let scale = 1;
  for (let bit = field.lo; bit <= field.hi; ) {
    const shift = bit & 31;
    const take = Math.min(32 - shift, field.hi - bit + 1);
    const part = words[at + (bit >>> 5)]! >>> shift;
    value += (take === 32 ? part : part & ((1 << take) - 1)) * scale;
    scale *= 2 ** take;
    bit += take;
  }
  return value;
}

/** Puts `value` into the field and leaves the other bits alone. @throws RangeError when it does not fit. */
export function writeField(field: BitField, words: Int32Array, value: number, at = 0): void {
  const width = field.hi - field.lo + 1;
  if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** width) {
    throw new RangeError(`${value} does not fit field ${field.name}, bits ${field.lo} to ${field.hi}`);
  }
  let rest = value;
  for (let bit = field.lo; bit <= field.hi; ) {
    const shift = bit & 31;
    const take = Math.min(32 - shift, field.hi - bit + 1);
    const mask = (take === 32 ? -1 : (1 << take) - 1) << shift;
    const word = at + (bit >>> 5);
    words[word] = (words[word]! & ~mask) | ((rest << shift) & mask);
    rest = Math.floor(rest / 2 ** take);
    bit += take;
  }
}

/** The value of the field `name` in the entry whose first word is `words[at]`. */
export function getField(layout: EntryLayout, name: string, words: ArrayLike<number>, at = 0): number {
  return readField(fieldOf(layout, name), words, at);
}

/** Sets the field `name`. @throws RangeError when there is no such field or the value does not fit. */
export function setField(layout: EntryLayout, name: string, words: Int32Array, value: number, at = 0): void {
  writeField(fieldOf(layout, name), words, value, at);
}

/** All fields by name. */
export function decode(layout: EntryLayout, words: ArrayLike<number>, at = 0): Record<string, number> {
  const values: Record<string, number> = {};
  for (const field of layout.fields) values[field.name] = readField(field, words, at);
  return values;
}

/**
 * An entry made of the given fields, all others zero, in `out` from word `at`.
 * @throws RangeError when a name is unknown or a value does not fit.
 */
export function encode(
  layout: EntryLayout,
  values: Readonly<Record<string, number>>,
  out: Int32Array = new Int32Array(layout.words),
  at = 0,
): Int32Array {
  out.fill(0, at, at + layout.words);
  for (const name of Object.keys(values)) setField(layout, name, out, values[name]!, at);
  return out;
}

const inWords = new Map<string, string>();

/** `faultDisable` as "fault disable"; names in capitals stay. For names of fields, which are as many as layouts have. */
export function nameInWords(name: string): string {
  const known = inWords.get(name);
  if (known !== undefined) return known;
  const words = name.replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => {
    return `${before} ${after.toLowerCase()}`;
  });
  inWords.set(name, words);
  return words;
}

/** A field's value as it is written in a table of all fields: 0 and 1 for flags, frames and what has no meaning in hex. */
export function fieldText(field: BitField, value: number): string {
  const kind = kindOf(field);
  const name = kind === 'enum' ? field.values?.[value] : undefined;
  if (name !== undefined) return name;
  return kind === 'flag' || kind === 'number' || kind === 'enum' ? String(value) : hex(value);
}

/** One field in words, or undefined when it says nothing. */
function describeField(field: BitField, value: number): string | undefined {
  const kind = kindOf(field);
  if (kind === 'enum') {
    const text = field.values?.[value];
    if (text !== undefined) return `${nameInWords(field.name)} ${text}`;
  }
  if (value === 0) return undefined;
  if (kind === 'flag') return nameInWords(field.name);
  if (kind === 'reserved' || kind === 'ignored') {
    const bits = field.lo === field.hi ? `bit ${field.lo}` : `bits ${field.lo}-${field.hi}`;
    return field.lo === field.hi ? `${kind} ${bits}` : `${kind} ${bits} ${hex(value)}`;
  }
  return `${nameInWords(field.name)} ${kind === 'number' ? value : hex(value)}`;
}

/** A field as manuals count it: `bit 0 present`, `bits 2-3 translation type`. */
export function bitsName({ name, lo, hi }: BitField): string {
  return `${lo === hi ? `bit ${lo}` : `bits ${lo}-${hi}`} ${nameInWords(name)}`;
}

/** The fields that have some of the bits [lo, hi] of an entry. */
export function fieldsWithin(layout: EntryLayout, lo: number, hi: number): readonly BitField[] {
  return layout.fields.filter((field) => field.lo <= hi && field.hi >= lo);
}

/**
 * The entry in words: its non-zero fields, and enumerations by the name of their value even when that is zero.
 * For example "present, type multi-level, root 0x1234, width 48-bit, did 1". An entry of zeros is "empty".
 */
export function describe(layout: EntryLayout, words: ArrayLike<number>, at = 0): string {
  return describeFields(layout.fields, words, at);
}

/** The same of some of an entry's fields. */
export function describeFields(fields: readonly BitField[], words: ArrayLike<number>, at = 0): string {
  const texts: string[] = [];
  let empty = true;
  for (const field of fields) {
    const value = readField(field, words, at);
    if (value !== 0) empty = false;
    const text = describeField(field, value);
    if (text !== undefined) texts.push(text);
  }
  return empty ? 'empty' : texts.join(', ');
}
