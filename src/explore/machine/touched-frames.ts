import type { Timeline } from '../../program/timeline.js';
import type { Table } from '../../store/table.js';

/** Frames of which it is known together whether anything was ever noted of them. */
export const BLOCK = 256;

const TOUCHED = new WeakMap<Timeline, Int32Array>();

/**
 * Blocks of rows of the frame table that the run ever writes to, by their numbers, ascending. All other frames are free
 * from the first step to the last and need never be looked at: a machine may have millions of them.
 */
export function touchedBlocks(timeline: Timeline, { base, rows, fieldNames }: Table): Int32Array {
  const known = TOUCHED.get(timeline);
  if (known !== undefined) return known;
  const end = base + rows * fieldNames.length;
  const blocks = new Set<number>();
  for (const word of timeline.writtenWords)
    if (word >= base && word < end) blocks.add(Math.floor((word - base) / fieldNames.length / BLOCK));
  const touched = Int32Array.from(blocks).sort();
  TOUCHED.set(timeline, touched);
  return touched;
}
