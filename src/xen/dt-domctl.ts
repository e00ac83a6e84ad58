import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import type { Xen } from './state.js';

/** What assign_device checks of a device-tree device and its new domain (dossier §6.7). */
export function checkDtAssign(xen: Xen, slot: number, device: number, flags: number): number {
  if (xen.isDying(slot) || flags !== 0) return -Errno.EINVAL;
  if (device < 0) return -Errno.ESRCH;
  if (slot === xen.domIo) return -Errno.EINVAL;
  return deviceOwner(xen, device) < 0 ? 0 : -Errno.EBUSY;
}

/** test_assign_device of a device-tree device: a path that leads nowhere is -ESRCH ("errno of lookup"). */
export function testDtAssign(xen: Xen, device: number, flags: number, dying: boolean): number {
  if (dying || flags !== 0) return -Errno.EINVAL;
  if (device < 0) return -Errno.ESRCH;
  return deviceOwner(xen, device) < 0 ? 0 : -Errno.EINVAL;
}
