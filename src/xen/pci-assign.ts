import { addAmdvi, assignAmdvi, reassignAmdvi } from './amdvi-assign.js';
import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { leaveIfUnused } from './late-context.js';
import { type PciFunction, phantomFunctions, realFunction } from './pci-function.js';
import { detachPci } from './pci-release.js';
import { dropPseudoDomid, initQuarantine, takePseudoDomid } from './quarantine.js';
import type { Xen } from './state.js';
import { addVtd, assignVtd, reassignVtd } from './vtd-assign.js';

/** The IOMMU driver's assign_device for one function. */
function assignFunction(xen: Xen, pci: PciFunction, target: number, flags: number): number {
  return xen.amdvi === undefined ? assignVtd(xen, pci, target, flags) : assignAmdvi(xen, pci, target, flags);
}

/** The IOMMU driver's reassign_device for one function. */
export function reassignFunction(xen: Xen, pci: PciFunction, source: number, target: number): number {
  return xen.amdvi === undefined
    ? reassignVtd(xen, pci, source, target)
    : reassignAmdvi(xen, pci, source, target);
}

/**
 * assign_device of a PCI device, after the checks (dossier §6.1 #11 to #14): the device, then its phantom functions. A
 * failed first assignment tears a late context down again (§1.2 item 5).
 */
export function attachPci(xen: Xen, slot: number, device: number, flags: number): number {
  if (xen.device.broken.get(device) !== 0 && slot > 0 && slot !== xen.domIo) return -Errno.EBADF;
  let status = deviceOwner(xen, device) === xen.domIo ? 0 : initQuarantine(xen, device);
  if (status !== 0) return status;
  xen.device.faultCount.set(device, 0);
  status = assignFunction(xen, realFunction(xen, device), slot, flags);
  if (status === 0) status = attachPhantoms(xen, slot, device, flags);
  if (status === 0 && xen.profile.tablesFreed === 'if-it-had-a-device') xen.domain.hadDevice.set(slot, 1);
  if (status !== 0) leaveIfUnused(xen, slot);
  else if (slot === xen.domIo) xen.device.quarantine.set(device, 1);
  return status;
}

/**
 * A phantom function that cannot be switched: up to 4.18 it stays where it is, and nobody is told. Since then the
 * assignment fails and the whole device is taken back; when that fails, too, nobody knows what its functions reach: it is
 * broken, and the domain is crashed (cb4ecb3cc17b).
 */
function attachPhantoms(xen: Xen, slot: number, device: number, flags: number): number {
  for (const phantom of phantomFunctions(xen, device)) {
    const status = assignFunction(xen, phantom, slot, flags);
    if (status === 0 || xen.profile.phantomFailure === 'ignored') continue;
    if (detachPci(xen, slot, device) !== 0) {
      if (xen.profile.brokenDevice === 'broken') xen.device.broken.set(device, 1);
      if (slot !== xen.domIo) xen.domain.crashed.set(slot, 1);
    }
    return status;
  }
  return 0;
}

/**
 * iommu_add_device: the hardware domain gets a device that it, or Xen at boot, has found. What a phantom function says is
 * only logged.
 */
export function addPci(xen: Xen, device: number): number {
  const add = xen.amdvi === undefined ? addVtd : addAmdvi;
  const status = takePseudoDomid(xen, device) || add(xen, realFunction(xen, device));
  if (status !== 0) {
    dropPseudoDomid(xen, device);
    return status;
  }
  xen.device.owner.set(device, 1);
  for (const phantom of phantomFunctions(xen, device)) add(xen, phantom);
  return 0;
}
