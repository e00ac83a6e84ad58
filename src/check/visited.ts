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

  constructor(capacity = 1 << 16) {
    this.low = new Int32Array(capacity);
    this.high = new Int32Array(capacity);
    this.mask = capacity - 1;
  }

  /** Bytes of the table. */
  get bytes(): number {
    return this.low.byteLength * 2;
  }

  /** Bytes the table would have after growing for the next state, or its present bytes when it need not grow. */
  get bytesAfterNext(): number {
    return this.isFull ? this.bytes * 2 : this.bytes;
  }

  private get isFull(): boolean {
    return this.size * 4 >= this.low.length * 3;
  }

  /** Adds a fingerprint; false when it was there. The pair 0, 0 marks a free slot and stands for 0, 1 too. */
  add(low: number, high: number): boolean {
    const second = (low | high) === 0 ? 1 : high;
    let slot = (low ^ (second >>> 9)) & this.mask;
    for (;;) {
      const [inLow, inHigh] = [this.low[slot]!, this.high[slot]!];
      if (inLow === low && inHigh === second) return false;
      if ((inLow | inHigh) === 0) break;
      slot = (slot + 1) & this.mask;
    }
    this.low[slot] = low;
    this.high[slot] = second;
    this.size++;
    if (this.isFull) this.grow();
    return true;
  }

  private grow(): void {
    const { low, high } = this;
    this.low = new Int32Array(low.length * 2);
    this.high = new Int32Array(low.length * 2);
    this.mask = low.length * 2 - 1;
    for (let from = 0; from < low.length; from++) {
      const [inLow, inHigh] = [low[from]!, high[from]!];
      if ((inLow | inHigh) === 0) continue;
      let slot = (inLow ^ (inHigh >>> 9)) & this.mask;
      while ((this.low[slot]! | this.high[slot]!) !== 0) slot = (slot + 1) & this.mask;
      this.low[slot] = inLow;
      this.high[slot] = inHigh;
    }
  }
}

/** How likely it is that of `states` states some two share a 64-bit fingerprint: at most n²/2^65. */
export function omissionProbability(states: number): number {
  return states ** 2 / 2 ** 65;
}
