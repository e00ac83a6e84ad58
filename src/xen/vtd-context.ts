import { EntryWords } from '../formats/radix.js';
import { entryFrame, VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { Errno } from './errno.js';
import { fails } from './failures.js';
import { flushContext, flushDomain } from './iommu-flush.js';
import { sharesP2m } from './iommu-map.js';
import { allocUnitFrame, iommuRoot } from './iommu-tables.js';
import { deviceDomid, isBlocked, quarantineRoot } from './quarantine.js';
import { noteReservedSeen } from './reserved-gap.js';
import type { Xen } from './state.js';
import { didOf, isKnownDid, leaveUnit, quarantineHolder, slotOfDid, takeDid } from './vtd-domain-ids.js';

const entry = new EntryWords();

/**
 * Points a device's context entry at the tables of its new domain: 0 or an errno (dossier §6.3, §6.5, §7.1).
 *
 * Since 4.17 the entry changes in one go, and the device stays with its old domain when that fails. Before, it is first
 * taken out of the old domain's tables, and when there is no memory for the new one's it stays blocked, while the old
 * domain has it still, or from 4.13 on dom_io (8f41e481b452).
 */
export function switchVtd(
  xen: Xen,
  device: number,
  source: number,
  target: number,
  requester = xen.spec.devices[device]!.requester,
): number {
  const isPhantom = requester !== xen.spec.devices[device]!.requester;
  const unit = xen.unitIndex(device);
  if (unit < 0) return -Errno.ENODEV;
  // The device's own function leaves last; until then the others need the domain id (dec403cc6668).
  const isLast = !isPhantom || xen.profile.domainIdKept === 'until-first-function';
  const directly = xen.profile.vtdReassign === 'directly';
  const blocked = isBlocked(xen, device, target);
  if (source >= 0 && !isBlocked(xen, device, source) && (blocked || !directly)) {
    const status = unmapContext(xen, unit, requester, source);
    if (status !== 0) return status;
    noteReservedSeen(xen, target, device);
    if (isLast) leaveUnit(xen, unit, source, device);
  }
  if (source >= 0 && !isPhantom && xen.profile.vtdReassign === 'quarantined-meanwhile') {
    xen.device.owner.set(device, xen.domIo + 1);
  }
  if (blocked) return 0;
  const previous = entryDomain(xen, unit, requester);
  const status = mapContext(xen, unit, device, requester, target);
  noteReservedSeen(xen, target, device);
  if (status === -Errno.ETIMEDOUT) recover(xen, unit, device, requester, previous, target);
  if (status === -Errno.EILSEQ && !isPhantom) leaveUnit(xen, unit, target, device);
  const leaves = directly && isLast && source >= 0 && source !== target;
  if (status === 0 && leaves) leaveUnit(xen, unit, source, device);
  return status;
}

/**
 * domain_context_mapping_one: -ENOMEM without memory for a table, -ESRCH when nobody knows the domain id of the entry as it
 * is, what {@link takeDid} says, and -EILSEQ when the entry has changed underfoot. The unit forgets what it knew under the domain id before.
 */
function mapContext(xen: Xen, unit: number, device: number, requester: number, slot: number): number {
  const vtd = xen.vtds[unit]!;
  if (!vtd.hasContextTable(requester >>> 8)) {
    const table = allocUnitFrame(xen);
    if (table < 0) return -Errno.ENOMEM;
    vtd.setContextTable(requester >>> 8, table);
  }
  const before = vtd.contextDid(requester);
  if (before >= 0 && !isKnownDid(xen, unit, before)) return -Errno.ESRCH;
  const passes = xen.isHardwareDomain(slot) && xen.spec.hwdomMode === 'passthrough';
  const root = passes ? 0 : rootForUnit(xen, vtd.levels, device, slot);
  if (root < 0) return -Errno.ENOMEM;
  const holder = isOwnQuarantine(xen, slot) ? quarantineHolder(xen, device) : slot;
  const did = takeDid(xen, unit, holder, deviceDomid(xen, device, slot));
  if (did < 0) return did;
  if (before >= 0 && fails(xen, 'exchange')) return -Errno.EILSEQ;
  if (passes) vtd.setPassThrough(requester, did);
  else vtd.setContext(requester, root, did);
  const status = forget(xen, unit, requester, before);
  xen.domain.iommuBitmap.set(slot, xen.domain.iommuBitmap.get(slot) | (1 << unit));
  return status;
}

/** prev_dom: whose a context entry is by its domain id, which of a phantom function's need not be the device's; or -1. */
function entryDomain(xen: Xen, unit: number, requester: number): number {
  const did = xen.vtds[unit]!.contextDid(requester);
  return did < 0 ? -1 : slotOfDid(xen, unit, did);
}

/** The entry as it was, or none, after the unit did not answer; what goes wrong now is let go. */
function recover(
  xen: Xen,
  unit: number,
  device: number,
  requester: number,
  source: number,
  target: number,
): void {
  const returns = xen.profile.vtdReassign === 'directly' && source >= 0;
  const status = returns
    ? mapContext(xen, unit, device, requester, source)
    : unmapContext(xen, unit, requester, target);
  if (returns && status === -Errno.ETIMEDOUT && xen.profile.switchRollback === 'rolled-back') {
    rollBackAgain(xen, unit, device, requester, source, target);
    return;
  }
  const isPhantom = requester !== xen.spec.devices[device]!.requester;
  if (status === 0 && !isPhantom && xen.profile.vtdReassign === 'directly')
    leaveUnit(xen, unit, target, device);
}

/**
 * Between 8f41e481b485 and 99d829dba139 a failure of the recovery was recovered from, to the domain that the entry said by
 * then, which is the new one; and so on, as long as the unit does not answer. When the entry is as it was at the start of
 * a round, none of the next will be different: Xen runs out of stack.
 */
function rollBackAgain(
  xen: Xen,
  unit: number,
  device: number,
  requester: number,
  source: number,
  target: number,
): void {
  if (mapContext(xen, unit, device, requester, target) !== -Errno.ETIMEDOUT) return;
  if (mapContext(xen, unit, device, requester, source) !== -Errno.ETIMEDOUT) return;
  xen.bug('a context entry is switched back and forth for ever');
}

/**
 * domain_context_unmap_one. Before 4.17 what is forgotten is the domain's, not the entry's, and -EINVAL if the domain has no
 * domain id. A unit that does not answer costs the domain its life, a dying one nothing.
 */
function unmapContext(xen: Xen, unit: number, requester: number, slot: number): number {
  const vtd = xen.vtds[unit]!;
  const before = vtd.contextDid(requester);
  if (before < 0) return 0;
  vtd.clearContext(requester);
  const did = xen.profile.vtdReassign === 'directly' ? before : didOf(xen, unit, slot);
  if (did < 0) return -Errno.EINVAL;
  const status = forget(xen, unit, requester, did);
  if (status === 0 || xen.isHardwareDomain(slot) || slot === xen.domIo) return status;
  if (xen.isDying(slot)) return 0;
  xen.domain.crashed.set(slot, 1);
  return status;
}

/** Takes a device that is removed out of its domain's tables. */
export function removeVtdContext(xen: Xen, device: number, owner: number, requester: number): number {
  const unit = xen.unitIndex(device);
  if (unit < 0) return -Errno.ENODEV;
  const status = unmapContext(xen, unit, requester, owner);
  if (status === 0 && requester === xen.spec.devices[device]!.requester) leaveUnit(xen, unit, owner, device);
  return status;
}

/** Whether a quarantined device stands for itself, with a domain id and a table of its own. */
function isOwnQuarantine(xen: Xen, slot: number): boolean {
  return slot === xen.domIo && xen.profile.quarantineTable === 'per-device';
}

/** Device-selective invalidation of the context cache, domain-selective of the IOTLB, both under the entry's last DID. */
function forget(xen: Xen, unit: number, requester: number, before: number): number {
  const vtd = xen.vtds[unit]!;
  const context = flushContext(xen, vtd, Math.max(before, 0), requester, before < 0);
  const iotlb = flushDomain(xen, vtd, Math.max(before, 0), before < 0);
  return context || iotlb;
}

/** The same for a unit of so many levels. Tables shared with the p2m are no exception (02b46377b6e9, XSA-390). */
function rootForUnit(xen: Xen, levels: number, device: number, slot: number): number {
  const root = rootFor(xen, device, slot);
  const asItIs = xen.profile.sharedRootLevels === 'as-it-is' && slot !== xen.domIo && sharesP2m(xen, slot);
  return asItIs ? root : skipLevels(xen, levels, root);
}

/** The second-level root for a domain's devices, of four levels; -1 when memory is short. */
function rootFor(xen: Xen, device: number, slot: number): number {
  // A table of the device's own comes before any of its domain's (cc6ba68edf6d, XSA-450).
  const ofDomain = xen.profile.quarantineTableUsed === 'of-dom-io';
  if (slot === xen.domIo) return ofDomain ? iommuRoot(xen, slot) : quarantineRoot(xen, device);
  if (sharesP2m(xen, slot)) return xen.ram.frameAt(xen.domain.p2mRoot.get(slot) - 1);
  const fresh = xen.domain.iommuRoot.get(slot) === 0;
  const root = iommuRoot(xen, slot);
  // A new root comes with the tables that units of fewer levels begin at.
  return fresh && root >= 0 && xen.vtds.some(({ levels }) => levels < 4) && !addFirstTable(xen, root)
    ? -1
    : root;
}

/** Makes the table below a root's first entry; false when memory is short. */
function addFirstTable(xen: Xen, root: number): boolean {
  const table = allocUnitFrame(xen);
  if (table < 0) return false;
  VTD_SECOND_LEVEL.tableEntry(table, 4, entry);
  xen.writeTableEntry(root * 4096, entry.lo, entry.hi, true);
  return true;
}

/** domain_pgd_maddr: a unit of three levels uses the table below the root's first entry; -1 when there is none. */
export function skipLevels(xen: Xen, levels: number, root: number): number {
  if (root < 0 || levels === 4) return root;
  const lo = xen.ram.read32(root * 4096);
  return (lo & 3) === 0 ? -1 : entryFrame(lo, xen.ram.read32(root * 4096 + 4) & 0xf_ffff);
}
