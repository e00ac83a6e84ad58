import type { Mark } from './store.js';
import { type Layout, partText, partValue, type Table } from './table.js';

/** What became different: one field of one thing. */
export interface Change {
  /** The thing: `frame 0x105`, `ram 0x10e000+0x28`. */
  readonly what: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
  /** The words of the store in which it stands, in order. */
  readonly words: readonly number[];
  /** The bit of the first word at which it begins and how many there are, where it is not the whole of them. */
  readonly low?: number;
  readonly width?: number;
}

/**
 * Says what changed in words that no table holds (RAM): word index → value before, and → value after. The values after
 * are the store's own unless the range ends before the journal does.
 */
export type ForeignWords<C extends Change = Change> = (
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
) => C[];

/** The net changes of everything since `from`; see {@link changesBetween}. */
export function changesSince(layout: Layout, from: Mark, foreign: ForeignWords): Change[] {
  return changesBetween(layout, from, layout.store.journalLength, foreign);
}

/**
 * The net changes that the journal records in [from, to): each word once, in the order of the tables, words that came
 * back to their value left out.
 * @throws RangeError when either mark lies beyond the journal's end.
 */
export function changesBetween(layout: Layout, from: Mark, to: Mark, foreign: ForeignWords): Change[] {
  const { store } = layout;
  const before = firstValues(layout, from, to);
  // What a word held at `to` is what the first later entry says it held, or what it holds now.
  const later = firstValues(layout, to, store.journalLength);
  return changesOfWords(layout, before, (index) => later.get(index) ?? store.read(index), foreign);
}

/**
 * The net changes of words from what `before` says they held to what `after` says they hold, in the order of the tables.
 * `foreign` is asked while the store stands where the changes have led.
 */
export function changesOfWords<C extends Change>(
  layout: Layout,
  before: ReadonlyMap<number, number>,
  after: (index: number) => number,
  foreign: ForeignWords<C>,
): (Change | C)[] {
  const changes: (Change | C)[] = [];
  const foreignBefore = new Map<number, number>();
  const foreignAfter = new Map<number, number>();
  for (const index of Int32Array.from(before.keys()).sort()) {
    const old = before.get(index)!;
    const now = after(index);
    if (now === old) continue;
    const place = layout.locate(index);
    if (place?.table.derived) continue;
    if (place !== undefined) {
      changes.push(...wordChanges(place.table, place.row, place.field, index, old, now));
    } else {
      foreignBefore.set(index, old);
      foreignAfter.set(index, now);
    }
  }
  return foreignBefore.size === 0 ? changes : [...changes, ...foreign(foreignBefore, foreignAfter)];
}

/** The value of each written word at `from`. */
function firstValues(layout: Layout, from: Mark, to: Mark): Map<number, number> {
  const values = new Map<number, number>();
  layout.store.forEachWrite(from, to, (index, old) => {
    if (!values.has(index)) values.set(index, old);
  });
  return values;
}

/** The changes of one word: itself, or each of its parts. Bits that no part has are shown as the whole word. */
function wordChanges(
  table: Table,
  row: number,
  fieldName: string,
  index: number,
  old: number,
  now: number,
): Change[] {
  const what = table.label(row);
  const words = [index];
  const field = table.fields[fieldName]!;
  const changes: Change[] = [];
  let rest = old ^ now;
  for (const part of field.parts ?? []) {
    if (partValue(part, old) === partValue(part, now)) continue;
    const { name, low, width } = part;
    const texts = shown(partText(part, old), partText(part, now), old, now);
    changes.push({ what, field: name, ...texts, words, low, width });
    rest &= ~partBits(part);
  }
  if (field.parts === undefined) {
    changes.push({ what, field: fieldName, ...shown(field.show(old), field.show(now), old, now), words });
  } else if (rest !== 0) {
    changes.push({ what, field: fieldName, before: bitsText(old), after: bitsText(now), words });
  }
  return changes;
}

/** Two values as text; where the texts would not tell them apart, as bits. */
function shown(was: string, is: string, old: number, now: number): { before: string; after: string } {
  return was === is ? { before: bitsText(old), after: bitsText(now) } : { before: was, after: is };
}

const bitsText = (word: number): string => `0x${(word >>> 0).toString(16)}`;

const partBits = (part: { low: number; width: number }): number =>
  part.width === 32 ? -1 : (2 ** part.width - 1) << part.low;

/** One thing, or several of a kind that changed in the same way. */
export interface ChangeLine<C extends Change = Change> {
  /** What their names have in common, up to what each has for itself: `frame `. */
  readonly kind: string;
  /** Each with its own name, `0x105`, and with what became different; at least one. */
  readonly things: { readonly name: string; readonly changes: readonly C[] }[];
}

/** Changes thing by thing. Things of a kind that changed in the same way share a line. */
export function linesOf<C extends Change>(changes: readonly C[]): ChangeLine<C>[] {
  const byThing = new Map<string, C[]>();
  for (const change of changes) {
    const others = byThing.get(change.what);
    if (others === undefined) byThing.set(change.what, [change]);
    else others.push(change);
  }
  const lines = new Map<string, ChangeLine<C>>();
  for (const [what, changes] of byThing) {
    const space = what.lastIndexOf(' ');
    const [kind, name] = [what.slice(0, space + 1), what.slice(space + 1)];
    const key = `${kind}\0${changeTexts(changes)}`;
    const line = lines.get(key);
    if (line === undefined) lines.set(key, { kind, things: [{ name, changes }] });
    else line.things.push({ name, changes });
  }
  return [...lines.values()];
}

const changeTexts = (changes: readonly Change[]): string =>
  changes.map(({ field, before, after }) => `${field} ${before} → ${after}`).join(', ');

/**
 * Changes as lines of text, one a thing: `frame 0x105: type none → writable, count 0 → 1`. Things of a kind that changed
 * in the same way share one: `frame 0x18, 0x19: owner none → d1`.
 */
export function changeLines(changes: readonly Change[]): string[] {
  return linesOf(changes).map(
    ({ kind, things }) =>
      `${kind}${things.map(({ name }) => name).join(', ')}: ${changeTexts(things[0]!.changes)}`,
  );
}
