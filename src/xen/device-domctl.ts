import { STEP_NAMES, Step, type StepName } from './call-steps.js';
import { deviceOwner, isDeviceTree } from './devices.js';
import { checkDtAssign, testDtAssign } from './dt-domctl.js';
import { Errno } from './errno.js';
import { hasIommu, isConstructed } from './iommu-map.js';
import { beginConstruct, LATE_WALK } from './late-context.js';
import { attach } from './pci-assign.js';
import { checkPciAssign, testPciAssign } from './pci-domctl.js';
import { detach } from './pci-release.js';
import { NOBODY, type Xen } from './state.js';

/** Status of a hypercall that has not finished: the next step stands in the caller's row of `call`. */
export const CONTINUES = 1;

/**
 * XEN_DOMCTL_assign_device: the checks in Xen's order (dossier §6.1, and §1.4 for late contexts), then, where contexts
 * are built late, the walk, then the switch. Returns 0, an errno, or {@link CONTINUES}.
 * @param device index of the device, or -1 for one that Xen does not know.
 */
export function assignDevice(xen: Xen, caller: number, slot: number, device: number, flags: number): number {
  if (isBusy(xen, caller)) return 0;
  const status = checkAssign(xen, caller, slot, device, flags);
  if (status !== 0) return status;
  if (needsConstruct(xen, slot)) {
    xen.call.domain.set(caller, slot + 1);
    xen.call.device.set(caller, device);
    xen.call.flags.set(caller, flags);
    xen.call.step.set(caller, beginConstruct(xen, slot));
    return CONTINUES;
  }
  return attach(xen, slot, device, flags);
}

/** The toolstack's vCPU is in another hypercall, which holds the lock of the devices besides. */
function isBusy(xen: Xen, caller: number): boolean {
  if (xen.call.step.get(caller) === Step.none) return false;
  xen.blocked = true;
  return true;
}

function checkAssign(xen: Xen, caller: number, slot: number, device: number, flags: number): number {
  if (!isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === caller) return -Errno.EINVAL;
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
  caller: number,
  slot: number,
  device: number,
  flags: number,
): number {
  if (isBusy(xen, caller)) return 0;
  if (slot === NOBODY) return testAssignToNobody(xen, device, flags);
  if (slot === xen.domIo || !isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === caller) return -Errno.EINVAL;
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

/** A continuation executes the whole domctl again, its checks included. */
function startOver(xen: Xen, caller: number): number {
  const slot = xen.call.domain.get(caller) - 1;
  const status = checkAssign(xen, caller, slot, xen.call.device.get(caller), xen.call.flags.get(caller));
  return status === 0 ? beginConstruct(xen, slot) : status;
}

function attachAtLast(xen: Xen, caller: number): number {
  const slot = xen.call.domain.get(caller) - 1;
  return attach(xen, slot, xen.call.device.get(caller), xen.call.flags.get(caller));
}

/** assign_device where contexts are built late, step by step. Each returns the next step, or 0 or an errno at the end. */
const ASSIGN_DEVICE: Readonly<Record<StepName, (xen: Xen, caller: number) => number>> = {
  domctl: startOver,
  ...LATE_WALK,
  assign: attachAtLast,
};
const STEPS = STEP_NAMES.map((name) => (name === 'none' ? () => 0 : ASSIGN_DEVICE[name as StepName]));

/** Runs the next step of the hypercall that `caller` has under way. Returns 0, an errno, or {@link CONTINUES}. */
export function stepCall(xen: Xen, caller: number): number {
  const next = STEPS[xen.call.step.get(caller)]!(xen, caller);
  if (next <= 0) return finish(xen, caller, next);
  xen.call.step.set(caller, next);
  return CONTINUES;
}

function finish(xen: Xen, caller: number, status: number): number {
  xen.call.step.set(caller, Step.none);
  xen.call.domain.set(caller, 0);
  xen.call.device.set(caller, 0);
  xen.call.flags.set(caller, 0);
  xen.call.page.set(caller, 0);
  xen.call.pagesInSlice.set(caller, 0);
  return status;
}

/**
 * XEN_DOMCTL_deassign_device (dossier §6.2): -ENODEV when the domain does not own the device (Arm: -ESRCH, §6.5). Where
 * it goes depends on the release's quarantine; on Arm to nobody.
 */
export function deassignDevice(xen: Xen, caller: number, slot: number, device: number): number {
  if (isBusy(xen, caller)) return 0;
  if (!isDeviceDomain(xen, slot)) return -Errno.ESRCH;
  if (!mayHaveDevices(xen, slot)) return -Errno[xen.profile.noContextErrno];
  if (slot === caller) return -Errno.EINVAL;
  if (device < 0 || deviceOwner(xen, device) !== slot)
    return isDeviceTree(xen) ? -Errno.ESRCH : -Errno.ENODEV;
  return detach(xen, slot, device);
}
