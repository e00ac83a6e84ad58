import type { Rights } from '../formats/address.js';
import type { RangeList } from './survey.js';

/**
 * Which frames of memory can be reached with which rights: intervals in the order of frames, not overlapping, none beside
 * one that has the same rights. Made from ranges in the order of inputs, several of which may lead to the same frame.
 */
export class FrameSet {
  readonly length: number;
  private readonly starts: Float64Array;
  private readonly ends: Float64Array;
  private readonly allowed: Uint8Array;

  private constructor(starts: Float64Array, ends: Float64Array, allowed: Uint8Array, length: number) {
    this.starts = starts;
    this.ends = ends;
    this.allowed = allowed;
    this.length = length;
  }

  /** Everything that the ranges lead to, with `mask` applied to their rights. Repeats lead nowhere else. */
  static of(ranges: RangeList, mask: Rights): FrameSet {
    const order: number[] = [];
    for (let i = 0; i < ranges.length; i++) {
      if (ranges.frame(i) >= 0 && (ranges.rights(i) & mask) !== 0) order.push(i);
    }
    const index = Float64Array.from(order);
    index.sort((a, b) => ranges.frame(a) - ranges.frame(b));
    return merged(ranges, index, mask);
  }

  /** One interval. */
  static interval(start: number, end: number, rights: Rights): FrameSet {
    return new FrameSet(Float64Array.of(start), Float64Array.of(end), Uint8Array.of(rights), 1);
  }

  static fromParts(starts: Float64Array, ends: Float64Array, allowed: Uint8Array, length: number): FrameSet {
    return new FrameSet(starts, ends, allowed, length);
  }

  /** First frame of interval `i`. */
  start(i: number): number {
    return this.starts[i]!;
  }

  /** The frame behind the last of interval `i`. */
  end(i: number): number {
    return this.ends[i]!;
  }

  rights(i: number): Rights {
    return this.allowed[i]!;
  }

  /** Index of the first interval that ends behind `frame`; `length` when there is none. */
  firstBehind(frame: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ends[middle]! > frame) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Rights to one frame. */
  rightsTo(frame: number): Rights {
    const i = this.firstBehind(frame);
    return i < this.length && this.starts[i]! <= frame ? this.allowed[i]! : 0;
  }

  /** Visits the parts of [start, end) that can be reached, in order; ends when `visit` says false. */
  within(start: number, end: number, visit: (start: number, end: number, rights: Rights) => boolean): void {
    for (let i = this.firstBehind(start); i < this.length && this.starts[i]! < end; i++) {
      if (!visit(Math.max(start, this.starts[i]!), Math.min(end, this.ends[i]!), this.allowed[i]!)) return;
    }
  }
}

/**
 * Ranges in the order of their frames, made into intervals: a sweep in which the ranges that are open are few, as they
 * are those that lead to one frame. What is open at a frame is kept by right: how far each right reaches.
 */
function merged(ranges: RangeList, order: Float64Array, mask: Rights): FrameSet {
  const out = new IntervalsOut(order.length);
  // How far each of the three combinations that matter, r, w and rw as two bits, is open: the end of each right.
  const reach = [0, 0];
  let at = 0;
  let next = 0;
  while (next < order.length || reach[0]! > at || reach[1]! > at) {
    const open = (reach[0]! > at ? 1 : 0) | (reach[1]! > at ? 2 : 0);
    const begins = next < order.length ? ranges.frame(order[next]!) : Number.POSITIVE_INFINITY;
    if (open === 0) at = begins;
    else if (begins > at) {
      const ends = Math.min(begins, reach[0]! > at ? reach[0]! : begins, reach[1]! > at ? reach[1]! : begins);
      out.add(at, ends, open);
      at = ends;
    }
    while (next < order.length && ranges.frame(order[next]!) <= at) {
      const i = order[next++]!;
      const rights = ranges.rights(i) & mask;
      const end = ranges.frame(i) + ranges.count(i);
      for (let bit = 0; bit < 2; bit++) if ((rights >>> bit) & 1) reach[bit] = Math.max(reach[bit]!, end);
    }
  }
  return out.set();
}

class IntervalsOut {
  private starts: Float64Array;
  private ends: Float64Array;
  private allowed: Uint8Array;
  private length = 0;

  constructor(expected: number) {
    const room = Math.max(16, expected);
    this.starts = new Float64Array(room);
    this.ends = new Float64Array(room);
    this.allowed = new Uint8Array(room);
  }

  add(start: number, end: number, rights: Rights): void {
    const last = this.length - 1;
    if (last >= 0 && this.ends[last] === start && this.allowed[last] === rights) {
      this.ends[last] = end;
      return;
    }
    if (this.length === this.starts.length) this.grow();
    this.starts[this.length] = start;
    this.ends[this.length] = end;
    this.allowed[this.length++] = rights;
  }

  set(): FrameSet {
    return FrameSet.fromParts(this.starts, this.ends, this.allowed, this.length);
  }

  private grow(): void {
    const room = this.length * 2;
    const copy = <A extends Float64Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.starts = copy(this.starts, new Float64Array(room));
    this.ends = copy(this.ends, new Float64Array(room));
    this.allowed = copy(this.allowed, new Uint8Array(room));
  }
}
