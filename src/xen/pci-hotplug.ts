import { removeAmdvi } from './amdvi-assign.js';
import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { hasIommu } from './iommu-map.js';
import { addPci } from './pci-assign.js';
import { phantomFunctions, realFunction } from './pci-function.js';
import { dropPseudoDomid, freeQuarantine } from './quarantine.js';
import type { Xen } from './state.js';
import { removeVtd } from './vtd-assign.js';

/** Whether Xen knows the device: it found it at boot, or was told of it, and not told since that it is gone. */
export function isKnownDevice(xen: Xen, device: number): boolean {
  return device >= 0 && xen.device.absent.get(device) === 0;
}

/** Xen for Arm is built without PCI, and knows no such physdev_op. */
const isWithoutPci = (xen: Xen): boolean => xen.spec.arch === 'arm';

/**
 * PHYSDEVOP_pci_device_add (dossier §6.5): the hardware domain gets the device, with its regions and a context. A device
 * that Xen knows stays as it is. A virtual function whose physical one Xen does not know is -ENODEV; up to 4.19 Xen adds
 * that one first (8fe330a4daf6). When the driver refuses, Xen knows the device, but nobody has it.
 */
export function addDevice(xen: Xen, device: number): number {
  if (isWithoutPci(xen)) return -Errno.ENOSYS;
  if (device < 0) return -Errno.ENODEV;
  if (isKnownDevice(xen, device) && deviceOwner(xen, device) >= 0) return 0;
  const physical = xen.spec.devices[device]!.physicalFunction;
  if (physical !== undefined && !isKnownDevice(xen, physical)) {
    if (xen.profile.vfWithoutPf === 'ENODEV') return -Errno.ENODEV;
    addDevice(xen, physical);
  }
  xen.device.absent.set(device, 0);
  if (!isTranslated(xen, 0)) {
    xen.device.owner.set(device, 1);
    return 0;
  }
  return addPci(xen, device);
}

/** The virtual functions of a device that Xen knows. */
function virtualFunctions(xen: Xen, device: number): number[] {
  return xen.spec.devices.flatMap(({ physicalFunction }, other) =>
    physicalFunction === device && isKnownDevice(xen, other) ? [other] : [],
  );
}

/**
 * PHYSDEVOP_pci_device_remove: whoever has the device loses it, a guest, too, and Xen forgets it, whatever the driver says
 * of it. Since 4.20 a physical function with virtual ones is -EBUSY, and as the hardware domain's kernel might not care,
 * all of them are broken from then on (4e18a39056d9). -ENODEV for a device that Xen does not know.
 */
export function removeDevice(xen: Xen, device: number): number {
  if (isWithoutPci(xen)) return -Errno.ENOSYS;
  if (!isKnownDevice(xen, device)) return -Errno.ENODEV;
  const virtual = virtualFunctions(xen, device);
  if (virtual.length > 0 && xen.profile.pfRemoval === 'EBUSY') {
    for (const one of [device, ...virtual]) xen.device.broken.set(one, 1);
    return -Errno.EBUSY;
  }
  const status = leaveDriver(xen, device);
  for (const column of Object.values(xen.device)) column.set(device, 0);
  xen.device.absent.set(device, 1);
  return status;
}

/** Whether there is a driver to tell: for contexts that are built late, and for Xen’s own domains, the IOMMU is on. */
function isTranslated(xen: Xen, owner: number): boolean {
  const asksDomain =
    xen.profile.iommuContext === 'at-creation' && owner !== xen.domIo && owner !== xen.domXen;
  return asksDomain ? hasIommu(xen, owner) : xen.iommuOn;
}

/** iommu_remove_device: phantom functions first; the first that fails stops it. */
function leaveDriver(xen: Xen, device: number): number {
  const owner = deviceOwner(xen, device);
  if (owner < 0) return -Errno.EINVAL;
  if (!isTranslated(xen, owner)) return 0;
  const remove = xen.amdvi === undefined ? removeVtd : removeAmdvi;
  for (const phantom of phantomFunctions(xen, device)) {
    const status = remove(xen, phantom, owner);
    if (status !== 0) return status;
  }
  const status = remove(xen, realFunction(xen, device), owner);
  freeQuarantine(xen, device);
  dropPseudoDomid(xen, device);
  return status;
}
