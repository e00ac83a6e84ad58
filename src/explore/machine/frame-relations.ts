import type { Table } from '../../store/table.js';
import type { Xen } from '../../xen/state.js';
import type { Here } from '../here.js';
import { isChanged, leadsTo } from './domain-entries.js';
import { type DomainRows, disagrees } from './domain-rows.js';
import type { MachineRows } from './machine-index.js';

/** Rows of a domain by the frame that they lead to; made once for the same rows. */
const BY_FRAME = new WeakMap<DomainRows, ReadonlyMap<number, readonly number[]>>();

/** Fields that hold a list together, and say nothing of the frame itself. */
const LINKS: ReadonlySet<string> = new Set(['next', 'previous']);

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

const LOOKS = new WeakMap<DomainRows, Int32Array>();

/** By frame: a number that is the same for frames which the domain sees alike, 0 for those that it does not see. */
function looksOf({ ram }: Xen, rows: DomainRows): Int32Array {
  const known = LOOKS.get(rows);
  if (known !== undefined) return known;
  const looks = new Int32Array(ram.frames);
  const note = (frame: number, row: number, way: number): void => {
    for (let i = 0; frame >= 0 && i < rows.spans[row]!; i++) {
      const pdx = ram.indexOf(frame + i);
      if (pdx >= 0) looks[pdx] = Math.imul(looks[pdx]! + way, 0x9e3779b1) ^ (rows.rights[row]! + 1);
    }
  };
  for (let row = 0; row < rows.length; row++) {
    note(rows.frames[row]!, row, 1);
    note(rows.cpuFrames[row]!, row, 2);
  }
  LOOKS.set(rows, looks);
  return looks;
}

/** How frames stand to the step, and to what domains see of them. */
export class FrameRelations {
  readonly table: Table;
  private readonly here: Here;
  private readonly machine: MachineRows;
  private readonly looks: readonly Int32Array[];
  private readonly changed = new Set<number>();
  private readonly written = new Set<number>();
  private readonly disagreeing = new Set<number>();

  constructor(here: Here, machine: MachineRows) {
    this.here = here;
    this.machine = machine;
    this.table = here.table('frame');
    this.looks = machine.slots.map((slot) => looksOf(here.xen, machine.domains[slot]!));
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
        for (let i = 0; frame >= 0 && i < rows.spans[row]!; i++) {
          const pdx = ram.indexOf(frame + i);
          if (pdx >= 0 && wrong) this.disagreeing.add(pdx);
          if (pdx >= 0 && changed) this.changed.add(pdx);
        }
      }
    }
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
    return this.changed.has(pdx) || this.written.has(pdx);
  }

  isWritten(pdx: number): boolean {
    return this.written.has(pdx);
  }

  disagrees(pdx: number): boolean {
    return this.disagreeing.has(pdx);
  }

  /** Whether a frame is like the one before it, the next one where both are somewhere in a p2m. */
  goesOn(pdx: number): boolean {
    const { xen } = this.here;
    const { base, fieldNames } = this.table;
    if (xen.ram.frameAt(pdx) !== xen.ram.frameAt(pdx - 1) + 1) return false;
    if (pdx === xen.xenHeap.first || pdx === xen.xenHeap.end) return false;
    const { words } = xen.store;
    const width = fieldNames.length;
    const gfn = fieldNames.indexOf('gfn');
    for (let i = 0; i < width; i++) {
      const [now, before] = [words[base + pdx * width + i]!, words[base + (pdx - 1) * width + i]!];
      if (LINKS.has(fieldNames[i]!)) continue;
      if (i === gfn && now !== 0 ? now !== before + 1 : now !== before) return false;
    }
    return this.seenAlike(pdx);
  }

  /** Whether domains see a frame as they see the one before it. */
  private seenAlike(pdx: number): boolean {
    for (let i = 0; i < this.looks.length; i++) {
      const looks = this.looks[i]!;
      if (looks[pdx] !== looks[pdx - 1]) return false;
    }
    return true;
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
