import { isBusMaster } from '../xen/fault-throttle.js';
import type { Xen } from '../xen/state.js';

/**
 * A device reads or writes 32 bits at a bus address. False when the IOMMU refuses, which has recorded the
 * fault then, or when Xen has silenced the device. A
 * write to what is no RAM goes nowhere. A device-tree device may use another of its streams as `requester`; one that no
 * IOMMU stands in front of (-1) is never refused. Allocates nothing.
 */
export function deviceAccess(
  xen: Xen,
  device: number,
  address: number,
  write: boolean,
  value: number,
  requester: number = xen.spec.devices[device]!.requester,
): boolean {
  if (!isBusMaster(xen, device)) return false;
  const unit = xen.unitOf(device);
  let frame = Math.floor(address / 4096);
  if (unit !== undefined && requester >= 0) {
    if (!unit.translate(requester, address, write)) return false;
    frame = unit.frame;
  }
  if (write && xen.ram.indexOf(frame) >= 0) {
    xen.ram.write32(frame * 4096 + (address % 4096) - (address % 4), value);
  }
  return true;
}
