import { R, W } from '../formats/address.js';
import { switchAmdvi } from './amdvi-context.js';
import { STEP_NAMES, Step, type StepName } from './call-steps.js';
import { Errno } from './errno.js';
import {
  allocUnitFrame,
  Flush,
  hasIommu,
  iommuFlush,
  iommuMap,
  iommuRoot,
  iommuUnmap,
  isConstructed,
  sharesP2m,
} from './iommu-map.js';
import { beginConstruct, LATE_WALK, teardownContext } from './late-context.js';
import { P2mType, p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { quarantineRoot } from './quarantine.js';
import { Kind, NOBODY, type Xen } from './state.js';

/** assign_device's one flag: RMRR conflicts are tolerated. */
export const RDM_RELAXED = 1;

/** Owner of a device, or -1. */
export function deviceOwner(xen: Xen, device: number): number {
  return xen.device.owner.get(device) - 1;
}

export function deviceCount(xen: Xen, slot: number): number {
  let count = 0;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (deviceOwner(xen, device) === slot) count++;
  }
  return count;
}

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
  const known = xen.spec.arch === 'arm' ? 0 : RDM_RELAXED;
  if (xen.isDying(slot) || (flags & ~known) !== 0) return -Errno.EINVAL;
  if (device < 0) return unknownDevice(xen);
  if (xen.spec.arch === 'arm' && slot === xen.domIo) return -Errno.EINVAL;
  return isAssignable(xen, device);
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
  const arm = xen.spec.arch === 'arm';
  if (slot === caller || flags !== 0 || (arm && xen.isDying(slot))) return -Errno.EINVAL;
  return testDevice(xen, device);
}

/** DOMID_INVALID: whether the device could go to anybody, if the IOMMU is on (dossier §2.5, fa4d84e6dd). */
function testAssignToNobody(xen: Xen, device: number, flags: number): number {
  if (xen.profile.testAssignNobody === 'dereferenced') {
    xen.bug('no domain where one is looked at');
    return 0;
  }
  if (!xen.iommuOn) return -Errno[xen.profile.noContextErrno];
  return flags !== 0 ? -Errno.EINVAL : testDevice(xen, device);
}

function testDevice(xen: Xen, device: number): number {
  if (xen.spec.arch === 'arm' && device < 0) return unknownDevice(xen);
  return device >= 0 && isAssignable(xen, device) === 0 ? 0 : -Errno.EINVAL;
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

/** A device-tree path that leads nowhere is -ESRCH (dossier §6.7, "errno of lookup"). */
function unknownDevice(xen: Xen): number {
  return xen.spec.arch === 'arm' ? -Errno.ESRCH : -Errno[xen.profile.unknownDeviceErrno];
}

/** -EBUSY unless nobody but the hardware domain or quarantine has the device (Arm: nobody at all, dossier §6.7). */
function isAssignable(xen: Xen, device: number): number {
  const owner = deviceOwner(xen, device);
  const free = xen.spec.arch === 'arm' ? owner < 0 : xen.isHardwareDomain(owner) || owner === xen.domIo;
  return free ? 0 : -Errno.EBUSY;
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

/** The vendor's part: a failed first assignment tears a late context down again (dossier §1.2 item 5). */
function attach(xen: Xen, slot: number, device: number, flags: number): number {
  const status = reassign(xen, device, slot, flags);
  if (status !== 0) leaveIfUnused(xen, slot);
  else if (slot === xen.domIo) xen.device.quarantine.set(device, 1);
  return status;
}

function leaveIfUnused(xen: Xen, slot: number): void {
  if (xen.profile.iommuContext !== 'at-first-assignment' || slot >= xen.domIo) return;
  if (deviceCount(xen, slot) === 0 && hasIommu(xen, slot)) teardownContext(xen, slot);
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
  if (device < 0 || deviceOwner(xen, device) !== slot) {
    return xen.spec.arch === 'arm' ? -Errno.ESRCH : -Errno.ENODEV;
  }
  return detach(xen, slot, device);
}

/** deassign_device's work, on a domain's death, too. */
function detach(xen: Xen, slot: number, device: number): number {
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
  let status = 0;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (deviceOwner(xen, device) === slot) status = detach(xen, slot, device) || status;
  }
  return status;
}

function deassignTarget(xen: Xen, slot: number, device: number): number {
  if (xen.spec.arch === 'arm') return -1;
  const wanted = xen.device.quarantine.get(device) !== 0 || xen.spec.quarantine;
  return wanted && xen.profile.quarantine !== 'none' && slot !== xen.domIo ? xen.domIo : 0;
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
  return switchSmmu(xen, device, target);
}

function mapReserved(xen: Xen, device: number, slot: number, flags: number): number {
  if (slot < 0 || slot === xen.domIo || xen.spec.arch === 'arm') return 0;
  for (const { range, device: of } of xen.spec.reserved) {
    if (of !== device) continue;
    for (let i = 0; i < range.count; i++) {
      const status = mapIdentity(xen, slot, range.base + i, flags);
      if (status !== 0) return status;
    }
  }
  return 0;
}

/**
 * One page of a reserved region (dossier §6.4): PV whatever else is there; translated in the p2m, where a hole is filled
 * and anything else is a conflict: -EBUSY, or left as it is when the assignment is relaxed.
 */
function mapIdentity(xen: Xen, slot: number, frame: number, flags: number): number {
  if (!xen.isTranslated(slot)) return iommuMap(xen, slot, frame, frame, R | W);
  const there = p2mLookup(xen, slot, frame);
  if (there === frame || (there >= 0 && (flags & RDM_RELAXED) !== 0)) return 0;
  return there >= 0 ? -Errno.EBUSY : p2mSet(xen, slot, frame, frame, P2mType.mmioDirect);
}

function unmapReserved(xen: Xen, device: number, slot: number): void {
  if (slot <= 0 || slot === xen.domIo || xen.spec.arch === 'arm') return;
  for (const { range, device: of } of xen.spec.reserved) {
    if (of !== device) continue;
    for (let i = 0; i < range.count; i++) {
      if (!reservesFrame(xen, slot, range.base + i)) unmapIdentity(xen, slot, range.base + i);
    }
  }
}

function unmapIdentity(xen: Xen, slot: number, frame: number): void {
  if (!xen.isTranslated(slot)) iommuUnmap(xen, slot, frame);
  else if (p2mType(xen, slot, frame) === P2mType.mmioDirect) p2mRemove(xen, slot, frame);
}

/** Whether a device that `slot` owns has `frame` in a reserved region. */
export function reservesFrame(xen: Xen, slot: number, frame: number): boolean {
  return xen.spec.reserved.some(
    ({ range, device }) =>
      deviceOwner(xen, device) === slot && frame >= range.base && frame < range.base + range.count,
  );
}

/** Points the device's context entry at the target's tables; the translations of the tag before are forgotten. */
function switchVtd(xen: Xen, device: number, source: number, target: number): number {
  const vtd = xen.vtd!;
  const { requester } = xen.spec.devices[device]!;
  const bus = requester >>> 8;
  if (!vtd.hasContextTable(bus)) {
    const table = allocUnitFrame(xen);
    if (table < 0) return -Errno.ENOMEM;
    vtd.setContextTable(bus, table);
  }
  const did = xen.domidOf(target);
  if (xen.isHardwareDomain(target) && xen.spec.hwdomMode === 'passthrough') {
    vtd.setPassThrough(requester, did);
  } else {
    const root = rootFor(xen, target);
    if (root < 0) return -Errno.ENOMEM;
    if (root === 0) vtd.clearContext(requester);
    else vtd.setContext(requester, root, did);
  }
  if (source >= 0) iommuFlush(xen, source, 0, 0, Flush.all);
  return 0;
}

/** The second-level root for a domain's devices; 0 for no translation at all, -1 when memory is short. */
function rootFor(xen: Xen, slot: number): number {
  if (slot === xen.domIo) return xen.profile.quarantine === 'scratch-read-only' ? quarantineRoot(xen) : 0;
  return sharesP2m(xen, slot) ? xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1) : iommuRoot(xen, slot);
}

/**
 * Leads the device's stream to its new domain's context bank. The last device to leave a bank switches it off, which
 * forgets what was translated through it.
 */
function switchSmmu(xen: Xen, device: number, target: number): number {
  const smmu = xen.smmu;
  if (smmu === undefined) return -Errno.ENODEV;
  if (target >= 0 && xen.domain.kind.get(target) !== Kind.arm) return -Errno.EINVAL;
  const bank = target < 0 ? -1 : smmu.bankFor(xen.ram.frameAt(xen.domain.p2mRoot.get(target) - 1));
  if (target >= 0 && bank < 0) return -Errno.ENOSPC;
  const left = smmu.bankOfRow(device);
  smmu.setStream(device, xen.spec.devices[device]!.requester, bank);
  if (left >= 0) smmu.releaseBankIfUnused(left);
  return 0;
}
