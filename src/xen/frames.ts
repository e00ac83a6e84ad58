import { PGC_ALLOCATED, PGC_XEN_HEAP } from '../formats/x86-page-info.js';
import { useClaim } from './claims.js';
import { flushForNewOwner } from './cpu-tlb.js';
import { vanishIfUnreferenced } from './domain-death.js';
import { extentOf, gfnEntry, isExtentOrder, isTail, makeExtent, ownRow } from './extents.js';
import { fails } from './failures.js';
import { COUNT_MASK, extentOrder, PGC_STOLEN, typeCount } from './page-info.js';
import { cleanupPageMappings } from './page-type.js';
import { noteFreedPages } from './remembered.js';
import type { Xen } from './state.js';
import { List } from './tables/frame.js';

/** Zones of the heap. Each allocates its lowest free frame, so that equal histories of frees give equal states. */
const Zone = { domain: 0, xen: 1 } as const;

function inZone(xen: Xen, zone: number, pdx: number): boolean {
  const own = pdx >= xen.xenHeap.first && pdx < xen.xenHeap.end;
  return own === (zone === Zone.xen);
}

/** Puts the index of the first free frame at or above `from` into the zone's `lowestFree`. */
function findLowestFree(xen: Xen, zone: number, from: number): void {
  const end = zone === Zone.xen ? xen.xenHeap.end : xen.ram.frames;
  let pdx = from;
  while (pdx < end) {
    const countInfo = xen.frame.countInfo.get(pdx);
    if (countInfo === 0 && xen.frame.owner.get(pdx) === 0 && inZone(xen, zone, pdx)) break;
    pdx += countInfo === 0 ? 1 : 2 ** extentOrder(countInfo);
  }
  xen.heap.lowestFree.set(zone, pdx);
}

export function initHeap(xen: Xen): void {
  findLowestFree(xen, Zone.domain, 0);
  findLowestFree(xen, Zone.xen, xen.xenHeap.first);
}

function takeLowestFree(xen: Xen, zone: number): number {
  const pdx = xen.heap.lowestFree.get(zone);
  if (pdx >= (zone === Zone.xen ? xen.xenHeap.end : xen.ram.frames)) return -1;
  return pdx;
}

/** A zeroed frame for Xen itself (page tables, grant frames), or -1 when the Xen heap is empty. */
export function allocXenFrame(xen: Xen): number {
  if (fails(xen, 'alloc')) return -1;
  const pdx = takeLowestFree(xen, Zone.xen);
  if (pdx < 0) return -1;
  xen.frame.countInfo.set(pdx, PGC_ALLOCATED | PGC_XEN_HEAP | 1);
  xen.frame.owner.set(pdx, xen.domXen + 1);
  findLowestFree(xen, Zone.xen, pdx + 1);
  return pdx;
}

/**
 * So many zeroed frames for Xen itself, one after the other, aligned to the next power of two: the index of the first,
 * or -1 when the Xen heap has no such run.
 */
export function allocXenFrames(xen: Xen, count: number): number {
  if (fails(xen, 'alloc')) return -1;
  const step = 2 ** Math.ceil(Math.log2(count));
  const free = (pdx: number) => pdx < xen.xenHeap.end && xen.frame.countInfo.get(pdx) === 0;
  const { first, end } = xen.xenHeap;
  for (let pdx = first + (-xen.ram.frameAt(first) & (step - 1)); pdx + count <= end; pdx += step) {
    let run = 0;
    while (run < count && free(pdx + run)) run++;
    if (run < count) continue;
    for (let i = 0; i < count; i++) {
      xen.frame.countInfo.set(pdx + i, PGC_ALLOCATED | PGC_XEN_HEAP | 1);
      xen.frame.owner.set(pdx + i, xen.domXen + 1);
    }
    findLowestFree(xen, Zone.xen, xen.heap.lowestFree.get(Zone.xen));
    return pdx;
  }
  return -1;
}

/** Index of the free frame that a domain would get, or -1. */
export function lowestFreeFrame(xen: Xen): number {
  return takeLowestFree(xen, Zone.domain);
}

/** The lowest free domain frame, assigned to `slot` with one reference, or -1 when memory is short. */
export function allocDomainFrame(xen: Xen, slot: number): number {
  if (fails(xen, 'alloc')) return -1;
  const pdx = takeLowestFree(xen, Zone.domain);
  if (pdx < 0) return -1;
  takeFrame(xen, pdx, slot);
  return pdx;
}

/**
 * 2^order frames for `slot`, aligned to their number, the lowest that are free: the index of the first, or -1. A
 * translated domain has 2 MiB and 1 GiB as one extent, but where page lists are kept.
 */
export function allocDomainFrames(xen: Xen, slot: number, order: number): number {
  if (order === 0) return allocDomainFrame(xen, slot);
  if (fails(xen, 'alloc')) return -1;
  const pdx = findFreeRun(xen, 2 ** order);
  if (pdx >= 0) takeFrames(xen, pdx, slot, order);
  return pdx;
}

/** Assigns the 2^order free frames from `pdx` on to `slot`. */
export function takeFrames(xen: Xen, pdx: number, slot: number, order: number): void {
  const whole = isExtentOrder(order) && xen.isTranslated(slot) && !keepsLists(xen);
  if (!whole) {
    for (let i = 0; i < 2 ** order; i++) takeFrame(xen, pdx + i, slot);
    return;
  }
  lockPageAlloc(xen, slot);
  if (xen.spec.limits.cpuTlb !== 0) {
    for (let i = 0; i < 2 ** order; i++) flushForNewOwner(xen, pdx + i);
  }
  makeExtent(xen, pdx, slot, order);
  xen.domain.totPages.add(slot, 2 ** order);
  useClaim(xen, slot, 2 ** order);
  if (xen.heap.lowestFree.get(Zone.domain) === pdx) findLowestFree(xen, Zone.domain, pdx);
}

/** The index of the first of `count` free frames of domains' memory that follow each other, aligned to `count`; or -1. */
function findFreeRun(xen: Xen, count: number): number {
  let before = 0;
  for (const { base, count: frames } of xen.ram.ranges) {
    const skip = (count - (base % count)) % count;
    for (let offset = skip; offset + count <= frames; offset += count) {
      if (isFreeRun(xen, before + offset, count)) return before + offset;
    }
    before += frames;
  }
  return -1;
}

/** Whether so many domain frames from `pdx` on are free. */
export function isFreeRun(xen: Xen, pdx: number, count: number): boolean {
  if (pdx < 0 || pdx + count > xen.ram.frames || isTail(xen, pdx)) return false;
  for (let i = 0; i < count; i++) {
    const row = pdx + i;
    if (xen.frame.countInfo.get(row) !== 0 || xen.frame.owner.get(row) !== 0) return false;
    if (!inZone(xen, Zone.domain, row)) return false;
  }
  return xen.ram.frameAt(pdx + count - 1) === xen.ram.frameAt(pdx) + count - 1;
}

/** Taking or freeing a domain's page needs its page-allocation lock, which the late walk holds between its steps. */
function lockPageAlloc(xen: Xen, slot: number): void {
  if (xen.domain.pageAllocLock.get(slot) !== 0) xen.blocked = true;
}

/** Assigns the free domain frame `pdx` to `slot`. */
export function takeFrame(xen: Xen, pdx: number, slot: number): void {
  lockPageAlloc(xen, slot);
  flushForNewOwner(xen, pdx);
  xen.frame.countInfo.set(pdx, PGC_ALLOCATED | 1);
  xen.frame.owner.set(pdx, slot + 1);
  xen.domain.totPages.add(slot, 1);
  useClaim(xen, slot, 1);
  appendToList(xen, slot, pdx, List.pages);
  if (xen.heap.lowestFree.get(Zone.domain) === pdx) findLowestFree(xen, Zone.domain, pdx + 1);
}

/** Whether a frame can be handed out: nobody holds it, and it is none that leaked when its domain gave it back. */
export function isFree(xen: Xen, pdx: number): boolean {
  return xen.frame.countInfo.get(pdx) === 0 && xen.frame.owner.get(pdx) === 0 && !isTail(xen, pdx);
}

/** Whether `pdx` is memory of a domain, not of Xen. */
export function isDomainFrame(xen: Xen, pdx: number): boolean {
  return pdx >= 0 && pdx < xen.ram.frames && inZone(xen, Zone.domain, pdx);
}

/** The domain's slot, or -1 for a free frame's. */
export function ownerOf(xen: Xen, pdx: number): number {
  const owner = xen.frame.owner.get(pdx);
  if (owner !== 0 || xen.host.extents.get(0) === 0) return owner - 1;
  const head = extentOf(xen, pdx);
  return head < 0 ? -1 : xen.frame.owner.get(head) - 1;
}

/** M2P of a translated domain's page: its gfn, or -1. */
export function gfnOf(xen: Xen, pdx: number): number {
  return gfnEntry(xen, pdx) - 1;
}

/** Xenheap pages shared with a guest, such as grant frames: never mapped for a PV domain's devices. */
export function isSpecialPage(xen: Xen, pdx: number): boolean {
  return (xen.frame.countInfo.get(pdx) & PGC_XEN_HEAP) !== 0;
}

/** Whether a page of a domain's memory has one reference, its allocation's. */
export function isHeldByAllocationOnly(xen: Xen, pdx: number): boolean {
  return xen.frame.countInfo.get(pdx) === (PGC_ALLOCATED | 1);
}

/** Takes a general reference for a page of `slot`; false when it is another's or nobody's (dossier §3.2). */
export function getPage(xen: Xen, pdx: number, slot: number): boolean {
  if (pdx < 0) {
    if (xen.profile.invalidFrame === 'looked-at') xen.bug('a page where there is no memory');
    return false;
  }
  if (ownerOf(xen, pdx) !== slot) {
    // Before 4.0 a reference of a page of nobody's was given back that had not been taken (11c121640c).
    if (xen.profile.refusedGetPage === 'drops-one' && ownerOf(xen, pdx) < 0) putPage(xen, pdx);
    // The reference that was taken to look is given back to an owner only (11c121640c).
    const found = (xen.frame.countInfo.get(pdx) & COUNT_MASK) !== 0 && ownerOf(xen, pdx) < 0;
    if (found && xen.profile.stolenPage === 'allocated') xen.frame.countInfo.add(pdx, 1);
    return false;
  }
  ownRow(xen, pdx);
  if ((xen.frame.countInfo.get(pdx) & COUNT_MASK) === 0) return false;
  xen.frame.countInfo.add(pdx, 1);
  return true;
}

/** Drops a general reference. The last one cleans up the page's mappings and frees it (dossier §3.2). */
export function putPage(xen: Xen, pdx: number): void {
  if ((xen.frame.countInfo.get(pdx) & COUNT_MASK) === 0) {
    xen.bug('page count underflow');
    return;
  }
  xen.frame.countInfo.add(pdx, -1);
  if ((xen.frame.countInfo.get(pdx) & COUNT_MASK) !== 0) return;
  const owner = ownerOf(xen, pdx);
  // What Xen shared with a domain stays allocated until the domain vanishes.
  if (!isSpecialPage(xen, pdx) && cleanupPageMappings(xen, pdx)) freePage(xen, pdx);
  vanishIfUnreferenced(xen, owner);
}

/** Drops the allocation's own reference, once. False when it was dropped before. */
export function dropAllocation(xen: Xen, pdx: number): boolean {
  const countInfo = xen.frame.countInfo.get(pdx);
  if ((countInfo & PGC_ALLOCATED) === 0) return false;
  xen.frame.countInfo.set(pdx, countInfo & ~PGC_ALLOCATED);
  putPage(xen, pdx);
  return true;
}

/**
 * The end of steal_page: the page is its owner's no more, and not free either. Up to 4.11.1 it kept its allocation's
 * reference without an owner, which who found it could not give back what it took (3d4868a481, XSA-287).
 */
export function takeFromOwner(xen: Xen, pdx: number): void {
  const slot = ownerOf(xen, pdx);
  lockPageAlloc(xen, slot);
  removeFromList(xen, slot, pdx);
  xen.domain.totPages.add(slot, -1);
  xen.frame.owner.set(pdx, 0);
  if (xen.profile.stolenPage === 'unreferenced') xen.frame.countInfo.set(pdx, PGC_STOLEN);
}

/** A page that was stolen is the domain's again. */
export function giveStolenBack(xen: Xen, pdx: number, slot: number): void {
  lockPageAlloc(xen, slot);
  // Where it kept its reference, so do those who have found it.
  const held = xen.frame.countInfo.get(pdx) & COUNT_MASK;
  xen.frame.countInfo.set(pdx, PGC_ALLOCATED | Math.max(1, held));
  xen.frame.owner.set(pdx, slot + 1);
  xen.domain.totPages.add(slot, 1);
  appendToList(xen, slot, pdx, List.pages);
}

/** A page that was stolen is free, unless somebody has found it meanwhile. */
export function dropStolen(xen: Xen, pdx: number): void {
  const held = xen.frame.countInfo.get(pdx) & COUNT_MASK;
  if (held > 1) {
    xen.frame.countInfo.set(pdx, held - 1);
    return;
  }
  forget(xen, pdx, 1);
}

function freePage(xen: Xen, pdx: number): void {
  const slot = ownerOf(xen, pdx);
  lockPageAlloc(xen, slot);
  if (typeCount(xen.frame.typeInfo.get(pdx)) !== 0) xen.bug('freed with type references');
  removeFromList(xen, slot, pdx);
  const count = 2 ** extentOrder(xen.frame.countInfo.get(pdx));
  noteFreedPages(xen, pdx, count);
  if (count > 1) xen.host.extents.add(0, -1);
  if (xen.frame.inPodCache.get(pdx) !== 0) {
    xen.frame.inPodCache.set(pdx, 0);
    xen.domain.podPages.add(slot, -1);
  }
  xen.domain.totPages.add(slot, -count);
  forget(xen, pdx, count);
}

/** Nothing is known of a free page, and nothing is in it. */
function forget(xen: Xen, pdx: number, count: number): void {
  xen.frame.owner.set(pdx, 0);
  xen.frame.countInfo.set(pdx, 0);
  xen.frame.typeInfo.set(pdx, 0);
  xen.frame.linearPtCount.set(pdx, 0);
  xen.frame.tlbStamp.set(pdx, 0);
  xen.frame.gfn.set(pdx, 0);
  xen.ram.clearFrom(pdx, count);
  if (pdx < xen.heap.lowestFree.get(Zone.domain)) xen.heap.lowestFree.set(Zone.domain, pdx);
}

/** Gives a frame of Xen's heap back, scrubbing it unless it is known to be clear. */
export function freeXenFrame(xen: Xen, pdx: number, isClear = false): void {
  if (xen.frame.countInfo.get(pdx) === 0) xen.bug('a free page is freed');
  if (!isClear) xen.ram.clear(xen.ram.frameAt(pdx));
  xen.frame.owner.set(pdx, 0);
  xen.frame.countInfo.set(pdx, 0);
  xen.frame.typeInfo.set(pdx, 0);
  xen.frame.linearPtCount.set(pdx, 0);
  xen.frame.gfn.set(pdx, 0);
  if (pdx < xen.heap.lowestFree.get(Zone.xen)) xen.heap.lowestFree.set(Zone.xen, pdx);
}

// Page lists. Their order decides only how the late walk (dossier §1.3) proceeds, so they are kept only where
// contexts are built late: elsewhere the order of past allocations would be state that nothing can observe.

function keepsLists(xen: Xen): boolean {
  return xen.profile.iommuContext === 'at-first-assignment';
}

function head(xen: Xen, list: number) {
  return list === List.pages ? xen.domain.listHead : xen.domain.relinquishedHead;
}

function tail(xen: Xen, list: number) {
  return list === List.pages ? xen.domain.listTail : xen.domain.relinquishedTail;
}

export function appendToList(xen: Xen, slot: number, pdx: number, list: number): void {
  if (!keepsLists(xen)) return;
  const last = tail(xen, list).get(slot);
  xen.frame.list.set(pdx, list);
  xen.frame.previous.set(pdx, last);
  xen.frame.next.set(pdx, 0);
  if (last === 0) head(xen, list).set(slot, pdx + 1);
  else xen.frame.next.set(last - 1, pdx + 1);
  tail(xen, list).set(slot, pdx + 1);
}

export function prependToList(xen: Xen, slot: number, pdx: number): void {
  const first = xen.domain.listHead.get(slot);
  xen.frame.list.set(pdx, List.pages);
  xen.frame.previous.set(pdx, 0);
  xen.frame.next.set(pdx, first);
  if (first === 0) xen.domain.listTail.set(slot, pdx + 1);
  else xen.frame.previous.set(first - 1, pdx + 1);
  xen.domain.listHead.set(slot, pdx + 1);
}

export function removeFromList(xen: Xen, slot: number, pdx: number): void {
  const list = xen.frame.list.get(pdx);
  if (list === List.none) return;
  const next = xen.frame.next.get(pdx);
  const previous = xen.frame.previous.get(pdx);
  if (previous === 0) head(xen, list).set(slot, next);
  else xen.frame.next.set(previous - 1, next);
  if (next === 0) tail(xen, list).set(slot, previous);
  else xen.frame.previous.set(next - 1, previous);
  xen.frame.list.set(pdx, List.none);
  xen.frame.next.set(pdx, 0);
  xen.frame.previous.set(pdx, 0);
}

/** Makes the relinquish list the page list again (dossier §1.3 step 8). The page list must be empty. */
export function restorePageList(xen: Xen, slot: number): void {
  const first = xen.domain.relinquishedHead.get(slot);
  for (let at = first; at !== 0; at = xen.frame.next.get(at - 1)) xen.frame.list.set(at - 1, List.pages);
  xen.domain.listHead.set(slot, first);
  xen.domain.listTail.set(slot, xen.domain.relinquishedTail.get(slot));
  xen.domain.relinquishedHead.set(slot, 0);
  xen.domain.relinquishedTail.set(slot, 0);
}
