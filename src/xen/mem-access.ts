import { Errno } from './errno.js';
import { defaultAccess, holdsGfn, p2mLookup, p2mSet, p2mType } from './p2m.js';
import { Access, type AccessName } from './p2m-types.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/** The access types that may be set (XENMEM_access_*), in their order. */
export const SETTABLE_ACCESS = [
  'n',
  'r',
  'w',
  'rw',
  'x',
  'rx',
  'wx',
  'rwx',
  'rx2rw',
  'n2rwx',
  'default',
] as const satisfies readonly (AccessName | 'default')[];
export type SettableAccess = (typeof SETTABLE_ACCESS)[number];

/**
 * XENMEM_access_op_set_access: `count` guest frames from `gfn` on get this access, or, with `gfn` -1, what is mapped from
 * then on. -EPERM for the caller itself; -ESRCH; -EINVAL for a dying domain, frames that the p2m has no room for and, on
 * x86, what has no EPT. Where devices go by the same table they are restricted, too (dossier §4.2); but since a mirror
 * would not change, nothing is flushed for it. Tables of their own go by the type of memory alone (§4.1).
 */
export function setMemAccess(
  xen: Xen,
  caller: number,
  slot: number,
  access: SettableAccess,
  gfn: number,
  count: number,
): number {
  if (slot === caller) return -Errno.EPERM;
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (xen.isDying(slot) || !hasEpt(xen, slot)) return -Errno.EINVAL;
  const wanted = access === 'default' ? defaultAccess(xen, slot) : Access[access];
  if (gfn < 0) {
    xen.domain.defaultAccess.set(slot, wanted === Access.rwx ? 0 : wanted + 1);
    return 0;
  }
  if (count > 0 && (!holdsGfn(xen, slot, gfn) || !holdsGfn(xen, slot, gfn + count - 1))) return -Errno.EINVAL;
  for (let at = gfn; at < gfn + count; at++) {
    const frame = p2mLookup(xen, slot, at);
    // A hole has no rights that could be taken away.
    if (frame < 0) continue;
    const status = p2mSet(xen, slot, at, frame, p2mType(xen, slot, at), 0, wanted);
    if (status !== 0) return status;
  }
  return 0;
}

/** p2m_mem_access_sanity_check: on x86, HVM with HAP on an Intel processor. */
function hasEpt(xen: Xen, slot: number): boolean {
  if (xen.spec.arch === 'arm') return true;
  return xen.domain.kind.get(slot) === Kind.hvm && xen.domain.hap.get(slot) !== 0 && xen.amdvi === undefined;
}
