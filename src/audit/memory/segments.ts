import type { ByteRange } from '../survey.js';

/** Consecutive frames of memory that lie one after the other in a file. */
export interface Segment {
  readonly frame: number;
  readonly frames: number;
  /** Byte in the file at which the first begins. */
  readonly offset: number;
}

const PAGE = 4096;

/** Frame numbers from here up are no physical addresses. */
export const FRAME_LIMIT = 2 ** 40;

/**
 * Segments in the order of frames and without overlap: where two claim a frame, the one that begins first has it. Those
 * that follow each other in memory and in the file are joined.
 */
export function sortSegments(segments: readonly Segment[]): Segment[] {
  const sorted = segments
    .filter(({ frame, frames }) => frames > 0 && frame >= 0 && frame + frames <= FRAME_LIMIT)
    .sort((a, b) => a.frame - b.frame || b.frames - a.frames);
  const result: Segment[] = [];
  for (const segment of sorted) {
    const last = result.at(-1);
    const free = last === undefined ? 0 : last.frame + last.frames;
    const skip = Math.max(0, free - segment.frame);
    if (skip >= segment.frames) continue;
    const rest = {
      frame: segment.frame + skip,
      frames: segment.frames - skip,
      offset: segment.offset + skip * PAGE,
    };
    if (last !== undefined && rest.frame === free && rest.offset === last.offset + last.frames * PAGE) {
      result[result.length - 1] = { ...last, frames: last.frames + rest.frames };
    } else result.push(rest);
  }
  return result;
}

/** Where segments make memory, in bytes. */
export function ramOf(segments: readonly Segment[]): ByteRange[] {
  const ram: { start: number; end: number }[] = [];
  for (const { frame, frames } of segments) {
    const last = ram.at(-1);
    if (last !== undefined && last.end === frame * PAGE) last.end += frames * PAGE;
    else ram.push({ start: frame * PAGE, end: (frame + frames) * PAGE });
  }
  return ram;
}

/** Finds the segment of a frame; the last one found is tried first, and few need a search. */
export class SegmentFinder {
  private readonly segments: readonly Segment[];
  private last = 0;

  constructor(segments: readonly Segment[]) {
    this.segments = segments;
  }

  /** The index of the segment that holds `frame`; -1 when none does. */
  find(frame: number): number {
    const { segments } = this;
    const remembered = segments[this.last];
    if (remembered !== undefined && frame >= remembered.frame && frame < remembered.frame + remembered.frames)
      return this.last;
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (segments[middle]!.frame <= frame) low = middle + 1;
      else high = middle;
    }
    const found = segments[low - 1];
    if (found === undefined || frame >= found.frame + found.frames) return -1;
    this.last = low - 1;
    return this.last;
  }
}
