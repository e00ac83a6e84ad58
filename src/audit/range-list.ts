import type { Rights } from '../formats/address.js';
import type { RangeList } from './survey.js';

/** Ranges in a block of memory; a long list grows by a block, and nothing is copied. */
const BLOCK = 1 << 14;
const BLOCK_SHIFT = 14;
/** The first block begins small, and doubles: most lists are short, and there may be many. */
const FIRST_BLOCK = 1 << 4;
/** Numbers of a range: first input, how many, and the first frame or -1 - the input that is repeated. */
const STRIDE = 3;

class Block {
  readonly numbers: Float64Array;
  readonly rights: Uint8Array;

  constructor(ranges: number, before?: Block) {
    this.numbers = new Float64Array(ranges * STRIDE);
    this.rights = new Uint8Array(ranges);
    if (before === undefined) return;
    this.numbers.set(before.numbers);
    this.rights.set(before.rights);
  }
}

/** A {@link RangeList} that grows at its end, joining what belongs together. Takes 25 bytes a range. */
export class GrowingRanges implements RangeList {
  length = 0;
  /** Ranges that it would have taken beyond `most`; it holds none of them. */
  refused = 0;
  private readonly most: number;
  private readonly blocks: Block[] = [];
  /** The last range, in place in its block; `open` when it is none that is repeated, and can grow. */
  private open = false;
  private lastInput = 0;
  private lastCount = 0;
  private lastFrame = 0;
  private lastRights: Rights = 0;

  /** @param most ranges to hold at most. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.most = most;
  }

  get full(): boolean {
    return this.refused > 0;
  }

  /** `count` inputs map to consecutive frames; joined to the range before where that goes on there. */
  add(input: number, frame: number, count: number, rights: Rights): void {
    if (
      this.open &&
      this.lastInput + this.lastCount === input &&
      this.lastFrame + this.lastCount === frame &&
      this.lastRights === rights
    ) {
      this.lastCount += count;
      this.blocks[this.blocks.length - 1]!.numbers[((this.length - 1) & (BLOCK - 1)) * STRIDE + 1] =
        this.lastCount;
      return;
    }
    this.open = this.append(input, count, frame, rights);
    this.lastInput = input;
    this.lastCount = count;
    this.lastFrame = frame;
    this.lastRights = rights;
  }

  /** `count` inputs map as those from `sharedInput` do. */
  addRepeat(input: number, count: number, rights: Rights, sharedInput: number): void {
    this.open = false;
    this.append(input, count, -1 - sharedInput, rights);
  }

  input(i: number): number {
    return this.blocks[i >> BLOCK_SHIFT]!.numbers[(i & (BLOCK - 1)) * STRIDE]!;
  }

  count(i: number): number {
    return this.blocks[i >> BLOCK_SHIFT]!.numbers[(i & (BLOCK - 1)) * STRIDE + 1]!;
  }

  frame(i: number): number {
    return Math.max(-1, this.target(i));
  }

  rights(i: number): Rights {
    return this.blocks[i >> BLOCK_SHIFT]!.rights[i & (BLOCK - 1)]!;
  }

  sharedInput(i: number): number {
    const target = this.target(i);
    return target < 0 ? -1 - target : -1;
  }

  private target(i: number): number {
    return this.blocks[i >> BLOCK_SHIFT]!.numbers[(i & (BLOCK - 1)) * STRIDE + 2]!;
  }

  private append(input: number, count: number, target: number, rights: Rights): boolean {
    if (this.length >= this.most) {
      this.refused++;
      return false;
    }
    const within = this.length & (BLOCK - 1);
    const { numbers, rights: allRights } = this.blockFor(within);
    numbers[within * STRIDE] = input;
    numbers[within * STRIDE + 1] = count;
    numbers[within * STRIDE + 2] = target;
    allRights[within] = rights;
    this.length++;
    return true;
  }

  /** The last block, with room at `within`. */
  private blockFor(within: number): Block {
    const { blocks } = this;
    const last = blocks[blocks.length - 1];
    if (last === undefined) blocks.push(new Block(FIRST_BLOCK));
    else if (within === 0) blocks.push(new Block(BLOCK));
    else if (within === last.rights.length) blocks[blocks.length - 1] = new Block(within * 2, last);
    return blocks[blocks.length - 1]!;
  }
}

/** Frame numbers collected in any order, handed out sorted and without repeats. */
export class FrameList {
  private frames = new Float64Array(16);
  private size = 0;

  add(frame: number): void {
    if (this.size > 0 && this.frames[this.size - 1] === frame) return;
    if (this.size === this.frames.length) this.makeRoom();
    this.frames[this.size++] = frame;
  }

  sorted(): Float64Array {
    this.sort();
    return this.frames.slice(0, this.size);
  }

  private makeRoom(): void {
    this.sort();
    if (this.size * 2 <= this.frames.length) return;
    const grown = new Float64Array(this.frames.length * 2);
    grown.set(this.frames);
    this.frames = grown;
  }

  private sort(): void {
    const sorted = this.frames.subarray(0, this.size).sort();
    let kept = 0;
    for (let i = 0; i < sorted.length; i++) {
      if (i === 0 || sorted[i] !== sorted[kept - 1]) sorted[kept++] = sorted[i]!;
    }
    this.size = kept;
  }
}
