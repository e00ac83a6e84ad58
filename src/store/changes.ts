import type { Mark } from './store.js';
import { type Layout, partText } from './table.js';

/** What became different: one field of one thing. */
export interface Change {
  /** The thing: `frame 0x105`, `ram 0x10e000+0x28`. */
  readonly what: string;
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** Says what changed in words that no table holds (RAM): (word index → value before) → changes. */
export type ForeignWords = (before: ReadonlyMap<number, number>) => Change[];

/**
 * The net changes that the journal records in [from, to), read against the store's present words: each word once,
 * words that came back to their value left out. `to` must be the journal's end, or what followed is included.
 */
export function changesSince(layout: Layout, from: Mark, foreign: ForeignWords): Change[] {
  const { store } = layout;
  const before = new Map<number, number>();
  store.forEachWrite(from, store.journalLength, (index, old) => {
    if (!before.has(index)) before.set(index, old);
  });
  const others = new Map<number, number>();
  const changes: Change[] = [];
  for (const [index, old] of [...before].sort(([a], [b]) => a - b)) {
    const now = store.read(index);
    if (now === old) continue;
    const place = layout.locate(index);
    if (place === undefined) {
      others.set(index, old);
      continue;
    }
    const what = place.table.label(place.row);
    const field = place.table.fields[place.field]!;
    for (const part of field.parts ?? []) {
      const [was, is] = [partText(part, old), partText(part, now)];
      if (was !== is) changes.push({ what, field: part.name, before: was, after: is });
    }
    if (field.parts === undefined) {
      changes.push({ what, field: place.field, before: field.show(old), after: field.show(now) });
    }
  }
  return [...changes, ...foreign(others)];
}

/** Changes as lines, one a thing: `frame 0x105: type none → writable, count 0 → 1`. */
export function changeLines(changes: readonly Change[]): string[] {
  const byThing = new Map<string, string[]>();
  for (const { what, field, before, after } of changes) {
    const texts = byThing.get(what) ?? [];
    texts.push(`${field} ${before} → ${after}`);
    byThing.set(what, texts);
  }
  return [...byThing].map(([what, texts]) => `${what}: ${texts.join(', ')}`);
}
