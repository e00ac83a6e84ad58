import { deviceOwner, isDeviceTree } from './devices.js';
import { releaseDtDevices } from './dt-assign.js';
import { leaveIfUnused } from './late-context.js';
import { reassign } from './pci-assign.js';
import type { Xen } from './state.js';

/** deassign_device's work, on a domain's death, too. */
export function detach(xen: Xen, slot: number, device: number): number {
  const status = reassign(xen, device, deassignTarget(xen, slot, device));
  if (status !== 0) return status;
  if (deviceOwner(xen, device) === 0) xen.device.quarantine.set(device, 0);
  leaveIfUnused(xen, slot);
  return 0;
}

/**
 * pci_release_devices, iommu_release_dt_devices: a dying domain's devices leave as if they were taken from it. An errno
 * when one of them does not (dossier §6.6, f591755823).
 */
export function releaseDevices(xen: Xen, slot: number): number {
  if (isDeviceTree(xen)) return releaseDtDevices(xen, slot);
  let status = 0;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (deviceOwner(xen, device) === slot) status = detach(xen, slot, device) || status;
  }
  return status;
}

function deassignTarget(xen: Xen, slot: number, device: number): number {
  const wanted = xen.device.quarantine.get(device) !== 0 || xen.spec.quarantine;
  return wanted && xen.profile.quarantine !== 'none' && slot !== xen.domIo ? xen.domIo : 0;
}
