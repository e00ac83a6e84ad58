/**
 * Where a grant is mapped for a CPU: in a translated mapper's p2m, or in an L1 entry of a PV mapper, which is named by its
 * linear address or, with GNTMAP_contains_pte, by its machine address. An entry is kept as a number: {@link SOMEWHERE} is one
 * that the program does not name (an address of the mapper's kernel beyond its `va` pages), above 0 stands a virtual page,
 * below 0 an entry of a page table.
 */
export const SOMEWHERE = 0;

/** The L1 entry behind virtual page `va`. */
export const vaEntry = (va: number): number => va + 1;
/** Entry `index` of the page table with frame index `pdx`; an entry of what is no RAM when that is -1. */
export const tableEntry = (pdx: number, index: number): number => -(Math.max(pdx, -1) + 1) * 512 - index - 1;

/** Whether the place is an entry of a page table that was named by its machine address. */
export const isTableEntry = (entry: number): boolean => entry < 0;

/** The place in words: `va 3`, `L1 0x105[7]`. */
export function hostEntryText(entry: number, frameName: (pdx: number) => string): string {
  if (entry === SOMEWHERE) return 'not named';
  if (!isTableEntry(entry)) return `va ${entry - 1}`;
  const place = -entry - 1;
  const pdx = Math.floor(place / 512) - 1;
  return `L1 ${pdx < 0 ? 'no RAM' : frameName(pdx)}[${place % 512}]`;
}
