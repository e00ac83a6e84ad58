import type { IommuUnit } from '../hardware/iommu.js';
import type { Xen } from './state.js';

/**
 * What is given back while an IOMMU may still use it: a page to which a device is led by a translation that is remembered,
 * or a table that the walk for such a translation went through. Whoever gets it next shares it with the device, however
 * soon the flush comes: so the order of the two matters, and it is looked at where it happens (gallery, INV-TLB).
 */

/** The first device behind a unit whose accesses are looked up under `tag`, or -1. */
export function deviceTagged(xen: Xen, unit: IommuUnit, tag: number): number {
  for (let device = 0; device < xen.spec.devices.length; device++)
    if (xen.unitOf(device) === unit && requesterTagged(xen, unit, device, tag) >= 0) return device;
  return -1;
}

/** The first of a device's requester ids under which they are, or -1. */
export function requesterTagged(xen: Xen, unit: IommuUnit, device: number, tag: number): number {
  const requesters = xen.requesters[device]!;
  for (let id = 0; id < requesters.length; id++)
    if (unit.tagOf(requesters[id]!) === tag) return requesters[id]!;
  return -1;
}

/** `count` frames from `pdx` on are about to be free. */
export function noteFreedPages(xen: Xen, pdx: number, count: number): void {
  const freed = xen.ram.frameAt(pdx);
  for (let index = 0; index < xen.units.length; index++) {
    const unit = xen.units[index]!;
    const { iotlb } = unit;
    for (let row = 0; row < iotlb.rows; row++) {
      const tag = iotlb.did(row);
      if (tag < 0 || iotlb.rights(row) === 0) continue;
      const frame = iotlb.frame(row);
      if (frame >= freed + count || frame + 2 ** iotlb.order(row) <= freed) continue;
      const device = deviceTagged(xen, unit, tag);
      if (device >= 0 && isHeldToRule(xen, device, freed)) {
        xen.host.freedInUse.set(0, pdx + 1);
        return;
      }
    }
  }
}

/** Neither a device of a dom0 trusted with the host's memory, nor one that the frame is reserved for. */
function isHeldToRule(xen: Xen, device: number, frame: number): boolean {
  const owner = xen.device.owner.get(device) - 1;
  if (owner < 0 || (xen.isHardwareDomain(owner) && xen.isPv(owner) && xen.spec.hwdomMode !== 'strict'))
    return false;
  return !xen.spec.reserved.some(
    ({ range, devices }) =>
      devices.includes(device) && frame >= range.base && frame < range.base + range.count,
  );
}

/** A table `pdx` that the devices of `slot` translate `span` inputs from `input` on through is about to be freed. */
export function noteFreedTable(xen: Xen, slot: number, pdx: number, input: number, span: number): void {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const unit = xen.unitOf(device);
    if (unit === undefined || xen.device.owner.get(device) - 1 !== slot) continue;
    const tag = unit.tagOf(xen.spec.devices[device]!.requester);
    const { iotlb } = unit;
    for (let row = 0; tag >= 0 && row < iotlb.rows; row++) {
      const first = iotlb.input(row);
      if (iotlb.did(row) !== tag || iotlb.rights(row) === 0 || first < input || first >= input + span)
        continue;
      xen.host.freedInUse.set(0, pdx + 1);
      return;
    }
  }
}
