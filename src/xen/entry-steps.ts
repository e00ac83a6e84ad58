import { PGT_VALIDATED } from '../formats/x86-page-info.js';
import { domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { Errno } from './errno.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { isPageTable, typeCount, typeOf } from './page-info.js';
import {
  clearVaEntry,
  entryHigh,
  entryLow,
  hasEntryAt,
  mmuUpdate,
  putFromL1Entry,
  updateTableEntry,
} from './page-table.js';
import type { Xen } from './state.js';

/**
 * Entries of page tables in steps, as other CPUs see them: between an entry's being cleared and what it held being given
 * back, and while a page table is locked for an update. In a row of `call`: `page`, `target` the page that the entry is to
 * lead to, `flags` whether writes pass (1) and, for a table, whether a page is named at all (2), `gfn` the entry's number.
 */

const WRITABLE = 1;
const PRESENT = 2;

/** update_va_mapping to nothing, in steps. */
export function beginUnmap(xen: Xen, call: number, slot: number, va: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (!hasEntryAt(xen, va)) return -Errno.EINVAL;
  const row = slot * xen.spec.limits.vaSlots + va;
  const pdx = xen.va.frame.get(row) - 1;
  if (pdx < 0) return 0;
  xen.call.domain.set(call, slot + 1);
  xen.call.page.set(call, pdx + 1);
  xen.call.flags.set(call, xen.va.writable.get(row) !== 0 ? WRITABLE : 0);
  // The time as it is now: no flush has come since (cpu-tlb.ts).
  if (xen.spec.limits.cpuTlb !== 0) xen.call.count.set(call, 1);
  clearVaEntry(xen, row);
  return goOn(xen, call, Step.entry_put);
}

/**
 * The references go. Up to 4.9 the page was stamped with a time that had been read before, so that a flush in between
 * seemed to have come later than it did (23a183607a, XSA-241).
 */
function putEntry(xen: Xen, call: number): number {
  const pdx = pageOf(xen, call);
  const writable = (xen.call.flags.get(call) & WRITABLE) !== 0;
  const stale = xen.call.count.get(call) === 0 && xen.profile.stampTime === 'read-before';
  putFromL1Entry(xen, entryLow(xen, pdx, writable), entryHigh(xen, pdx), domainOf(xen, call));
  if (stale && ownerOf(xen, pdx) >= 0) xen.frame.tlbStamp.set(pdx, 0);
  return 0;
}

/** mmu_update in steps; `target` is -1 for no page. A page that is no page table is written at once. */
export function beginMmuUpdate(
  xen: Xen,
  call: number,
  slot: number,
  pdx: number,
  index: number,
  target: number,
  writable: boolean,
): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  const [lo, hi] = target < 0 ? [0, 0] : [entryLow(xen, target, writable), entryHigh(xen, target)];
  if (pdx < 0 || !isLockable(xen, pdx)) return mmuUpdate(xen, slot, pdx, index, lo, hi);
  if (isLocked(xen, pdx)) {
    xen.blocked = true;
    return 0;
  }
  if (!getPage(xen, pdx, slot)) return -Errno.EINVAL;
  // page_lock: the lock is a type reference, too.
  xen.frame.typeInfo.add(pdx, 1);
  xen.call.domain.set(call, slot + 1);
  xen.call.page.set(call, pdx + 1);
  xen.call.gfn.set(call, index);
  xen.call.target.set(call, target + 1);
  xen.call.flags.set(call, (target < 0 ? 0 : PRESENT) | (writable ? WRITABLE : 0));
  return goOn(xen, call, Step.entry_write);
}

function isLockable(xen: Xen, pdx: number): boolean {
  const info = xen.frame.typeInfo.get(pdx);
  return isPageTable(typeOf(info)) && typeCount(info) !== 0 && (info & PGT_VALIDATED) !== 0;
}

/** Whether a hypercall has the page table locked, and with it a type reference of the page. */
export function isLocked(xen: Xen, pdx: number): boolean {
  const { step, page } = xen.call;
  const rows = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < rows; call++)
    if (step.get(call) === Step.entry_write && page.get(call) === pdx + 1) return true;
  return false;
}

/** The entry is written; page_unlock drops the lock's type reference, and nothing but that. */
function writeLocked(xen: Xen, call: number): number {
  const [slot, pdx] = [domainOf(xen, call), pageOf(xen, call)];
  const { flags, target, gfn } = xen.call;
  const to = (flags.get(call) & PRESENT) === 0 ? -1 : target.get(call) - 1;
  const writable = (flags.get(call) & WRITABLE) !== 0;
  const [lo, hi] = to < 0 ? [0, 0] : [entryLow(xen, to, writable), entryHigh(xen, to)];
  const status = updateTableEntry(xen, slot, pdx, gfn.get(call), lo, hi);
  xen.frame.typeInfo.add(pdx, -1);
  putPage(xen, pdx);
  return status;
}

export const ENTRY_STEPS = { entry_put: putEntry, entry_write: writeLocked } as const;
