import type { TableProblem } from './survey.js';

/** Problems that a set of tables or a device names; the others are counted. */
const NAMED = 64;

/** Problems in the order of being found, the first few named and the rest counted. */
export class Problems {
  readonly named: TableProblem[] = [];
  more = 0;
  private readonly left: { problems: number };

  /** @param left how many may still be named by all lists together. */
  constructor(left: { problems: number }) {
    this.left = left;
  }

  /** @param problem made only when it will be named. */
  add(problem: () => TableProblem): void {
    if (this.named.length < NAMED && this.left.problems > 0) {
      this.left.problems--;
      this.named.push(problem());
    } else this.more++;
  }
}

/** The 64 bits of an entry. */
export function entryOf(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
