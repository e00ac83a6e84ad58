import { ENTRY, type Mark, type Store } from '../../store/store.js';

/** A word's part in a run: the steps that wrote it, in order, and what it held before and after each. */
export interface WordWrites {
  readonly steps: Int32Array;
  readonly before: Int32Array;
  readonly after: Int32Array;
}

/** Writes between two checkpoints, at least: applying so many takes about a millisecond. */
const SPACING = 1 << 18;

/**
 * All writes of a run, by which a store is brought into the state after any of them. Going from one state to another costs
 * the writes in between, or, where these are many, the words that the run ever wrote and a few writes: every now and then
 * there is a checkpoint, which holds these words' values and no others.
 */
export class WordHistory {
  /** Three words an entry: word index, value before, value after. */
  private readonly entries: Int32Array;
  /** The words that were ever written, in the order of their first write, and what they held before it. */
  private readonly written: Int32Array;
  /** By word: its place in `written` + 1, or 0. */
  private readonly placeOf: Int32Array;
  private readonly spacing: number;
  /** The first stands before the first write, the others every `spacing` writes. */
  private readonly checkpoints: Int32Array[] = [];
  /** Entries by the word that they wrote, made when first asked for: those of place p stand from starts[p] to starts[p + 1]. */
  private byWord: { readonly starts: Int32Array; readonly entries: Int32Array } | undefined;

  /** @param words how many words the store has. */
  constructor(entries: Int32Array, words: number, spacing = SPACING) {
    this.entries = entries;
    this.placeOf = new Int32Array(words);
    const { written, values } = this.findWritten();
    this.written = written;
    // A checkpoint costs a word for each that was written: they take a third of the record's room at most.
    this.spacing = Math.max(spacing, written.length);
    this.makeCheckpoints(values);
  }

  /** Writes in all. */
  get length(): Mark {
    return this.entries.length / ENTRY;
  }

  /** Words that were written. */
  get wordCount(): number {
    return this.written.length;
  }

  /** The words that were ever written, each once. Not to be written to. */
  get writtenWords(): Int32Array {
    return this.written;
  }

  /** Bytes that it takes, without the index by words. */
  get bytes(): number {
    const checkpoints = this.checkpoints.length * this.written.byteLength;
    return this.entries.byteLength + this.written.byteLength + this.placeOf.byteLength + checkpoints;
  }

  /** Fills `placeOf`. */
  private findWritten(): { written: Int32Array; values: Int32Array } {
    const { entries, placeOf } = this;
    let count = 0;
    for (let at = 0; at < entries.length; at += ENTRY) {
      if (placeOf[entries[at]!] === 0) placeOf[entries[at]!] = ++count;
    }
    const written = new Int32Array(count);
    const values = new Int32Array(count);
    for (let at = 0, next = 0; next < count; at += ENTRY) {
      if (placeOf[entries[at]!] !== next + 1) continue;
      written[next] = entries[at]!;
      values[next++] = entries[at + 1]!;
    }
    return { written, values };
  }

  private makeCheckpoints(values: Int32Array): void {
    const { entries, placeOf, spacing } = this;
    for (let entry = 0; entry < this.length; entry++) {
      if (entry % spacing === 0) this.checkpoints.push(values.slice());
      values[placeOf[entries[entry * ENTRY]!]! - 1] = entries[entry * ENTRY + 2]!;
    }
  }

  /** Takes a store that stands after `from` writes to where it stands after `to`. */
  move(store: Store, from: Mark, to: Mark): void {
    const nearest = Math.min(Math.round(to / this.spacing), this.checkpoints.length - 1);
    const away = Math.abs(to - nearest * this.spacing);
    if (nearest < 0 || Math.abs(to - from) <= away + this.written.length) {
      store.replay(this.entries, from, to);
      return;
    }
    store.setWords(this.written, this.checkpoints[nearest]!);
    store.replay(this.entries, nearest * this.spacing, to);
  }

  /** The word that an entry wrote, and what it held before and after. */
  word(entry: Mark): number {
    return this.entries[entry * ENTRY]!;
  }
  before(entry: Mark): number {
    return this.entries[entry * ENTRY + 1]!;
  }
  after(entry: Mark): number {
    return this.entries[entry * ENTRY + 2]!;
  }

  /** What the words that entries [from, to) wrote held before the first of them. */
  valuesBefore(from: Mark, to: Mark): Map<number, number> {
    const values = new Map<number, number>();
    for (let entry = from; entry < to; entry++) {
      const word = this.word(entry);
      if (!values.has(word)) values.set(word, this.before(entry));
    }
    return values;
  }

  /** The steps that wrote a word; `stepOf` says which step an entry belongs to. */
  writesOf(word: number, stepOf: (entry: Mark) => number): WordWrites {
    const place = (this.placeOf[word] ?? 0) - 1;
    if (place < 0) return { steps: new Int32Array(0), before: new Int32Array(0), after: new Int32Array(0) };
    this.byWord ??= this.sortByWord();
    const { starts, entries } = this.byWord;
    const most = starts[place + 1]! - starts[place]!;
    const [steps, before, after] = [new Int32Array(most), new Int32Array(most), new Int32Array(most)];
    let count = 0;
    for (let i = starts[place]!; i < starts[place + 1]!; i++) {
      const entry = entries[i]!;
      const step = stepOf(entry);
      if (count === 0 || steps[count - 1] !== step) {
        steps[count] = step;
        before[count++] = this.before(entry);
      }
      after[count - 1] = this.after(entry);
    }
    return { steps: steps.slice(0, count), before: before.slice(0, count), after: after.slice(0, count) };
  }

  /** A counting sort: entries of each word together, oldest first. */
  private sortByWord(): { starts: Int32Array; entries: Int32Array } {
    const { placeOf, length } = this;
    const starts = new Int32Array(this.written.length + 1);
    for (let entry = 0; entry < length; entry++) starts[placeOf[this.word(entry)]!]!++;
    for (let place = 1; place < starts.length; place++) starts[place]! += starts[place - 1]!;
    const next = starts.slice();
    const entries = new Int32Array(length);
    for (let entry = 0; entry < length; entry++) entries[next[placeOf[this.word(entry)]! - 1]!++] = entry;
    return { starts, entries };
  }
}
