import type { SmmuUnit } from '../hardware/smmu-unit.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { streamsOf } from './machine.js';
import type { Xen } from './state.js';

/**
 * The SMMUv1 and v2 driver's assign_device: the device's streams get mappings, its domain a context bank. -ENOSPC when
 * the unit has no more of either; -ENOMEM. Up to 4.15 the bank is taken first, and both are given back on failure; since
 * 4.16 a device's mappings are made when it is first assigned at all, and never again (dossier §6.5, §7.3; 0435784cc7).
 */
export function smmuAssign(xen: Xen, smmu: SmmuUnit, slot: number, device: number): number {
  if (fails(xen, 'alloc')) return -Errno.ENOMEM;
  const late = xen.profile.smmuStreamMappings !== 'per-attachment';
  if (late && xen.device.addedToSmmu.get(device) === 0) {
    // Also when it fails: the driver does not come here for this device a second time.
    xen.device.addedToSmmu.set(device, 1);
    if (!mapStreams(xen, smmu, device)) return -Errno.ENOSPC;
  }
  const root = xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
  const bank = smmu.bankFor(root);
  if (bank < 0) return -Errno.ENOSPC;
  if (!late && !mapStreams(xen, smmu, device)) {
    smmu.releaseBankIfUnused(bank);
    return -Errno.ENOSPC;
  }
  for (const stream of streamsOf(xen.spec.devices[device]!)) {
    const row = smmu.rowOf(stream);
    if (row >= 0) smmu.setStream(row, stream, bank);
  }
  return 0;
}

/** Takes a stream mapping register for each of the device's streams; none at all when they are not enough. */
function mapStreams(xen: Xen, smmu: SmmuUnit, device: number): boolean {
  const streams = streamsOf(xen.spec.devices[device]!);
  const taken: number[] = [];
  for (const stream of streams) {
    const row = smmu.freeRow();
    if (row < 0) {
      for (const of of taken) smmu.clearStream(of);
      return false;
    }
    smmu.setStream(row, stream, -1);
    taken.push(row);
  }
  return true;
}

/**
 * The driver's deassign_device: the streams fault, and the last device to leave a bank switches it off, which forgets
 * what was translated through it. -ESRCH when the device is not the domain's. Since 4.17 the mappings stay, as faulting
 * ones; 4.16 gives them back and never takes new ones, so that the device faults with whoever has it next (fc151829ba).
 */
export function smmuDeassign(xen: Xen, smmu: SmmuUnit, slot: number, device: number): number {
  if (xen.device.owner.get(device) - 1 !== slot) return -Errno.ESRCH;
  const root = xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
  const bank = smmu.bankOf(root);
  for (const stream of streamsOf(xen.spec.devices[device]!)) {
    const row = smmu.rowOf(stream);
    if (row < 0) continue;
    if (xen.profile.smmuStreamMappings === 'kept') smmu.setStream(row, stream, -1);
    else smmu.clearStream(row);
  }
  if (bank >= 0 && !hasDevices(xen, slot, device)) smmu.releaseBank(bank);
  return 0;
}

/** Whether a domain has devices besides this one: a bank is counted by devices, not by mappings. */
function hasDevices(xen: Xen, slot: number, but: number): boolean {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    if (device !== but && xen.device.owner.get(device) - 1 === slot) return true;
  }
  return false;
}
