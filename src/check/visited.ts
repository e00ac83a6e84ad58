/**
 * The set of states seen, as 64-bit fingerprints in an open-addressing table of typed arrays. Two states with the same
 * fingerprint count as one; {@link omissionProbability} bounds how likely that has happened.
 */
export class VisitedSet {
  /** States in the set. */
  size = 0;
  private low: Int32Array;
  private high: Int32Array;
  private mask: number;

  /** @param capacity slots to begin with: a power of two, and enough that one is always free. */
  constructor(capacity = 1 << 16) {
    if (capacity < 4 || (capacity & (capacity - 1)) !== 0)
      throw new RangeError(`a visited set's capacity is a power of two from 4 on, not ${capacity}`);
    this.low = new Int32Array(capacity);
    this.high = new Int32Array(capacity);
    this.mask = capacity - 1;
  }

  /** Bytes of the table. */
  get bytes(): number {
    return this.low.byteLength * 2;
  }

  /** Bytes while the next state is added: when the table must grow, it is there twice, once at double size. */
  get bytesToAdd(): number {
    return this.isFull ? this.bytes * 3 : this.bytes;
  }

  private get isFull(): boolean {
    return this.size * 4 >= this.low.length * 3;
  }

  has(low: number, high: number): boolean {
    const second = secondWord(low, high);
    const slot = this.slotOf(low, second);
    return (this.low[slot]! | this.high[slot]!) !== 0;
  }

  /** Adds a fingerprint; false when it was there. */
  add(low: number, high: number): boolean {
    const second = secondWord(low, high);
    let slot = this.slotOf(low, second);
    if ((this.low[slot]! | this.high[slot]!) !== 0) return false;
    if (this.isFull) {
      this.grow();
      slot = this.slotOf(low, second);
    }
    this.low[slot] = low;
    this.high[slot] = second;
    this.size++;
    return true;
  }

  /** The slot of a fingerprint, or the free one where it belongs. */
  private slotOf(low: number, second: number): number {
    let slot = (low ^ (second >>> 9)) & this.mask;
    for (;;) {
      const inLow = this.low[slot]!;
      const inHigh = this.high[slot]!;
      if ((inLow === low && inHigh === second) || (inLow | inHigh) === 0) return slot;
      slot = (slot + 1) & this.mask;
    }
  }

  private grow(): void {
    const { low, high } = this;
    this.low = new Int32Array(low.length * 2);
    this.high = new Int32Array(low.length * 2);
    this.mask = low.length * 2 - 1;
    for (let from = 0; from < low.length; from++) {
      if ((low[from]! | high[from]!) === 0) continue;
      const slot = this.slotOf(low[from]!, high[from]!);
      this.low[slot] = low[from]!;
      this.high[slot] = high[from]!;
    }
  }
}

/** The pair 0, 0 marks a free slot; a fingerprint of zeros counts as 0, 1. */
function secondWord(low: number, high: number): number {
  return (low | high) === 0 ? 1 : high;
}

/** How likely it is that of `states` states some two share a 64-bit fingerprint: at most n²/2^65. */
export function omissionProbability(states: number): number {
  return states ** 2 / 2 ** 65;
}
