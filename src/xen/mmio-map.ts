import { Errno } from './errno.js';
import { setGfns } from './extents.js';
import { ownerOf } from './frames.js';
import {
  defaultAccess,
  holdsGfn,
  keepsAccess,
  p2mAccess,
  p2mLookup,
  p2mOrder,
  p2mRemove,
  p2mType,
} from './p2m.js';
import { isRamType, isSpecialType, P2mType } from './p2m-types.js';
import { setOverPod } from './pod.js';
import { haveWorked, lookForPreemption } from './preemption.js';
import type { Xen } from './state.js';

/** Frame numbers of device memory end where 52 bits of physical address do; Arm's processors are taken to have 40. */
const FRAMES = { x86: 2 ** 40, arm: 2 ** 28 } as const;

/** What Arm does in one hypercall, and x86 before it looks whether it is to be continued (MAP_MMIO_MAX_ITER). */
const ARM_MAX = 64;

/**
 * XEN_DOMCTL_memory_mapping: `count` frames of device memory from `frame` on appear at `gfn` and up of a translated domain,
 * or leave again. -ESRCH; -EINVAL numbers that do not exist or wrap; -E2BIG more than 64 on Arm; -EPERM memory that the
 * domain has no right to, which is RAM, as the toolstack gives a domain the right to device memory before it maps it. A
 * PV domain maps device memory itself: for it, the hypercall does nothing. Frames before one that fails stay mapped.
 */
export function memoryMapping(
  xen: Xen,
  slot: number,
  gfn: number,
  frame: number,
  count: number,
  add: boolean,
): number {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (count < 1 || frame < 0 || gfn < 0 || frame + count > FRAMES[xen.spec.arch]) return -Errno.EINVAL;
  const arm = xen.spec.arch === 'arm';
  const limited = xen.profile.mappingLimit === 'frames';
  if (arm && limited && count > ARM_MAX) return -Errno.E2BIG;
  if (holdsRam(xen, frame, count)) return -Errno.EPERM;
  if (!xen.isTranslated(slot)) return 0;
  for (let done = 0, pieces = 0; done < count; pieces++) {
    if (pieces > 0 && pieces % ARM_MAX === 0) {
      haveWorked(xen);
      if (limited) lookForPreemption(xen);
    }
    const order = arm ? 0 : mappingOrder(xen, slot, gfn + done, frame + done, count - done);
    const status = add
      ? mapMmio(xen, slot, gfn + done, frame + done, order)
      : unmapMmio(xen, slot, gfn + done, order);
    if (status !== 0) return status;
    done += 2 ** order;
  }
  return 0;
}

/** Whether one of the frames is RAM. */
function holdsRam(xen: Xen, frame: number, count: number): boolean {
  const meets = ({ base, count: frames }: { readonly base: number; readonly count: number }): boolean =>
    frame < base + frames && base < frame + count;
  return xen.spec.ram.some(meets) || meets(xen.spec.xenHeap);
}

/**
 * mmio_order and the callers' second try: 2 MiB where both numbers are aligned to it, with HAP, where no table is,
 * and writing is not forbidden to a part of it.
 */
function mappingOrder(xen: Xen, slot: number, gfn: number, frame: number, count: number): number {
  if (xen.domain.hap.get(slot) === 0 || count < 512 || gfn % 512 !== 0 || frame % 512 !== 0) return 0;
  const partlyReadOnly = xen.spec.readOnlyMmio?.some(
    ({ base, count: frames }) => frame < base + frames && base < frame + 512,
  );
  return partlyReadOnly || p2mOrder(xen, slot, gfn) < 9 ? 0 : 9;
}

/**
 * set_mmio_p2m_entry. Memory that was there is nowhere then. On x86, entries that only those who made them may change are
 * refused: up to 4.15.0 grants' and other domains' pages (-ENOENT), then device memory, too, unless it is the same
 * (-EPERM; XSA-378, 753cb68e6530). The domain is crashed for it.
 */
function mapMmio(xen: Xen, slot: number, gfn: number, frame: number, order: number): number {
  if (!holdsGfn(xen, slot, gfn)) return -Errno.EINVAL;
  const type = p2mType(xen, slot, gfn);
  const there = p2mLookup(xen, slot, gfn);
  const guarded = xen.spec.arch === 'x86' && isSpecialType(type);
  if (guarded && type !== P2mType.mmioDirect) {
    return crash(xen, slot, xen.profile.typedEntryGuard === 'special' ? -Errno.EPERM : -Errno.ENOENT);
  }
  if (guarded && xen.profile.typedEntryGuard === 'special') {
    if (there !== frame) return crash(xen, slot, -Errno.EPERM);
    if (!keepsAccess(xen, slot) || p2mAccess(xen, slot, gfn) === defaultAccess(xen, slot)) return 0;
  }
  const status = setOverPod(xen, slot, gfn, frame, P2mType.mmioDirect, order);
  if (isRamType(type) && p2mLookup(xen, slot, gfn) !== there) forget(xen, slot, there, order);
  return status;
}

function crash(xen: Xen, slot: number, status: number): number {
  xen.domain.crashed.set(slot, 1);
  return status;
}

/** Pages that device memory took the place of, or that were removed as such, belong to the domain as before, but nobody knows where. */
function forget(xen: Xen, slot: number, frame: number, order: number): void {
  for (let i = 0; i < 2 ** order; i++) {
    const pdx = xen.ram.indexOf(frame + i);
    if (pdx >= 0 && ownerOf(xen, pdx) === slot) setGfns(xen, pdx, -1);
  }
}

/**
 * clear_mmio_p2m_entry: -EINVAL where no device memory is; another frame than the caller's goes, too. Arm removes
 * whatever is there.
 */
function unmapMmio(xen: Xen, slot: number, gfn: number, order: number): number {
  const type = p2mType(xen, slot, gfn);
  if (xen.spec.arch === 'x86' && type !== P2mType.mmioDirect) return -Errno.EINVAL;
  const there = p2mLookup(xen, slot, gfn);
  const status = p2mRemove(xen, slot, gfn, order);
  if (isRamType(type) && p2mLookup(xen, slot, gfn) < 0) forget(xen, slot, there, order);
  return status;
}
