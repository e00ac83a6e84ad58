import { switchAmdvi } from './amdvi-context.js';
import { deviceOwner, isDeviceTree } from './devices.js';
import { assignDtDevice } from './dt-assign.js';
import { Errno } from './errno.js';
import { mapReserved, unmapReserved } from './identity-map.js';
import { leaveIfUnused } from './late-context.js';
import type { Xen } from './state.js';
import { switchVtd } from './vtd-context.js';

/** The vendor's part: a failed first assignment tears a late context down again (dossier §1.2 item 5). */
export function attach(xen: Xen, slot: number, device: number, flags: number): number {
  if (isDeviceTree(xen)) return assignDtDevice(xen, slot, device);
  const status = reassign(xen, device, slot, flags);
  if (status !== 0) leaveIfUnused(xen, slot);
  else if (slot === xen.domIo) xen.device.quarantine.set(device, 1);
  return status;
}

/**
 * Moves a device to another domain (-1: to none): its reserved regions are mapped in the target before its context is
 * switched, and unmapped from the source after, never from the hardware domain (dossier §6.4). When either fails, the
 * device stays where it was (but see switchAmdvi) and nothing of it stays in the target.
 */
export function reassign(xen: Xen, device: number, target: number, flags = 0): number {
  const source = deviceOwner(xen, device);
  const status = mapReserved(xen, device, target, flags) || switchContext(xen, device, source, target);
  if (status !== 0) {
    unmapReserved(xen, device, target);
    return status;
  }
  xen.device.owner.set(device, target + 1);
  unmapReserved(xen, device, source);
  return 0;
}

function switchContext(xen: Xen, device: number, source: number, target: number): number {
  if (xen.vtd !== undefined) return switchVtd(xen, device, source, target);
  if (xen.amdvi !== undefined) return switchAmdvi(xen, device, source, target);
  return -Errno.ENODEV;
}
