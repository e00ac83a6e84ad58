import { R, type Rights, W } from '../formats/address.js';
import { GNTMAP, PIN_WRITE_MASK } from '../formats/grant-v1.js';
import { Errno } from './errno.js';
import { hasIommu, iommuMap, iommuUnmap, mirrors } from './iommu-map.js';
import { grantRefOf } from './maptrack.js';
import type { Xen } from './state.js';
import { Kind } from './tables/domain.js';

/**
 * gnttab_need_iommu_mapping: whether a grant that `slot` maps must also enter its IOMMU tables, at DFN = MFN
 * (dossier §5.3). PV domains are given machine addresses; so is a direct-mapped Arm domain, which hands the MFN to its
 * devices although its p2m has the page elsewhere.
 */
export function gnttabNeedsIommu(xen: Xen, slot: number): boolean {
  if (xen.domain.kind.get(slot) !== Kind.arm) return !xen.isTranslated(slot) && mirrors(xen, slot);
  if (!xen.domain.directMapped.get(slot)) return false;
  switch (xen.profile.armGrantNeedsIommu) {
    case 'need_sync':
      return xen.domain.needSync.get(slot) !== 0; // never: the p2m is always shared (91d4eca7ad)
    case 'need_iommu':
    case 'CDF_iommu':
      return hasIommu(xen, slot);
  }
}

function concernsIommu(xen: Xen, caller: number, granter: number): boolean {
  if (granter === caller && xen.profile.selfGrant === 'bypasses') return false;
  return gnttabNeedsIommu(xen, caller);
}

/**
 * mapkind: the rights that the caller's live handles give it on a frame. `granter` narrows the look to one granter's
 * entries, as Xen did, and `only` to one of them; -1 looks at all.
 */
export function handleRights(xen: Xen, caller: number, granter: number, pdx: number, only = -1): Rights {
  const { handles, grants } = xen.spec.limits;
  let rights = 0;
  for (let row = caller * handles; row < (caller + 1) * handles; row++) {
    const flags = xen.maptrack.flags.get(row);
    if (flags === 0) continue;
    const from = xen.maptrack.granter.get(row) - 1;
    if (granter >= 0 && from !== granter) continue;
    if (only >= 0 && grantRefOf(xen, row) !== only) continue;
    if (xen.grant.frame.get(from * grants + grantRefOf(xen, row)) !== pdx + 1) continue;
    rights |= flags & GNTMAP.readonly ? R : R | W;
  }
  return rights;
}

/** What a grant that is mapped for reading lets devices do. */
function readerRights(xen: Xen): Rights {
  return xen.profile.readonlyGrantForDevices === 'read-only' ? R : R | W;
}

/** The IOMMU step of mapping a grant (dossier §5.4), before the handle is published. 0 or an errno. */
export function grantIommuMap(
  xen: Xen,
  caller: number,
  granter: number,
  pdx: number,
  readonly: boolean,
  oldPin: number,
  newPin: number,
): number {
  if (!concernsIommu(xen, caller, granter)) return 0;
  if (xen.profile.grantIommuDecision === 'counters') return countMap(xen, caller, pdx, readonly);
  const frame = xen.ram.frameAt(pdx);
  const existing = xen.profile.otherGrantsOfFrame === 'counted' ? handleRights(xen, caller, granter, pdx) : 0;
  const pins = xen.profile.grantIommuDecision === 'granter-pins';
  const firstWrite = pins ? (newPin & PIN_WRITE_MASK) !== 0 && (oldPin & PIN_WRITE_MASK) === 0 : !readonly;
  const first = pins ? oldPin === 0 : true;
  if (firstWrite) return existing & W ? 0 : iommuMap(xen, caller, frame, frame, R | W);
  if (first && existing === 0) return iommuMap(xen, caller, frame, frame, readerRights(xen));
  return 0;
}

/** The IOMMU step of unmapping a grant, after the handle's flags were cleared. 0 or an errno. */
export function grantIommuUnmap(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  pdx: number,
  readonly: boolean,
): number {
  if (!concernsIommu(xen, caller, granter)) return 0;
  if (xen.profile.grantIommuDecision === 'counters') return countUnmap(xen, caller, pdx, readonly);
  const frame = xen.ram.frameAt(pdx);
  const only = xen.profile.otherGrantsOfFrame === 'counted' ? -1 : ref;
  const left = handleRights(xen, caller, granter, pdx, only);
  if (left === 0) return iommuUnmap(xen, caller, frame);
  return left & W ? 0 : iommuMap(xen, caller, frame, frame, R);
}

/** The row that counts the caller's mappings of a frame; a free one when there is none, or -1 when all are taken. */
function counterRow(xen: Xen, caller: number, pdx: number): number {
  const { handles } = xen.spec.limits;
  let free = -1;
  for (let row = caller * handles; row < (caller + 1) * handles; row++) {
    const frame = xen.grantCounter.frame.get(row);
    if (frame === pdx + 1) return row;
    if (frame === 0 && free < 0) free = row;
  }
  return free;
}

/** Since 4.16: readers and writers of each frame, over all granters, this mapping included. */
function countMap(xen: Xen, caller: number, pdx: number, readonly: boolean): number {
  const row = counterRow(xen, caller, pdx);
  if (row < 0) return -Errno.ENOMEM;
  const counter = readonly ? xen.grantCounter.readers : xen.grantCounter.writers;
  xen.grantCounter.frame.set(row, pdx + 1);
  counter.add(row, 1);
  const first = counter.get(row) === 1;
  if (!first || (readonly && xen.grantCounter.writers.get(row) !== 0)) return 0;
  const frame = xen.ram.frameAt(pdx);
  const status = iommuMap(xen, caller, frame, frame, readonly ? readerRights(xen) : R | W);
  if (status !== 0) {
    counter.add(row, -1);
    forgetIfUnused(xen, row);
  }
  return status;
}

function countUnmap(xen: Xen, caller: number, pdx: number, readonly: boolean): number {
  const row = counterRow(xen, caller, pdx);
  const counter = readonly ? xen.grantCounter.readers : xen.grantCounter.writers;
  // Reached where partial unmaps drop the counter, too (XSA-394).
  if (row < 0 || xen.grantCounter.frame.get(row) !== pdx + 1 || counter.get(row) === 0) {
    xen.bug('grant counter underflow');
    return 0;
  }
  const frame = xen.ram.frameAt(pdx);
  const readers = xen.grantCounter.readers.get(row) - (readonly ? 1 : 0);
  const writers = xen.grantCounter.writers.get(row) - (readonly ? 0 : 1);
  let status = 0;
  if (readers + writers === 0) status = iommuUnmap(xen, caller, frame);
  else if (!readonly && writers === 0) status = iommuMap(xen, caller, frame, frame, R);
  // After an error the counter stays: the frame counts as mapped, as it may well be.
  if (status !== 0) return status;
  counter.add(row, -1);
  forgetIfUnused(xen, row);
  return 0;
}

function forgetIfUnused(xen: Xen, row: number): void {
  if (xen.grantCounter.readers.get(row) + xen.grantCounter.writers.get(row) === 0) {
    xen.grantCounter.frame.set(row, 0);
  }
}
