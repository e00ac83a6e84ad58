import type { Store } from '../store/store.js';
import { Trace } from '../store/trace.js';
import { Decisions, UNKNOWN } from './decisions.js';
import { addWord, SET } from './word-set.js';

/** The part of the room that one function may fill: what never meets the same again must not crowd out the others. */
const SHARE = 1 / 8;

/** Words of a leaf: the answer, and the set of words that it depends on. */
export const LEAF = 1 + SET;

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
  /** Answers and the sets of words that they depend on, each as long as {@link LEAF}; what trees lead to. */
  leaves: Int32Array = new Int32Array(LEAF * 256);
  private leafCount = 0;
  /** By function: its tree, 0 for none, and the bytes that it has taken. */
  private trees: Int32Array = new Int32Array(256);
  private taken: Int32Array = new Int32Array(256);
  /** Whether there is no room to learn anything more. */
  isFull = false;
  /** By word: whether it changes, as which of those that do, and whether anything was learnt that takes it for constant. */
  private changing: Uint8Array = new Uint8Array(0);
  private numbers: Int32Array = new Int32Array(0);
  private changingWords = 0;
  private constant: Uint8Array = new Uint8Array(0);

  /** @param maxBytes bytes that may be taken. */
  constructor(store: Store, maxBytes: number) {
    this.store = store;
    this.maxBytes = maxBytes;
    this.decisions = new Decisions(maxBytes);
  }

  /** What `of` answers in the present state, or {@link UNKNOWN}. */
  ask(of: number): number {
    const leaf = this.find(of);
    return leaf === UNKNOWN ? UNKNOWN : this.leaves[leaf * LEAF]!;
  }

  /** The leaf to which the present state leads in the tree of `of`, or {@link UNKNOWN}. */
  find(of: number): number {
    if (of >= this.trees.length) return UNKNOWN;
    return this.decisions.answer(this.trees[of]!, this.store.words);
  }

  /** Begins to note what is read, to learn what `of` answers. False, and nothing begins, when it has filled its share. */
  watch(of: number): boolean {
    if (of >= this.trees.length) {
      this.trees = copyInto(new Int32Array(of * 2), this.trees);
      this.taken = copyInto(new Int32Array(of * 2), this.taken);
    }
    if (this.isFull || this.taken[of]! > this.maxBytes * SHARE) return false;
    this.trace.begin();
    this.store.trace = this.trace;
    return true;
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

  /**
   * Words that the journal has from `mark` on are no constants.
   * @returns whether all that was learnt is forgotten, because one of them was taken for one.
   */
  noteChanges(mark: number): boolean {
    this.makeRoom();
    const { store, changing, numbers, constant } = this;
    let mistaken = false;
    store.forEachWrite(mark, store.journalLength, (word) => {
      if (changing[word] === 0 && constant[word] !== 0) mistaken = true;
      if (changing[word] === 0) numbers[word] = this.changingWords++;
      changing[word] = 1;
    });
    if (mistaken) this.forget();
    return mistaken;
  }

  private forget(): void {
    this.decisions = new Decisions(this.maxBytes);
    this.isFull = false;
    this.leafCount = 0;
    this.trees.fill(0);
    this.taken.fill(0);
    this.constant.fill(0);
  }

  /** Keeps the answer of a function that was watched, if there is room. */
  learn(of: number, answer: number): void {
    this.makeRoom();
    const leaf = this.leafCount;
    const { trace, decisions } = this;
    const before = decisions.used;
    if (this.trees[of] === 0) this.trees[of] = decisions.addTree();
    this.isFull = this.trees[of] === 0 || !decisions.learn(this.trees[of]!, trace, this.changing, leaf);
    if (this.isFull) return;
    this.taken[of]! += decisions.used - before;
    this.addLeaf(answer);
  }

  private addLeaf(answer: number): void {
    const at = this.leafCount++ * LEAF;
    if (at === this.leaves.length) this.leaves = copyInto(new Int32Array(at * 2), this.leaves);
    const { leaves, trace, changing, constant } = this;
    leaves[at] = answer;
    leaves.fill(0, at + 1, at + LEAF);
    for (let n = 0; n < trace.length; n++) {
      const word = trace.words[n]!;
      if (changing[word] === 0) constant[word] = 1;
      else this.addTo(leaves, at + 1, word);
    }
  }

  /** Adds a word, which changes, to the set that stands in `sets` at `at`. */
  addTo(sets: Int32Array, at: number, word: number): void {
    addWord(sets, at, this.numbers[word]!);
  }

  /** Pages that the store has got meanwhile are in the arrays by word, too. */
  private makeRoom(): void {
    const { length } = this.store.words;
    if (this.changing.length === length) return;
    this.changing = copyInto(new Uint8Array(length), this.changing);
    this.numbers = copyInto(new Int32Array(length), this.numbers);
    this.constant = copyInto(new Uint8Array(length), this.constant);
    // Who is known to take a word for constant need not say so again.
    this.trace.ignored = this.constant;
  }

  get bytes(): number {
    const { decisions, leaves, trees, changing } = this;
    return decisions.bytes + leaves.byteLength + trees.byteLength * 2 + changing.length * 6;
  }
}

function copyInto<A extends Int32Array | Uint8Array>(longer: A, array: A): A {
  longer.set(array);
  return longer;
}
