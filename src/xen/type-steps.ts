import { PGT, PGT_PARTIAL, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { flushForTypeChange } from './cpu-tlb.js';
import { Errno } from './errno.js';
import { getPage, putPage } from './frames.js';
import { isPageTable, ofType, typeCount, typeOf } from './page-info.js';
import { hasEntryAt, keepPinned, setVaEntry } from './page-table.js';
import { iommuFailed, moveInIommu } from './page-type.js';
import { FAIR_STRETCH } from './preemption.js';
import type { Xen } from './state.js';
import { devalidatePartial, validateNextEntry, validateTable } from './table-contents.js';

/**
 * get_page_and_type in steps, as other CPUs see it (dossier §3.2): the type word is read and exchanged, CPUs are flushed,
 * the IOMMU is told, the contents are validated an entry at a time. After each entry the hypercall is preempted: the page
 * is then partly validated, holds a general reference for that, and whoever asks for the type next goes on where it was
 * left, which is mostly this hypercall, started over.
 *
 * In a row of `call`: `page`, `flags` the type asked for, `was` the type word that was read.
 */

/** What the reference is for when it has been had. */
const isPin = (xen: Xen, call: number): boolean => isPageTable(xen.call.flags.get(call));

/** MMUEXT_PIN_Ln_TABLE in steps. `type` is l1 to l4. */
export function beginPinTable(xen: Xen, call: number, slot: number, pdx: number, type: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  return begin(xen, call, slot, pdx, type);
}

/** update_va_mapping of a page of one's own, writable, in steps. */
export function beginMapWritable(xen: Xen, call: number, slot: number, va: number, pdx: number): number {
  if (!xen.isPv(slot)) return -Errno.ENOSYS;
  if (!hasEntryAt(xen, va)) return -Errno.EINVAL;
  xen.call.gfn.set(call, va);
  return begin(xen, call, slot, pdx, PGT.writable);
}

function begin(xen: Xen, call: number, slot: number, pdx: number, type: number): number {
  xen.call.domain.set(call, slot + 1);
  xen.call.page.set(call, pdx + 1);
  xen.call.flags.set(call, type);
  return goOn(xen, call, readType(xen, call));
}

/** How a refusal is called: L1 entries say that the page is busy. */
function refused(xen: Xen, call: number, status: number): number {
  return isPin(xen, call) ? status : -Errno.EBUSY;
}

/** From here a preempted hypercall starts over: the general reference, and a look at the type word. */
function readType(xen: Xen, call: number): number {
  const [pdx, type] = [pageOf(xen, call), xen.call.flags.get(call)];
  if (!getPage(xen, pdx, domainOf(xen, call))) return refused(xen, call, -Errno.EINVAL);
  return lookAtType(xen, call, pdx, type);
}

function lookAtType(xen: Xen, call: number, pdx: number, type: number): number {
  const info = xen.frame.typeInfo.get(pdx);
  xen.call.was.set(call, info);
  if (typeCount(info) === 0) {
    if (typeOf(info) === type || xen.profile.typeFlush === 'after-commit') return commitType(xen, call);
    flushForTypeChange(xen, pdx, typeOf(info), type);
    return Step.type_commit;
  }
  if (typeOf(info) !== type) {
    putPage(xen, pdx);
    return refused(xen, call, -Errno.EINVAL);
  }
  if ((info & PGT_VALIDATED) !== 0) {
    xen.frame.typeInfo.add(pdx, 1);
    return complete(xen, call);
  }
  if ((info & PGT_PARTIAL) === 0) {
    // Another CPU is at it. Xen spins.
    xen.blocked = true;
    return 0;
  }
  // The type reference of who left it half-way becomes ours.
  xen.frame.typeInfo.set(pdx, info & ~PGT_PARTIAL);
  if (xen.profile.linearCountOnResume === 'reset') xen.frame.linearPtCount.set(pdx, 0);
  return Step.type_validate;
}

/** cmpxchg of the type word. When it is not what it was when it was read, all is looked at again. */
function commitType(xen: Xen, call: number): number {
  const [pdx, type, was] = [pageOf(xen, call), xen.call.flags.get(call), xen.call.was.get(call)];
  if (xen.frame.typeInfo.get(pdx) !== was) {
    noteRetry(xen, call);
    return lookAtType(xen, call, pdx, type);
  }
  const changed = typeOf(was) !== type;
  // Up to 4.16.1 others could take a writable page for good before the IOMMU knew of it (8cc5036bc3).
  const early = type === PGT.writable && xen.profile.typeFlush === 'before-commit' ? PGT_VALIDATED : 0;
  xen.frame.typeInfo.set(pdx, (changed ? ofType(type) | early : was) + 1);
  if (!changed) return (was & PGT_VALIDATED) !== 0 ? complete(xen, call) : startValidation(xen, call);
  return xen.profile.typeFlush === 'after-commit' ? Step.type_flush : Step.type_iommu;
}

/** The word was changed meanwhile. Up to 4.11 Xen could try again and again without a look (17608703c6, XSA-264). */
function noteRetry(xen: Xen, call: number): void {
  if (xen.profile.typeRetry === 'looks') return;
  const { count } = xen.call;
  // More would not be worse.
  if (count.get(call) <= FAIR_STRETCH) count.add(call, 1);
  if (count.get(call) > FAIR_STRETCH) xen.host.longestStretch.set(0, count.get(call));
}

function flush(xen: Xen, call: number): number {
  flushForTypeChange(xen, pageOf(xen, call), typeOf(xen.call.was.get(call)), xen.call.flags.get(call));
  return Step.type_iommu;
}

function tellIommu(xen: Xen, call: number): number {
  const [pdx, type, was] = [pageOf(xen, call), xen.call.flags.get(call), xen.call.was.get(call)];
  const status = moveInIommu(xen, pdx, typeOf(was), type);
  if (status === 0) return startValidation(xen, call);
  const failed = iommuFailed(xen, pdx, type, typeOf(was), status);
  putPage(xen, pdx);
  return refused(xen, call, failed);
}

function startValidation(xen: Xen, call: number): number {
  const pdx = pageOf(xen, call);
  if (isPin(xen, call)) {
    xen.frame.linearPtCount.set(pdx, 0);
    xen.frame.validatedEntries.set(pdx, 0);
    return Step.type_validate;
  }
  xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_VALIDATED);
  return complete(xen, call);
}

/** The next present entry; then the hypercall is preempted, and the page is left partly validated. */
function validate(xen: Xen, call: number): number {
  const [pdx, type] = [pageOf(xen, call), xen.call.flags.get(call)];
  const resumed = (xen.call.was.get(call) & PGT_PARTIAL) !== 0;
  const wasL4 = typeOf(xen.call.was.get(call)) === PGT.l4;
  // An L1 is validated in one go.
  const status =
    type === PGT.l1 ? validateTable(xen, pdx, type, wasL4) : validateNextEntry(xen, pdx, type, wasL4, true);
  const hasEntries = (xen.frame.validatedEntries.get(pdx) | xen.frame.partialEntry.get(pdx)) !== 0;
  if (status > 0 || (status < 0 && hasEntries)) {
    xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_PARTIAL);
    // The hypercall's own reference becomes the partial page's, unless it has one already.
    if (resumed) putPage(xen, pdx);
    if (status > 0) return Step.type_read;
    xen.call.count.set(call, -status);
    // What is left for later needs the page to stay: XSA-45's repair forgot that (XSA-58).
    if (xen.profile.deferredCleanup === 'unreferenced') putPage(xen, pdx);
    return Step.type_undo;
  }
  xen.frame.validatedEntries.set(pdx, 0);
  if (status < 0) xen.frame.typeInfo.set(pdx, 0);
  else xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_VALIDATED);
  if (resumed) putPage(xen, pdx);
  if (status < 0) putPage(xen, pdx);
  return status < 0 ? status : complete(xen, call);
}

/**
 * What the entries of a table hold that could not be validated is given back later, a table at a time (old_guest_table):
 * until then it is partly validated, and another can go on with it.
 */
function undo(xen: Xen, call: number): number {
  const [pdx, type] = [pageOf(xen, call), xen.call.flags.get(call)];
  const status = -xen.call.count.get(call);
  const info = xen.frame.typeInfo.get(pdx);
  if (typeOf(info) === type && (info & PGT_PARTIAL) !== 0) {
    xen.frame.typeInfo.set(pdx, info & ~PGT_PARTIAL);
    devalidatePartial(xen, pdx, type);
    xen.frame.typeInfo.set(pdx, 0);
    if (xen.profile.deferredCleanup === 'referenced') putPage(xen, pdx);
  }
  return refused(xen, call, status);
}

/** General and type reference are there: the pin keeps them, or the L1 entry. */
function complete(xen: Xen, call: number): number {
  const [slot, pdx] = [domainOf(xen, call), pageOf(xen, call)];
  if (isPin(xen, call)) return keepPinned(xen, slot, pdx);
  setVaEntry(xen, slot, xen.call.gfn.get(call), pdx, true);
  return 0;
}

/** The steps of taking a type. */
export const GET_PAGE_TYPE = {
  type_read: readType,
  type_commit: commitType,
  type_flush: flush,
  type_iommu: tellIommu,
  type_validate: validate,
  type_undo: undo,
} as const;
