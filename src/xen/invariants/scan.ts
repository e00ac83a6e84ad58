import { ENTRY_SPAN, TABLE_ENTRIES, Walker, WalkStatus } from '../../formats/radix.js';
import { ownTree } from '../iommu-tables.js';
import type { Xen } from '../state.js';

/** Walks domains' own IOMMU tables from one mapping to the next, a table at a time where they map nothing. */
export class TableScan {
  private readonly xen: Xen;
  private readonly walker: Walker;

  constructor(xen: Xen) {
    this.xen = xen;
    this.walker = new Walker(ownTree(xen, 0).format, xen.ram);
  }

  /** The first input frame from `from` up, below `end`, that the domain's own tables map; -1 when there is none. */
  nextMapped(slot: number, from: number, end: number): number {
    const { xen, walker } = this;
    const root = xen.domain.iommuRoot.get(slot);
    if (root === 0) return -1;
    const { shape } = ownTree(xen, slot);
    const frame = xen.ram.frameAt(root - 1);
    let input = from;
    while (input < end) {
      const status = walker.walk(frame, shape, input);
      if (status === WalkStatus.OK) return input;
      if (status === WalkStatus.BEYOND) return -1;
      const span = ENTRY_SPAN[walker.level]!;
      const next = (Math.floor(input / span) + 1) * span;
      input = walker.level === 1 ? this.alongTable(next, Math.min(end, tableEnd(input))) : next;
    }
    return -1;
  }

  /** Goes on in the lowest table, where the walker stands one before `input`, to a present entry, or to `end`. */
  private alongTable(input: number, end: number): number {
    const { xen, walker } = this;
    const words = xen.ram.wordsOf(xen.ram.indexOf(Math.floor(walker.entryAddress / 4096)));
    if (words < 0) return end;
    const { store } = xen;
    let at = words + (walker.entryAddress % 4096) / 4 + 2;
    for (let now = input; now < end; now++, at += 2) {
      const lo = store.read(at);
      const hi = store.read(at + 1);
      if ((lo !== 0 || hi !== 0) && walker.format.present(lo, hi, 1)) return now;
    }
    return end;
  }
}

const tableEnd = (input: number): number => (Math.floor(input / TABLE_ENTRIES) + 1) * TABLE_ENTRIES;
