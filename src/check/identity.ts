import type { CodedFact, Coding } from './coding.js';
import { Facts } from './facts.js';
import { Foreseen } from './foreseen.js';
import type { Model, SearchableState, Symmetry } from './model.js';

/**
 * The identity of the state that a model stands in: one vector of words a state and a vector more for each of its images
 * under the model's symmetries, kept up to date by the writes of the journal. The identity is the least of them, so that
 * states which are images of one another count as one.
 *
 * The vectors of each state on the way from where the search began are kept, so going back costs nothing.
 */
export class Identity {
  /** The vectors of the present state and its images. */
  now: Int32Array;
  /** Where in `now` the least of them begins. */
  least = 0;
  private readonly state: SearchableState;
  private readonly facts: Facts;
  private readonly foreseen: Foreseen | undefined;
  private coding: Coding;
  private stack: Int32Array;
  private levels = 64;
  /** By word: the number of the pass that last looked at it. */
  private stamps: Int32Array;
  private pass = 0;

  constructor(model: Model, symmetries: readonly Symmetry[], coding: Coding) {
    this.state = model.state;
    this.coding = coding;
    this.facts = new Facts(model, symmetries, coding);
    this.foreseen = model.foresight && new Foreseen(this.facts, model.foresight);
    this.stamps = new Int32Array(model.state.wordCount);
    this.now = new Int32Array(this.facts.width);
    this.stack = new Int32Array(this.facts.width * this.levels);
  }

  /** Elements of the group under which images count as one: 1 is no symmetry. */
  get group(): number {
    return this.facts.group;
  }

  /** The vectors of the state where the search begins. False when the coding must be widened for them. */
  begin(): boolean {
    const row = this.facts.rootRow();
    if (row === undefined) return false;
    this.now.set(row);
    this.findLeast();
    this.keep(0);
    return true;
  }

  /**
   * The vectors of the present state, which is that of `level` after the writes of the journal from `mark` on.
   * @param fresh whether facts may be coded that never were: false finds only states that can have been kept.
   * @returns false when a fact has no code: there is no room for it, or it may not get one.
   */
  advance(level: number, mark: number, fresh: boolean): boolean {
    const { state, facts, now, stack } = this;
    const { width } = facts;
    const from = level * width;
    for (let n = 0; n < width; n++) now[n] = stack[from + n]!;
    const pass = this.nextPass();
    const { stamps } = this;
    const end = state.journalLength;
    for (let entry = mark; entry < end; entry++) {
      const word = state.writtenWord(entry);
      // Only the first write of a word tells what it held before all of them.
      if (stamps[word] === pass) continue;
      stamps[word] = pass;
      const before = state.valueBefore(entry);
      const after = state.read(word);
      if (before === after) continue;
      let left = facts.find(word, before);
      if (left < 0 && (left = facts.learn(word, before, fresh)) < 0) return false;
      let met = facts.find(word, after);
      if (met < 0 && (met = facts.learn(word, after, fresh)) < 0) return false;
      const { rows } = facts;
      left *= width;
      met *= width;
      for (let n = 0; n < width; n++) now[n]! ^= rows[left + n]! ^ rows[met + n]!;
    }
    if (facts.group > 1) this.findLeast();
    return true;
  }

  /**
   * The vectors of the state that an effect leads to from that of `level`.
   * @returns false when it holds a fact that was never met: no such state was kept.
   */
  foresee(level: number, effect: number): boolean {
    const { now, stack } = this;
    const foreseen = this.foreseen!;
    const row = foreseen.rowOf(effect);
    if (row < 0) return false;
    const { rows } = foreseen;
    const width = now.length;
    const from = level * width;
    for (let n = 0; n < width; n++) now[n] = stack[from + n]! ^ rows[row + n]!;
    if (this.facts.group > 1) this.findLeast();
    return true;
  }

  /** Lexicographic, so that words added at the end change no order between states that were kept before. */
  private findLeast(): void {
    const { now } = this;
    const { words } = this.coding;
    let least = 0;
    for (let at = words; at < now.length; at += words) {
      for (let n = 0; n < words; n++) {
        const difference = now[at + n]! - now[least + n]!;
        if (difference === 0) continue;
        if (difference < 0) least = at;
        break;
      }
    }
    this.least = least;
  }

  private nextPass(): number {
    if (this.stamps.length < this.state.wordCount) this.stamps = new Int32Array(this.state.wordCount);
    if (this.pass === 2 ** 31 - 1) {
      this.stamps.fill(0);
      this.pass = 0;
    }
    return ++this.pass;
  }

  /** Keeps the present vectors as those of a level: of a state so many actions from where the search began. */
  keep(level: number): void {
    const { width } = this.facts;
    if (level >= this.levels) {
      this.levels = Math.max(level + 1, this.levels * 2);
      const stack = new Int32Array(this.levels * width);
      stack.set(this.stack);
      this.stack = stack;
    }
    this.stack.set(this.now, level * width);
  }

  /**
   * Takes up another coding, or the same one after it was widened. Vectors kept are void: those of the present way are
   * to be kept anew.
   */
  recode(coding: Coding): void {
    this.coding = coding;
    this.facts.recode(coding);
    this.foreseen?.forget();
    this.now = new Int32Array(this.facts.width);
    this.stack = new Int32Array(this.facts.width * this.levels);
  }

  /** The vectors of a state by its facts, which must fit: what the state's identity is in this coding. */
  assemble(facts: readonly CodedFact[]): void {
    const { now } = this;
    now.set(this.stack.subarray(0, now.length));
    for (const fact of facts) {
      const row = this.facts.rowOf(fact);
      for (let n = 0; n < now.length; n++) now[n]! ^= this.facts.rows[row + n]!;
    }
    this.findLeast();
  }

  /** Bytes while the next fact is learnt. */
  get bytesToLearn(): number {
    return this.facts.bytesToLearn + this.bytesOfForesight;
  }

  get bytes(): number {
    return this.facts.bytes + this.bytesOfForesight;
  }

  private get bytesOfForesight(): number {
    return this.foreseen?.bytes ?? 0;
  }
}
