import type { FrameSet } from '../frame-set.js';

/** The intervals of several sets in the order of their starts, by a heap of the sets. */
export class NextInterval {
  /** Index, in its set, of the interval taken last. */
  index = -1;
  private readonly sets: readonly FrameSet[];
  private readonly next: Int32Array;
  private readonly heap: number[] = [];

  constructor(sets: readonly FrameSet[]) {
    this.sets = sets;
    this.next = new Int32Array(sets.length);
    for (let i = 0; i < sets.length; i++) if (sets[i]!.length > 0) this.heap.push(i);
    for (let i = (this.heap.length >>> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** The set whose interval begins next; -1 when all have been taken. */
  take(): number {
    const { heap, next, sets } = this;
    const set = heap[0];
    if (set === undefined) return -1;
    this.index = next[set]!++;
    if (next[set]! >= sets[set]!.length) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
    }
    this.sink(0);
    return set;
  }

  private startOf(position: number): number {
    const set = this.heap[position]!;
    return this.sets[set]!.start(this.next[set]!);
  }

  /** Moves the set at `position` down to where it belongs. */
  private sink(position: number): void {
    const { heap } = this;
    for (let at = position; ; ) {
      let least = at;
      for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++) {
        if (this.startOf(child) < this.startOf(least)) least = child;
      }
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}
