import { R, W } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { isClaimedByOthers } from './claims.js';
import { Errno } from './errno.js';
import { setGfns } from './extents.js';
import { fails } from './failures.js';
import {
  allocDomainFrames,
  dropAllocation,
  getPage,
  gfnOf,
  isDomainFrame,
  isFree,
  isFreeRun,
  isHeldByAllocationOnly,
  lowestFreeFrame,
  ownerOf,
  putPage,
  takeFrame,
  takeFrames,
} from './frames.js';
import { iommuMap, iommuUnmap, mirrors } from './iommu-map.js';
import { holdsGfn, p2mIsLocked, p2mLookup, p2mOrder, p2mRemove, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { unpinTable } from './page-table.js';
import { cleanupPageMappings, getPageAndType, putPageAndType } from './page-type.js';
import { setOverPod } from './pod.js';
import type { Xen } from './state.js';

/**
 * XENMEM_populate_physmap of one extent of 2^order pages: the domain gets the lowest free frames, aligned to their number,
 * or those from `wanted` on where the program names one. Returns the index of the first, or -EBUSY when the page cannot be had (what libxc makes of a short count). A page that could not be
 * made known to the domain stays the domain's all the same.
 */
export function populatePhysmap(xen: Xen, slot: number, gfn: number, wanted = -1, order = 0): number {
  const pdx = assignPages(xen, slot, gfn, wanted, order);
  if (pdx < 0) return pdx;
  return isKnown(xen, slot, gfn, pdx, guestPhysmapAdd(xen, slot, gfn, pdx, order)) ? pdx : -Errno.EBUSY;
}

/** Whether the caller is told that the domain knows the page, after an attempt that came to `status`. */
function isKnown(xen: Xen, slot: number, gfn: number, pdx: number, status: number): boolean {
  if (status !== 0 && xen.profile.failedAdd === 'told') return false;
  if (xen.isTranslated(slot) && p2mLookup(xen, slot, gfn) !== xen.ram.frameAt(pdx))
    xen.misdeed('a page that was given is not where it was to be');
  return true;
}

/** The largest order that dom0, a control domain, may ask for (memop-max-order). */
const MAX_ORDER = 18;

/** The first half: 2^order pages become the domain's, which does not know of them yet. */
function assignPages(xen: Xen, slot: number, gfn: number, wanted: number, order: number): number {
  if (order > MAX_ORDER) return -Errno.EBUSY;
  if (xen.domain.directMapped.get(slot)) return ownPages(xen, slot, gfn, 2 ** order);
  if (xen.isDying(slot)) return -Errno.EBUSY;
  if (xen.domain.totPages.get(slot) + 2 ** order > xen.domain.maxPages.get(slot)) return -Errno.EBUSY;
  if (isClaimedByOthers(xen, slot, 2 ** order)) return -Errno.EBUSY;
  if (wanted < 0) {
    const pdx = allocDomainFrames(xen, slot, order);
    return pdx < 0 ? -Errno.EBUSY : pdx;
  }
  if (wanted >= xen.ram.frames) return -Errno.EBUSY;
  const aligned = xen.ram.frameAt(wanted) % 2 ** order === 0;
  if (!aligned || !isFreeRun(xen, wanted, 2 ** order) || fails(xen, 'alloc')) return -Errno.EBUSY;
  takeFrames(xen, wanted, slot, order);
  return wanted;
}

/** A direct-mapped domain only ever gets pages of its own back, where GFN and MFN agree (dossier §9 item 5). */
function ownPages(xen: Xen, slot: number, gfn: number, count: number): number {
  for (let i = 0; i < count; i++) {
    const pdx = xen.ram.indexOf(gfn + i);
    if (!getPage(xen, pdx, slot)) return -Errno.EBUSY;
    putPage(xen, pdx);
  }
  return xen.ram.indexOf(gfn);
}

/**
 * {@link populatePhysmap} of `count` pages in steps: between the two halves of each page any other CPU can act, and knows
 * no less of the page than its owner does (dossier §12 T3). A page that was taken stands in the call's row.
 */
export function beginPopulatePhysmap(
  xen: Xen,
  call: number,
  slot: number,
  gfn: number,
  count: number,
  wanted = -1,
  order = 0,
): number {
  xen.call.domain.set(call, slot + 1);
  xen.call.flags.set(call, order);
  xen.call.gfn.set(call, gfn);
  xen.call.count.set(call, count);
  return goOn(xen, call, takeNext(xen, call, wanted));
}

function takeNext(xen: Xen, call: number, wanted: number): number {
  const pdx = assignPages(xen, domainOf(xen, call), xen.call.gfn.get(call), wanted, xen.call.flags.get(call));
  if (pdx < 0) return pdx;
  xen.call.page.set(call, pdx + 1);
  return Step.physmap_add;
}

function addTaken(xen: Xen, call: number): number {
  const gfn = xen.call.gfn.get(call);
  const order = xen.call.flags.get(call);
  const [slot, pdx] = [domainOf(xen, call), pageOf(xen, call)];
  if (!isKnown(xen, slot, gfn, pdx, guestPhysmapAdd(xen, slot, gfn, pdx, order))) return -Errno.EBUSY;
  xen.call.gfn.set(call, gfn + 2 ** order);
  xen.call.count.add(call, -1);
  return xen.call.count.get(call) > 0 ? Step.assign_pages : 0;
}

/** The steps of XENMEM_populate_physmap. */
export const POPULATE_PHYSMAP = {
  assign_pages: (xen: Xen, call: number): number => takeNext(xen, call, -1),
  physmap_add: addTaken,
} as const;

/** XEN_DOMCTL_max_mem: pages that a domain may own, also fewer than it does: then it only gets no more. */
export function setMaxPages(xen: Xen, slot: number, pages: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  xen.domain.maxPages.set(slot, Math.min(pages, 0x7fff_ffff));
  return 0;
}

/**
 * XENMEM_exchange of one page for another: the domain's page is stolen, another taken, the old one freed, the new one
 * made known to the domain. Returns the new page's index, or -ESRCH; -EINVAL no page of the domain, shared with Xen, or
 * referenced; -EOPNOTSUPP a translated domain; -ENOMEM no free page, which leaves the old one untyped.
 */
export function memoryExchange(xen: Xen, slot: number, pdx: number, wanted = -1): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (pdx < 0) return -Errno.EINVAL;
  if (xen.isTranslated(slot)) return gfnOf(xen, pdx) < 0 ? -Errno.EINVAL : -Errno.EOPNOTSUPP;
  const status = stealPage(xen, slot, pdx);
  if (status !== 0) return status;
  const fresh = wanted < 0 ? lowestFreeFrame(xen) : wanted;
  if (!isDomainFrame(xen, fresh) || !isFree(xen, fresh) || fails(xen, 'alloc')) return -Errno.ENOMEM;
  takeFrame(xen, fresh, slot);
  if (xen.profile.pvPageAdded === 'mapped-untyped' && mirrors(xen, slot)) {
    iommuUnmap(xen, slot, xen.ram.frameAt(pdx));
  }
  dropAllocation(xen, pdx);
  const added = guestPhysmapAdd(xen, slot, 0, fresh);
  return added === 0 ? fresh : added;
}

/**
 * steal_page (dossier §3.2): nobody but the allocation may hold the page. It leaves the IOMMU tables while its type says
 * so, and is untyped then.
 */
export function stealPage(xen: Xen, slot: number, pdx: number): number {
  if (ownerOf(xen, pdx) !== slot || !isHeldByAllocationOnly(xen, pdx)) return -Errno.EINVAL;
  if (!cleanupPageMappings(xen, pdx)) return -Errno.EINVAL;
  xen.frame.typeInfo.set(pdx, 0);
  return 0;
}

/**
 * guest_physmap_add_page: makes a page known to the domain, and to its devices (dossier §3.4). For PV the page takes
 * and drops a writable type reference, which maps it; up to 4.11.1 it was mapped directly, its type still none.
 * -EINVAL when the reference cannot be had, -ENOMEM from the p2m or the IOMMU.
 */
export function guestPhysmapAdd(xen: Xen, slot: number, gfn: number, pdx: number, order = 0): number {
  if (xen.isTranslated(slot)) return translatedAdd(xen, slot, gfn, pdx, order);
  for (let i = 0; i < 2 ** order; i++) {
    const status = pvAdd(xen, slot, pdx + i);
    if (status !== 0) return status;
  }
  return 0;
}

/** The pages appear from `gfn` on. Pages of the domain's that were there are nowhere then. */
function translatedAdd(xen: Xen, slot: number, gfn: number, pdx: number, order: number): number {
  const last = gfn + 2 ** order - 1;
  if (!holdsGfn(xen, slot, gfn) || !holdsGfn(xen, slot, last)) return -Errno.EINVAL;
  for (let at = gfn; at <= last; ) {
    const old = xen.ram.indexOf(p2mLookup(xen, slot, at));
    if (old >= 0 && ownerOf(xen, old) === slot) setGfns(xen, old, -1);
    // Where a whole table is missing, nothing of it need be looked at.
    const span = old >= 0 ? 1 : 2 ** p2mOrder(xen, slot, at);
    at += span - (at % span);
  }
  const status = setOverPod(xen, slot, gfn, xen.ram.frameAt(pdx), P2mType.ramRw, order);
  if (status === 0 || xen.profile.failedAddM2p === 'set') setGfns(xen, pdx, gfn, order);
  else for (let at = gfn; at <= last; at++) followP2m(xen, slot, at);
  return status;
}

/** After a failure, which may have come half-way, the M2P says what the p2m does. */
function followP2m(xen: Xen, slot: number, gfn: number): void {
  const pdx = xen.ram.indexOf(p2mLookup(xen, slot, gfn));
  if (pdx >= 0 && ownerOf(xen, pdx) === slot) setGfns(xen, pdx, gfn);
}

/**
 * guest_remove_page: up to 4.15.0 what device memory, reserved regions among it, stands in an x86 domain's p2m goes like
 * its memory. Since 753cb68e6530 (XSA-378) only those who put it there take it away.
 */
function removesMmio(xen: Xen, slot: number, gfn: number): boolean {
  if (xen.profile.typedEntryGuard === 'special' || xen.spec.arch !== 'x86') return false;
  return p2mType(xen, slot, gfn) === P2mType.mmioDirect;
}

function pvAdd(xen: Xen, slot: number, pdx: number): number {
  const frame = xen.ram.frameAt(pdx);
  const wanted = xen.profile.pvPageAddedTest === 'system-wide' ? xen.iommuOn : mirrors(xen, slot);
  if (!wanted) return 0;
  if (xen.profile.pvPageAdded === 'mapped-untyped') return iommuMap(xen, slot, frame, frame, R | W);
  const status = getPageAndType(xen, pdx, slot, PGT.writable);
  if (status === 0) putPageAndType(xen, pdx);
  return status;
}

/**
 * XENMEM_decrease_reservation of one page, named by its frame index for PV and by `gfn` otherwise. The page is freed
 * once nobody holds it, unless it is one that Xen shares with the domain. Direct-mapped domains keep theirs (dossier §9
 * item 5). -EINVAL when the page is not the domain's, or does not leave its p2m or IOMMU tables. Of an extent Xen removes
 * page after page.
 */
export function decreaseReservation(xen: Xen, slot: number, pdx: number, gfn: number): number {
  const translated = xen.isTranslated(slot);
  if (translated && p2mIsLocked(xen, slot)) return 0;
  if (translated && removesMmio(xen, slot, gfn)) return p2mRemove(xen, slot, gfn);
  const page = translated ? xen.ram.indexOf(p2mLookup(xen, slot, gfn)) : pdx;
  if (translated && page < 0 && xen.profile.unmappedRemoval === 'keeps-lock') xen.domain.p2mLock.set(slot, 1);
  if (page < 0 || !getPage(xen, page, slot)) return -Errno.EINVAL;
  if (translated) {
    if (p2mRemove(xen, slot, gfn) !== 0 && xen.profile.failedRemoval === 'refused') {
      if (p2mLookup(xen, slot, gfn) < 0) setGfns(xen, page, -1);
      putPage(xen, page);
      return -Errno.EINVAL;
    }
    setGfns(xen, page, -1);
  } else if (xen.profile.decreasePinned === 'unpins') {
    // In one go, however large the tree below is (XSA-252).
    xen.preemptible = false;
    unpinTable(xen, slot, page);
    xen.preemptible = true;
  }
  if (!translated && xen.profile.pvPageAdded === 'mapped-untyped' && mirrors(xen, slot)) {
    iommuUnmap(xen, slot, xen.ram.frameAt(page));
  }
  if (!xen.domain.directMapped.get(slot)) dropAllocation(xen, page);
  putPage(xen, page);
  return 0;
}
