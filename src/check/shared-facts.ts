import { PAGE_WORDS } from '../store/store.js';
import type { CodedFact } from './coding.js';
import { CONTROL, type Control, sharedWords, type Words } from './control.js';

/** Words of an entry: key and offset of the word's name, the value. */
const ENTRY = 3;

/** The facts that have codes, in the order in which they got them: a list to which the threads of a search add. */
export class SharedFacts {
  readonly control: Control;
  /** The entries, for another thread. */
  readonly entries: Words;

  constructor(control: Control, entries: Words) {
    this.control = control;
    this.entries = entries;
  }

  /** A list with room for `facts` facts, to begin with or in place of one that is full. */
  static withRoomFor(facts: number, control: Control, before?: SharedFacts): SharedFacts {
    const entries = sharedWords(facts * ENTRY);
    if (before !== undefined) entries.set(before.entries);
    return new SharedFacts(control, entries);
  }

  /** Facts in the list. All of them can be read. */
  get count(): number {
    return Atomics.load(this.control, CONTROL.facts);
  }

  get capacity(): number {
    return this.entries.length / ENTRY;
  }

  get isFull(): boolean {
    return this.count === this.capacity;
  }

  at(n: number): CodedFact {
    const [key, offset, value] = this.entries.subarray(n * ENTRY, (n + 1) * ENTRY) as unknown as number[];
    return { name: (key! >>> 0) * PAGE_WORDS + offset!, value: value! };
  }

  /** Adds a fact; only within {@link exclusively}. */
  add({ name, value }: CodedFact): void {
    const { count } = this;
    this.entries.set([Math.floor(name / PAGE_WORDS) | 0, name % PAGE_WORDS, value], count * ENTRY);
    Atomics.store(this.control, CONTROL.facts, count + 1);
  }

  /** Does something while no other thread does. */
  exclusively<T>(work: () => T): T {
    const { control } = this;
    while (Atomics.compareExchange(control, CONTROL.lock, 0, 1) !== 0) Atomics.wait(control, CONTROL.lock, 1);
    try {
      return work();
    } finally {
      Atomics.store(control, CONTROL.lock, 0);
      Atomics.notify(control, CONTROL.lock, 1);
    }
  }
}
