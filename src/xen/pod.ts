import { Errno } from './errno.js';
import { podRefusal } from './exclusions.js';
import { setGfns } from './extents.js';
import { allocDomainFrame, dropAllocation, isSpecialPage } from './frames.js';
import { p2mLookup, p2mOrder, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { isRamType, P2mType } from './p2m-types.js';
import { haveWorked } from './preemption.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/**
 * Populate on demand: guest frames of an HVM domain that get a page when a CPU comes there, from a cache of pages that the
 * domain owns and that are in no guest frame. So a guest can start with more guest frames than pages, and give back those
 * that it does not need before it runs out. Xen counts the guest frames that wait (`podEntries`) and the pages of the cache.
 */

/** MAX_ORDER: extents of more are refused (8f5a6d979042, XSA-31). */
const MOST = 20;

/** The guest frames from `gfn` on, in pieces that are aligned to their size (182c737b9ba5, XSA-388). */
function eachPiece(
  xen: Xen,
  gfn: number,
  order: number,
  piece: (gfn: number, order: number) => number,
): number {
  if (xen.profile.podPieces === 'as-asked') return piece(gfn, order);
  let all = 0;
  let size = order;
  while (size > 0 && gfn % 2 ** size !== 0) size--;
  for (let done = 0; done < 2 ** order; done += 2 ** size) {
    const status = piece(gfn + done, size);
    if (status < 0) return status;
    all += status;
  }
  return all;
}

/** How many guest frames are alike from `gfn` on, as Xen takes it: an entry's size, wherever in it `gfn` is. */
const alike = (xen: Xen, slot: number, gfn: number, order: number): number =>
  2 ** Math.min(order, p2mOrder(xen, slot, gfn));

/**
 * guest_physmap_mark_populate_on_demand of 2^order guest frames: -EINVAL for what is not HVM; -ENOTEMPTY with devices, since
 * 4.17; -EBUSY where something is. An extent beyond the heap's largest is refused before.
 */
export function markPopulateOnDemand(xen: Xen, slot: number, gfn: number, order: number): number {
  if (order > MOST && xen.profile.podOrderLimit === 'heap') return -Errno.EBUSY;
  if (xen.domain.kind.get(slot) !== Kind.hvm) return -Errno.EINVAL;
  const refused = podRefusal(xen, slot);
  if (refused !== 0) return refused;
  return eachPiece(xen, gfn, order, (at, size) => markPiece(xen, slot, at, size));
}

function markPiece(xen: Xen, slot: number, gfn: number, order: number): number {
  let replaced = 0;
  for (let i = 0, n = 0; i < 2 ** order; i += n) {
    n = alike(xen, slot, gfn + i, order);
    const type = p2mType(xen, slot, gfn + i);
    if (type === P2mType.populateOnDemand) replaced += n;
    else if (type !== P2mType.invalid) {
      if (xen.profile.podMarkError === 'keeps-lock') xen.domain.p2mLock.set(slot, 1);
      return -Errno.EBUSY;
    }
  }
  for (let done = MOST; done < order; done++) haveWorked(xen);
  const status = p2mSet(xen, slot, gfn, 0, P2mType.populateOnDemand, order);
  if (status !== 0) {
    if (order > 0) xen.domain.crashed.set(slot, 1);
    return status;
  }
  xen.domain.podUsed.set(slot, 1);
  xen.domain.podEntries.add(slot, 2 ** order - replaced);
  return 0;
}

/**
 * XENMEM_set_pod_target: the cache is filled or emptied until the domain has `pages` in all, but never holds more than guest
 * frames wait for. -ESRCH; -EINVAL for a domain that is not HVM or dying; -ENOMEM.
 */
export function setPodTarget(xen: Xen, slot: number, pages: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (xen.domain.kind.get(slot) !== Kind.hvm || xen.isDying(slot)) return -Errno.EINVAL;
  const populated = xen.domain.totPages.get(slot) - xen.domain.podPages.get(slot);
  const wanted = Math.max(0, Math.min(pages - populated, xen.domain.podEntries.get(slot)));
  while (xen.domain.podPages.get(slot) < wanted) {
    if (xen.domain.totPages.get(slot) >= xen.domain.maxPages.get(slot)) return -Errno.ENOMEM;
    const pdx = allocDomainFrame(xen, slot);
    if (pdx < 0) return -Errno.ENOMEM;
    addToCache(xen, slot, pdx);
  }
  shrinkCache(xen, slot, wanted);
  return 0;
}

function addToCache(xen: Xen, slot: number, pdx: number): void {
  xen.frame.inPodCache.set(pdx, 1);
  xen.domain.podPages.add(slot, 1);
}

/** A page of the cache leaves it: the lowest. -1 when there is none. */
function takeFromCache(xen: Xen, slot: number): number {
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) {
    if (xen.frame.inPodCache.get(pdx) === 0 || xen.frame.owner.get(pdx) !== slot + 1) continue;
    xen.frame.inPodCache.set(pdx, 0);
    xen.domain.podPages.add(slot, -1);
    return pdx;
  }
  return -1;
}

function shrinkCache(xen: Xen, slot: number, wanted: number): void {
  while (xen.domain.podPages.get(slot) > wanted) {
    const pdx = takeFromCache(xen, slot);
    if (pdx < 0) return;
    dropAllocation(xen, pdx);
  }
}

/**
 * p2m_pod_demand_populate: a CPU of the guest's comes to a guest frame. True when something is there afterwards; a domain for
 * which the cache has no page left is crashed, and one for which a large entry cannot be split.
 */
export function populateOnAccess(xen: Xen, slot: number, gfn: number): boolean {
  const type = p2mType(xen, slot, gfn);
  if (type !== P2mType.populateOnDemand) return p2mLookup(xen, slot, gfn) >= 0;
  const pdx = takeFromCache(xen, slot);
  const status = pdx < 0 ? -Errno.ENOMEM : p2mSet(xen, slot, gfn, xen.ram.frameAt(pdx), P2mType.ramRw);
  if (status !== 0) {
    if (pdx >= 0) addToCache(xen, slot, pdx);
    xen.domain.crashed.set(slot, 1);
    return false;
  }
  setGfns(xen, pdx, gfn);
  xen.domain.podEntries.add(slot, -1);
  return true;
}

/**
 * p2m_pod_decrease_reservation: what populate-on-demand has to do with 2^order guest frames that are given back. Those that
 * wait no longer do; pages go into the cache while it has less than wait. How many it dealt with.
 */
export function podDecrease(xen: Xen, slot: number, gfn: number, order: number): number {
  if (xen.domain.podEntries.get(slot) === 0 || xen.isDying(slot)) return 0;
  return eachPiece(xen, gfn, order, (at, size) => decreasePiece(xen, slot, at, size));
}

const steals = (xen: Xen, slot: number): boolean =>
  xen.domain.podEntries.get(slot) > xen.domain.podPages.get(slot);

function decreasePiece(xen: Xen, slot: number, gfn: number, order: number): number {
  if (xen.domain.podEntries.get(slot) === 0) return 0;
  let waiting = 0;
  for (let i = 0, n = 0; i < 2 ** order; i += n) {
    n = alike(xen, slot, gfn + i, order);
    if (p2mType(xen, slot, gfn + i) === P2mType.populateOnDemand) waiting += n;
  }
  let done = 0;
  if (waiting === 2 ** order) {
    if (p2mRemove(xen, slot, gfn, order) !== 0) {
      if (order > 0) xen.domain.crashed.set(slot, 1);
      return 0;
    }
    done = waiting;
    lessWaiting(xen, slot, waiting);
  } else done = decreaseMixed(xen, slot, gfn, order);
  shrinkCache(xen, slot, Math.min(xen.domain.podPages.get(slot), xen.domain.podEntries.get(slot)));
  return done;
}

function lessWaiting(xen: Xen, slot: number, count: number): void {
  if (xen.domain.podEntries.get(slot) < count) xen.bug('fewer guest frames wait for a page than none');
  else xen.domain.podEntries.add(slot, -count);
}

function decreaseMixed(xen: Xen, slot: number, gfn: number, order: number): number {
  let done = 0;
  for (let i = 0, n = 0; i < 2 ** order; i += n) {
    const size = Math.min(order, p2mOrder(xen, slot, gfn + i));
    n = 2 ** size;
    const type = p2mType(xen, slot, gfn + i);
    if (type === P2mType.populateOnDemand) {
      if (p2mRemove(xen, slot, gfn + i, size) !== 0) return done;
      lessWaiting(xen, slot, n);
      done += n;
    } else if (isRamType(type) && steals(xen, slot)) done += steal(xen, slot, gfn + i, size);
  }
  return done;
}

/** How many of 2^order guest frames wait for a page. */
function waiting(xen: Xen, slot: number, gfn: number, order: number): number {
  let count = 0;
  for (let i = 0, n = 0; i < 2 ** order; i += n) {
    const span = 2 ** p2mOrder(xen, slot, gfn + i);
    n = Math.min(2 ** order - i, span - ((gfn + i) % span));
    if (p2mType(xen, slot, gfn + i) === P2mType.populateOnDemand) count += n;
  }
  return count;
}

/** {@link p2mSet} of something else than populate-on-demand: guest frames that waited for a page do no longer. */
export function setOverPod(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  type: number,
  order = 0,
): number {
  if (xen.domain.podEntries.get(slot) === 0) return p2mSet(xen, slot, gfn, frame, type, order);
  const before = waiting(xen, slot, gfn, order);
  const status = p2mSet(xen, slot, gfn, frame, type, order);
  lessWaiting(xen, slot, before - waiting(xen, slot, gfn, order));
  return status;
}

/** Pages go into the cache: not those that Xen shares, which stay in use (372497ce42bd, XSA-507). */
function steal(xen: Xen, slot: number, gfn: number, order: number): number {
  const pdx = xen.ram.indexOf(p2mLookup(xen, slot, gfn));
  if (pdx < 0 || (isSpecialPage(xen, pdx) && xen.profile.podReclaim === 'ordinary')) return 0;
  if (p2mRemove(xen, slot, gfn, order) !== 0) return 0;
  setGfns(xen, pdx, -1, order);
  for (let i = 0; i < 2 ** order; i++) addToCache(xen, slot, pdx + i);
  return 2 ** order;
}
