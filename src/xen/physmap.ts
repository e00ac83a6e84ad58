import { PGT, PGT_VALIDATED } from '../formats/x86-page-info.js';
import { Errno } from './errno.js';
import { allocXenFrame, getPage, isSpecialPage, ownerOf, putPage } from './frames.js';
import { wantSharedFrame, wantStatusFrame } from './grant-frames.js';
import { decreaseReservation } from './memory.js';
import { holdsGfn, p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { ofType } from './page-info.js';
import type { Xen } from './state.js';

/** What add_to_physmap can add (XENMAPSPACE_*). */
export const MAP_SPACES = ['shared_info', 'grant_table', 'grant_status', 'gmfn'] as const;
export type MapSpace = (typeof MAP_SPACES)[number];

/**
 * XENMEM_add_to_physmap: a frame that Xen shares with a translated domain appears at `gfn`, or the page at gfn `index`
 * moves there. Its devices reach it there, too (dossier §4.3). -ESRCH no such domain; -EACCES it is not translated; -EINVAL
 * no such frame; -EPERM a device's registers are there; -ENXIO another's page is there; -ENOMEM.
 */
export function addToPhysmap(xen: Xen, slot: number, space: MapSpace, index: number, gfn: number): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (!xen.isTranslated(slot)) return -Errno.EACCES;
  const arm = xen.spec.arch === 'arm';
  if (arm && space === 'gmfn') return -Errno.ENOSYS;
  const pdx = frameToAdd(xen, slot, space, index);
  if (pdx < 0) return pdx;
  const held = space !== 'shared_info';
  if (held && !getPage(xen, pdx, slot)) return space === 'gmfn' ? -Errno.EINVAL : -Errno.EBUSY;
  const status = arm ? addOnce(xen, slot, pdx, gfn) : moveTo(xen, slot, pdx, gfn);
  if (held) putPage(xen, pdx);
  return status;
}

/** The index of the frame, or -EINVAL. */
function frameToAdd(xen: Xen, slot: number, space: MapSpace, index: number): number {
  if (space === 'gmfn') {
    const frame = p2mLookup(xen, slot, index);
    return frame < 0 || xen.ram.indexOf(frame) < 0 ? -Errno.EINVAL : xen.ram.indexOf(frame);
  }
  if (space === 'grant_table') return wantSharedFrame(xen, slot, index);
  if (space === 'grant_status') return wantStatusFrame(xen, slot, index);
  return index === 0 ? sharedInfo(xen, slot) : -Errno.EINVAL;
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

/** x86: what was at `gfn` goes, the frame leaves its old place, and stands at `gfn`. */
function moveTo(xen: Xen, slot: number, pdx: number, gfn: number): number {
  if (!holdsGfn(xen, slot, gfn)) return -Errno.EINVAL;
  const frame = xen.ram.frameAt(pdx);
  const status = p2mLookup(xen, slot, gfn) === frame ? 0 : clear(xen, slot, gfn);
  if (status !== 0) return status;
  const old = xen.frame.gfn.get(pdx) - 1;
  if (old >= 0 && old !== gfn) p2mRemove(xen, slot, old);
  xen.frame.gfn.set(pdx, gfn + 1);
  return p2mSet(xen, slot, gfn, frame, P2mType.ramRw);
}

/** Makes room at a gfn: a frame that Xen shares is unhooked, a page of the domain's is given back. */
function clear(xen: Xen, slot: number, gfn: number): number {
  const there = p2mLookup(xen, slot, gfn);
  if (p2mType(xen, slot, gfn) === P2mType.mmioDirect) return -Errno.EPERM;
  const pdx = there < 0 ? -1 : xen.ram.indexOf(there);
  if (pdx < 0) return 0;
  if (ownerOf(xen, pdx) !== slot) return -Errno.ENXIO;
  if (!isSpecialPage(xen, pdx)) return decreaseReservation(xen, slot, -1, gfn);
  p2mRemove(xen, slot, gfn);
  xen.frame.gfn.set(pdx, 0);
  return 0;
}

/**
 * Arm: what was at the gfn is replaced. Since 4.17 a frame that Xen shares stands at one gfn at a time; before, nobody
 * knows at how many it does (71320946d5).
 */
function addOnce(xen: Xen, slot: number, pdx: number, gfn: number): number {
  const known = xen.profile.armSharedFramePlaces === 'one';
  if (known && xen.frame.gfn.get(pdx) !== 0) return -Errno.EBUSY;
  const status = p2mSet(xen, slot, gfn, xen.ram.frameAt(pdx), P2mType.ramRw);
  if (known && status === 0) xen.frame.gfn.set(pdx, gfn + 1);
  return status;
}
