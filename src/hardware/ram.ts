import type { WordSink } from '../formats/words.js';
import { PAGE_WORDS, type Store } from '../store/store.js';

/** A range of physical frames: `count` frames from frame number `base`. */
export interface FrameRange {
  readonly base: number;
  readonly count: number;
}

/** RAM pages take hash keys from here up; tables lie below. */
const RAM_KEYS = 0x4000_0000;

/** The first frame number that no architecture's 52 address bits can name. */
const FRAME_LIMIT = 2 ** 40;

/**
 * Bit-exact RAM in the store, backed frame by frame when first written. Frames may lie anywhere in the physical
 * address space; ranges are compressed into consecutive indexes (as Xen's PDX does), the frame table's row numbers.
 */
export class Ram implements WordSink {
  readonly ranges: readonly FrameRange[];
  /** Frames of RAM in all ranges together. */
  readonly frames: number;
  private readonly store: Store;
  /**
   * First word of each backed frame by index, + 1; 0 for none, so that an array of frames that nobody touched costs
   * nothing. Which frames are backed is no state: the others read as zeros.
   */
  private readonly backing: Int32Array;
  /** By page of the store: index of the frame that it backs, + 1; 0 for none. */
  private indexOfPage = new Int32Array(64);

  /** @throws RangeError when a range is none, lies beyond 52-bit addresses, or overlaps another. */
  constructor(store: Store, ranges: readonly FrameRange[]) {
    this.store = store;
    this.ranges = [...ranges].sort((a, b) => a.base - b.base);
    let frames = 0;
    let end = 0;
    for (const { base, count } of this.ranges) {
      const whole = Number.isInteger(base) && Number.isInteger(count);
      if (!whole || base < 0 || count < 0 || base + count > FRAME_LIMIT) {
        throw new RangeError(`RAM of ${count} frames from frame ${base} is no range below frame 2^40`);
      }
      if (base < end) throw new RangeError(`RAM ranges overlap at frame 0x${base.toString(16)}`);
      end = base + count;
      frames += count;
    }
    this.frames = frames;
    this.backing = new Int32Array(frames);
  }

  /** Index of a frame among all frames of RAM, or -1 when it is no RAM. */
  indexOf(frame: number): number {
    let before = 0;
    for (let i = 0; i < this.ranges.length; i++) {
      const range = this.ranges[i]!;
      const offset = frame - range.base;
      if (offset >= 0 && offset < range.count) return before + offset;
      before += range.count;
    }
    return -1;
  }

  /**
   * Frame number of the index-th frame of RAM.
   * @throws RangeError when there is none.
   */
  frameAt(index: number): number {
    let rest = index;
    for (let i = 0; i < this.ranges.length && index >= 0; i++) {
      const range = this.ranges[i]!;
      if (rest < range.count) return range.base + rest;
      rest -= range.count;
    }
    throw new RangeError(`no RAM frame with index ${index}`);
  }

  /** The lowest frame of RAM from `frame` up, or Infinity. */
  nextFrame(frame: number): number {
    for (const { base, count } of this.ranges) if (frame < base + count) return Math.max(frame, base);
    return Number.POSITIVE_INFINITY;
  }

  /** The word at physical byte address `pa`; frames never written, and addresses that are no RAM, read as 0. */
  read32(pa: number): number {
    const index = this.indexOf(Math.floor(pa / 4096));
    if (index < 0) return 0;
    const base = this.wordsOf(index);
    return base < 0 ? 0 : this.store.read(base + ((pa % 4096) >>> 2));
  }

  /** @throws RangeError when `pa` is no RAM. */
  write32(pa: number, value: number): void {
    const frame = Math.floor(pa / 4096);
    const index = this.indexOf(frame);
    if (index < 0) throw new RangeError(`write to physical address 0x${pa.toString(16)}, which is no RAM`);
    // Zero in a frame without backing is there already.
    if ((value | 0) === 0 && this.wordsOf(index) < 0) return;
    this.store.write(this.back(index) + ((pa % 4096) >>> 2), value);
  }

  /**
   * Sets all of a frame to zero (a scrub).
   * @throws RangeError when `frame` is no RAM.
   */
  clear(frame: number): void {
    const index = this.indexOf(frame);
    if (index < 0) throw new RangeError(`scrub of frame 0x${frame.toString(16)}, which is no RAM`);
    this.clearFrom(index, 1);
  }

  /** Sets `count` frames from the index-th on to zero. */
  clearFrom(index: number, count: number): void {
    for (let i = index; i < index + count; i++) {
      const base = this.wordsOf(i);
      if (base >= 0) this.clearBacking(base);
    }
  }

  private clearBacking(base: number): void {
    const end = base + PAGE_WORDS;
    for (let i = base; i < end; i++) if (this.store.read(i) !== 0) this.store.write(i, 0);
  }

  /**
   * First word in the store of the index-th frame, or -1 while the frame has no backing and reads as zeros. Who notes what
   * is read needs words to name: then every frame that is looked at is backed.
   */
  wordsOf(index: number): number {
    const base = this.backing[index]! - 1;
    return base < 0 && this.store.trace !== undefined ? this.back(index) : base;
  }

  /** First word in the store of the index-th frame, which has backing from now on. */
  back(index: number): number {
    const base = this.backing[index]! - 1;
    if (base >= 0) return base;
    const first = this.store.addPages(RAM_KEYS + index, 1);
    this.backing[index] = first + 1;
    const page = first / PAGE_WORDS;
    if (page >= this.indexOfPage.length) {
      const longer = new Int32Array(page * 2);
      longer.set(this.indexOfPage);
      this.indexOfPage = longer;
    }
    this.indexOfPage[page] = index + 1;
    return first;
  }

  /** Index of the frame that a store word backs, or -1 when the word is no RAM. */
  indexOfWord(word: number): number {
    const page = Math.floor(word / PAGE_WORDS);
    return page < this.indexOfPage.length ? this.indexOfPage[page]! - 1 : -1;
  }

  /** The physical byte address that a store word backs, or -1 when the word is no RAM. For rendering. */
  addressOf(word: number): number {
    const index = this.indexOfWord(word);
    return index < 0 ? -1 : this.frameAt(index) * 4096 + (word % PAGE_WORDS) * 4;
  }
}
