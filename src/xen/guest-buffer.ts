import { W } from '../formats/address.js';
import { Errno } from './errno.js';
import { ownerOf } from './frames.js';
import { p2mLookup, p2mRights } from './p2m.js';
import type { Xen } from './state.js';

/**
 * What a hypercall answers goes into a buffer of its caller's (copy_to_guest): here one in the guest frame `gfn` of a
 * translated domain, what is written being of no matter. Xen writes through a mapping of its own, and has to ask itself
 * what the guest's p2m would have allowed: -EFAULT. Up to 4.4 Arm did not (0fbaa84f6014, XSA-98).
 */
export function writeGuestBuffer(xen: Xen, slot: number, gfn: number): number {
  const frame = xen.isTranslated(slot) ? p2mLookup(xen, slot, gfn) : -1;
  const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
  if (pdx < 0 || ownerOf(xen, pdx) < 0) return -Errno.EFAULT;
  const writable = (p2mRights(xen, slot, gfn) & W) !== 0;
  if (!writable && (xen.spec.arch === 'x86' || xen.profile.armGuestBuffer === 'rights-of-p2m'))
    return -Errno.EFAULT;
  if (!writable) xen.misdeed('Xen wrote for a guest what the guest may only read');
  return 0;
}
