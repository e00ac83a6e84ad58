import { R, type Rights, W } from '../formats/address.js';
import { deviceOwner } from './devices.js';
import { Errno } from './errno.js';
import { iommuMap, iommuUnmap, mirrors } from './iommu-map.js';
import type { ReservedSpec } from './machine.js';
import { p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { noteReservedSeen } from './reserved-gap.js';
import type { Xen } from './state.js';

/** assign_device's one flag: conflicts of reserved regions with a domain's memory are tolerated. */
export const RDM_RELAXED = 1;

/** The reserved regions of a device, in the order of the machine's declaration. */
export function regionsOf(xen: Xen, device: number): readonly ReservedSpec[] {
  return xen.spec.reserved.filter(({ devices }) => devices.includes(device));
}

/**
 * The row of table `identityMap` for a domain and a range: regions of the same range have one record (dossier §6.4,
 * "exact match").
 */
function recordOf(xen: Xen, slot: number, region: ReservedSpec): number {
  const { reserved } = xen.spec;
  const first = reserved.findIndex(
    ({ range }) => range.base === region.range.base && range.count === region.range.count,
  );
  return slot * reserved.length + first;
}

const overlap = (a: ReservedSpec['range'], b: ReservedSpec['range']): boolean =>
  a.base < b.base + b.count && b.base < a.base + a.count;

/** Whether a record of the domain covers part of the region, but is of another range. */
function overlapsOther(xen: Xen, slot: number, region: ReservedSpec): boolean {
  const own = recordOf(xen, slot, region);
  return xen.spec.reserved.some(
    (other) =>
      recordOf(xen, slot, other) !== own &&
      xen.identityMap.count.get(recordOf(xen, slot, other)) !== 0 &&
      overlap(other.range, region.range),
  );
}

/**
 * iommu_identity_mapping for a region to be mapped (up to 4.15 VT-d's rmrr_identity_mapping, which knew no access and
 * took no notice of overlaps). A range that is recorded is only counted: -EADDRINUSE when its access is another. Otherwise
 * the pages are mapped one after the other.
 *
 * When one cannot be, those before it stay mapped. Where the record is made before the pages are mapped, it stays with
 * them, so that an unmap finds them; but when it is the first page that fails, nothing is left. Where it is made at the
 * end, pages that did get mapped are known to nobody (dossier §6.4, beadd68b5490).
 */
export function mapRegion(xen: Xen, slot: number, region: ReservedSpec, flags: number): number {
  const { reservedRecord } = xen.profile;
  const { count, rights } = xen.identityMap;
  const record = recordOf(xen, slot, region);
  const wanted = region.rights;
  const tracksAccess = reservedRecord !== 'vtd-only';
  if (count.get(record) !== 0) {
    if (tracksAccess && rights.get(record) !== wanted) return -Errno.EADDRINUSE;
    if (xen.profile.reservedSharing === 'counted') count.add(record, 1);
    return 0;
  }
  if (tracksAccess && overlapsOther(xen, slot, region)) return -Errno.EADDRINUSE;
  for (let i = 0; i < region.range.count; i++) {
    const status = setIdentityEntry(xen, slot, region.range.base + i, wanted, flags);
    if (status === 0) continue;
    if (reservedRecord === 'before-mapping' && i > 0) setRecord(xen, record, wanted);
    return status;
  }
  setRecord(xen, record, wanted);
  return 0;
}

function setRecord(xen: Xen, record: number, rights: Rights): void {
  xen.identityMap.count.set(record, 1);
  xen.identityMap.rights.set(record, rights);
}

/**
 * The same for a region to be unmapped: -ENOENT when there is no record of it, -EADDRINUSE when one of another range
 * overlaps it. The last unmap clears the pages: -ENXIO when one of them fails, and the record goes all the same.
 */
export function unmapRegion(xen: Xen, slot: number, region: ReservedSpec): number {
  const { count, rights } = xen.identityMap;
  const record = recordOf(xen, slot, region);
  if (count.get(record) === 0) {
    const refused = xen.profile.reservedRecord !== 'vtd-only' && overlapsOther(xen, slot, region);
    return refused ? -Errno.EADDRINUSE : -Errno.ENOENT;
  }
  count.add(record, -1);
  if (count.get(record) !== 0) return 0;
  rights.set(record, 0);
  let status = 0;
  for (let i = 0; i < region.range.count; i++) {
    if (clearIdentityEntry(xen, slot, region.range.base + i) !== 0) status = -Errno.ENXIO;
    noteReservedSeen(xen, slot);
  }
  return status;
}

/** iommu_identity_map_teardown: forgets the records of a domain, and leaves the pages to whoever frees its tables. */
export function forgetRegions(xen: Xen, slot: number): void {
  const regions = xen.spec.reserved.length;
  for (let row = slot * regions; row < (slot + 1) * regions; row++) {
    xen.identityMap.count.set(row, 0);
    xen.identityMap.rights.set(row, 0);
  }
}

/**
 * set_identity_p2m_entry (dossier §6.4): PV whatever else is there; translated in the p2m, where a hole is filled and
 * anything else is a conflict: -EBUSY, or left as it is when the assignment is relaxed.
 */
function setIdentityEntry(xen: Xen, slot: number, frame: number, rights: Rights, flags: number): number {
  if (!xen.isTranslated(slot)) return isForPv(xen, slot) ? iommuMap(xen, slot, frame, frame, rights) : 0;
  const there = p2mLookup(xen, slot, frame);
  if (there < 0) return setIdentityP2m(xen, slot, frame, rights);
  if (there === frame && p2mType(xen, slot, frame) === P2mType.mmioDirect) return 0;
  return (flags & RDM_RELAXED) !== 0 ? 0 : -Errno.EBUSY;
}

/** A relaxed dom0's tables are not kept in sync with its pages, and have reserved regions all the same (77a994f3f8eb). */
function isForPv(xen: Xen, slot: number): boolean {
  return xen.profile.reservedOfPv === 'with-context' || mirrors(xen, slot);
}

/** The p2m has mmio_direct with all rights; what a device may do besides is narrowed in tables of its own. */
function setIdentityP2m(xen: Xen, slot: number, frame: number, rights: Rights): number {
  const status = p2mSet(xen, slot, frame, frame, P2mType.mmioDirect);
  if (status !== 0 || rights === (R | W)) return status;
  return iommuMap(xen, slot, frame, frame, rights);
}

/** clear_identity_p2m_entry: what has become something else in the meantime stays. */
function clearIdentityEntry(xen: Xen, slot: number, frame: number): number {
  if (!xen.isTranslated(slot)) return isForPv(xen, slot) ? iommuUnmap(xen, slot, frame) : 0;
  const identical = p2mLookup(xen, slot, frame) === frame;
  if (identical && p2mType(xen, slot, frame) === P2mType.mmioDirect) p2mRemove(xen, slot, frame);
  return 0;
}

/** Whether a device that `slot` owns has `frame` in a reserved region. */
export function reservesFrame(xen: Xen, slot: number, frame: number): boolean {
  return xen.spec.reserved.some(
    ({ range, devices }) =>
      frame >= range.base &&
      frame < range.base + range.count &&
      devices.some((device) => deviceOwner(xen, device) === slot),
  );
}
