import { Errno } from './errno.js';
import { fails } from './failures.js';
import { allocUnitFrame, amdviLevels, iommuRoot } from './iommu-tables.js';
import { deviceTableFrames } from './machine.js';
import { phantomFunctions } from './pci-function.js';
import { deviceDomid, isBlocked, quarantineRoot } from './quarantine.js';
import { noteReservedSeen } from './reserved-gap.js';
import type { Xen } from './state.js';

/**
 * Makes the device table, which is that of every unit, and turns the units on. Since 4.13 an entry aborts everything until
 * its device is known; before, entries were left zero, and a unit lets all pass that such an entry is for. Only the entries
 * of the machine's devices are written: nobody else sends anything. (dossier §7.2; 1b00c16bdf)
 */
export function enableAmdvi(xen: Xen): void {
  const requesters = xen.spec.devices.map(({ requester }) => requester);
  const frames = deviceTableFrames(requesters);
  const first = allocUnitFrame(xen);
  for (let i = 1; i < frames; i++) {
    if (allocUnitFrame(xen) !== first + i)
      throw new RangeError(`Xen’s heap has no ${frames} frames for AMD-Vi’s device table`);
  }
  for (const unit of xen.amdvis) unit.enable(first);
  if (xen.profile.amdReassign === 'forwarded-meanwhile') return;
  for (let device = 0; device < requesters.length; device++) {
    xen.amdvi!.abort(requesters[device]!);
    for (const { requester } of phantomFunctions(xen, device)) xen.amdvi!.abort(requester);
  }
}

/**
 * Points a device's entry at the tables of its new domain, which never are the p2m (dossier §6.3, §7.2). dom_io without a
 * scratch page: everything is aborted. The hardware domain in passthrough mode has an invalid entry: the unit ignores it
 * and lets everything pass.
 *
 * Up to 4.16 the old domain's entry is made useless first, and the device moved, before it turns out whether there is
 * memory for the new domain's tables. Since then an entry that translates is exchanged: -EILSEQ when it has changed
 * underfoot, and -EOPNOTSUPP for a device with unity maps that shares its entry, being an alias (1fa6e9aa3623).
 */
export function switchAmdvi(
  xen: Xen,
  device: number,
  source: number,
  target: number,
  requester = xen.spec.devices[device]!.requester,
): number {
  const unit = xen.amdvis[xen.unitIndex(device)];
  if (unit === undefined) return -Errno.ENODEV;
  const before = unit.tagOf(requester);
  const { amdReassign } = xen.profile;
  if (source >= 0) leaveFirst(xen, device, source, target, requester);
  if (isBlocked(xen, device, target)) {
    unit.abort(requester);
  } else {
    const root = target === xen.domIo ? quarantineRoot(xen, device) : iommuRoot(xen, target);
    if (root < 0) return -Errno.ENOMEM;
    const levels = amdviLevels(xen, target);
    if (amdReassign === 'directly' && unit.isTranslated(requester)) {
      if (unit.rootOf(requester) === root) return 0;
      if (isAlias(xen, device) && hasUnityMap(xen, device)) return -Errno.EOPNOTSUPP;
      if (fails(xen, 'exchange')) return -Errno.EILSEQ;
    }
    const domid = deviceDomid(xen, device, target);
    const passes = xen.isHardwareDomain(target) && xen.spec.hwdomMode === 'passthrough';
    if (passes) unit.setIgnored(requester, root, levels, domid);
    else unit.setTables(requester, root, levels, domid);
  }
  noteReservedSeen(xen, target, device);
  // Changing an entry invalidates what the unit keeps of the entry; what it translated is another matter (XSA-442).
  if (before >= 0 && xen.profile.amdDeviceFlush === 'entry-and-domain') unit.iotlb.invalidateDomain(before);
  return 0;
}

/** Whether the device sends under a requester id that is not its own. */
function isAlias(xen: Xen, device: number): boolean {
  return xen.spec.devices[device]!.aliased === true;
}

function hasUnityMap(xen: Xen, device: number): boolean {
  return xen.spec.reserved.some(({ devices }) => devices.includes(device));
}

/** Takes a device out of its old domain before it gets into the new one. */
function leaveFirst(xen: Xen, device: number, source: number, target: number, requester: number): void {
  const { amdReassign } = xen.profile;
  if (amdReassign === 'directly') return;
  const unit = xen.amdvi!;
  if (amdReassign === 'forwarded-meanwhile') unit.forward(requester);
  else unit.abort(requester);
  // In quarantine it has no region to lose (dossier §11 item 2).
  if (source !== xen.domIo) noteReservedSeen(xen, target, device);
  if (requester !== xen.spec.devices[device]!.requester) return;
  xen.device.owner.set(device, (amdReassign === 'quarantined-meanwhile' ? xen.domIo : target) + 1);
}
