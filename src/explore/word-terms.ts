import {
  bitsName,
  describe,
  describeFields,
  type EntryLayout,
  fieldsWithin,
  fieldText,
  readField,
} from '../formats/layout.js';
import { partText, type Table } from '../store/table.js';
import { hex } from '../text/hex.js';
import { type FrameRole, ramRoles } from '../xen/ram-roles.js';
import type { Xen } from '../xen/state.js';
import type { Value } from './value.js';

/** Words of the store, or bits of them, that a reader asks about: those of a {@link Value}. */
export type AskedWords = Required<Pick<Value, 'words'>> & Pick<Value, 'low' | 'width'>;

/** What each word of the store holds. */
export type WordReader = (word: number) => number;

/** How words read, in the terms of the machine as it stands. */
export interface Terms {
  /** `frame 0x105: owner`; `VT-d context entry of 0000:03:00.0: bits 2-3 translation type`. */
  readonly what: string;
  /** Whether they are more than numbers in plain memory. */
  readonly named: boolean;
  readonly read: (wordAt: WordReader) => string;
  /** The same as numbers, for values that read alike. */
  readonly raw: (wordAt: WordReader) => string;
}

/** Bits [from, to] of a word. */
interface Bits {
  readonly word: number;
  readonly from: number;
  readonly to: number;
}

/** Something that words are about: a field of a row, an entry. Things with one name are told together. */
interface Piece {
  readonly name: string;
  readonly part: string;
  readonly read: (wordAt: WordReader) => string;
}

/** The asked bits, word by word. */
export function bitsOf({ words, low = 0, width = words.length * 32 - low }: AskedWords): readonly Bits[] {
  return words
    .map((word, i) => ({ word, from: Math.max(0, low - i * 32), to: Math.min(31, low + width - 1 - i * 32) }))
    .filter(({ from, to }) => from <= to);
}

/** The bits as a mask. */
export const maskOf = ({ from, to }: Bits): number => {
  const width = to - from + 1;
  return width === 32 ? -1 : (2 ** width - 1) << from;
};

const isWhole = ({ from, to }: Bits): boolean => from === 0 && to === 31;

/** Whether RAM is among the words: what it is depends on where the machine stands. */
export const asksRam = (xen: Xen, { words }: AskedWords): boolean =>
  words.some((word) => xen.ram.indexOfWord(word) >= 0);

/** How the words that a reader asks about read now. */
export function termsOf(xen: Xen, asked: AskedWords): Terms {
  const bits = bitsOf(asked);
  const ram = bits.filter(({ word }) => xen.ram.indexOfWord(word) >= 0);
  const roleOf = ram.length > 0 ? ramRoles(xen) : undefined;
  const pieces: Piece[] = bits.filter((one) => !ram.includes(one)).map((one) => tablePiece(xen, one));
  let named = true;
  const now: WordReader = (word) => xen.store.words[word]!;
  for (const entry of roleOf === undefined ? [] : entriesOf(xen, ram, roleOf)) {
    if (entry.role === undefined) named = false;
    pieces.push(entry.role === undefined ? memoryPiece(entry) : entryPiece(entry, entry.role, now));
  }
  return {
    what: namesOf(pieces),
    named,
    read: (wordAt) => textOf(pieces, wordAt),
    raw: (wordAt) => bits.map((one) => hex(valueIn(one, wordAt))).join(' '),
  };
}

function namesOf(pieces: readonly Piece[]): string {
  const parts = new Map<string, string[]>();
  for (const { name, part } of pieces)
    parts.set(name, [...(parts.get(name) ?? []), ...(part === '' ? [] : [part])]);
  return [...parts]
    .map(([name, list]) => (list.length === 0 ? name : `${name}: ${list.join(', ')}`))
    .join('; ');
}

function textOf(pieces: readonly Piece[], wordAt: WordReader): string {
  const [only, ...others] = pieces;
  if (only !== undefined && others.length === 0) return only.read(wordAt);
  return pieces.map(({ part, read }) => `${part === '' ? '' : `${part} `}${read(wordAt)}`).join(', ');
}

const valueIn = (bits: Bits, wordAt: WordReader): number =>
  ((wordAt(bits.word) & maskOf(bits)) >>> bits.from) >>> 0;

/** A word of a table, or some of its parts. */
function tablePiece(xen: Xen, bits: Bits): Piece {
  const place = xen.layout.locate(bits.word);
  const number = (wordAt: WordReader): string => hex(valueIn(bits, wordAt));
  if (place === undefined) return { name: `word ${bits.word}`, part: '', read: number };
  const { table, row, field } = place;
  const name = table.label(row);
  const { show, parts } = (table as Table).fields[field]!;
  const read = (wordAt: WordReader): string => show(wordAt(bits.word));
  if (isWhole(bits)) return { name, part: field, read };
  const touched = (parts ?? []).filter(({ low, width }) => low <= bits.to && low + width - 1 >= bits.from);
  const [only, ...others] = touched;
  if (only === undefined) return { name, part: `${field}, bits ${bits.from}-${bits.to}`, read: number };
  if (others.length === 0)
    return { name, part: only.name, read: (wordAt) => partText(only, wordAt(bits.word)) };
  const each = (wordAt: WordReader): string =>
    touched.map((part) => `${part.name} ${partText(part, wordAt(bits.word))}`).join(', ');
  return { name, part: field, read: each };
}

/** An entry in RAM, by the store's word in which it begins, and the bits [lo, hi] of it that are asked about. */
interface Entry {
  readonly frame: number;
  /** Bytes from the frame's beginning. */
  readonly offset: number;
  readonly first: number;
  readonly words: number;
  readonly lo: number;
  readonly hi: number;
  readonly role: FrameRole | undefined;
}

/** The entries to which words of RAM belong; words of plain memory that follow each other are one. */
function entriesOf(
  xen: Xen,
  ram: readonly Bits[],
  roleOf: (frame: number) => FrameRole | undefined,
): readonly Entry[] {
  const entries: Entry[] = [];
  for (const { word, from, to } of ram) {
    const pa = xen.ram.addressOf(word);
    const frame = Math.floor(pa / 4096);
    const found = roleOf(frame);
    const bytes = found?.entryBytes ?? 4;
    const at = pa % 4096;
    const role = found?.name(Math.floor(at / bytes)) === '' ? undefined : found;
    const last = entries.at(-1);
    const behind = last !== undefined && last.frame === frame ? (at - last.offset) / 4 : -1;
    // A word of the same entry, or of memory that goes on.
    if (
      last !== undefined &&
      behind >= 0 &&
      (behind < last.words || (role === undefined && behind === last.words))
    ) {
      const words = Math.max(last.words, behind + 1);
      entries[entries.length - 1] = { ...last, words, hi: behind * 32 + to };
      continue;
    }
    const inside = role === undefined ? 0 : (at % bytes) / 4;
    entries.push({
      frame,
      offset: at - inside * 4,
      first: word - inside,
      words: role === undefined ? 1 : bytes / 4,
      lo: inside * 32 + from,
      hi: inside * 32 + to,
      role,
    });
  }
  return entries;
}

const wordsIn = ({ first, words }: Entry, wordAt: WordReader): Int32Array =>
  Int32Array.from({ length: words }, (_, i) => wordAt(first + i));

function memoryPiece(entry: Entry): Piece {
  const { frame, offset, lo, hi, words } = entry;
  const whole = lo === 0 && hi === words * 32 - 1;
  return {
    name: `memory ${hex(frame)}+${hex(offset)}`,
    part: whole ? '' : lo === hi ? `bit ${lo}` : `bits ${lo}-${hi}`,
    read: (wordAt) => {
      let value = 0n;
      wordsIn(entry, wordAt).forEach((word, i) => {
        value |= BigInt(word >>> 0) << BigInt(i * 32);
      });
      return hex((value >> BigInt(lo)) & ((1n << BigInt(hi - lo + 1)) - 1n));
    },
  };
}

function entryPiece(entry: Entry, role: FrameRole, now: WordReader): Piece {
  const { lo, hi, words } = entry;
  const name = role.name(entry.offset / role.entryBytes);
  if (lo === 0 && hi === words * 32 - 1) {
    return { name, part: '', read: (wordAt) => describe(...heldBy(entry, role, wordAt)) };
  }
  const [fieldNow, ...others] = fieldsWithin(heldBy(entry, role, now)[0], lo, hi);
  const only = others.length === 0 ? fieldNow : undefined;
  return {
    name,
    part: only === undefined ? `bits ${lo}-${hi}` : bitsName(only),
    read: (wordAt) => {
      const [layout, held] = heldBy(entry, role, wordAt);
      const fields = fieldsWithin(layout, lo, hi);
      const [field] = fields;
      // What an entry holds decides how it is laid out: the bits may have meant something else.
      const same = fields.length === 1 && field!.name === only?.name;
      return same ? fieldText(field!, readField(field!, held)) : describeFields(fields, held);
    },
  };
}

/** An entry's layout and words. */
function heldBy(entry: Entry, role: FrameRole, wordAt: WordReader): [EntryLayout, Int32Array] {
  const held = wordsIn(entry, wordAt);
  return [role.layout(held), held];
}
