import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { isKnownDevice } from './pci-hotplug.js';
import type { Xen } from './state.js';

/**
 * PHYSDEVOP_map_pirq for the interrupts (MSI) of a device: from then on they go to the domain. -ENODEV for a device that
 * Xen does not know, or that is not the domain's (3308374b1be7, XSA-237); -ENOSYS on Arm, which has no such operation. Who
 * has them keeps them when the device leaves: taking them back is the toolstack's business.
 */
export function mapPirq(xen: Xen, slot: number, device: number): number {
  if (xen.spec.arch === 'arm') return -Errno.ENOSYS;
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (!isKnownDevice(xen, device)) return -Errno.ENODEV;
  if (xen.profile.pirqOwner === 'own' && deviceOwner(xen, device) !== slot) return -Errno.ENODEV;
  xen.device.interrupts.set(device, slot + 1);
  return 0;
}
