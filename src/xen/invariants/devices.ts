import { type Rights, rightsText } from '../../formats/address.js';
import { deviceOwner } from '../devices.js';
import { reservesFrame } from '../identity-map.js';
import { sharesP2m } from '../iommu-map.js';
import { tableRights } from '../iommu-tables.js';
import { p2mLookup, p2mType } from '../p2m.js';
import { P2mType } from '../p2m-types.js';
import { isUntranslatedHwdom } from '../rule.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';
import { skipLevels } from '../vtd-context.js';
import { type Breach, breach, graverOf, type Harm } from './harm.js';
import type { Invariant } from './invariant.js';
import type { Notes } from './notes.js';
import { deviceText, frameText } from './words.js';

/** Whose a device is, where it goes, and the regions that its firmware needs. */

/** A device that translates through tables that are not its owner's, or through none at all. */
function contextOfAnother(xen: Xen): Breach | undefined {
  let found: Breach | undefined;
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const unit = xen.unitOf(device);
    const requesters = xen.requesters[device]!;
    for (let id = 0; unit !== undefined && id < requesters.length; id++) {
      if (!unit.select(requesters[id]!)) continue;
      found = graverOf(found, wrongRoot(xen, device, requesters[id]!, unit.selectedRoot));
      if (found?.harm === 'isolation broken') return found;
    }
  }
  return found;
}

function wrongRoot(xen: Xen, device: number, requester: number, root: number): Breach | undefined {
  const owner = deviceOwner(xen, device);
  // A hidden device is dom_xen's in name only.
  const slot = owner === xen.domXen ? 0 : owner;
  // What dom_io's devices translate through is looked at entry by entry (REACH).
  if (slot === xen.domIo && root >= 0) return undefined;
  if (slot >= 0 && root === rootOf(xen, slot, device)) return undefined;
  const whose = slot < 0 ? 'nobody’s' : `${xen.domainName(slot)}'s`;
  const under = requester === xen.spec.devices[device]!.requester ? '' : ` under ${frameText(requester)}`;
  const text = `${deviceText(xen, device)} is ${whose}, and its accesses${under} go ${wayText(xen, device, root)}`;
  return breach(harmOfWay(xen, device, root), text);
}

/** Where tables lead a device that are not its owner's. Those of its quarantine lead to nobody's memory. */
export const harmOfWay = (xen: Xen, device: number, root: number): Harm =>
  isOfQuarantine(xen, device, root) ? 'mapping lost' : 'isolation broken';

/** How a device's accesses go; `root` is -1 where they are not translated. */
export function wayText(xen: Xen, device: number, root: number): string {
  if (root < 0) return 'untranslated';
  const ofQuarantine = isOfQuarantine(xen, device, root) ? ' of its quarantine' : '';
  return `through the tables${ofQuarantine} at ${frameText(root)}`;
}

function isOfQuarantine(xen: Xen, device: number, root: number): boolean {
  const own = xen.device.quarantineTable.get(device);
  return root === rootOf(xen, xen.domIo, device) || (own !== 0 && root === rootAt(xen, device, own - 1));
}

/** No frame, and not "untranslated" either. */
const NO_TABLES = -2;

/** Frame of the tables that a domain's device uses; -1 for none, where its accesses pass untranslated. */
function rootOf(xen: Xen, slot: number, device: number): number {
  if (isUntranslatedHwdom(xen, slot) && xen.spec.hwdomMode === 'passthrough') return -1;
  const root = (sharesP2m(xen, slot) ? xen.domain.p2mRoot : xen.domain.iommuRoot).get(slot);
  return root === 0 ? NO_TABLES : rootAt(xen, device, root - 1);
}

/** Frame at which a device's unit begins to walk tables whose root is at `pdx`. */
function rootAt(xen: Xen, device: number, pdx: number): number {
  const frame = xen.ram.frameAt(pdx);
  return xen.vtd === undefined ? frame : skipLevels(xen, xen.vtds[xen.unitIndex(device)]!.levels, frame);
}

/** A device that its owner has no use of, as nothing that it sends gets through. */
function blockedDevice(xen: Xen): string | undefined {
  for (let device = 0; device < xen.spec.devices.length; device++) {
    const slot = deviceOwner(xen, device);
    const unit = xen.unitOf(device);
    if (slot < 0 || slot >= xen.domIo || unit === undefined || !isUsable(xen, device, slot)) continue;
    const requesters = xen.requesters[device]!;
    for (let id = 0; id < requesters.length; id++)
      if (!unit.select(requesters[id]!))
        return `${deviceText(xen, device)} is ${xen.domainName(slot)}'s, and nothing that it sends under ${frameText(requesters[id]!)} gets through`;
  }
  return undefined;
}

/** Bridges and what Xen cannot make out have no context; a domain that was crashed may be left without its devices. */
function isUsable(xen: Xen, device: number, slot: number): boolean {
  const { type = 'endpoint' } = xen.spec.devices[device]!;
  const hasContext = type === 'endpoint' || type === 'pci';
  const isAlive = xen.domain.life.get(slot) === Life.alive && xen.domain.crashed.get(slot) === 0;
  return hasContext && isAlive && xen.device.broken.get(device) === 0;
}

function rememberOwners(xen: Xen, _inputs: readonly number[], notes: Notes): void {
  for (let device = 0; device < notes.owners.length; device++)
    notes.owners[device] = deviceOwner(xen, device);
}

function returnedToHardwareDomain(xen: Xen, _inputs: readonly number[], notes: Notes): string | undefined {
  if (!xen.spec.quarantine || xen.profile.quarantine === 'none') return undefined;
  for (let device = 0; device < notes.owners.length; device++) {
    const before = notes.owners[device]!;
    const ofGuest = before >= 0 && before < xen.domIo && !xen.isHardwareDomain(before);
    if (ofGuest && xen.isHardwareDomain(deviceOwner(xen, device)))
      return `${deviceText(xen, device)} went from ${xen.domainName(before)} to ${xen.domainName(0)} without quarantine`;
  }
  return undefined;
}

/**
 * A device that cannot reach its reserved region, or a domain that has one mapped and no device that needs it. A page of
 * a translated domain's own that stands there instead is what a relaxed assignment leaves (dossier §6.4).
 */
function wrongReserved(xen: Xen): Breach | undefined {
  if (!xen.iommuOn || xen.spec.arch === 'arm') return undefined;
  let lost: string | undefined;
  for (let index = 0; index < xen.spec.reserved.length; index++) {
    const { range, devices, rights } = xen.spec.reserved[index]!;
    for (let frame = range.base; frame < range.base + range.count; frame++) {
      const left = leftReserved(xen, frame);
      if (left !== undefined) return breach('isolation broken', left);
      for (let i = 0; i < devices.length; i++) lost ??= unreachedReserved(xen, devices[i]!, frame, rights);
    }
  }
  return lost === undefined ? undefined : breach('mapping lost', lost);
}

/** What is wrong where a device lacks some of the rights that its firmware needs on a frame. */
export function unreachedReserved(
  xen: Xen,
  device: number,
  frame: number,
  wanted: Rights,
): string | undefined {
  const slot = deviceOwner(xen, device);
  const unit = xen.unitOf(device);
  if (slot < 0 || unit === undefined || (slot >= xen.domIo && !isQuarantineComplete(xen, slot)))
    return undefined;
  const rights = unit.tableRights(xen.spec.devices[device]!.requester, frame);
  if ((wanted & ~rights) === 0 && unit.frame === frame) return undefined;
  if (xen.isTranslated(slot) && xen.ram.indexOf(p2mLookup(xen, slot, frame)) >= 0) return undefined;
  return `${deviceText(xen, device)} of ${xen.domainName(slot)} has ${rightsText(rights)} at ${frameText(frame)}, which its firmware needs`;
}

/**
 * Whether quarantine is to have the regions of the devices in it. Those who put devices there in spite of
 * iommu=no-quarantine do without, and AMD-Vi's never has them (dossier §11 item 2).
 */
function isQuarantineComplete(xen: Xen, slot: number): boolean {
  return slot === xen.domIo && xen.spec.quarantine && xen.amdvi === undefined;
}

function leftReserved(xen: Xen, frame: number): string | undefined {
  if (xen.ram.indexOf(frame) >= 0) return undefined;
  for (let slot = 1; slot < xen.domIo; slot++) {
    if (!xen.exists(slot) || reservesFrame(xen, slot, frame)) continue;
    const inP2m = xen.isTranslated(slot) && p2mType(xen, slot, frame) === P2mType.mmioDirect;
    if (inP2m || tableRights(xen, slot, frame) !== 0)
      return `${xen.domainName(slot)} has the reserved frame ${frameText(frame)} mapped, and no device that needs it`;
  }
  return undefined;
}

export const I9: Invariant = {
  id: 'I9',
  states: ['INV-OWNER'],
  title: 'a device translates through the tables of the domain that owns it',
  reason: 'a device between two domains is a way from one into the other',
  harm: 'isolation broken',
  otherHarms: { 'mapping lost': 'the tables are those of its quarantine' },
  violation: contextOfAnother,
};

function rememberInterrupts(xen: Xen, _inputs: readonly number[], notes: Notes): void {
  for (let device = 0; device < notes.interrupts.length; device++)
    notes.interrupts[device] = xen.device.interrupts.get(device) - 1;
}

/** Interrupts that somebody has set up who does not own the device. */
function interruptsOfAnother(xen: Xen, _inputs: readonly number[], notes: Notes): string | undefined {
  for (let device = 0; device < notes.interrupts.length; device++) {
    const slot = xen.device.interrupts.get(device) - 1;
    if (slot < 0 || slot === notes.interrupts[device] || slot === deviceOwner(xen, device)) continue;
    return `${xen.domainName(slot)} has set up the interrupts of ${deviceText(xen, device)}, which is ${xen.domainName(deviceOwner(xen, device))}'s`;
  }
  return undefined;
}

export const PIRQ: Invariant = {
  id: 'PIRQ',
  states: ['INV-AUTH', 'INV-OWNER'],
  title: 'only who owns a device sets up its interrupts',
  reason: 'whoever programs a device of another’s can have it raise any interrupt, or none (XSA-237)',
  harm: 'isolation broken',
  violation: interruptsOfAnother,
  remember: rememberInterrupts,
};

export const OWNED: Invariant = {
  id: 'OWNED',
  states: ['INV-OWNER', 'INV-IOMMU-COMPLETE'],
  title: 'a device that a domain owns can use the domain’s memory',
  reason: 'its driver has been told that it can',
  harm: 'mapping lost',
  violation: blockedDevice,
};

function reservedGap(xen: Xen): string | undefined {
  const device = xen.host.reservedGap.get(0) - 1;
  return device < 0
    ? undefined
    : `${deviceText(xen, device)} did not reach what its firmware needs in the middle of a hypercall`;
}

export const RMRR: Invariant = {
  id: 'INV-RMRR',
  title: 'a device reaches its reserved regions at any time, also while it goes from one domain to another',
  reason: 'firmware does not wait for a hypercall to end (XSA-400)',
  harm: 'mapping lost',
  violation: reservedGap,
};

export const I10: Invariant = {
  id: 'I10',
  states: ['INV-QUAR'],
  title: 'a device that a guest gives back goes into quarantine, not to the hardware domain',
  reason: 'what it still has in flight would hit the hardware domain’s memory (XSA-302)',
  harm: 'isolation broken',
  violation: returnedToHardwareDomain,
  remember: rememberOwners,
};

export const I11: Invariant = {
  id: 'I11',
  states: ['INV-RMRR', 'INV-IOMMU-COMPLETE'],
  title: 'a device reaches its reserved regions, and a domain has them only while it has such a device',
  reason: 'firmware uses them at any time, and nobody else may',
  harm: 'mapping lost',
  otherHarms: { 'isolation broken': 'a domain has a region that none of its devices needs' },
  violation: wrongReserved,
};
