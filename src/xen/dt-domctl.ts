import { deviceOwner } from './devices.js';
import { addDtDevice, deassignDtDevice, isProtected } from './dt-assign.js';
import { Errno } from './errno.js';
import type { Xen } from './state.js';

/**
 * What assign_device checks of a device-tree device and its new domain, and the device's introduction to the driver
 * (dossier §6.7): -EINVAL for a dying domain or any flag; -ESRCH for a path that leads nowhere; -EINVAL for dom_io; what
 * the driver says; -EINVAL for a device that is behind no IOMMU; -EBUSY for one that somebody has.
 */
export function checkDtAssign(xen: Xen, slot: number, device: number, flags: number): number {
  if (xen.isDying(slot) || flags !== 0) return -Errno.EINVAL;
  if (device < 0) return -Errno.ESRCH;
  if (slot === xen.domIo) return -Errno.EINVAL;
  const added = addDtDevice(xen, device);
  if (added !== 0) return added;
  if (!isProtected(xen, device)) return -Errno.EINVAL;
  return deviceOwner(xen, device) < 0 ? 0 : -Errno.EBUSY;
}

/** test_assign_device of a device-tree device: only that somebody has it is held against it, with -EINVAL (§6.7). */
export function testDtAssign(xen: Xen, device: number, flags: number, dying: boolean): number {
  if (dying || flags !== 0) return -Errno.EINVAL;
  if (device < 0) return -Errno.ESRCH;
  return isProtected(xen, device) && deviceOwner(xen, device) >= 0 ? -Errno.EINVAL : 0;
}

/** deassign_device of a device-tree device: a dying domain may, dom_io not; then what the helper says (§6.7). */
export function deassignDt(xen: Xen, slot: number, device: number): number {
  if (device < 0) return -Errno.ESRCH;
  return slot === xen.domIo ? -Errno.EINVAL : deassignDtDevice(xen, slot, device);
}
