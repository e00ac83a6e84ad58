import {
  type BitField,
  type EntryLayout,
  type FieldKind,
  fieldText,
  kindOf,
  nameInWords,
  readField,
} from '../../formats/layout.js';
import { hex } from '../../text/hex.js';
import { bitsValue } from '../bits.js';
import { type Here, type Words, wordOf } from '../here.js';
import type { Value } from '../value.js';

/** A named part of what stands in a box. */
export interface PathField {
  readonly name: string;
  /** Its bits, where the box has any. */
  readonly lo: number;
  readonly hi: number;
  readonly value: Value;
  readonly kind: FieldKind;
  /** What its bits are as a number; -1 for what has none. */
  readonly number: number;
  /** What it means, as the layout says. */
  readonly doc: string;
  /** The section of the manual, where it is not the one of the whole. */
  readonly section?: string;
  /** Because of it the access went no further. */
  readonly decides: boolean;
  /** What it reads now, where a path of earlier is shown and it has changed since. */
  readonly now?: string;
}

/** What becomes of an access at a box: it goes on, or ends there. */
export type BoxState = 'passed' | 'ended';

/** A thing on the way of an access from a device to memory. */
export interface PathBox {
  /** Unique within a path. */
  readonly id: string;
  readonly kind: 'device' | 'registers' | 'entry' | 'remembered' | 'frame' | 'fault';
  /** What it is, in a word or two: `root entry`, `L2`. */
  readonly title: string;
  /** Which one of them: `bus 03`, `[0x1f]`. */
  readonly which: string;
  /** Where it stands, in words. */
  readonly place: string;
  /** The frame (mfn) in which it stands, or that it is. */
  readonly mfn?: number;
  /** What chose it among its like: `bits 38–30 of the address`. */
  readonly chosenBy?: string;
  /** Bits of the bus address that chose it, where these did, and what they hold: its number in its table. */
  readonly addressBits?: { readonly low: number; readonly high: number; readonly index: number };
  /** The whole of it. */
  readonly raw?: Value;
  /** How many bits it has; 0 for what has fields only. */
  readonly bits: number;
  /** The layout's name, and the manual's with the section. */
  readonly layout?: string;
  readonly manual?: string;
  readonly fields: readonly PathField[];
  /** What everything up to here lets through, `rw`. */
  readonly rights?: string;
  readonly state: BoxState;
  /** What it comes to, in words. */
  readonly says: string;
  /** What memory holds where the unit does not see it yet. */
  readonly unseen?: string;
}

/** What is known of a box beside its bits. */
export type BoxParts = Omit<PathBox, 'raw' | 'bits' | 'layout' | 'manual' | 'fields'> & {
  /** Names of the fields that ended the access. */
  readonly deciding?: readonly string[];
};

/** An entry of a table or a register, bit by bit. */
export function bitsBox(layout: EntryLayout, words: Words, { deciding = [], ...parts }: BoxParts): PathBox {
  return {
    ...parts,
    raw: rawValue(words),
    bits: layout.words * 32,
    layout: layout.name,
    manual: layout.manual,
    fields: layout.fields.map((field) => ({
      name: nameInWords(field.name),
      lo: field.lo,
      hi: field.hi,
      value: fieldValue(field, words),
      kind: kindOf(field),
      number: readField(field, words.now),
      doc: field.doc,
      ...(field.section !== undefined && { section: field.section }),
      decides: deciding.includes(field.name),
    })),
  };
}

/** What is no bits to anybody: rows of a table of the model, by their fields. */
export function fieldsBox(
  fields: readonly { readonly name: string; readonly value: Value; readonly doc: string }[],
  { deciding = [], ...parts }: BoxParts,
): PathBox {
  return {
    ...parts,
    bits: 0,
    fields: fields.map(({ name, value, doc }) => ({
      name,
      lo: 0,
      hi: 0,
      value,
      kind: 'number',
      number: -1,
      doc,
      decides: deciding.includes(name),
    })),
  };
}

/** 64-bit groups, the highest first, those of zeros in front left out: `0x…_…`. */
function rawText(words: Int32Array): string {
  const groups: string[] = [];
  const digits = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
  for (let at = 0; at < words.length; at += 2) {
    const group = at + 1 < words.length ? digits(words[at + 1]!) + digits(words[at]!) : digits(words[at]!);
    groups.unshift(group);
  }
  while (groups.length > 1 && /^0*$/.test(groups[0]!)) groups.shift();
  return `0x${groups.join('_')}`;
}

function rawValue({ words, now, was }: Words): Value {
  return { text: rawText(now), ...(words && { words }), ...(was && { was: rawText(was) }) };
}

const fieldValue = (field: BitField, words: Words): Value =>
  bitsValue(words, field.lo, field.hi - field.lo + 1, (value) => fieldText(field, value));

/** Words of RAM as a unit sees them, which may be behind what stands there. */
export interface SeenWords {
  readonly seen: Words;
  /** What memory holds where the unit sees something else. */
  readonly unseen?: string;
}

/** Where a unit keeps what it does not see yet: the name of the table, and the row of an entry's 64 bits, or -1. */
export interface Unseen {
  readonly table: string;
  rowOf(pa: number): number;
}

/** `count` words of RAM from `pa`, as a unit reads them that may not see every write yet. */
export function seenWords(there: Here, pa: number, count: number, unseen: Unseen | undefined): SeenWords {
  const ram = there.ramWords(pa, count);
  if (unseen === undefined) return { seen: ram };
  const words = [...(ram.words ?? [])];
  const now = ram.now.slice();
  const was = (ram.was ?? ram.now).slice();
  let behind = false;
  for (let i = 0; i < count; i += 2) {
    const row = unseen.rowOf(pa + 4 * i);
    if (row < 0) continue;
    const kept = there.words(wordOf(there.table(unseen.table), row, 'lo'), 2);
    for (let half = 0; half < 2; half++) {
      words[i + half] = kept.words![half]!;
      now[i + half] = kept.now[half]!;
      was[i + half] = (kept.was ?? kept.now)[half]!;
      if (kept.now[half] !== ram.now[i + half]) behind = true;
    }
  }
  const changed = was.some((value, i) => value !== now[i]);
  const seen = { words: words.length === 0 ? undefined : words, now, was: changed ? was : undefined };
  return behind ? { seen, unseen: rawText(ram.now) } : { seen };
}

/** `frame 0x104, offset 0x30`. */
export const placeText = (pa: number): string =>
  `frame ${hex(Math.floor(pa / 4096))}, offset ${hex(pa % 4096)}`;
