import type { Xen } from '../xen/state.js';

/**
 * A device reads or writes 32 bits at a bus address. False when the IOMMU refuses; it has recorded the fault then. A
 * write to what is no RAM goes nowhere. Allocates nothing.
 */
export function deviceAccess(
  xen: Xen,
  device: number,
  address: number,
  write: boolean,
  value: number,
): boolean {
  const unit = xen.unitOf(device);
  let frame = Math.floor(address / 4096);
  if (unit !== undefined) {
    if (!unit.translate(xen.spec.devices[device]!.requester, address, write)) return false;
    frame = unit.frame;
  }
  if (write && xen.ram.indexOf(frame) >= 0) {
    xen.ram.write32(frame * 4096 + (address % 4096) - (address % 4), value);
  }
  return true;
}
