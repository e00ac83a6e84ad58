import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { mapRegion, RDM_RELAXED, regionsOf, unmapRegion } from './identity-map.js';
import type { PciFunction } from './pci-function.js';
import { isBlocked } from './quarantine.js';
import type { Xen } from './state.js';
import { removeVtdContext, switchVtd } from './vtd-context.js';

/**
 * intel_iommu_assign_device (dossier §6.4, §6.5): a region that several devices share is -EPERM unless the assignment is
 * relaxed. Since 4.17 (78a40f8b5dfa) the regions are mapped before the context is switched, and taken out again when that
 * fails; before, they are mapped afterwards, when the device can already miss them, and a failure takes it back.
 */
export function assignVtd(xen: Xen, pci: PciFunction, target: number, flags: number): number {
  const { device } = pci;
  const source = deviceOwner(xen, device);
  const regions = pci.isPhantom ? [] : regionsOf(xen, device);
  const shared = regions.some(({ devices }) => devices.length > 1);
  if (shared && (flags & RDM_RELAXED) === 0) return -Errno.EPERM;
  if (xen.profile.reservedOrder === 'switch-first') {
    return assignThenMap(xen, pci, regions, source, target, flags);
  }
  if (target === xen.domIo) return reassignVtd(xen, pci, source, target);
  let status = 0;
  for (let i = 0; i < regions.length && status === 0; i++)
    status = mapRegion(xen, target, regions[i]!, flags);
  if (status === 0) status = reassignVtd(xen, pci, source, target);
  if (status === 0 || xen.isHardwareDomain(target)) return status;
  for (const region of regions) {
    const left = unmapRegion(xen, target, region);
    if (left === 0 || left === -Errno.ENOENT) continue;
    xen.domain.crashed.set(target, 1);
    break;
  }
  return status;
}

type Regions = ReturnType<typeof regionsOf>;

function assignThenMap(
  xen: Xen,
  pci: PciFunction,
  regions: Regions,
  source: number,
  target: number,
  flags: number,
): number {
  const switched = reassignVtd(xen, pci, source, target);
  if (switched !== 0 || target === xen.domIo) return switched;
  for (const region of regions) {
    const status = mapRegion(xen, target, region, flags);
    if (status === 0) continue;
    const back = reassignVtd(xen, pci, target, source);
    if (back !== 0 && xen.profile.iommuContext === 'at-creation') xen.domain.crashed.set(target, 1);
    return status;
  }
  return 0;
}

/**
 * reassign_device_ownership: the context, then who has the device, which only its real function decides. Never are regions
 * taken out of the hardware domain, as firmware may use them before the next driver does.
 */
export function reassignVtd(xen: Xen, pci: PciFunction, source: number, target: number): number {
  const first = xen.profile.reservedOrder === 'switch-first';
  if (first) {
    const status = leaveRegions(xen, pci, source);
    if (status <= 0) return status;
  }
  const status = switchFunction(xen, pci, source, target);
  if (status !== 0) return status;
  if (!pci.isPhantom) xen.device.owner.set(pci.device, target + 1);
  return first ? 0 : Math.min(0, leaveRegions(xen, pci, source));
}

/** What {@link leaveRegions} says when nothing stands in the way of going on. */
const GOES_ON = 1;

/**
 * Takes a device's regions out of its old domain. Up to 4.15 a region that was unmapped well ended the whole call there,
 * as a success, with the device where it was: taking it away a second time found no record, and worked (192aaf7e146c,
 * XSA-386).
 */
function leaveRegions(xen: Xen, pci: PciFunction, source: number): number {
  if (xen.isHardwareDomain(source) || source < 0 || pci.isPhantom) return GOES_ON;
  for (const region of regionsOf(xen, pci.device)) {
    const status = unmapRegion(xen, source, region);
    if (status === -Errno.ENOENT) continue;
    if (status !== 0 || xen.profile.reservedLeave === 'ends-there') return status;
  }
  return GOES_ON;
}

/** intel_iommu_add_device: the hardware domain's mapping of the regions; what goes wrong with it is only logged. */
export function addVtd(xen: Xen, pci: PciFunction): number {
  const { device } = pci;
  if (!pci.isPhantom) for (const region of regionsOf(xen, device)) mapRegion(xen, 0, region, 0);
  return switchFunction(xen, pci, -1, 0);
}

/**
 * What domain_context_mapping and domain_context_unmap do by the kind of the function (dossier §6.5): bridges have no
 * context, a host bridge is the hardware domain's and nobody else's (-EPERM), and what Xen does not know is -EINVAL.
 */
function switchFunction(xen: Xen, pci: PciFunction, source: number, target: number): number {
  switch (xen.spec.devices[pci.device]!.type ?? 'endpoint') {
    case 'endpoint':
    case 'pci':
      return switchVtd(xen, pci.device, source, target, pci.requester);
    case 'host-bridge':
      return xen.isHardwareDomain(isBlocked(xen, pci.device, target) ? source : target) ? 0 : -Errno.EPERM;
    case 'unknown':
      return -Errno.EINVAL;
    default:
      return 0;
  }
}

/** intel_iommu_remove_device: its context, then its regions, whatever becomes of them. */
export function removeVtd(xen: Xen, pci: PciFunction, owner: number): number {
  const status = removeVtdContext(xen, pci.device, owner, pci.requester);
  if (status !== 0) return status;
  if (!pci.isPhantom) for (const region of regionsOf(xen, pci.device)) unmapRegion(xen, owner, region);
  return 0;
}
