import { callerOf, domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { Errno } from './errno.js';
import { getPage, putPage } from './frames.js';
import {
  freeStatusFrames,
  isVersion2,
  refuseHeldStatusFrame,
  unhookStatusFrame,
  wantSharedFrame,
  wantStatusFrame,
} from './grant-frames.js';
import {
  becomeVersion1,
  hasVersion1Form,
  readAllReserved,
  refuseVersion,
  setGrantVersion,
} from './grant-version.js';
import { drop, take } from './locks.js';
import { type AddMore, addToPhysmap, type MapSpace, placeFrame } from './physmap.js';
import { beginMoveRange } from './physmap-range.js';
import type { Xen } from './state.js';

/**
 * How frames of grant tables get into a p2m, and how status frames are freed, in steps: what runs on another CPU can come in
 * between where no lock forbids it (dossier §5.6; XSA-379, XSA-384, XSA-486).
 *
 * In a row of `call`: `domain` whose table and p2m, `page` the frame, `gfn` where it is wanted, `count` the place that it
 * leaves + 1; or the number of the status frame that is looked at.
 */

/** XENMEM_add_to_physmap: of a frame of the grant table up to where it is found; a range page by page; of anything else all. */
export function beginAddToPhysmap(
  xen: Xen,
  call: number,
  slot: number,
  space: MapSpace,
  index: number,
  gfn: number,
  more: AddMore,
): number {
  if (space === 'gmfn_range' && xen.exists(slot) && xen.isTranslated(slot))
    return beginMoveRange(xen, call, slot, index, gfn, more.size ?? 1);
  const ofTable = space === 'grant_table' || space === 'grant_status';
  if (!ofTable || !xen.exists(slot) || !xen.isTranslated(slot))
    return addToPhysmap(xen, slot, space, index, gfn, more);
  const pdx = (space === 'grant_table' ? wantSharedFrame : wantStatusFrame)(xen, slot, index);
  if (pdx < 0) return pdx;
  if (holdsFrameToAdd(xen) && !getPage(xen, pdx, slot)) return -Errno.EBUSY;
  if (xen.profile.statusFrameAdded === 'locked') take(xen.domain.grantLock, slot, call);
  xen.call.domain.set(call, slot + 1);
  xen.call.page.set(call, pdx + 1);
  xen.call.gfn.set(call, gfn);
  xen.call.count.set(call, xen.frame.gfn.get(pdx));
  return goOn(xen, call, Step.physmap_place);
}

/** Whether a reference keeps the frame until it is in the p2m. */
export const holdsFrameToAdd = (xen: Xen): boolean =>
  xen.profile.statusFrameAdded !== 'looked-up' && xen.profile.statusFrameReference === 'held';

function place(xen: Xen, call: number): number {
  const [slot, pdx, gfn] = [domainOf(xen, call), pageOf(xen, call), xen.call.gfn.get(call)];
  const { statusFrameAdded, statusFramePlace } = xen.profile;
  const before = statusFrameAdded === 'looked-up' || statusFramePlace === 'before';
  const lookedUp = before ? xen.call.count.get(call) - 1 : undefined;
  const status = placeFrame(xen, slot, pdx, gfn, lookedUp);
  if (holdsFrameToAdd(xen)) putPage(xen, pdx);
  drop(xen.domain.grantLock, slot, call);
  return status;
}

/** GNTTABOP_set_version: back to version 1 up to where the first status frame has left the p2m; all of any other change. */
export function beginSetGrantVersion(xen: Xen, call: number, version: number): number {
  const slot = callerOf(xen, call);
  if (version !== 1 || !isVersion2(xen, slot)) return setGrantVersion(xen, slot, version);
  const refused = refuseVersion(xen, slot, version);
  if (refused !== 0) return refused;
  if (!hasVersion1Form(xen, slot)) return -Errno.ERANGE;
  take(xen.domain.grantLock, slot, call);
  xen.call.domain.set(call, slot + 1);
  unhookStatusFrame(xen, slot, 0);
  return goOn(xen, call, Step.version_held);
}

/** The frame at hand must be held by nobody now; the next one leaves the p2m, or all are freed. */
function lookAtHolders(xen: Xen, call: number): number {
  const [slot, n] = [domainOf(xen, call), xen.call.count.get(call)];
  const status = refuseHeldStatusFrame(xen, slot, n);
  if (status === 0 && n + 1 < xen.domain.statusFrames.get(slot)) {
    xen.call.count.set(call, n + 1);
    unhookStatusFrame(xen, slot, n + 1);
    return Step.version_held;
  }
  if (status === 0) {
    const kept = readAllReserved(xen, slot);
    freeStatusFrames(xen, slot);
    becomeVersion1(xen, slot, kept);
  }
  drop(xen.domain.grantLock, slot, call);
  return status;
}

/** The steps of adding a frame, and those of going back to version 1. */
export const ADD_GRANT_FRAME = { physmap_place: place } as const;
export const SET_GRANT_VERSION = { version_held: lookAtHolders } as const;
