import type { Store } from '../store/store.js';
import { Trace } from '../store/trace.js';
import { Decisions, UNKNOWN } from './decisions.js';

/** The part of the room that one function may fill: what never meets the same again must not crowd out the others. */
const SHARE = 1 / 8;

/**
 * What functions of a store's words answered, by the words that they read: the functions are numbered by who asks, and
 * answer numbers from 0 up. What is not known is learnt by watching: `watch`, the function itself, `stop`, `learn`.
 *
 * Most words never change while one searches. Every word is taken for constant, and never asked for, until it is said to
 * change; what was learnt on the assumption that it does not is forgotten then.
 */
export class Answers {
  private readonly store: Store;
  private readonly maxBytes: number;
  private readonly trace = new Trace();
  private decisions: Decisions;
  /** By function: its tree, 0 for none, and the bytes that it has taken. */
  private trees: Int32Array = new Int32Array(256);
  private taken: Int32Array = new Int32Array(256);
  private isFull = false;
  /** By word: whether it changes, and whether anything was learnt that takes it for constant. */
  private changing: Uint8Array = new Uint8Array(0);
  private constant: Uint8Array = new Uint8Array(0);

  /** @param maxBytes bytes that may be taken. */
  constructor(store: Store, maxBytes: number) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.decisions = new Decisions(maxBytes);
  }

  /** What `of` answers in the present state, or {@link UNKNOWN}. */
  ask(of: number): number {
    if (of >= this.trees.length) return UNKNOWN;
    return this.decisions.answer(this.trees[of]!, this.store.words);
  }

  /** Begins to note what is read, to learn what `of` answers. False, and nothing begins, when it has filled its share. */
  watch(of: number): boolean {
    if (of >= this.trees.length) {
      this.trees = copyInto(new Int32Array(of * 2), this.trees);
      this.taken = copyInto(new Int32Array(of * 2), this.taken);
    }
    if (!this.canWatch(of)) return false;
    this.trace.begin();
    this.store.trace = this.trace;
    return true;
  }

  /** Whether there is room to learn what `of` answers. */
  canWatch(of: number): boolean {
    return !this.isFull && !(this.taken[of]! > this.maxBytes * SHARE);
  }

  /** Of a function that is watched: does not note this word. */
  leaveOut(word: number): void {
    this.trace.leaveOut(word);
  }

  /** Ends noting, for the time being if {@link resume} comes after. */
  stop(): void {
    this.store.trace = undefined;
  }

  resume(): void {
    this.store.trace = this.trace;
  }

  /** Words that the journal has from `mark` on are no constants. */
  noteChanges(mark: number): void {
    this.makeRoom();
    const { store, changing, constant } = this;
    let mistaken = false;
    store.forEachWrite(mark, store.journalLength, (word) => {
      if (changing[word] === 0 && constant[word] !== 0) mistaken = true;
      changing[word] = 1;
    });
    if (mistaken) this.forget();
  }

  private forget(): void {
    this.decisions = new Decisions(this.maxBytes);
    this.isFull = false;
    this.trees.fill(0);
    this.taken.fill(0);
    this.constant.fill(0);
  }

  /** Keeps the answer of a function that was watched, if there is room. */
  learn(of: number, answer: number): void {
    this.makeRoom();
    const { trace, decisions } = this;
    const before = decisions.used;
    if (this.trees[of] === 0) this.trees[of] = decisions.addTree();
    this.isFull = this.trees[of] === 0 || !decisions.learn(this.trees[of]!, trace, this.changing, answer);
    if (this.isFull) return;
    this.taken[of]! += decisions.used - before;
    for (let n = 0; n < trace.length; n++) this.constant[trace.words[n]!] = 1;
  }

  /** Pages that the store has got meanwhile are in the arrays by word, too. */
  private makeRoom(): void {
    const { length } = this.store.words;
    if (this.changing.length === length) return;
    this.changing = copyInto(new Uint8Array(length), this.changing);
    this.constant = copyInto(new Uint8Array(length), this.constant);
  }

  get bytes(): number {
    return this.decisions.bytes + this.trees.byteLength * 2 + this.changing.byteLength * 2;
  }
}

function copyInto<A extends Int32Array | Uint8Array>(longer: A, array: A): A {
  longer.set(array);
  return longer;
}
