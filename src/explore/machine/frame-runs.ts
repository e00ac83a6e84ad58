import type { Table } from '../../store/table.js';
import { extentOrder } from '../../xen/page-info.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import type { DomainRows } from './domain-rows.js';
import type { MachineRows } from './machine-index.js';
import { BLOCK, touchedBlocks } from './touched-frames.js';

/** Fields that hold a list together, and say nothing of the frame itself. */
export const LINKS: ReadonlySet<string> = new Set(['next', 'previous']);

/** Frames that are to stand alone, by their index; and ranges that are to stand apart from what is around them. */
export interface Apart {
  readonly single: Iterable<number>;
  readonly ranges: Iterable<{ readonly first: number; readonly end: number }>;
}

/**
 * Where a run of frames begins that are alike: in all that the frame table says of them, and in how every domain sees
 * them. Ascending, the first is 0.
 */
export function runsOfFrames(here: Here, machine: MachineRows, apart: Apart): Int32Array {
  const { xen } = here;
  const starts = [0, xen.xenHeap.first, xen.xenHeap.end];
  let before = 0;
  for (const { count } of xen.ram.ranges) starts.push((before += count));
  breaksOfTable(here, starts);
  for (const slot of machine.slots) for (const pdx of breaksOf(xen, machine.domains[slot]!)) starts.push(pdx);
  for (const pdx of apart.single) starts.push(pdx, pdx + 1);
  for (const { first, end } of apart.ranges) starts.push(first, end);
  const sorted = Int32Array.from(starts).sort();
  let length = 0;
  for (const start of sorted)
    if (start < xen.ram.frames && (length === 0 || sorted[length - 1] !== start)) sorted[length++] = start;
  return sorted.slice(0, length);
}

/** Frames of which the frame table says something else than of the one before. */
function breaksOfTable(here: Here, starts: number[]): void {
  const { xen, timeline } = here;
  const table = here.table('frame');
  const compared = table.fieldNames.flatMap((name, offset) =>
    LINKS.has(name) || name === 'gfn' ? [] : [offset],
  );
  const gfn = table.fieldNames.indexOf('gfn');
  const extents = xen.host.extents.get(0) !== 0;
  for (const block of touchedBlocks(timeline, table)) {
    // The first frame of the next block may be another than the last of this one.
    const end = Math.min((block + 1) * BLOCK + 1, xen.ram.frames);
    for (let pdx = Math.max(1, block * BLOCK); pdx < end; pdx++) {
      if (!goesOn(xen, table, pdx, compared, gfn)) starts.push(pdx);
      if (!extents) continue;
      const order = extentOrder(xen.frame.countInfo.get(pdx));
      if (order !== 0) starts.push(pdx + 2 ** order);
    }
  }
}

/** Whether the table says of a frame what it says of the one before: of the next gfn, where they have one. */
function goesOn(xen: Xen, table: Table, pdx: number, compared: readonly number[], gfn: number): boolean {
  const { words } = xen.store;
  const width = table.fieldNames.length;
  const now = table.base + pdx * width;
  const before = now - width;
  for (let i = 0; i < compared.length; i++)
    if (words[now + compared[i]!] !== words[before + compared[i]!]) return false;
  const [here, there] = [words[now + gfn]!, words[before + gfn]!];
  return here === 0 ? there === 0 : here === there + 1;
}

const BREAKS = new WeakMap<DomainRows, readonly number[]>();

/**
 * Frames that a domain sees otherwise than the one before. Every row begins something at its first frame and ends it
 * behind its last; where all that begins is what ends, nothing changes. Worked out once for the same rows.
 */
function breaksOf({ ram }: Xen, rows: DomainRows): readonly number[] {
  const known = BREAKS.get(rows);
  if (known !== undefined) return known;
  const turns = new Map<number, number>();
  const turn = (pdx: number, by: number): void => void turns.set(pdx, (turns.get(pdx) ?? 0) + by);
  const note = (frame: number, row: number, way: number): void => {
    const pdx = frame < 0 ? -1 : ram.indexOf(frame);
    if (pdx < 0) return;
    const code = Math.imul(rows.rights[row]! + 1, 0x9e3779b1) ^ Math.imul(way, 0x85ebca6b);
    turn(pdx, code);
    turn(pdx + rows.spans[row]!, -code);
  };
  for (let row = 0; row < rows.length; row++) {
    note(rows.frames[row]!, row, 1);
    note(rows.cpuFrames[row]!, row, 2);
  }
  const breaks = [...turns].flatMap(([pdx, sum]) => (sum === 0 ? [] : [pdx]));
  BREAKS.set(rows, breaks);
  return breaks;
}
