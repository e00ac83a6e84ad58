import type { Table } from '../../store/table.js';
import type { Here } from '../here.js';
import { isChanged, leadsTo } from './domain-entries.js';
import { type DomainRows, disagrees } from './domain-rows.js';
import { type Apart, LINKS } from './frame-runs.js';
import type { MachineRows } from './machine-index.js';

/** Rows of a domain by the frame that they lead to; made once for the same rows. */
const BY_FRAME = new WeakMap<DomainRows, ReadonlyMap<number, readonly number[]>>();

/** Larger pages are not noted frame by frame. */
const LARGE = -1;

function rowsByFrame(rows: DomainRows): ReadonlyMap<number, readonly number[]> {
  const known = BY_FRAME.get(rows);
  if (known !== undefined) return known;
  const found = new Map<number, number[]>();
  const note = (frame: number, row: number): void => {
    const there = found.get(frame);
    if (there === undefined) found.set(frame, [row]);
    else if (there[there.length - 1] !== row) there.push(row);
  };
  for (let row = 0; row < rows.length; row++) {
    if (rows.spans[row] !== 1) note(LARGE, row);
    else {
      if (rows.frames[row]! >= 0) note(rows.frames[row]!, row);
      if (rows.cpuFrames[row]! >= 0) note(rows.cpuFrames[row]!, row);
    }
  }
  BY_FRAME.set(rows, found);
  return found;
}

/** Indexes [first, end). */
interface Range {
  readonly first: number;
  readonly end: number;
}

/** How frames stand to the step, and to what domains see of them. */
export class FrameRelations {
  readonly table: Table;
  private readonly here: Here;
  private readonly machine: MachineRows;
  private readonly changed = new Set<number>();
  private readonly written = new Set<number>();
  private readonly disagreeing = new Set<number>();
  /** Of larger pages than a frame. */
  private readonly ranges: (Range & { readonly wrong: boolean; readonly changed: boolean })[] = [];

  constructor(here: Here, machine: MachineRows) {
    this.here = here;
    this.machine = machine;
    this.table = here.table('frame');
    this.findWritten();
    for (const slot of machine.slots) this.findMarked(machine.domains[slot]!);
  }

  /** By the words that the step wrote: rows of the frame table, and frames that something was written into. */
  private findWritten(): void {
    const { before, xen } = this.here;
    const { base, rows, fieldNames } = this.table;
    const isLink = fieldNames.map((name) => LINKS.has(name));
    for (const word of before.keys()) {
      const row = Math.floor((word - base) / fieldNames.length);
      if (row >= 0 && row < rows && word >= base) {
        if (!isLink[(word - base) % fieldNames.length]) this.changed.add(row);
        continue;
      }
      const pdx = xen.ram.indexOfWord(word);
      if (pdx >= 0) this.written.add(pdx);
    }
  }

  /** Frames at which a domain's views disagree, or whose entry in a table the step has changed. */
  private findMarked(rows: DomainRows): void {
    const { here } = this;
    const { ram } = here.xen;
    for (let row = 0; row < rows.length; row++) {
      const wrong = disagrees(rows, row);
      const changed = here.before.size !== 0 && isChanged(here, rows, row);
      if (!wrong && !changed) continue;
      for (const frame of [rows.frames[row]!, rows.cpuFrames[row]!]) {
        const pdx = frame < 0 ? -1 : ram.indexOf(frame);
        if (pdx < 0) continue;
        if (rows.spans[row] !== 1)
          this.ranges.push({ first: pdx, end: pdx + rows.spans[row]!, wrong, changed });
        else {
          if (wrong) this.disagreeing.add(pdx);
          if (changed) this.changed.add(pdx);
        }
      }
    }
  }

  /** Frames that are not to be folded with others, besides one that is sought. */
  apart(sought: number): Apart {
    const single = [...this.changed, ...this.written, ...this.disagreeing];
    if (sought >= 0) single.push(sought);
    return { single, ranges: this.ranges };
  }

  /** Index of the frame that is sought, or -1. */
  sought(mfn: number | undefined): number {
    return mfn === undefined ? -1 : this.here.xen.ram.indexOf(mfn);
  }

  isXens(pdx: number): boolean {
    const { xen } = this.here;
    const { first, end } = xen.xenHeap;
    return pdx >= first && pdx < end;
  }

  isChanged(pdx: number): boolean {
    return this.changed.has(pdx) || this.written.has(pdx) || this.isIn(pdx, 'changed');
  }

  isWritten(pdx: number): boolean {
    return this.written.has(pdx);
  }

  disagrees(pdx: number): boolean {
    return this.disagreeing.has(pdx) || this.isIn(pdx, 'wrong');
  }

  private isIn(pdx: number, what: 'changed' | 'wrong'): boolean {
    return this.ranges.some((range) => range[what] && pdx >= range.first && pdx < range.end);
  }

  /** Rows of domains that lead to a frame. */
  viewsOf(mfn: number): { readonly rows: DomainRows; readonly row: number }[] {
    return this.machine.slots.flatMap((slot) => {
      const rows = this.machine.domains[slot]!;
      const byFrame = rowsByFrame(rows);
      const large = (byFrame.get(LARGE) ?? []).filter((row) => leadsTo(rows, row, mfn));
      return [...(byFrame.get(mfn) ?? []), ...large].map((row) => ({ rows, row }));
    });
  }
}
