import { R, W } from '../formats/address.js';
import { deviceOwner, isDeviceTree } from './devices.js';
import { Errno } from './errno.js';
import { iommuMap, iommuUnmap } from './iommu-map.js';
import { P2mType, p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import type { Xen } from './state.js';

/** assign_device's one flag: RMRR conflicts are tolerated. */
export const RDM_RELAXED = 1;

/** Maps the regions that firmware reserves for the device into a domain. */
export function mapReserved(xen: Xen, device: number, slot: number, flags: number): number {
  if (slot < 0 || slot === xen.domIo || isDeviceTree(xen)) return 0;
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

/** Takes them out again, but for frames that another device of the domain has reserved, too. */
export function unmapReserved(xen: Xen, device: number, slot: number): void {
  if (slot <= 0 || slot === xen.domIo || isDeviceTree(xen)) return;
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
