import type { Names } from '../program/names.js';
import type { Verdicts } from '../program/timeline/verdicts.js';
import type { Timeline } from '../program/timeline.js';
import { partText, partValue, type Table } from '../store/table.js';
import type { Xen } from '../xen/state.js';
import type { Value } from './value.js';

/**
 * A place in a run, as the views of it see it: the machine stands as it stood after `step`, and what the step changed is
 * known. A view reads and returns plain data; it writes nothing and leaves the machine where it stands.
 */
export class Here {
  readonly timeline: Timeline;
  readonly verdicts: Verdicts;
  readonly step: number;
  /** By word: what it held before the step, for every word that the step wrote. */
  readonly before: ReadonlyMap<number, number>;
  private readonly tables: ReadonlyMap<string, Table>;

  constructor(timeline: Timeline, verdicts: Verdicts, step: number) {
    timeline.seek(step);
    this.timeline = timeline;
    this.verdicts = verdicts;
    this.step = step;
    this.before = timeline.valuesBefore(step);
    this.tables = new Map(timeline.xen.layout.tables.map((table) => [table.name, table]));
  }

  get xen(): Xen {
    return this.timeline.xen;
  }

  get names(): Names {
    return this.timeline.names;
  }

  /** The table of the store that is called so. @throws RangeError when this machine has none. */
  table(name: string): Table {
    const table = this.tables.get(name);
    if (table === undefined) throw new RangeError(`there is no table ${name}`);
    return table;
  }

  /** A field of a table's row: its text, where it stands, and what it was before the step. */
  field(tableName: string, row: number, field: string): Value {
    const table = this.table(tableName);
    const word = wordOf(table, row, field);
    return this.word(word, (value) => table.fields[field]!.show(value));
  }

  /** A named part of such a field. */
  part(tableName: string, row: number, field: string, part: string): Value {
    const table = this.table(tableName);
    const found = table.fields[field]?.parts?.find(({ name }) => name === part);
    if (found === undefined) throw new RangeError(`${tableName}.${field} has no part ${part}`);
    const word = wordOf(table, row, field);
    const now = this.xen.store.words[word]!;
    const was = this.before.get(word) ?? now;
    return {
      text: partText(found, now),
      words: [word],
      low: found.low,
      width: found.width,
      ...(partValue(found, was) !== partValue(found, now) && { was: partText(found, was) }),
    };
  }

  /** A word of the store, shown by `show`. */
  word(word: number, show: (value: number) => string): Value {
    const now = this.xen.store.words[word]!;
    const was = this.before.get(word) ?? now;
    return { text: show(now), words: [word], ...(was !== now && { was: show(was) }) };
  }

  /**
   * Bytes of RAM that read as one thing, an entry of a table: `count` words from byte address `pa`, shown by `show`. A
   * frame that was never written to has no words to ask about.
   */
  ram(pa: number, count: number, show: (words: Int32Array) => string): Value {
    const { ram, store } = this.xen;
    const index = ram.indexOf(Math.floor(pa / 4096));
    const base = index < 0 ? -1 : ram.wordsOf(index);
    if (base < 0) return { text: show(new Int32Array(count)) };
    const first = base + (pa % 4096) / 4;
    const words = Array.from({ length: count }, (_, i) => first + i);
    const now = Int32Array.from(words, (word) => store.words[word]!);
    const was = Int32Array.from(words, (word) => this.before.get(word) ?? store.words[word]!);
    const changed = was.some((value, i) => value !== now[i]);
    return { text: show(now), words, ...(changed && { was: show(was) }) };
  }
}

/** The word of the store in which a field of a row stands. */
export function wordOf(table: Table, row: number, field: string): number {
  const offset = table.fieldNames.indexOf(field);
  if (offset < 0) throw new RangeError(`${table.name} has no field ${field}`);
  return table.base + row * table.fieldNames.length + offset;
}
