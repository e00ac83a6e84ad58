import { PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { Errno } from './errno.js';
import { setGfns } from './extents.js';
import { allocXenFrame, getPage, isSpecialPage, ownerOf, putPage } from './frames.js';
import { wantSharedFrame, wantStatusFrame } from './grant-frames.js';
import { take } from './locks.js';
import { decreaseReservation } from './memory.js';
import { holdsGfn, p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { isRamType, P2mType } from './p2m-types.js';
import { ofType } from './page-info.js';
import { moveRange } from './physmap-range.js';
import { setOverPod } from './pod.js';
import type { Xen } from './state.js';

/** What add_to_physmap can add (XENMAPSPACE_*). */
export const MAP_SPACES = [
  'shared_info',
  'grant_table',
  'grant_status',
  'gmfn',
  'gmfn_range',
  'gmfn_foreign',
  'dev_mmio',
] as const;
export type MapSpace = (typeof MAP_SPACES)[number];

/** What the spaces besides one frame of the domain's own need. */
export interface AddMore {
  /** gmfn_range: pages from `index` on. */
  readonly size?: number;
  /** gmfn_foreign: whose page at gfn `index` it is. */
  readonly of?: number;
}

/**
 * XENMEM_add_to_physmap and, for foreign pages and device memory, its _batch of one: -ESRCH no such domain; -EACCES it is
 * not translated; else what {@link addToPhysmapOne} says, {@link moveRange}, {@link addForeign} or {@link addDeviceMemory}.
 */
export function addToPhysmap(
  xen: Xen,
  slot: number,
  space: MapSpace,
  index: number,
  gfn: number,
  { size = 1, of = -1 }: AddMore = {},
): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (!xen.isTranslated(slot)) return -Errno.EACCES;
  switch (space) {
    case 'gmfn_range':
      return moveRange(xen, slot, index, gfn, size);
    case 'gmfn_foreign':
      return addForeign(xen, slot, index, gfn, of);
    case 'dev_mmio':
      return addDeviceMemory(xen, slot, index, gfn);
    default:
      return addToPhysmapOne(xen, slot, space, index, gfn);
  }
}

/**
 * XENMAPSPACE_gmfn_foreign: the page at gfn `index` of the domain `of` appears at `gfn`. x86 has it for a translated
 * hardware domain alone, since nobody else's references are given back at death: -EPERM. Arm: -ESRCH no such domain;
 * -EINVAL one's own, or no memory of its. The entry holds a reference of the page's.
 */
function addForeign(xen: Xen, slot: number, index: number, gfn: number, of: number): number {
  if (xen.spec.arch === 'x86') return -Errno.EPERM;
  if (!xen.exists(of)) return -Errno.ESRCH;
  if (of === slot) return -Errno.EINVAL;
  const type = p2mType(xen, of, index);
  const pdx = isRamType(type) ? xen.ram.indexOf(p2mLookup(xen, of, index)) : -1;
  if (pdx < 0 || !getPage(xen, pdx, of)) return -Errno.EINVAL;
  const foreign = type === P2mType.ramRw ? P2mType.foreignRw : P2mType.foreignRo;
  const status = setArm(xen, slot, gfn, xen.ram.frameAt(pdx), foreign);
  if (status !== 0 || xen.profile.foreignReference === 'none') putPage(xen, pdx);
  return status;
}

/**
 * XENMAPSPACE_dev_mmio: device memory at frame `index` appears at `gfn` of the hardware domain, on Arm. -EACCES for any
 * other; -EINVAL on x86, which has no such space. What it has no right to, all RAM, is passed over in silence
 * (map_dev_mmio_page).
 */
function addDeviceMemory(xen: Xen, slot: number, index: number, gfn: number): number {
  if (!xen.isHardwareDomain(slot)) return -Errno.EACCES;
  if (xen.spec.arch === 'x86') return -Errno.EINVAL;
  if (xen.ram.indexOf(index) >= 0) return 0;
  return setArm(xen, slot, gfn, index, P2mType.mmioDirectC);
}

/**
 * XENMEM_add_to_physmap of one frame: a frame that Xen shares with a translated domain appears at `gfn`, or the page at gfn `index`
 * moves there. Its devices reach it there, too (dossier §4.3). -ESRCH no such domain; -EACCES it is not translated; -EINVAL
 * no such frame; -EPERM a device's registers are there; -ENXIO another's page is there; -ENOMEM.
 */
export function addToPhysmapOne(xen: Xen, slot: number, space: MapSpace, index: number, gfn: number): number {
  const arm = xen.spec.arch === 'arm';
  if (arm && space === 'gmfn') return -Errno.ENOSYS;
  if (space === 'gmfn' && !isMovable(xen, slot, index)) return -Errno.EACCES;
  const pdx = frameToAdd(xen, slot, space, index);
  if (pdx < 0) return pdx;
  const held = space !== 'shared_info';
  if (held && !getPage(xen, pdx, slot)) return space === 'gmfn' ? -Errno.EINVAL : -Errno.EBUSY;
  const stays = p2mLookup(xen, slot, gfn) === xen.ram.frameAt(pdx);
  const status = placeFrame(xen, slot, pdx, gfn);
  if (stays && p2mLookup(xen, slot, gfn) !== xen.ram.frameAt(pdx))
    xen.misdeed('a frame that was to be where it is has gone from there');
  if (held) putPage(xen, pdx);
  return status;
}

/** Puts a frame that the caller holds at `gfn`; `from` is the place it leaves, where that was looked up before. */
export function placeFrame(xen: Xen, slot: number, pdx: number, gfn: number, from = WHERE_IT_IS): number {
  return xen.spec.arch === 'arm' ? addOnce(xen, slot, pdx, gfn) : moveTo(xen, slot, pdx, gfn, from);
}

/** An entry of an Arm p2m. A page of the domain's that was there is nowhere then, and stays the domain's. */
function setArm(xen: Xen, slot: number, gfn: number, frame: number, type: number): number {
  const before = xen.ram.indexOf(p2mLookup(xen, slot, gfn));
  const status = p2mSet(xen, slot, gfn, frame, type);
  const replaced = before >= 0 && xen.ram.frameAt(before) !== frame && p2mLookup(xen, slot, gfn) === frame;
  if (replaced && ownerOf(xen, before) === slot) setGfns(xen, before, -1);
  return status;
}

/** What arrives is memory for reading and writing. Since 4.22 nothing else may leave (c9491ea21a43). */
function isMovable(xen: Xen, slot: number, gfn: number): boolean {
  if (xen.profile.movedPageType === 'any') return true;
  const type = p2mType(xen, slot, gfn);
  return type === P2mType.ramRw || type === P2mType.logDirty;
}

/** The index of the frame, or -EINVAL. */
function frameToAdd(xen: Xen, slot: number, space: MapSpace, index: number): number {
  if (space === 'gmfn') {
    const frame = p2mLookup(xen, slot, index);
    return frame < 0 || xen.ram.indexOf(frame) < 0 ? -Errno.EINVAL : xen.ram.indexOf(frame);
  }
  if (space === 'grant_table') return wantGrantFrame(xen, slot, wantSharedFrame(xen, slot, index));
  if (space === 'grant_status') return wantGrantFrame(xen, slot, wantStatusFrame(xen, slot, index));
  return index === 0 ? sharedInfo(xen, slot) : -Errno.EINVAL;
}

/** A frame of the grant table, under the table's lock; Arm returned with it where there is no such frame (XSA-235). */
function wantGrantFrame(xen: Xen, slot: number, pdx: number): number {
  const kept = pdx < 0 && xen.spec.arch === 'arm' && xen.profile.armNoGrantFrame === 'keeps-lock';
  if (kept && !xen.blocked) take(xen.domain.grantLock, slot, slot * xen.spec.limits.calls);
  return pdx;
}

/**
 * The domain's shared_info page. Xen makes it with the domain; here it is made when it is first wanted, as before that
 * nobody can tell.
 */
function sharedInfo(xen: Xen, slot: number): number {
  const made = xen.domain.sharedInfo.get(slot) - 1;
  if (made >= 0) return made;
  const pdx = allocXenFrame(xen);
  if (pdx < 0) return -Errno.ENOMEM;
  xen.frame.owner.set(pdx, slot + 1);
  xen.frame.typeInfo.set(pdx, ofType(PGT.writable) | PGT_VALIDATED | 1);
  xen.domain.sharedInfo.set(slot, pdx + 1);
  return pdx;
}

/** The place that a frame leaves, where nobody has looked it up before. */
const WHERE_IT_IS = -2;

/** x86: what was at `gfn` goes, the frame leaves its old place, and stands at `gfn`. */
function moveTo(xen: Xen, slot: number, pdx: number, gfn: number, from = WHERE_IT_IS): number {
  if (!holdsGfn(xen, slot, gfn)) return -Errno.EINVAL;
  const frame = xen.ram.frameAt(pdx);
  const isThere = p2mLookup(xen, slot, gfn) === frame;
  if (isThere && isSpecialPage(xen, pdx) && xen.profile.sharedFrameInPlace === 'removed-twice') {
    clear(xen, slot, gfn);
    return -Errno.EINVAL;
  }
  const status = isThere ? 0 : clear(xen, slot, gfn);
  if (status !== 0) return status;
  const old = from === WHERE_IT_IS ? xen.frame.gfn.get(pdx) - 1 : from;
  if (old >= 0 && old !== gfn) {
    p2mRemove(xen, slot, old);
    xen.frame.gfn.set(pdx, 0);
  }
  const added = setOverPod(xen, slot, gfn, frame, P2mType.ramRw);
  if (added === 0) xen.frame.gfn.set(pdx, gfn + 1);
  return added;
}

/** Makes room at a gfn: a frame that Xen shares is unhooked, a page of the domain's is given back. */
function clear(xen: Xen, slot: number, gfn: number): number {
  const there = p2mLookup(xen, slot, gfn);
  const guarded = xen.spec.arch === 'arm' || xen.profile.typedEntryGuard === 'special';
  if (guarded && p2mType(xen, slot, gfn) === P2mType.mmioDirect) return -Errno.EPERM;
  const pdx = there < 0 ? -1 : xen.ram.indexOf(there);
  if (pdx < 0) return 0;
  if (ownerOf(xen, pdx) !== slot) return -Errno.ENXIO;
  if (!isSpecialPage(xen, pdx)) return removePage(xen, slot, gfn);
  p2mRemove(xen, slot, gfn);
  xen.frame.gfn.set(pdx, 0);
  return 0;
}

/**
 * guest_remove_page. A page that may be free afterwards must be flushed at once, also in a batch that flushes at its end:
 * up to XSA-346 (dea460d86957) it was not.
 */
function removePage(xen: Xen, slot: number, gfn: number): number {
  const suspended = xen.dontFlushIotlb;
  const { batchedMoves, displacedPageFlush } = xen.profile;
  if (batchedMoves === 'referenced' && displacedPageFlush === 'at-once') xen.dontFlushIotlb = false;
  const status = decreaseReservation(xen, slot, -1, gfn);
  xen.dontFlushIotlb = suspended;
  return status;
}

/**
 * Arm: what was at the gfn is replaced. Since 4.17 a frame that Xen shares stands at one gfn at a time; before, nobody
 * knows at how many it does (71320946d5).
 */
function addOnce(xen: Xen, slot: number, pdx: number, gfn: number): number {
  const known = xen.profile.armSharedFramePlaces === 'one';
  if (known && xen.frame.gfn.get(pdx) !== 0) return -Errno.EBUSY;
  const status = setArm(xen, slot, gfn, xen.ram.frameAt(pdx), P2mType.ramRw);
  if (known && status === 0) xen.frame.gfn.set(pdx, gfn + 1);
  return status;
}
