import type { Facts } from './facts.js';
import { CHANGE, type Foresight } from './model.js';

/** Not worked out yet. */
const NEW = 0;

/** By what effects change the identities of a state and of its images: a row an effect, as wide as those of facts. */
export class Foreseen {
  /** Replaced by a longer array: do not keep a reference. */
  rows: Int32Array<ArrayBuffer>;
  private readonly facts: Facts;
  private readonly foresight: Foresight;
  /** By effect: where its row begins, + 1. */
  private places = new Int32Array(256);
  private end = 0;

  constructor(facts: Facts, foresight: Foresight) {
    this.facts = facts;
    this.foresight = foresight;
    this.rows = new Int32Array(256 * facts.width);
  }

  /** Where the row of an effect begins, or -1 while the effect holds a fact that was not met yet. */
  rowOf(effect: number): number {
    const place = effect < this.places.length ? this.places[effect]! : NEW;
    return place === NEW ? this.workOut(effect) : place - 1;
  }

  private workOut(effect: number): number {
    const { facts, end } = this;
    const { effects } = this.foresight;
    const { width } = facts;
    const { changes } = effects;
    this.makeRoom(effect);
    this.rows.fill(0, end, end + width);
    for (let at = effects.start(effect); at < effects.end(effect); at += CHANGE) {
      if (changes[at + 1] === changes[at + 2]) continue;
      const before = facts.find(changes[at]!, changes[at + 1]!);
      const after = facts.find(changes[at]!, changes[at + 2]!);
      if (before < 0 || after < 0) return -1;
      for (let n = 0; n < width; n++)
        this.rows[end + n]! ^= facts.rows[before * width + n]! ^ facts.rows[after * width + n]!;
    }
    this.places[effect] = end + 1;
    this.end = end + width;
    return end;
  }

  private makeRoom(effect: number): void {
    const { width } = this.facts;
    if (effect >= this.places.length) this.places = copyInto(new Int32Array(effect * 2), this.places);
    if (this.end + width > this.rows.length)
      this.rows = copyInto(new Int32Array(this.rows.length * 2), this.rows);
  }

  /** Forgets all rows: those of facts have changed. */
  forget(): void {
    this.places.fill(NEW);
    this.end = 0;
    this.rows = new Int32Array(256 * this.facts.width);
  }

  /** Bytes of the rows and of what the model foresees by. */
  get bytes(): number {
    return this.foresight.bytes + this.rows.byteLength + this.places.byteLength;
  }
}

function copyInto(longer: Int32Array<ArrayBuffer>, array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  longer.set(array);
  return longer;
}
