import { deviceOwner } from './devices.js';
import { leaveIfUnused } from './late-context.js';
import { reassignFunction } from './pci-assign.js';
import { phantomFunctions, realFunction } from './pci-function.js';
import { initQuarantine } from './quarantine.js';
import type { Xen } from './state.js';

/**
 * deassign_device of a PCI device that `slot` owns, on the domain's death, too (dossier §6.2): phantom functions first,
 * then the device; an errno stops it.
 */
export function detachPci(xen: Xen, slot: number, device: number): number {
  const target = deassignTarget(xen, slot, device);
  const init = target === xen.domIo ? initQuarantine(xen, device) : 0;
  if (init !== 0) return init;
  for (const phantom of phantomFunctions(xen, device)) {
    const status = reassignFunction(xen, phantom, slot, target);
    if (status !== 0) return status;
  }
  const status = reassignFunction(xen, realFunction(xen, device), slot, target);
  if (status !== 0) return status;
  if (deviceOwner(xen, device) === 0) xen.device.quarantine.set(device, 0);
  xen.device.faultCount.set(device, 0);
  leaveIfUnused(xen, slot);
  return 0;
}

/**
 * To quarantine, when the device was in it before or all devices are put there (ba2ab00bbb8c, XSA-306); from there to the
 * hardware domain.
 */
function deassignTarget(xen: Xen, slot: number, device: number): number {
  const all = xen.spec.quarantine && xen.profile.deviceReturn === 'always';
  const wanted = xen.device.quarantine.get(device) !== 0 || all;
  return wanted && xen.profile.quarantine !== 'none' && slot !== xen.domIo ? xen.domIo : 0;
}

/**
 * pci_release_devices: a dying domain's devices leave as if they were taken from it. An errno when one does not, which
 * stops the destruction; so that no memory is freed that the device still reaches (dossier §6.6, f591755823a7).
 *
 * Before, Xen looked for the domain's first device until it had none: a device that does not leave, and would not the
 * next time, keeps the CPU for ever.
 */
export function releasePciDevices(xen: Xen, slot: number): number {
  const { deviceRelease } = xen.profile;
  let first = 0;
  let last = 0;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (deviceOwner(xen, device) !== slot) continue;
    const status =
      deviceRelease === 'until-gone' ? untilGone(xen, slot, device) : detachPci(xen, slot, device);
    first ||= status;
    last = status || last;
  }
  return deviceRelease === 'once-last-errno' ? last : first;
}

/** Takes a device away again and again. When a failed attempt changes nothing, none of the next will. */
function untilGone(xen: Xen, slot: number, device: number): number {
  while (deviceOwner(xen, device) === slot) {
    const before = xen.store.hashText();
    if (detachPci(xen, slot, device) === 0 || xen.store.hashText() !== before) continue;
    xen.bug('a device that does not leave is tried for ever');
    return 0;
  }
  return 0;
}
