import { SMMU_SHAPE } from '../hardware/smmu-unit.js';
import { type SmmuV3Unit, STREAM_TABLE_FRAMES } from '../hardware/smmuv3-unit.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { allocXenFrames } from './frames.js';
import { streamsOf } from './machine.js';
import type { Xen } from './state.js';

/** S2PS of 48 bits, the most that Xen has for physical addresses here. */
const OUTPUT_48_BITS = 5;

/** Gives the unit its stream table, which leads no stream anywhere yet. False when memory is short. */
export function enableSmmuV3(xen: Xen, smmu: SmmuV3Unit): boolean {
  const table = allocXenFrames(xen, smmu.streamTableFrames);
  if (table < 0) return false;
  smmu.setStreamTable(xen.ram.frameAt(table));
  return true;
}

/**
 * The SMMUv3 driver's add_device: there is a stream table entry for each stream, which aborts. -ERANGE for a stream id
 * that the unit does not have, -ENOMEM for the second level of the table. Done already is no error.
 */
export function smmuV3Add(xen: Xen, smmu: SmmuV3Unit, device: number): number {
  for (const stream of streamsOf(xen.spec.devices[device]!)) {
    if (stream >= 2 ** smmu.streamBits) return -Errno.ERANGE;
    if (smmu.hasEntry(stream)) continue;
    const table = allocXenFrames(xen, STREAM_TABLE_FRAMES);
    if (table < 0) return -Errno.ENOMEM;
    smmu.linkTable(stream, xen.ram.frameAt(table));
  }
  return 0;
}

/**
 * The driver's assign_device: the domain gets a context with the lowest free VMID when its first device comes (0 stays
 * for streams that bypass), and the streams' entries lead to its p2m. -ENOMEM; -ENOSPC when there is no VMID.
 */
export function smmuV3Assign(xen: Xen, smmu: SmmuV3Unit, slot: number, device: number): number {
  const { vmid, references } = xen.smmuContext!;
  if (vmid.get(slot) === 0) {
    if (fails(xen, 'alloc')) return -Errno.ENOMEM;
    vmid.set(slot, lowestFreeVmid(xen));
  }
  const root = xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
  const { t0sz, sl0 } = SMMU_SHAPE;
  const entry = { vmid: vmid.get(slot), root, t0sz, sl0, outputSize: OUTPUT_48_BITS };
  for (const stream of streamsOf(xen.spec.devices[device]!)) smmu.writeStage2(stream, entry);
  references.add(slot, 1);
  return 0;
}

function lowestFreeVmid(xen: Xen): number {
  const { vmid } = xen.smmuContext!;
  for (let candidate = 1; ; candidate++) {
    let slot = 0;
    while (slot < xen.domIo && vmid.get(slot) !== candidate) slot++;
    if (slot === xen.domIo) return candidate;
  }
}

/**
 * The driver's deassign_device, which looks whether the domain has a context, not whether the device is in it: the
 * device's streams are stopped whosever it is, and the domain's context loses a reference. With the last one its VMID is
 * free. Nothing is invalidated then: what was translated under the VMID waits for the next domain that gets it
 * (arm_smmu_domain_free, in every release). Without a context: -ESRCH; up to 4.20 Xen looks into one all the same
 * (a12d2d90d3).
 */
export function smmuV3Deassign(xen: Xen, smmu: SmmuV3Unit, slot: number, device: number): number {
  const { vmid, references } = xen.smmuContext!;
  if (vmid.get(slot) === 0) {
    if (xen.profile.smmuV3NoContext === 'dereferenced') xen.bug('no SMMU context where one is looked at');
    return -Errno.ESRCH;
  }
  if (xen.device.owner.get(device) !== 0) {
    for (const stream of streamsOf(xen.spec.devices[device]!)) smmu.writeAbort(stream);
  }
  references.add(slot, -1);
  if (references.get(slot) === 0) vmid.set(slot, 0);
  return 0;
}

/** The VMID under which a domain's translations are remembered, or -1 when it has no context. */
export function smmuV3Vmid(xen: Xen, slot: number): number {
  return xen.smmuContext!.vmid.get(slot) || -1;
}
