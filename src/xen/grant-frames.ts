import { GRANT_V1_BYTES } from '../formats/grant-v1.js';
import { GRANT_STATUS_BYTES, GRANT_V2_BYTES } from '../formats/grant-v2.js';
import { PGC_ALLOCATED, PGC_XEN_HEAP, PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { Errno } from './errno.js';
import { rollbackAfterFailure } from './failures.js';
import { allocXenFrame, freeXenFrame } from './frames.js';
import { GNTST } from './grant-status.js';
import { mustWait } from './locks.js';
import { p2mRemove } from './p2m.js';
import { ofType } from './page-info.js';
import type { Xen } from './state.js';
import { List } from './tables/frame.js';

/**
 * The frames of a grant table: shared frames that hold the entries, and for version 2 status frames that hold their use
 * flags. All are pages of Xen's heap, typed writable directly: a PV domain's devices never reach them (dossier §5.6, I16).
 */

const PAGE = 4096;
const V1_PER_FRAME = PAGE / GRANT_V1_BYTES;
const V2_PER_FRAME = PAGE / GRANT_V2_BYTES;
const STATUSES_PER_FRAME = PAGE / GRANT_STATUS_BYTES;

export function isVersion2(xen: Xen, slot: number): boolean {
  return xen.domain.grantVersion.get(slot) === 1;
}

export function grantFrameCount(xen: Xen, slot: number): number {
  return xen.domain.grantFrame.get(slot) === 0 ? 0 : 1 + xen.domain.moreGrantFrames.get(slot);
}

/** nr_grant_entries: references that the table has room for, by its frames and its version, and by the model's limit. */
export function grantEntryCount(xen: Xen, slot: number): number {
  const perFrame = isVersion2(xen, slot) ? V2_PER_FRAME : V1_PER_FRAME;
  return Math.min(xen.spec.limits.grants, grantFrameCount(xen, slot) * perFrame);
}

/** Index of the `n`-th shared frame, or -1. */
export function sharedFrame(xen: Xen, slot: number, n: number): number {
  if (n < 0 || n >= grantFrameCount(xen, slot)) return -1;
  if (n === 0) return xen.domain.grantFrame.get(slot) - 1;
  return xen.grantFrame.shared.get(slot * xen.spec.limits.grantFrames + n) - 1;
}

/** Index of the `n`-th status frame, or -1. */
export function statusFrame(xen: Xen, slot: number, n: number): number {
  if (n < 0 || n >= xen.domain.statusFrames.get(slot)) return -1;
  return xen.grantFrame.status.get(slot * xen.spec.limits.grantFrames + n) - 1;
}

/** Physical address of a shared entry. The reference must be below {@link grantEntryCount}. */
export function entryAddress(xen: Xen, slot: number, ref: number): number {
  if (isVersion2(xen, slot)) return addressInFrames(xen, slot, ref, V2_PER_FRAME, GRANT_V2_BYTES);
  if (ref >= V1_PER_FRAME) return addressInFrames(xen, slot, ref, V1_PER_FRAME, GRANT_V1_BYTES);
  return xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1) * PAGE + ref * GRANT_V1_BYTES;
}

function addressInFrames(xen: Xen, slot: number, ref: number, perFrame: number, bytes: number): number {
  const pdx = sharedFrame(xen, slot, Math.floor(ref / perFrame));
  return xen.ram.frameAt(pdx) * PAGE + (ref % perFrame) * bytes;
}

/** Physical address of the word that holds the status of a version 2 entry: an odd reference's in its upper half. */
export function statusAddress(xen: Xen, slot: number, ref: number): number {
  const frame = xen.ram.frameAt(statusFrame(xen, slot, Math.floor(ref / STATUSES_PER_FRAME)));
  return frame * PAGE + ((ref % STATUSES_PER_FRAME) >>> 1) * 4;
}

/** share_xen_page_with_guest: the frame is the domain's, with the allocation's reference and a writable type of its own. */
function shareFrame(xen: Xen, slot: number): number {
  const pdx = allocXenFrame(xen);
  if (pdx < 0) return -1;
  if (xen.frame.list.get(pdx) === List.xen) xen.bug('a page on a list twice');
  xen.frame.owner.set(pdx, slot + 1);
  xen.frame.typeInfo.set(pdx, ofType(PGT.writable) | PGT_VALIDATED | 1);
  return pdx;
}

/** A grant table of one shared frame, of version 1. False when memory is short. */
export function initGrantTable(xen: Xen, slot: number): boolean {
  const pdx = shareFrame(xen, slot);
  if (pdx < 0) return false;
  xen.domain.grantFrame.set(slot, pdx + 1);
  return true;
}

const statusFramesFor = (frames: number): number => Math.ceil((frames * V2_PER_FRAME) / STATUSES_PER_FRAME);
const framesForStatus = (statusFrames: number): number =>
  Math.ceil((statusFrames * STATUSES_PER_FRAME) / V2_PER_FRAME);

/** gnttab_grow_table, up to `frames` shared frames. -ENOMEM, and the table is as before. */
function growTable(xen: Xen, slot: number, frames: number): number {
  const before = xen.store.mark();
  const row = slot * xen.spec.limits.grantFrames;
  for (let n = grantFrameCount(xen, slot); n < frames; n++) {
    const pdx = shareFrame(xen, slot);
    if (pdx < 0) return undo(xen, before);
    xen.grantFrame.shared.set(row + n, pdx + 1);
    xen.domain.moreGrantFrames.add(slot, 1);
  }
  if (isVersion2(xen, slot) && populateStatusFrames(xen, slot) !== 0) return undo(xen, before);
  return 0;
}

function undo(xen: Xen, before: number): number {
  rollbackAfterFailure(xen, before);
  return -Errno.ENOMEM;
}

/** Status frames for all shared frames that there are. -ENOMEM, and there are as many as before. */
export function populateStatusFrames(xen: Xen, slot: number): number {
  const before = xen.store.mark();
  const row = slot * xen.spec.limits.grantFrames;
  const wanted = statusFramesFor(grantFrameCount(xen, slot));
  for (let n = xen.domain.statusFrames.get(slot); n < wanted; n++) {
    const pdx = shareFrame(xen, slot);
    if (pdx < 0) return undo(xen, before);
    xen.grantFrame.status.set(row + n, pdx + 1);
    xen.domain.statusFrames.add(slot, 1);
  }
  return 0;
}

/**
 * gnttab_unpopulate_status_frames, for the way back to version 1. -EBUSY while anybody holds one; a translated domain is
 * crashed then, since its p2m has lost them already.
 */
export function unpopulateStatusFrames(xen: Xen, slot: number): number {
  const refused = xen.profile.statusFramesAtVersion1 === 'kept' ? unhookStatusFrames(xen, slot) : 0;
  if (refused !== 0) return refused;
  freeStatusFrames(xen, slot);
  return 0;
}

/** Frees the status frames. With references left it is a BUG. */
export function freeStatusFrames(xen: Xen, slot: number): void {
  const row = slot * xen.spec.limits.grantFrames;
  const count = xen.domain.statusFrames.get(slot);
  for (let n = 0; n < count; n++) {
    const pdx = statusFrame(xen, slot, n);
    if (xen.frame.countInfo.get(pdx) !== HELD_BY_XEN_ONLY) xen.bug('a shared frame freed with references');
    freeXenFrame(xen, pdx);
    if (xen.profile.freedStatusFrame === 'stays-listed') xen.frame.list.set(pdx, List.xen);
    xen.grantFrame.status.set(row + n, 0);
  }
  xen.domain.statusFrames.set(slot, 0);
}

/** What nobody but Xen holds of the frames that it shares. */
const HELD_BY_XEN_ONLY = PGC_ALLOCATED | PGC_XEN_HEAP | 1;

/** Takes the status frames out of the p2m, one after the other, if nobody holds them. */
function unhookStatusFrames(xen: Xen, slot: number): number {
  const count = xen.domain.statusFrames.get(slot);
  for (let n = 0; n < count; n++) {
    unhookStatusFrame(xen, slot, n);
    const status = refuseHeldStatusFrame(xen, slot, n);
    if (status !== 0) return status;
  }
  return 0;
}

/** Takes the `n`-th status frame out of a translated domain's p2m, if it is there. */
export function unhookStatusFrame(xen: Xen, slot: number, n: number): void {
  const pdx = statusFrame(xen, slot, n);
  const gfn = xen.frame.gfn.get(pdx) - 1;
  if (!xen.isTranslated(slot) || gfn < 0) return;
  p2mRemove(xen, slot, gfn);
  xen.frame.gfn.set(pdx, 0);
}

/** -EBUSY while somebody holds the `n`-th status frame: then a translated domain is crashed, as its p2m has lost it. */
export function refuseHeldStatusFrame(xen: Xen, slot: number, n: number): number {
  if (xen.frame.countInfo.get(statusFrame(xen, slot, n)) === HELD_BY_XEN_ONLY) return 0;
  if (xen.isTranslated(slot)) xen.domain.crashed.set(slot, 1);
  return -Errno.EBUSY;
}

/**
 * Whom the caller may ask about: itself, and anybody if it is dom0 (XSM_TARGET of Xen's own policy). 0, or what to answer.
 */
export function mayAskAbout(xen: Xen, caller: number, slot: number): number {
  if (!xen.exists(slot)) return GNTST.bad_domain;
  return caller === slot || xen.isHardwareDomain(caller) ? 0 : GNTST.permission_denied;
}

/**
 * GNTTABOP_setup_table: makes sure the table has `frames` shared frames, and tells where they are. bad_domain,
 * permission_denied; general_error beyond the domain's limit, or without memory.
 */
export function setupTable(xen: Xen, caller: number, slot: number, frames: number): number {
  const refused = mayAskAbout(xen, caller, slot);
  if (refused !== 0) return refused;
  if (mustWait(xen, xen.domain.grantLock, slot)) return GNTST.general_error;
  if (frames > xen.spec.limits.grantFrames) return GNTST.general_error;
  const lacksStatus = isVersion2(xen, slot) && statusFramesFor(frames) > xen.domain.statusFrames.get(slot);
  const grow = frames > grantFrameCount(xen, slot) || lacksStatus;
  return grow && growTable(xen, slot, frames) !== 0 ? GNTST.general_error : GNTST.okay;
}

/** GNTTABOP_get_status_frames: general_error when more are asked for than there are, as in version 1. */
export function getStatusFrames(xen: Xen, caller: number, slot: number, frames: number): number {
  const refused = mayAskAbout(xen, caller, slot);
  if (refused !== 0) return refused;
  return frames > xen.domain.statusFrames.get(slot) ? GNTST.general_error : GNTST.okay;
}

/**
 * gnttab_get_shared_frame_mfn, for add_to_physmap and acquire_resource: a frame that is not there yet is made, with all
 * before it. Its index, or -EINVAL.
 */
export function wantSharedFrame(xen: Xen, slot: number, n: number): number {
  if (mustWait(xen, xen.domain.grantLock, slot)) return -Errno.EINVAL;
  if (n >= grantFrameCount(xen, slot) && n < xen.spec.limits.grantFrames) growTable(xen, slot, n + 1);
  const pdx = sharedFrame(xen, slot, n);
  return pdx < 0 ? -Errno.EINVAL : pdx;
}

/** The same for a status frame, which only a table of version 2 has. */
export function wantStatusFrame(xen: Xen, slot: number, n: number): number {
  if (mustWait(xen, xen.domain.grantLock, slot)) return -Errno.EINVAL;
  if (!isVersion2(xen, slot)) return -Errno.EINVAL;
  if (n >= xen.domain.statusFrames.get(slot) && framesForStatus(n + 1) <= xen.spec.limits.grantFrames) {
    growTable(xen, slot, framesForStatus(n + 1));
  }
  const pdx = statusFrame(xen, slot, n);
  return pdx < 0 ? -Errno.EINVAL : pdx;
}

/** Indexes of all frames of a domain's grant table. */
export function grantTableFrames(xen: Xen, slot: number): number[] {
  const frames: number[] = [];
  for (let n = 0; n < grantFrameCount(xen, slot); n++) frames.push(sharedFrame(xen, slot, n));
  for (let n = 0; n < xen.domain.statusFrames.get(slot); n++) frames.push(statusFrame(xen, slot, n));
  return frames;
}

/**
 * Forgets the table of a domain that vanishes; its frames have been freed. An entry may still be pinned: for a mapper that
 * overwrote its L1 entry instead of unmapping.
 */
export function forgetGrantTable(xen: Xen, slot: number): void {
  const { grantFrames, grants } = xen.spec.limits;
  for (let row = slot * grantFrames; row < (slot + 1) * grantFrames; row++) {
    xen.grantFrame.shared.set(row, 0);
    xen.grantFrame.status.set(row, 0);
  }
  for (let active = slot * grants; active < (slot + 1) * grants; active++) {
    if (xen.grant.pin.get(active) === 0) continue;
    for (const column of Object.values(xen.grant)) column.set(active, 0);
  }
}

/** Whether the table's frames have a place for an entry, whatever Xen makes of it. */
export function hasEntry(xen: Xen, slot: number, ref: number): boolean {
  const perFrame = isVersion2(xen, slot) ? V2_PER_FRAME : V1_PER_FRAME;
  return ref >= 0 && ref < grantFrameCount(xen, slot) * perFrame;
}
