import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { maySeeDevices } from './exclusions.js';
import { RDM_RELAXED } from './identity-map.js';
import { isKnownDevice } from './pci-hotplug.js';
import type { Xen } from './state.js';

/** What assign_device checks of a PCI device and its new domain, from row 7 of dossier §6.1 on. */
export function checkPciAssign(xen: Xen, slot: number, device: number, flags: number): number {
  if (xen.isDying(slot) || (flags & ~RDM_RELAXED) !== 0) return -Errno.EINVAL;
  if (!isKnownDevice(xen, device)) return -Errno[xen.profile.unknownDeviceErrno];
  return isAssignable(xen, device) || (maySeeDevices(xen, slot) ? 0 : -Errno.EXDEV);
}

/** test_assign_device of a PCI device: whatever is wrong with it is -EINVAL (dossier §6.1). */
export function testPciAssign(xen: Xen, device: number, flags: number): number {
  return flags === 0 && isKnownDevice(xen, device) && isAssignable(xen, device) === 0 ? 0 : -Errno.EINVAL;
}

/** -EBUSY unless nobody but the hardware domain or quarantine has the device. */
function isAssignable(xen: Xen, device: number): number {
  const owner = deviceOwner(xen, device);
  return xen.isHardwareDomain(owner) || owner === xen.domIo ? 0 : -Errno.EBUSY;
}
