import { R, W } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import {
  allocDomainFrame,
  dropAllocation,
  getPage,
  isDomainFrame,
  isFree,
  isHeldByAllocationOnly,
  lowestFreeFrame,
  ownerOf,
  putPage,
  takeFrame,
} from './frames.js';
import { iommuMap, iommuUnmap, mirrors } from './iommu-map.js';
import { holdsGfn, p2mLookup, p2mRemove, p2mSet } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { cleanupPageMappings, getPageAndType, putPageAndType } from './page-type.js';
import type { Xen } from './state.js';

/**
 * XENMEM_populate_physmap of one page: the domain gets the lowest free frame, or `wanted` where the program names one.
 * Returns its index, or -EBUSY when the page cannot be had (what libxc makes of a short count). A page that could not be
 * made known to the domain stays the domain's all the same.
 */
export function populatePhysmap(xen: Xen, slot: number, gfn: number, wanted = -1): number {
  const pdx = assignPage(xen, slot, gfn, wanted);
  if (pdx < 0) return pdx;
  return guestPhysmapAdd(xen, slot, gfn, pdx) === 0 ? pdx : -Errno.EBUSY;
}

/** The first half: a page becomes the domain's, which does not know of it yet. */
function assignPage(xen: Xen, slot: number, gfn: number, wanted: number): number {
  if (xen.domain.directMapped.get(slot)) return ownPage(xen, slot, gfn);
  if (xen.isDying(slot)) return -Errno.EBUSY;
  if (xen.domain.totPages.get(slot) >= xen.domain.maxPages.get(slot)) return -Errno.EBUSY;
  if (wanted < 0) {
    const pdx = allocDomainFrame(xen, slot);
    return pdx < 0 ? -Errno.EBUSY : pdx;
  }
  if (!isDomainFrame(xen, wanted) || !isFree(xen, wanted)) return -Errno.EBUSY;
  takeFrame(xen, wanted, slot);
  return wanted;
}

/** A direct-mapped domain only ever gets a page of its own back, where GFN and MFN agree (dossier §9 item 5). */
function ownPage(xen: Xen, slot: number, gfn: number): number {
  const pdx = xen.ram.indexOf(gfn);
  if (!getPage(xen, pdx, slot)) return -Errno.EBUSY;
  putPage(xen, pdx);
  return pdx;
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
): number {
  xen.call.domain.set(call, slot + 1);
  xen.call.gfn.set(call, gfn);
  xen.call.count.set(call, count);
  return goOn(xen, call, takeNext(xen, call, wanted));
}

function takeNext(xen: Xen, call: number, wanted: number): number {
  const pdx = assignPage(xen, domainOf(xen, call), xen.call.gfn.get(call), wanted);
  if (pdx < 0) return pdx;
  xen.call.page.set(call, pdx + 1);
  return Step.physmap_add;
}

function addTaken(xen: Xen, call: number): number {
  const gfn = xen.call.gfn.get(call);
  if (guestPhysmapAdd(xen, domainOf(xen, call), gfn, pageOf(xen, call)) !== 0) return -Errno.EBUSY;
  xen.call.gfn.set(call, gfn + 1);
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
  if (xen.isTranslated(slot)) return xen.frame.gfn.get(pdx) === 0 ? -Errno.EINVAL : -Errno.EOPNOTSUPP;
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
export function guestPhysmapAdd(xen: Xen, slot: number, gfn: number, pdx: number): number {
  const frame = xen.ram.frameAt(pdx);
  if (xen.isTranslated(slot)) {
    if (!holdsGfn(xen, slot, gfn)) return -Errno.EINVAL;
    const old = xen.ram.indexOf(p2mLookup(xen, slot, gfn));
    if (old >= 0 && ownerOf(xen, old) === slot) xen.frame.gfn.set(old, 0);
    xen.frame.gfn.set(pdx, gfn + 1);
    return p2mSet(xen, slot, gfn, frame, P2mType.ramRw);
  }
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
 * item 5). -EINVAL when the page is not the domain's.
 */
export function decreaseReservation(xen: Xen, slot: number, pdx: number, gfn: number): number {
  const translated = xen.isTranslated(slot);
  const page = translated ? xen.ram.indexOf(p2mLookup(xen, slot, gfn)) : pdx;
  if (page < 0 || !getPage(xen, page, slot)) return -Errno.EINVAL;
  if (translated) {
    p2mRemove(xen, slot, gfn);
    xen.frame.gfn.set(page, 0);
  } else if (xen.profile.pvPageAdded === 'mapped-untyped' && mirrors(xen, slot)) {
    iommuUnmap(xen, slot, xen.ram.frameAt(page));
  }
  if (!xen.domain.directMapped.get(slot)) dropAllocation(xen, page);
  putPage(xen, page);
  return 0;
}
