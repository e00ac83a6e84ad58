import { ENTRY_SPAN, TABLE_ENTRIES } from '../../formats/radix.js';
import type { TreeKind } from '../../xen/iommu-tables.js';
import type { Xen } from '../../xen/state.js';

/**
 * Visits every entry of a tree that holds something and leads to no table, whether or not it is present: the first input
 * frame that it stands for, and how many. A table that is reached twice is gone through once.
 */
export function eachEntry(
  xen: Xen,
  { format, shape }: TreeKind,
  root: number,
  visit: (input: number, span: number) => void,
): void {
  const seen = new Set<number>();
  const goThrough = (table: number, level: number, first: number): void => {
    const pdx = seen.has(table) ? -1 : xen.ram.indexOf(table);
    const words = pdx < 0 ? -1 : xen.ram.wordsOf(pdx);
    seen.add(table);
    const span = ENTRY_SPAN[level]!;
    for (let index = 0; words >= 0 && index < TABLE_ENTRIES; index++) {
      const lo = xen.store.read(words + index * 2);
      const hi = xen.store.read(words + index * 2 + 1);
      if (lo === 0 && hi === 0) continue;
      const input = first + index * span;
      if (!format.present(lo, hi, level) || format.leaf(lo, hi, level)) visit(input, span);
      else {
        const below = format.nextLevel?.(lo, level) ?? level - 1;
        if (below >= 1 && below < level) goThrough(format.frame(lo, hi), below, input);
      }
    }
  };
  for (let i = 0; i < shape.concatenated; i++)
    goThrough(root + i, shape.topLevel, i * ENTRY_SPAN[shape.topLevel + 1]!);
}
