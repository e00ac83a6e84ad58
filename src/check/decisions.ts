import type { Trace } from '../store/trace.js';

/** Words of a question: the word asked for, a value, where to go on when that is what it holds, and when it is not. */
const QUESTION = 4;
/** What {@link Decisions.answer} says where it has no answer. */
export const UNKNOWN = -1;

/**
 * What functions of a store's words answer, as one decision tree a function: which word is read first is always the same,
 * which next follows from what that one holds, and so on to the answer. A question compares one word with one value, so
 * a word of many values has a chain of them. All trees stand in one array, where places above 0 are questions, those
 * below 0 are answers, and 0 is where nobody has been.
 */
export class Decisions {
  private nodes = new Int32Array(1 << 12);
  /** The place after the last one taken. */
  private end = 1;
  private readonly limit: number;

  /** @param maxBytes bytes that the trees may take. */
  constructor(maxBytes: number) {
    this.limit = Math.floor(maxBytes / 4);
  }

  /** The tree of a function of which nothing is known, or 0 when there is no room for one. */
  addTree(): number {
    return this.hasRoomFor(1) ? this.end++ : 0;
  }

  private hasRoomFor(places: number): boolean {
    if (this.end + places > this.limit) return false;
    if (this.end + places > this.nodes.length) {
      const nodes = new Int32Array(Math.min(this.limit, Math.max(this.nodes.length * 2, this.end + places)));
      nodes.set(this.nodes);
      this.nodes = nodes;
    }
    return true;
  }

  /** What the function of a tree answers where `words` hold what they do, or {@link UNKNOWN}; of tree 0 nothing is known. */
  answer(tree: number, words: Int32Array): number {
    const { nodes } = this;
    let at = nodes[tree]!;
    while (at > 0) at = nodes[words[nodes[at]!] === nodes[at + 1] ? at + 2 : at + 3]!;
    return -at - 1;
  }

  /**
   * Learns that the function of a tree read what `trace` says and answered `answer`, from 0 up. Words of which `isAsked` says no are
   * left out. @returns false when there is no room; then nothing was learnt.
   * @throws Error when the function did not read what it read before where everything was the same.
   */
  learn(tree: number, trace: Trace, isAsked: Uint8Array, answer: number): boolean {
    if (!this.hasRoomFor(trace.length * QUESTION)) return false;
    let place = tree;
    for (let i = 0; i < trace.length; i++) {
      const word = trace.words[i]!;
      if (isAsked[word] !== 0) place = this.placeAfter(place, word, trace.values[i]!);
    }
    if (this.nodes[place] !== 0) throw notAFunction();
    this.nodes[place] = -answer - 1;
    return true;
  }

  /** Where to go on from `place` when `word`, which is read there, holds `value`. */
  private placeAfter(place: number, word: number, value: number): number {
    const { nodes } = this;
    let from = place;
    for (let at = nodes[from]!; at !== 0; at = nodes[from]!) {
      if (nodes[at] !== word) throw notAFunction();
      if (nodes[at + 1] === value) return at + 2;
      from = at + 3;
    }
    const question = this.end;
    nodes[from] = question;
    nodes[question] = word;
    nodes[question + 1] = value;
    nodes[question + 2] = 0;
    nodes[question + 3] = 0;
    this.end += QUESTION;
    return question + 2;
  }

  /** Bytes that hold something. */
  get used(): number {
    return this.end * 4;
  }

  /** Bytes taken. */
  get bytes(): number {
    return this.nodes.byteLength;
  }
}

function notAFunction(): Error {
  return new Error('an action or property of the model depends on more than the words that it reads');
}
