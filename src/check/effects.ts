import { scramble } from '../store/hash.js';
import { longer } from '../store/longer.js';
import type { Store } from '../store/store.js';
import { CHANGE, type EffectList } from './model.js';

/**
 * What actions have been seen to do: changes of words, each from one value to another. Effects are numbered from 0;
 * equal changes in equal order are one effect, and a number once given stands for the same for ever. That which comes to
 * nothing in the end, though something was written, is a change of a word from a value to the same.
 */
export class Effects implements EffectList {
  /** All changes of all effects, one after the other; replaced by a longer array: do not keep a reference. */
  changes = new Int32Array(1 << 10);
  /** How many effects there are. */
  count = 0;
  /** By effect: where its changes begin; they end where those of the next begin. */
  private starts = new Int32Array(1 << 8);
  /** Slots hold an effect + 1; 0 is free. */
  private table = new Int32Array(1 << 8);
  /** By word: the collection in which it was last met. */
  private met = new Int32Array(1 << 10);
  private collection = 0;

  /** Where an effect's changes begin in {@link changes}. */
  start(effect: number): number {
    return this.starts[effect]!;
  }

  /** Where they end. */
  end(effect: number): number {
    return this.starts[effect + 1]!;
  }

  /** Makes the changes of an effect, in a state where the words hold what the effect changes. */
  apply(effect: number, store: Store): void {
    const { changes } = this;
    const end = this.end(effect);
    for (let at = this.start(effect); at < end; at += CHANGE) {
      const value = changes[at + 2]!;
      if (changes[at + 1] === value) store.write(changes[at]!, ~value);
      store.write(changes[at]!, value);
    }
  }

  forEachWord(effect: number, visit: (word: number) => void): void {
    for (let at = this.start(effect); at < this.end(effect); at += CHANGE) visit(this.changes[at]!);
  }

  /** The effect of what the store's journal has from `mark` on, which must be something; one of its own if need be. */
  ofJournal(store: Store, mark: number): number {
    const start = this.starts[this.count]!;
    const end = this.collect(store, mark, start);
    const slot = this.slotOf(start, end);
    if (this.table[slot] !== 0) return this.table[slot]! - 1;
    const effect = this.count++;
    if (this.count + 1 >= this.starts.length) this.starts = longer(this.starts, 0);
    this.starts[this.count] = end;
    this.table[slot] = effect + 1;
    if (this.count * 2 > this.table.length) this.growTable();
    return effect;
  }

  /** Writes the changes that the journal comes to behind those of all effects. @returns where they end. */
  private collect(store: Store, mark: number, start: number): number {
    const { journalLength } = store;
    const needed = start + (journalLength - mark) * CHANGE;
    if (needed > this.changes.length) this.changes = longer(this.changes, needed);
    if (this.met.length < store.words.length) this.met = longer(this.met, store.words.length);
    this.collection++;
    let end = start;
    store.forEachWrite(mark, journalLength, (word, before) => {
      // Only the first write of a word tells what it held before all of them.
      if (this.met[word] === this.collection) return;
      this.met[word] = this.collection;
      const after = store.read(word);
      if (after !== before) end = this.put(end, word, before, after);
    });
    if (end > start) return end;
    store.forEachWrite(mark, mark + 1, (word) => {
      end = this.put(end, word, store.read(word), store.read(word));
    });
    return end;
  }

  private put(at: number, word: number, before: number, after: number): number {
    this.changes[at] = word;
    this.changes[at + 1] = before;
    this.changes[at + 2] = after;
    return at + CHANGE;
  }

  /** The slot of the effect with the changes that stand in [start, end), or the free one where it belongs. */
  private slotOf(start: number, end: number): number {
    const { table } = this;
    let slot = this.hash(start, end) & (table.length - 1);
    while (table[slot] !== 0 && !this.isEqual(table[slot]! - 1, start, end))
      slot = (slot + 1) & (table.length - 1);
    return slot;
  }

  private hash(start: number, end: number): number {
    let hash = 0;
    for (let at = start; at < end; at++) hash = scramble(hash ^ this.changes[at]!) + 0x9e3779b1;
    return hash;
  }

  private isEqual(effect: number, start: number, end: number): boolean {
    const first = this.start(effect);
    if (this.end(effect) - first !== end - start) return false;
    for (let at = start; at < end; at++)
      if (this.changes[at] !== this.changes[first + at - start]) return false;
    return true;
  }

  private growTable(): void {
    this.table = new Int32Array(this.table.length * 2);
    for (let effect = 0; effect < this.count; effect++)
      this.table[this.slotOf(this.start(effect), this.end(effect))] = effect + 1;
  }

  get bytes(): number {
    return this.changes.byteLength + this.starts.byteLength + this.table.byteLength + this.met.byteLength;
  }
}
