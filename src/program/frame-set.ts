import { rangeText } from './argument-kinds.js';
import type { MachineDeclaration, Range } from './program.js';
import { listed } from './refuse.js';

/** Frames in ranges that do not overlap. */
export class FrameSet {
  /** By first frame. */
  private readonly ranges: readonly Range[];

  constructor(ranges: readonly Range[]) {
    this.ranges = ranges.toSorted((a, b) => a.first - b.first);
  }

  has(frame: number): boolean {
    let low = 0;
    let high = this.ranges.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.ranges[middle]!.first <= frame) low = middle;
      else high = middle - 1;
    }
    const range = this.ranges[low];
    return range !== undefined && range.first <= frame && frame <= range.last;
  }

  /** The first range that overlaps the one before it. */
  static overlap(ranges: readonly Range[]): { range: Range; other: Range } | undefined {
    const sorted = ranges.toSorted((a, b) => a.first - b.first);
    for (let i = 1; i < sorted.length; i++) {
      const [other, range] = [sorted[i - 1]!, sorted[i]!];
      if (range.first <= other.last) return { range, other };
    }
    return undefined;
  }
}

/** `ram 0x100..0x10f; xen-heap 0x10..0x4f` */
export function describeRanges({ ram, xenHeap }: MachineDeclaration): string {
  return `ram ${listed(ram.map(rangeText))}; xen-heap ${rangeText(xenHeap)}`;
}
