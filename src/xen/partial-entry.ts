import { PGT, PGT_PARTIAL, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { flushForTypeChange } from './cpu-tlb.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { isPageTable, ofType, typeCount, typeOf } from './page-info.js';
import { PTE_PRESENT, tableEntryFrame } from './page-table.js';
import { getPageAndType, getPageType, iommuFailed, moveInIommu, putPageType } from './page-type.js';
import type { Xen } from './state.js';
import { devalidatePartial, validateNextEntry } from './table-contents.js';

/**
 * An entry of an L3 or L4 whose own table is partly validated (dossier §3.2; arch/x86/mm.c PTF_partial_set): the validation of
 * the table above was preempted within it. The table above is partly validated then, too, and its entry `validatedEntries` is
 * the one. It holds a general reference of the table below and no type reference: that is the partly validated table's own,
 * and goes to whoever completes it.
 */

/** The entry was left half-way: its table is partly validated. */
export const LEFT_HALF_WAY = 1;

/** Whether an entry leads to a page of `owner`'s that is to be validated as a table and has more entries than one. */
function canBeLeft(xen: Xen, pdx: number, owner: number, type: number): boolean {
  if (pdx < 0 || type < PGT.l2 || ownerOf(xen, pdx) !== owner) return false;
  const info = xen.frame.typeInfo.get(pdx);
  const isValid = typeOf(info) === type && (info & PGT_VALIDATED) !== 0;
  // What was an L4 is refused because of Xen's entries.
  if (typeCount(info) !== 0 || isValid || typeOf(info) === PGT.l4) return false;
  const words = xen.ram.wordsOf(pdx);
  let present = 0;
  for (let index = 0; words >= 0 && index < 512 && present < 2; index++)
    if ((xen.store.read(words + index * 2) & PTE_PRESENT) !== 0) present++;
  return present === 2;
}

/**
 * Begins to take what an entry of a table of type `above` holds, where that takes long: {@link LEFT_HALF_WAY}; or an errno, and
 * nothing was taken; 0 where it does not take long, and has to be done as a whole.
 */
export function beginEntry(xen: Xen, lo: number, hi: number, owner: number, above: number): number {
  const pdx = tableEntryFrame(xen, lo, hi);
  const type = above - 1;
  if (!canBeLeft(xen, pdx, owner, type) || !getPage(xen, pdx, owner)) return 0;
  const oldType = typeOf(xen.frame.typeInfo.get(pdx));
  xen.frame.typeInfo.set(pdx, ofType(type) + 1);
  flushForTypeChange(xen, pdx, oldType, type);
  const moved = moveInIommu(xen, pdx, oldType, type);
  const failed = moved === 0 ? 0 : iommuFailed(xen, pdx, type, oldType, moved);
  xen.frame.linearPtCount.set(pdx, 0);
  xen.frame.validatedEntries.set(pdx, 0);
  const status = failed === 0 ? validateNextEntry(xen, pdx, type, false) : failed;
  if (status < 0) {
    if (failed === 0) xen.frame.typeInfo.set(pdx, 0);
    putPage(xen, pdx);
    return status;
  }
  xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_PARTIAL);
  // The reference above is the partly validated page's; the entry has one of its own since 18b0ab6978 (XSA-299).
  if (xen.profile.partialEntry === 'referenced') xen.frame.countInfo.add(pdx, 1);
  return LEFT_HALF_WAY;
}

/** Goes on with an entry that was left half-way, to its end: 0, or an errno, and the entry is still half-way. */
export function resumeEntry(xen: Xen, lo: number, hi: number, owner: number, above: number): number {
  const pdx = tableEntryFrame(xen, lo, hi);
  if (xen.profile.partialEntry === 'unreferenced') return getPageAndType(xen, pdx, owner, above - 1);
  return getPageType(xen, pdx, above - 1);
}

/**
 * Gives back what an entry holds that was left half-way. Where the table below is partly validated no more, whoever completed
 * it has the type reference; it was dropped all the same up to 4.12 (c40b33d726, XSA-299).
 */
export function dropPartialEntry(xen: Xen, lo: number, hi: number): void {
  const pdx = tableEntryFrame(xen, lo, hi);
  const info = xen.frame.typeInfo.get(pdx);
  if ((info & PGT_PARTIAL) !== 0 && isPageTable(typeOf(info))) {
    xen.frame.typeInfo.set(pdx, info & ~PGT_PARTIAL);
    devalidatePartial(xen, pdx, typeOf(info));
    xen.frame.typeInfo.add(pdx, -1);
    putPage(xen, pdx);
  } else if (xen.profile.partialCleanup === 'drops-type') putPageType(xen, pdx);
  if (xen.profile.partialEntry === 'referenced') putPage(xen, pdx);
}
