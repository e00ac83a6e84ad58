import { Errno } from './errno.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { activeRow } from './grant-active.js';
import { grantEntryCount } from './grant-frames.js';
import { mustWait } from './locks.js';
import type { Xen } from './state.js';

/** GNTTAB_CACHE_CLEAN and GNTTAB_CACHE_INVAL. */
export const CACHE_CLEAN = 1;
export const CACHE_INVAL = 2;
const PAGE = 4096;

/**
 * GNTTABOP_cache_flush of a part of a frame, named by its machine address: one's own, or one that one has mapped by a grant
 * (dossier §5.6). What caches hold is not of this model; what is judged is who may. -ENOSYS on x86 since 4.21; -EINVAL a part
 * that is none, no RAM, or another's page that is not granted; -EPERM a page of nobody's.
 */
export function grantCacheFlush(
  xen: Xen,
  caller: number,
  frame: number,
  offset: number,
  length: number,
  op: number,
): number {
  if (xen.spec.arch === 'x86' && xen.profile.x86CacheFlush === 'ENOSYS') return -Errno.ENOSYS;
  if (offset >= PAGE || length > PAGE || offset + length > PAGE || (op & ~(CACHE_CLEAN | CACHE_INVAL)) !== 0)
    return -Errno.EINVAL;
  if (length === 0 || op === 0) return 0;
  const pdx = xen.ram.indexOf(frame);
  if (pdx < 0) return -Errno.EINVAL;
  const owner = ownerOf(xen, pdx);
  if (owner < 0 || owner >= xen.domIo || !getPage(xen, pdx, owner)) return -Errno.EPERM;
  const mayFlush = owner === caller || isGranted(xen, caller, owner, pdx);
  putPage(xen, pdx);
  return mayFlush ? 0 : -Errno.EINVAL;
}

/** grant_map_exists: whether an entry of the owner's is pinned for the caller with this frame. */
function isGranted(xen: Xen, caller: number, owner: number, pdx: number): boolean {
  if (mustWait(xen, xen.domain.grantLock, owner)) return false;
  const entries = grantEntryCount(xen, owner);
  for (let ref = 0; ref < entries; ref++) {
    const active = activeRow(xen, owner, ref);
    if (xen.grant.pin.get(active) === 0) continue;
    if (xen.grant.grantee.get(active) === caller + 1 && xen.grant.frame.get(active) === pdx + 1) return true;
  }
  return false;
}
