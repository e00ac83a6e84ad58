import { Errno } from './errno.js';
import { holdsGfn, p2mLookup, p2mSet, p2mType } from './p2m.js';
import { isRamType, P2mType } from './p2m-types.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/** The types that the model knows of those that a device model may set. */
export const SETTABLE_TYPES = ['ram_rw', 'ram_ro'] as const;
export type SettableType = (typeof SETTABLE_TYPES)[number];

/** What a hole becomes where its frame is not looked at: all ones, as far as an entry has room for them. */
const TRUNCATED_INVALID = 2 ** 40 - 1;

/**
 * XEN_DMOP_set_mem_type of `count` guest frames from `gfn` on: memory that may be read only, or written again. -ENOSYS on
 * Arm; -ESRCH; -EINVAL for what is not HVM, frames without a p2m, and what is no memory (83bb5eb4d340, XSA-92). A guest's
 * own device model may be another domain; here it is the caller `caller`, who has none itself: -EPERM.
 */
export function setMemType(
  xen: Xen,
  caller: number,
  slot: number,
  type: SettableType,
  gfn: number,
  count: number,
): number {
  if (xen.spec.arch === 'arm') return -Errno.ENOSYS;
  if (slot === caller) return -Errno.EPERM;
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (xen.domain.kind.get(slot) !== Kind.hvm) return -Errno.EINVAL;
  if (count < 1 || !holdsGfn(xen, slot, gfn) || !holdsGfn(xen, slot, gfn + count - 1)) return -Errno.EINVAL;
  const wanted = type === 'ram_rw' ? P2mType.ramRw : P2mType.ramRo;
  for (let at = gfn; at < gfn + count; at++) {
    const status = changeType(xen, slot, at, wanted);
    if (status !== 0) return status;
  }
  return 0;
}

function changeType(xen: Xen, slot: number, gfn: number, wanted: number): number {
  const frame = p2mLookup(xen, slot, gfn);
  const isMemory = frame >= 0 && isRamType(p2mType(xen, slot, gfn));
  if (isMemory) return p2mSet(xen, slot, gfn, frame, wanted);
  if (frame >= 0 || xen.profile.typeOfHoles === 'refused') return -Errno.EINVAL;
  return p2mSet(xen, slot, gfn, TRUNCATED_INVALID, wanted);
}
