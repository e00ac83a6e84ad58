import { PGT } from '../formats/x86-page-info.js';
import { adjustedL3, COMPAT_L3_ENTRIES, isCompatL3 } from './compat-l3.js';
import { Errno } from './errno.js';
import { ownerOf } from './frames.js';
import {
  getFromEntry,
  hasBadFlags,
  isXenL4Slot,
  PTE_PRESENT,
  PTE_RW,
  putFromEntry,
  tableEntryFrame,
  writeEntry,
  XEN_L4_SLOTS,
} from './page-table.js';
import { getPageAndType } from './page-type.js';
import { beginEntry, dropPartialEntry, LEFT_HALF_WAY, resumeEntry } from './partial-entry.js';
import { haveWorked, lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';

/** The contents of a page table: all entries take what they hold when it becomes one, and give it back when it is none any more. */

const ENTRIES = 512;

/**
 * Validates a page as a page table of `type`: every present entry takes its references. At the first entry that
 * cannot, what the earlier ones took is given back and the entry's errno returned.
 */
export function validateTable(xen: Xen, pdx: number, type: number, wasL4: boolean): number {
  const status = validateEntries(xen, pdx, type, wasL4);
  haveWorked(xen);
  return status;
}

function validateEntries(xen: Xen, pdx: number, type: number, wasL4: boolean): number {
  const words = xen.ram.wordsOf(pdx);
  const hasXenEntries = wasL4 && type !== PGT.l4;
  const owner = ownerOf(xen, pdx);
  if (words < 0 && isCompatL3(xen, owner, type)) return -Errno.EINVAL;
  if (words < 0) return hasXenEntries ? xenEntryErrno(type) : 0;
  if (isCompatL3(xen, owner, type)) return validateCompatL3(xen, pdx, words, owner);
  for (let index = 0; index < ENTRIES; index++) {
    const status =
      hasXenEntries && index === XEN_L4_SLOTS.first
        ? xenEntryErrno(type)
        : getFromSlot(xen, words, index, owner, pdx, type);
    if (status !== 0) {
      dropEntries(xen, words, index, owner, pdx, type);
      return status;
    }
  }
  return 0;
}

/**
 * {@link validateTable} of a 32-bit guest's L3: what stands behind its four entries is cleared, since hardware sees it, and
 * the last of the four must be there.
 */
function validateCompatL3(xen: Xen, table: number, words: number, owner: number): number {
  const page = xen.ram.frameAt(table) * 4096;
  for (let index = COMPAT_L3_ENTRIES; index < ENTRIES; index++) {
    if ((xen.store.read(words + index * 2) | xen.store.read(words + index * 2 + 1)) === 0) continue;
    writeEntry(xen, page + index * 8, 0, 0);
  }
  for (let index = 0; index < COMPAT_L3_ENTRIES; index++) {
    const lo = xen.store.read(words + index * 2);
    const status =
      index === COMPAT_L3_ENTRIES - 1
        ? getXenL2(xen, lo, xen.store.read(words + index * 2 + 1), owner)
        : getFromSlot(xen, words, index, owner, table, PGT.l3);
    if (status !== 0) {
      dropEntries(xen, words, index, owner, table, PGT.l3);
      return status;
    }
    if ((lo & PTE_PRESENT) !== 0) xen.ram.write32(page + index * 8, adjustedL3(lo));
  }
  return 0;
}

function getXenL2(xen: Xen, lo: number, hi: number, owner: number): number {
  if ((lo & PTE_PRESENT) === 0 || hasBadFlags(xen, lo, owner, PGT.l3)) return -Errno.EINVAL;
  return getPageAndType(xen, tableEntryFrame(xen, lo, hi), owner, PGT.l2);
}

/**
 * {@link validateTable} of one present entry, from where `validatedEntries` says: 1 when there may be more, 0 when the
 * table is valid, or the errno of the entry: what earlier ones took is the caller's to give back. `interruptible` tells that
 * an entry that takes long can be left half-way.
 */
export function validateNextEntry(
  xen: Xen,
  pdx: number,
  type: number,
  wasL4: boolean,
  interruptible = false,
): number {
  const words = xen.ram.wordsOf(pdx);
  const owner = ownerOf(xen, pdx);
  if (words < 0 || isCompatL3(xen, owner, type)) return validateTable(xen, pdx, type, wasL4);
  let index = xen.frame.validatedEntries.get(pdx);
  while (index < ENTRIES && (xen.store.read(words + index * 2) & PTE_PRESENT) === 0) index++;
  const xenEntries = wasL4 && type !== PGT.l4 && index >= XEN_L4_SLOTS.first;
  if (index >= ENTRIES && !xenEntries) return 0;
  if (xenEntries) return xenEntryErrno(type);
  if (interruptible && type > PGT.l2 && beginsEntry(xen, words, index, owner, pdx, type)) return 1;
  const half = xen.frame.partialEntry.get(pdx) !== 0;
  const status = half
    ? resumeEntry(xen, xen.store.read(words + index * 2), xen.store.read(words + index * 2 + 1), owner, type)
    : getFromSlot(xen, words, index, owner, pdx, type);
  if (status !== 0) return status;
  xen.frame.partialEntry.set(pdx, 0);
  xen.frame.validatedEntries.set(pdx, index + 1);
  return 1;
}

/** Whether the validation of an entry was begun and left half-way. What it refuses, it refuses again as a whole. */
function beginsEntry(
  xen: Xen,
  words: number,
  index: number,
  owner: number,
  table: number,
  type: number,
): boolean {
  const lo = xen.store.read(words + index * 2);
  if (xen.frame.partialEntry.get(table) !== 0 || hasBadFlags(xen, lo, owner, type)) return false;
  if (!holdsSomething(xen, words, index, type)) return false;
  if (beginEntry(xen, lo, xen.store.read(words + index * 2 + 1), owner, type) !== LEFT_HALF_WAY) return false;
  xen.frame.validatedEntries.set(table, index);
  xen.frame.partialEntry.set(table, 1);
  return true;
}

/** Gives back what the last present entry of a table holds. True when there are others, below `validatedEntries`. */
export function devalidateLastEntry(xen: Xen, pdx: number, type: number): boolean {
  const words = xen.ram.wordsOf(pdx);
  if (words < 0) return false;
  const last = lastEntry(xen, words, ENTRIES, type);
  if (last < 0) return false;
  dropEntry(xen, words, last, ownerOf(xen, pdx), pdx, type);
  const next = lastEntry(xen, words, last, type);
  xen.frame.validatedEntries.set(pdx, next + 1);
  return next >= 0;
}

/** The last entry below `end` that holds something, or -1. */
function lastEntry(xen: Xen, words: number, end: number, type: number): number {
  let index = end - 1;
  while (index >= 0 && !holdsSomething(xen, words, index, type)) index--;
  return index;
}

/** Gives back what the validated entries of a table hold that was left half-way. */
export function devalidatePartial(xen: Xen, pdx: number, type: number): void {
  const words = xen.ram.wordsOf(pdx);
  const end = xen.frame.validatedEntries.get(pdx);
  if (xen.frame.partialEntry.get(pdx) !== 0) {
    xen.frame.partialEntry.set(pdx, 0);
    dropPartialEntry(xen, xen.store.read(words + end * 2), xen.store.read(words + end * 2 + 1));
  }
  if (words >= 0) dropEntries(xen, words, end, ownerOf(xen, pdx), pdx, type);
  xen.frame.validatedEntries.set(pdx, 0);
}

/**
 * Xen leaves its own mappings in what was an L4, and no other table may hold them: the one of the table itself is
 * writable (seen on 4.17 and 4.20). The model's tables are without them, and its guests clear them as soon as they can:
 * when the page has any other type.
 */
function xenEntryErrno(type: number): number {
  return type === PGT.l1 ? -Errno.EBUSY : -Errno.EINVAL;
}

/** Gives back what the entries of a page table of `type` hold. */
export function devalidateTable(xen: Xen, pdx: number, type: number): void {
  const words = xen.ram.wordsOf(pdx);
  if (words >= 0) dropEntries(xen, words, ENTRIES, ownerOf(xen, pdx), pdx, type);
  haveWorked(xen);
}

/** Takes what entry `index` of the table whose first word in the store is `words` holds. */
function getFromSlot(
  xen: Xen,
  words: number,
  index: number,
  owner: number,
  table: number,
  type: number,
): number {
  const lo = xen.store.read(words + index * 2);
  if ((lo & PTE_PRESENT) === 0 || (type === PGT.l4 && isXenL4Slot(index))) return 0;
  const status = getFromEntry(xen, lo, xen.store.read(words + index * 2 + 1), owner, table, type);
  if (type !== PGT.l1) lookBetweenEntries(xen);
  return status;
}

/** Above the lowest level Xen looks after each entry whether something else wants the CPU; up to 4.2 it did not (XSA-45). */
function lookBetweenEntries(xen: Xen): void {
  if (xen.profile.pageTableWork === 'preemptible') lookForPreemption(xen);
}

/** The entries below `end` of the table whose first word in the store is `words`. */
function dropEntries(xen: Xen, words: number, end: number, owner: number, table: number, type: number): void {
  for (let index = end - 1; index >= 0; index--)
    if ((xen.store.read(words + index * 2) & PTE_PRESENT) !== 0)
      dropEntry(xen, words, index, owner, table, type);
}

function dropEntry(xen: Xen, words: number, index: number, owner: number, table: number, type: number): void {
  if (!holdsSomething(xen, words, index, type)) return;
  const lo = xen.store.read(words + index * 2);
  putFromEntry(xen, lo, xen.store.read(words + index * 2 + 1), owner, table, type);
  // unadjust_guest_l3e
  if (isCompatL3(xen, owner, type)) xen.ram.write32(xen.ram.frameAt(table) * 4096 + index * 8, lo & ~PTE_RW);
  if (type !== PGT.l1) lookBetweenEntries(xen);
}

/** Whether an entry is present, and the guest's. */
function holdsSomething(xen: Xen, words: number, index: number, type: number): boolean {
  if ((xen.store.read(words + index * 2) & PTE_PRESENT) === 0) return false;
  return type !== PGT.l4 || !isXenL4Slot(index);
}
