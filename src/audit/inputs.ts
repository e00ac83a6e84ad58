import { R, type Rights, W } from '../formats/address.js';
import type { RangeList } from './survey.js';

/** Pieces that a comparison lists; a range list of a hostile image may differ in millions. */
const PIECES_AT_MOST = 4096;

/** Steps that a comparison takes; the tables of a scratch page repeat themselves 512^n times. */
const STEPS_AT_MOST = 1_000_000;

type Piece = readonly [start: number, end: number];

/** Looks a range list up by input frames. Repeats are followed to what they repeat. */
export class Inputs {
  /** Frame that the last {@link find} leads to; -1 when to none. */
  frame = -1;
  rights: Rights = 0;
  /** Inputs from the one looked up on to which the answer applies as well, their frames going on likewise. */
  run = 0;
  /** When the input lies in a repeat, the earlier input that it maps as; -1 otherwise. It goes on so for {@link repeatRun}. */
  repeatOf = -1;
  repeatRun = 0;
  private readonly ranges: RangeList;
  private readonly mask: Rights;

  /** @param mask rights that what stands above the tables lets through. */
  constructor(ranges: RangeList, mask: Rights = R | W) {
    this.ranges = ranges;
    this.mask = mask;
  }

  /** Looks up one input frame; never fails. */
  find(input: number): void {
    const { ranges } = this;
    let at = input;
    this.run = Number.POSITIVE_INFINITY;
    this.repeatOf = -1;
    // Each hop leads to an earlier input: a repeat is listed after what it repeats.
    for (;;) {
      const i = this.lastAtOrBelow(at);
      if (i < 0 || at >= ranges.input(i) + ranges.count(i)) {
        this.frame = -1;
        this.rights = 0;
        this.run = Math.min(
          this.run,
          i + 1 < ranges.length ? ranges.input(i + 1) - at : Number.POSITIVE_INFINITY,
        );
        return;
      }
      const offset = at - ranges.input(i);
      this.run = Math.min(this.run, ranges.count(i) - offset);
      if (ranges.frame(i) >= 0) {
        this.frame = ranges.frame(i) + offset;
        this.rights = ranges.rights(i) & this.mask;
        return;
      }
      const earlier = ranges.sharedInput(i) + offset;
      if (earlier >= at) throw new RangeError(`range ${i} repeats what does not come before it`);
      if (this.repeatOf < 0) {
        this.repeatOf = earlier;
        this.repeatRun = ranges.count(i) - offset;
      }
      at = earlier;
    }
  }

  /** Which inputs of [first, end) do not map to themselves with `rights`: missing, or mapped elsewhere. */
  compareWithIdentity(
    first: number,
    end: number,
    rights: Rights,
    most: number = STEPS_AT_MOST,
  ): { missing: Piece[]; moved: Piece[]; complete: boolean; steps: number } {
    const bound = Math.min(most, STEPS_AT_MOST);
    const missing: Piece[] = [];
    const moved: Piece[] = [];
    let steps = 0;
    let input = first;
    for (; input < end && steps < bound; input += this.run, steps++) {
      this.find(input);
      const until = Math.min(end, input + this.run);
      if ((this.rights & rights) !== rights) addPiece(missing, input, until);
      else if (this.frame !== input) addPiece(moved, input, until);
    }
    return { missing, moved, complete: input >= end, steps };
  }

  private lastAtOrBelow(input: number): number {
    let low = -1;
    let high = this.ranges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.ranges.input(middle) <= input) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function addPiece(pieces: Piece[], start: number, end: number): void {
  const last = pieces.at(-1);
  if (last?.[1] === start) pieces[pieces.length - 1] = [last[0], end];
  else if (pieces.length < PIECES_AT_MOST) pieces.push([start, end]);
}
