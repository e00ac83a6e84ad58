import { callerOf, deviceOf, domainOf, goOn, isIdle } from './calls/call.js';
import { Step } from './calls/steps.js';
import { deviceOwner, isDeviceTree } from './devices.js';
import { NOBODY } from './domid.js';
import { assignDtDevice } from './dt-assign.js';
import { checkDtAssign, deassignDt, testDtAssign } from './dt-domctl.js';
import { Errno } from './errno.js';
import { hasIommu, isConstructed } from './iommu-map.js';
import { beginConstruct, LATE_WALK } from './late-context.js';
import { isHeld, mustWait } from './locks.js';
import { attachPci } from './pci-assign.js';
import { checkPciAssign, testPciAssign } from './pci-domctl.js';
import { deviceGroup } from './pci-group.js';
import { detachPci } from './pci-release.js';
import type { Xen } from './state.js';

/**
 * XEN_DOMCTL_assign_device: the checks in Xen's order (dossier §6.1, and §1.4 for late contexts), then, where contexts
 * are built late, the walk, then the switch. Returns 0, an errno, or {@link CONTINUES}.
 * @param call row of the caller's in the table `call`.
 * @param device index of the device, or -1 for one that Xen does not know.
 */
export function assignDevice(xen: Xen, call: number, slot: number, device: number, flags: number): number {
  const status = checkAssign(xen, call, slot, device, flags);
  if (status !== 0) {
    // The domctl holds its domain while it looks, and lets go of it whatever it finds (e45066d3c3ff).
    if (xen.profile.refusedAssign === 'keeps-domain' && xen.exists(slot)) xen.domain.held.set(slot, 1);
    return status;
  }
  const restarts = isHeld(xen.lock.pcidevs, 0) && xen.profile.pcidevsLock === 'tried';
  if (!restarts && mustWait(xen, xen.lock.pcidevs, 0)) return 0;
  if (!restarts && !needsConstruct(xen, slot)) return attach(xen, slot, device, flags);
  if (!isIdle(xen, call)) {
    xen.blocked = true;
    return 0;
  }
  xen.call.domain.set(call, slot + 1);
  xen.call.device.set(call, device + 1);
  xen.call.flags.set(call, flags);
  return goOn(xen, call, restarts ? Step.domctl : beginConstruct(xen, call, slot));
}

function checkAssign(xen: Xen, call: number, slot: number, device: number, flags: number): number {
  if (!isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === callerOf(xen, call)) return -Errno.EINVAL;
  return isDeviceTree(xen)
    ? checkDtAssign(xen, slot, device, flags)
    : checkPciAssign(xen, slot, device, flags);
}

/**
 * XEN_DOMCTL_test_assign_device: what assigning would say, but that refusals of a PCI device are -EINVAL, no flag is
 * known, dom_io is no domain, and a domain may be dying (dossier §6.1 #7, #9).
 */
export function testAssignDevice(
  xen: Xen,
  call: number,
  slot: number,
  device: number,
  flags: number,
): number {
  if (mustWait(xen, xen.lock.pcidevs, 0)) return 0;
  if (slot === NOBODY) return testAssignToNobody(xen, device, flags);
  if (slot === xen.domIo || !isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === callerOf(xen, call)) return -Errno.EINVAL;
  if (isDeviceTree(xen)) return testDtAssign(xen, device, flags, xen.isDying(slot));
  return testPciAssign(xen, device, flags);
}

/** DOMID_INVALID: whether the device could go to anybody, if the IOMMU is on (dossier §2.5, fa4d84e6dd). */
function testAssignToNobody(xen: Xen, device: number, flags: number): number {
  if (xen.profile.testAssignNobody === 'dereferenced') {
    xen.bug('no domain where one is looked at');
    return 0;
  }
  if (!xen.iommuOn) return -Errno[xen.profile.noContextErrno];
  return isDeviceTree(xen) ? testDtAssign(xen, device, flags, false) : testPciAssign(xen, device, flags);
}

/** An ordinary domain, or dom_io in the releases that quarantine devices there. */
function isDeviceDomain(xen: Xen, slot: number): boolean {
  if (slot === xen.domIo) return xen.profile.quarantine !== 'none';
  return xen.exists(slot);
}

/** Up-front: the domain declared a context. Late: the IOMMU is on at all. dom_io takes any device. */
function mayHaveDevices(xen: Xen, slot: number): boolean {
  if (xen.profile.iommuContext === 'at-first-assignment') return xen.iommuOn;
  return slot === xen.domIo ? xen.iommuOn : hasIommu(xen, slot);
}

function needsConstruct(xen: Xen, slot: number): boolean {
  return (
    xen.profile.iommuContext === 'at-first-assignment' && slot !== xen.domIo && !isConstructed(xen, slot)
  );
}

/** A continuation executes the whole domctl again, its checks included. Up to 4.13 it only tries to get the lock. */
function startOver(xen: Xen, call: number): number {
  const slot = domainOf(xen, call);
  const [device, flags] = [deviceOf(xen, call), xen.call.flags.get(call)];
  const status = checkAssign(xen, call, slot, device, flags);
  if (status !== 0) return status;
  if (isHeld(xen.lock.pcidevs, 0)) return Step.domctl;
  return needsConstruct(xen, slot) ? beginConstruct(xen, call, slot) : attach(xen, slot, device, flags);
}

function attachAtLast(xen: Xen, call: number): number {
  return attach(xen, domainOf(xen, call), deviceOf(xen, call), xen.call.flags.get(call));
}

/** assign_device where contexts are built late, step by step. Each returns the next step, or 0 or an errno at the end. */
export const ASSIGN_DEVICE = {
  domctl: startOver,
  ...LATE_WALK,
  assign: attachAtLast,
} as const;

/**
 * XEN_DOMCTL_deassign_device (dossier §6.2): -ENODEV when the domain does not own the device (Arm: -ESRCH, §6.5). Where
 * it goes depends on the release's quarantine; on Arm to nobody.
 */
export function deassignDevice(xen: Xen, call: number, slot: number, device: number): number {
  if (mustWait(xen, xen.lock.pcidevs, 0)) return 0;
  if (!isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === callerOf(xen, call)) return -Errno.EINVAL;
  if (isDeviceTree(xen)) return deassignDt(xen, slot, device);
  if (device < 0 || deviceOwner(xen, device) !== slot) return -Errno.ENODEV;
  return detachPci(xen, slot, device);
}

/** XEN_DOMCTL_get_device_group: an errno, or the indexes of the devices (pci-group.ts). On Arm there is no group. */
export function getDeviceGroup(xen: Xen, slot: number, device: number): number | number[] {
  if (!xen.exists(slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  return isDeviceTree(xen) ? [] : deviceGroup(xen, slot, device);
}

/** iommu_do_pci_domctl and iommu_do_dt_domctl part here. */
function attach(xen: Xen, slot: number, device: number, flags: number): number {
  return isDeviceTree(xen) ? assignDtDevice(xen, slot, device) : attachPci(xen, slot, device, flags);
}
