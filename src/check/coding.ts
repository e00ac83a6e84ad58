import { laneHigh, laneLow } from '../store/hash.js';
import { PAGE_WORDS } from '../store/store.js';
import type { SharedFacts } from './shared-facts.js';

/**
 * How facts become bits. A fact is a word of the store and a value other than the one it had where the search began;
 * the identity of a state is the XOR of what its facts contribute: `words` 32-bit words each. Nothing that was once given
 * out changes, so identities that were kept stay true while others are learnt.
 */
export interface Coding {
  /** Words of an identity. */
  readonly words: number;
  /**
   * XORs into `row`, from `at` on, what `value` contributes at the word called `name`, which began as `root`.
   * @returns false when that takes more words than there are; then nothing was changed.
   */
  contribute(name: number, value: number, root: number, row: Int32Array, at: number): boolean;
  /** Whether {@link contribute} can answer without giving out a code. Not asked of the value that the word began with. */
  knows(name: number, value: number): boolean;
  /** Makes room: one word more. */
  widen(): void;
  readonly bytes: number;
}

/** The values that one word of the store has had, and the bits of the identity that tell them apart. */
interface CodedWord {
  /** Codes count from 1; 0 is the value that the word began with. */
  readonly codes: Map<number, number>;
  /** The value whose code is n + 1. */
  readonly values: number[];
  /** Where bit n of the code stands in the identity. */
  readonly bits: number[];
}

/** A value that was given a code, in the order in which they were. */
export interface CodedFact {
  readonly name: number;
  readonly value: number;
}

/** What a fact costs here: an entry of a map and one of the list. */
const BYTES_PER_FACT = 112;

/**
 * Exact: each word of the store has a small dictionary of the values met, and as many bits of the identity as their
 * codes need. A word that needs one bit more takes the next free one, wherever that is; the codes given out before have
 * a 0 there, as have all identities that were kept. So nothing is ever coded anew.
 */
export class ExactCoding implements Coding {
  words = 1;
  private readonly coded = new Map<number, CodedWord>();
  private usedBits = 0;
  /** All facts that have codes: who codes them in this order gets the same codes. */
  readonly facts: CodedFact[] = [];
  /** The same list where other threads add to it, too; what they added is coded here when it is needed. */
  private shared: SharedFacts | undefined;

  /** From now on, codes are given out together with other threads. What was coded here or there before must be the same. */
  share(shared: SharedFacts): void {
    this.shared = shared;
    shared.exclusively(() => {
      this.catchUp(shared);
      for (const fact of this.facts.slice(shared.count)) shared.add(fact);
    });
  }

  contribute(name: number, value: number, root: number, row: Int32Array, at: number): boolean {
    if (value === root) return true;
    const code = this.coded.get(name)?.codes.get(value) ?? this.encode(name, value);
    if (code === undefined) return false;
    const { bits } = this.coded.get(name)!;
    for (let bit = 0; code >>> bit !== 0; bit++) {
      const place = bits[bit]!;
      if ((code >>> bit) & 1) row[at + (place >>> 5)]! ^= 1 << (place & 31);
    }
    return true;
  }

  /** Codes facts as they were coded when identities had `words` words. */
  replay(facts: readonly CodedFact[], words: number): void {
    this.words = words;
    for (const fact of facts) this.assign(fact);
  }

  private encode(name: number, value: number): number | undefined {
    const { shared } = this;
    if (shared === undefined) return this.fits(name) ? this.assign({ name, value }) : undefined;
    return shared.exclusively(() => {
      this.catchUp(shared);
      const code = this.coded.get(name)?.codes.get(value);
      if (code !== undefined) return code;
      if (!this.fits(name) || shared.isFull) return undefined;
      shared.add({ name, value });
      return this.assign({ name, value });
    });
  }

  /** The facts that have codes, those included that only other threads have met. */
  get all(): readonly CodedFact[] {
    if (this.shared !== undefined) this.catchUp(this.shared);
    return this.facts;
  }

  /** Codes what other threads have coded since. */
  private catchUp(shared: SharedFacts): void {
    for (let n = this.facts.length; n < shared.count; n++) this.assign(shared.at(n));
  }

  /** Whether there is a bit for one more value of a word, if it needs one. */
  private fits(name: number): boolean {
    const word = this.coded.get(name);
    const isRoomy = word !== undefined && word.values.length + 1 < 2 ** word.bits.length;
    return isRoomy || this.usedBits < this.words * 32;
  }

  private assign(fact: CodedFact): number {
    const word: CodedWord = this.coded.get(fact.name) ?? { codes: new Map(), values: [], bits: [] };
    this.coded.set(fact.name, word);
    const code = word.values.length + 1;
    if (code >= 2 ** word.bits.length) word.bits.push(this.usedBits++);
    word.codes.set(fact.value, code);
    word.values.push(fact.value);
    this.facts.push(fact);
    return code;
  }

  knows(name: number, value: number): boolean {
    if (this.shared !== undefined) this.catchUp(this.shared);
    return this.coded.get(name)?.codes.has(value) === true;
  }

  widen(): void {
    this.words++;
  }

  get bytes(): number {
    return this.facts.length * BYTES_PER_FACT;
  }

  /** The facts that an identity is made of. */
  decode(identity: Int32Array, at: number): CodedFact[] {
    const facts: CodedFact[] = [];
    for (const [name, { values, bits }] of this.coded) {
      let code = 0;
      for (let bit = 0; bit < bits.length; bit++) {
        const place = bits[bit]!;
        code |= ((identity[at + (place >>> 5)]! >>> (place & 31)) & 1) << bit;
      }
      if (code !== 0) facts.push({ name, value: values[code - 1]! });
    }
    return facts;
  }
}

/** 64-bit fingerprints: two pseudo-random lanes a fact. Two states may share one; see {@link omissionProbability}. */
export class FingerprintCoding implements Coding {
  readonly words = 2;
  readonly bytes = 0;
  /** Whether other threads meet facts, too. */
  isShared = false;

  contribute(name: number, value: number, root: number, row: Int32Array, at: number): boolean {
    if (value === root) return true;
    const key = Math.floor(name / PAGE_WORDS) | 0;
    const offset = name % PAGE_WORDS;
    row[at]! ^= laneLow(key, offset, value) ^ laneLow(key, offset, root);
    row[at + 1]! ^= laneHigh(key, offset, value) ^ laneHigh(key, offset, root);
    return true;
  }

  /** Who has not met a fact has not met a state that holds it, unless others have. */
  knows(): boolean {
    return this.isShared;
  }

  widen(): void {}
}

/** How likely it is that of `states` states some two share a 64-bit fingerprint: at most n²/2^65. */
export function omissionProbability(states: number): number {
  return states ** 2 / 2 ** 65;
}
