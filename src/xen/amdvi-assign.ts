import { switchAmdvi } from './amdvi-context.js';
import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { mapRegion, regionsOf, unmapRegion } from './identity-map.js';
import { iommuMap } from './iommu-map.js';
import type { ReservedSpec } from './machine.js';
import type { PciFunction } from './pci-function.js';
import type { Xen } from './state.js';

/**
 * amd_iommu_assign_device (dossier §6.4): the unity maps of the device (IVMD) first, then the device table's entry; when
 * either fails, what is recorded of the maps is taken back, and a domain where that fails too is crashed.
 */
export function assignAmdvi(xen: Xen, pci: PciFunction, target: number, flags: number): number {
  const source = deviceOwner(xen, pci.device);
  const status = mapUnity(xen, pci, target, flags) || reassignAmdvi(xen, pci, source, target);
  if (status === 0 || xen.isHardwareDomain(target) || xen.profile.reservedRecord === 'vtd-only')
    return status;
  if (unmapUnity(xen, pci, target) !== 0) xen.domain.crashed.set(target, 1);
  return status;
}

/** The unity maps of a function. dom_io has none, whatever the quarantine (dossier §11 item 2). */
function unityMaps(xen: Xen, pci: PciFunction, slot: number): readonly ReservedSpec[] {
  return slot === xen.domIo || slot < 0 || pci.isPhantom ? [] : regionsOf(xen, pci.device);
}

/** The ranges to map, where nothing is recorded of them: each, or all that lies between the first and the last (XSA-378). */
function unityRanges(xen: Xen, maps: readonly ReservedSpec[]): readonly ReservedSpec[] {
  const last = maps.at(-1);
  if (last === undefined || xen.profile.unityRanges === 'each') return maps;
  const base = Math.min(...maps.map(({ range }) => range.base));
  const end = Math.max(...maps.map(({ range }) => range.base + range.count));
  return [{ ...last, range: { base, count: end - base } }];
}

/**
 * amd_iommu_reserve_domain_unity_map. Up to 4.15 it writes the domain's IOMMU tables, whatever its p2m says, takes no
 * notice of failures, and what it maps stays there for ever (c0e19d7c6c42, XSA-378).
 */
function mapUnity(xen: Xen, pci: PciFunction, slot: number, flags: number): number {
  const maps = unityMaps(xen, pci, slot);
  if (xen.profile.reservedRecord === 'vtd-only') {
    for (const { range, rights } of unityRanges(xen, maps)) {
      for (let i = 0; i < range.count; i++) iommuMap(xen, slot, range.base + i, range.base + i, rights);
    }
    return 0;
  }
  for (const region of maps) {
    const status = mapRegion(xen, slot, region, flags);
    if (status !== 0) return status;
  }
  return 0;
}

/** amd_iommu_reserve_domain_unity_unmap: all of them, with the first errno but -ENOENT. */
function unmapUnity(xen: Xen, pci: PciFunction, slot: number): number {
  let status = 0;
  for (const region of unityMaps(xen, pci, slot)) {
    const left = unmapRegion(xen, slot, region);
    if (left !== 0 && left !== -Errno.ENOENT && status === 0) status = left;
  }
  return status;
}

/**
 * reassign_device. Since 4.17 (1fa6e9aa3623) the old domain loses the unity maps after the entry has changed; in between
 * (899272539cbe), once the old entry is useless and before the new one is made; before that, never.
 */
export function reassignAmdvi(xen: Xen, pci: PciFunction, source: number, target: number): number {
  const { amdReassign } = xen.profile;
  const leaves = source > 0 && xen.profile.reservedRecord !== 'vtd-only';
  if (leaves && amdReassign === 'quarantined-meanwhile') {
    const status = unmapUnity(xen, pci, source);
    if (status !== 0) {
      xen.amdvi!.abort(pci.requester);
      return status;
    }
  }
  const status = switchAmdvi(xen, pci.device, source, target, pci.requester);
  if (status !== 0) return status;
  if (!pci.isPhantom) xen.device.owner.set(pci.device, target + 1);
  return leaves && amdReassign === 'directly' ? unmapUnity(xen, pci, source) : 0;
}

/** amd_iommu_add_device: the hardware domain's unity maps, whose failures are only logged, and the entry. */
export function addAmdvi(xen: Xen, pci: PciFunction): number {
  mapUnity(xen, pci, 0, 0);
  return switchAmdvi(xen, pci.device, -1, 0, pci.requester);
}

/** amd_iommu_remove_device: its entry aborts everything; failures with its unity maps are only logged. */
export function removeAmdvi(xen: Xen, pci: PciFunction, owner: number): number {
  const unit = xen.amdvis[xen.unitIndex(pci.device)];
  if (unit === undefined) return -Errno.ENODEV;
  const before = unit.tagOf(pci.requester);
  unit.abort(pci.requester);
  if (before >= 0 && xen.profile.amdDeviceFlush === 'entry-and-domain') unit.iotlb.invalidateDomain(before);
  if (xen.profile.reservedRecord !== 'vtd-only') unmapUnity(xen, pci, owner);
  return 0;
}
