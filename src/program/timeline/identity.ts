import { laneHigh, laneLow } from '../../store/hash.js';
import { PAGE_WORDS } from '../../store/store.js';

/**
 * Tells the states of one timeline apart, in the manner of the store's hash, by the words in which they differ from the
 * state after boot: it is moved along with the writes.
 */
export class StateIdentity {
  private low = 0;
  private high = 0;

  /** Notes a write. */
  move(word: number, before: number, after: number): void {
    const page = Math.floor(word / PAGE_WORDS);
    const offset = word % PAGE_WORDS;
    this.low ^= laneLow(page, offset, before) ^ laneLow(page, offset, after);
    this.high ^= laneHigh(page, offset, before) ^ laneHigh(page, offset, after);
  }

  /** Equal for equal states, and with a chance of 2^-64 for others. */
  get key(): string {
    return `${this.low} ${this.high}`;
  }
}
