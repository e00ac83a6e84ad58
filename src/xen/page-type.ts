import { R, type Rights, W } from '../formats/address.js';
import { PGT, PGT_PARTIAL, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { flushForTypeChange, stampPage } from './cpu-tlb.js';
import { isLocked } from './entry-steps.js';
import { Errno } from './errno.js';
import { getPage, isSpecialPage, ownerOf, putPage } from './frames.js';
import { iommuMap, iommuUnmap, mirrors } from './iommu-map.js';
import { dropLinear } from './linear-table.js';
import { isPageTable, ofType, typeCount, typeOf } from './page-info.js';
import { checkDescriptors } from './segment-descriptors.js';
import type { Xen } from './state.js';
import { devalidatePartial, devalidateTable, validateNextEntry, validateTable } from './table-contents.js';

/**
 * Takes a type reference of `type` on a page (dossier §3.2). A page has one type at a time: with references of another
 * type outstanding the answer is -EINVAL. Changing the type moves the page in or out of its owner's IOMMU tables.
 */
export function getPageType(xen: Xen, pdx: number, type: number): number {
  const before = xen.frame.typeInfo.get(pdx);
  const oldType = typeOf(before);
  if (typeCount(before) !== 0) {
    if (oldType !== type) return -Errno.EINVAL;
    if ((before & PGT_VALIDATED) === 0) return takeOver(xen, pdx, type);
    xen.frame.typeInfo.add(pdx, 1);
    return 0;
  }
  const changed = oldType !== type;
  if (changed) flushForTypeChange(xen, pdx, oldType, type);
  const now = (changed ? ofType(type) : before) + 1;
  xen.frame.typeInfo.set(pdx, now);
  if (changed) {
    const status = moveInIommu(xen, pdx, oldType, type);
    if (status !== 0) return iommuFailed(xen, pdx, type, oldType, status);
  }
  if ((now & PGT_VALIDATED) !== 0) return 0;
  return validate(xen, pdx, type, oldType);
}

/**
 * A page that another hypercall is validating: while it is at it, one waits; where it was preempted, its validation is
 * completed here, and its reference taken over.
 */
function takeOver(xen: Xen, pdx: number, type: number): number {
  const info = xen.frame.typeInfo.get(pdx);
  if ((info & PGT_PARTIAL) === 0) {
    xen.blocked = true;
    return 0;
  }
  xen.frame.typeInfo.set(pdx, info & ~PGT_PARTIAL);
  let status = 1;
  while (status > 0) status = validateNextEntry(xen, pdx, type, false);
  if (status < 0) devalidatePartial(xen, pdx, type);
  xen.frame.validatedEntries.set(pdx, 0);
  xen.frame.typeInfo.set(pdx, status < 0 ? 0 : xen.frame.typeInfo.get(pdx) | PGT_VALIDATED);
  putPage(xen, pdx);
  return status;
}

/** Fills in a fresh reference: writable and shared pages need no look inside, page tables do. */
function validate(xen: Xen, pdx: number, type: number, oldType: number): number {
  if (isPageTable(type) || type === PGT.segDesc) {
    xen.frame.linearPtCount.set(pdx, 0);
    const status = validateContents(xen, pdx, type, oldType);
    if (status !== 0) {
      xen.frame.typeInfo.set(pdx, 0);
      return status;
    }
  }
  xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_VALIDATED);
  return 0;
}

function validateContents(xen: Xen, pdx: number, type: number, oldType: number): number {
  if (type === PGT.segDesc) return checkDescriptors(xen, pdx) ? 0 : -Errno.EINVAL;
  return validateTable(xen, pdx, type, oldType === PGT.l4);
}

/**
 * The canonical rule (dossier §3.3): a page of a PV domain whose tables are kept in sync is in them exactly while its
 * type is writable. `new-type` and `writability` differ only in needless work, which leaves no trace.
 */
export function moveInIommu(xen: Xen, pdx: number, oldType: number, newType: number): number {
  const owner = ownerOf(xen, pdx);
  if (!xen.isPv(owner) || !mirrors(xen, owner) || isSpecialPage(xen, pdx)) return 0;
  const frame = xen.ram.frameAt(pdx);
  const rights = typeRights(newType);
  if (rights !== 0) return iommuMap(xen, owner, frame, frame, rights);
  if (oldType === PGT.writable) return iommuUnmap(xen, owner, frame);
  return 0;
}

/** get_page_type's own test for "map this page" (dossier §3.5): the type alone. */
export function typeRights(type: number): Rights {
  return type === PGT.writable ? R | W : 0;
}

/**
 * The IOMMU operation of a type change failed. Up to 4.11.1 the reference stayed all the same (XSA-291). Since it is
 * dropped it is dropped with the one function that insists on a page found to be of its type (c40b33d72630), which this
 * one is not yet: up to XSA-401's repair only a writable one was. So Xen goes down, as seen on 4.11.4 to 4.22.0
 * (docs/settled.md, dossier §3.3).
 */
export function iommuFailed(xen: Xen, pdx: number, type: number, oldType: number, status: number): number {
  if (xen.profile.typeRefOnIommuFailure === 'kept') {
    const validated = validate(xen, pdx, type, oldType);
    return validated === 0 ? status : validated;
  }
  const isValidated = type === PGT.writable && xen.profile.typeFlush === 'before-commit';
  if (isValidated) xen.frame.typeInfo.set(pdx, xen.frame.typeInfo.get(pdx) | PGT_VALIDATED);
  else if (xen.profile.unvalidatedPut === 'BUG' && !xen.isDying(ownerOf(xen, pdx)))
    xen.bug('type reference dropped before validation');
  xen.frame.typeInfo.add(pdx, -1);
  return status;
}

/**
 * Drops a type reference. The last one of a page table drops what its entries hold. For a writable page nothing else
 * happens: the type stays, and so does the IOMMU entry (dossier §3.2). `table` is the page table whose entry held the
 * reference, or -1.
 */
export function putPageType(xen: Xen, pdx: number, table = -1): void {
  const before = xen.frame.typeInfo.get(pdx);
  if (typeCount(before) === 0) {
    xen.bug('type count underflow');
    return;
  }
  // Whoever has it locked would drop the last reference, without emptying it: Xen spins (6410733a8a, XSA-242).
  if (typeCount(before) === 2 && isPageTable(typeOf(before)) && isLocked(xen, pdx)) {
    if (xen.profile.lockedTablePut === 'waits') {
      xen.blocked = true;
      return;
    }
  }
  if (typeCount(before) === 1 && isPageTable(typeOf(before)) && (before & PGT_VALIDATED) !== 0) {
    xen.frame.typeInfo.set(pdx, before & ~PGT_VALIDATED);
    devalidateTable(xen, pdx, typeOf(before));
  }
  xen.frame.typeInfo.add(pdx, -1);
  if (typeCount(before) === 1) stampPage(xen, pdx);
  if (table >= 0) dropLinear(xen, table, pdx, typeOf(before));
}

/** A general and a type reference, or neither. -EINVAL when the page is not `slot`'s or has another type. */
export function getPageAndType(xen: Xen, pdx: number, slot: number, type: number): number {
  if (!getPage(xen, pdx, slot)) return -Errno.EINVAL;
  const status = getPageType(xen, pdx, type);
  if (status !== 0) putPage(xen, pdx);
  return status;
}

export function putPageAndType(xen: Xen, pdx: number): void {
  putPageType(xen, pdx);
  putPage(xen, pdx);
}

/**
 * What happens before a page with no references left is freed (dossier §3.2): a writable page leaves its owner's
 * IOMMU tables. False when that failed: the page must then leak rather than be reused. Where pages are mapped untyped,
 * they were unmapped when they were removed from the domain instead (dossier §3.4).
 */
export function cleanupPageMappings(xen: Xen, pdx: number): boolean {
  if (xen.profile.pvPageAdded === 'mapped-untyped') return true;
  if (typeOf(xen.frame.typeInfo.get(pdx)) !== PGT.writable) return true;
  const owner = ownerOf(xen, pdx);
  if (!xen.isPv(owner) || !mirrors(xen, owner)) return true;
  return iommuUnmap(xen, owner, xen.ram.frameAt(pdx)) === 0;
}
