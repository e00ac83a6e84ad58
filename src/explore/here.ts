import type { Names } from '../program/names.js';
import type { Verdicts } from '../program/timeline/verdicts.js';
import type { Timeline } from '../program/timeline.js';
import { partText, partValue, type Table } from '../store/table.js';
import type { Xen } from '../xen/state.js';
import type { Comparison } from './comparison.js';
import type { Value } from './value.js';

/** Words before a step that is not told of. */
const UNCHANGED: ReadonlyMap<number, number> = new Map();

/**
 * A place in a run, as the views of it see it: the machine stands as it stood after `step`, and what the step changed is
 * known. A view reads and returns plain data; it writes nothing and leaves the machine where it stands.
 */
export class Here {
  readonly timeline: Timeline;
  readonly verdicts: Verdicts;
  readonly step: number;
  /** The run under another edition that this one is laid beside. */
  readonly comparison: Comparison | undefined;
  /** By word: what it held before the step, for every word that the step wrote. */
  readonly before: ReadonlyMap<number, number>;
  private readonly tables: ReadonlyMap<string, Table>;

  constructor(
    timeline: Timeline,
    verdicts: Verdicts,
    step: number,
    before: ReadonlyMap<number, number> = timeline.valuesBefore(step),
    comparison?: Comparison,
  ) {
    timeline.seek(step);
    this.timeline = timeline;
    this.verdicts = verdicts;
    this.step = step;
    this.before = before;
    this.comparison = comparison;
    this.tables = new Map(timeline.xen.layout.tables.map((table) => [table.name, table]));
  }

  get xen(): Xen {
    return this.timeline.xen;
  }

  get names(): Names {
    return this.timeline.names;
  }

  /** What `look` finds after another step, where nothing is marked as changed; the machine is back here afterwards. */
  lookAt<T>(step: number, look: (there: Here) => T): T {
    const { timeline, verdicts } = this;
    return timeline.lookAt(step, () => look(new Here(timeline, verdicts, step, UNCHANGED)));
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
    const { words, now, was } = this.ramWords(pa, count);
    return {
      text: show(now),
      ...(words !== undefined && { words }),
      ...(was !== undefined && { was: show(was) }),
    };
  }

  /** The words of such a thing: where they stand in the store, what they hold, and held where the step changed one of them. */
  ramWords(pa: number, count: number): Words {
    const { ram } = this.xen;
    const index = ram.indexOf(Math.floor(pa / 4096));
    const base = index < 0 ? -1 : ram.wordsOf(index);
    if (base < 0) return { words: undefined, now: new Int32Array(count), was: undefined };
    return this.words(base + (pa % 4096) / 4, count);
  }

  /** `count` words of the store from `first` on. */
  words(first: number, count: number): Words {
    const { store } = this.xen;
    const words = Array.from({ length: count }, (_, i) => first + i);
    const now = Int32Array.from(words, (word) => store.words[word]!);
    const was = Int32Array.from(words, (word) => this.before.get(word) ?? store.words[word]!);
    return { words, now, was: was.some((value, i) => value !== now[i]) ? was : undefined };
  }
}

/** Words that read as one thing, as {@link Here.ramWords} finds them. */
export interface Words {
  readonly words: readonly number[] | undefined;
  readonly now: Int32Array;
  readonly was: Int32Array | undefined;
}

/** The word of the store in which a field of a row stands. */
export function wordOf(table: Table, row: number, field: string): number {
  const offset = table.fieldNames.indexOf(field);
  if (offset < 0) throw new RangeError(`${table.name} has no field ${field}`);
  return table.base + row * table.fieldNames.length + offset;
}
