import { GNTMAP, PIN_WRITE_MASK } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { flushCpuTlb } from './cpu-tlb.js';
import { getPage, putPage } from './frames.js';
import { activeRow, dropPins, frameOfDomain, pinIsFull, pinsOf, reduceUse } from './grant-active.js';
import { claimEntry, grantEntryFrame } from './grant-entry.js';
import { grantEntryCount } from './grant-frames.js';
import { addHostMapping, removeHostMapping } from './grant-host-mapping.js';
import { grantIommuMap } from './grant-iommu.js';
import { GNTST, REFUSED_WITH_ONE } from './grant-status.js';
import { SOMEWHERE } from './host-entry.js';
import { mustWait } from './locks.js';
import { freeHandle } from './maptrack.js';
import { getPageType, putPageType } from './page-type.js';
import type { Xen } from './state.js';

/** What a translated caller, whose devices see no machine addresses and whose page tables are its own, cannot ask for. */
const NOT_FOR_TRANSLATED = GNTMAP.device | GNTMAP.application | GNTMAP.containsPte;

/** Part of an active entry that says it is one of a part of a page, or of another domain's grant. */
export const IS_SUB_PAGE = 0x8000;

/**
 * GNTTABOP_map_grant_ref (dossier §5.2, in its order). `hostGfn` is where a translated caller wants the page, `hostEntry`
 * the L1 entry that a PV caller names (grant-host-mapping.ts). Returns the handle, or a negative {@link GNTST}.
 */
export function mapGrantRef(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  flags: number,
  hostGfn: number,
  hostEntry = SOMEWHERE,
): number {
  const refused = refuseMap(xen, caller, granter, flags);
  if (refused !== 0) return refused;
  const handle = freeHandle(xen, caller);
  if (handle < 0) return GNTST[xen.profile.noHandleStatus];
  return mapWithHandle(xen, caller, handle, granter, ref, flags, hostGfn, hostEntry);
}

/** Steps 1 to 4: what no grant table is needed for. */
export function refuseMap(xen: Xen, caller: number, granter: number, flags: number): number {
  if ((flags & (GNTMAP.device | GNTMAP.host)) === 0) return GNTST.bad_gntref;
  if (xen.isTranslated(caller) && (flags & NOT_FOR_TRANSLATED) !== 0) return GNTST.general_error;
  return xen.exists(granter) ? 0 : GNTST.bad_domain;
}

/** The rest of it (steps 6 on), with a handle taken. */
export function mapWithHandle(
  xen: Xen,
  caller: number,
  handle: number,
  granter: number,
  ref: number,
  flags: number,
  hostGfn: number,
  hostEntry: number,
): number {
  if (mustWait(xen, xen.domain.grantLock, granter)) return GNTST.general_error;
  if (ref < 0 || ref >= grantEntryCount(xen, granter)) return GNTST.bad_gntref;

  const active = activeRow(xen, granter, ref);
  const oldPin = xen.grant.pin.get(active);
  const pins = pinsOf(flags);
  const readonly = (flags & GNTMAP.readonly) !== 0;
  if (oldPin !== 0 && isTaken(xen, caller, active, oldPin, pins)) return GNTST.general_error;
  if (oldPin === 0 || (!readonly && (oldPin & PIN_WRITE_MASK) === 0)) {
    const status = pinEntry(xen, caller, granter, ref, active, oldPin, readonly);
    if (status !== 0) return status;
  }
  const pdx = xen.grant.frame.get(active) - 1;
  xen.grant.pin.add(active, pins);

  if (!mapPinned(xen, caller, granter, pdx, flags, hostGfn, hostEntry, oldPin, xen.grant.pin.get(active))) {
    dropPins(xen, granter, ref, pins, readonly);
    return GNTST.general_error;
  }
  const row = caller * xen.spec.limits.handles + handle;
  const host = (flags & GNTMAP.host) !== 0;
  xen.maptrack.flags.set(row, flags);
  xen.maptrack.granter.set(row, granter + 1);
  xen.maptrack.ref.set(row, ref + 1);
  xen.maptrack.hostGfn.set(row, host && xen.isTranslated(caller) ? hostGfn + 1 : 0);
  xen.maptrack.hostEntry.set(row, host && !xen.isTranslated(caller) ? hostEntry : SOMEWHERE);
  return handle;
}

/** Holds what a map answered against what it has done: callers take what is not negative for a mapping. */
export function judgeMapAnswer(xen: Xen, caller: number, status: number): void {
  const said = status >= 0 || status === REFUSED_WITH_ONE;
  const made = status >= 0 && xen.maptrack.flags.get(caller * xen.spec.limits.handles + status) !== 0;
  if (said && !made) xen.misdeed('a map that failed was answered as if it had succeeded');
}

/** Step 7: the entry is pinned for somebody else, a counter is full, or what is pinned is not a whole page. */
function isTaken(xen: Xen, caller: number, active: number, pin: number, more: number): boolean {
  return (
    xen.grant.grantee.get(active) !== caller + 1 ||
    pinIsFull(xen, pin, more) ||
    (xen.grant.part.get(active) & IS_SUB_PAGE) !== 0
  );
}

/** Step 8: the entry must offer the page to the caller; it is marked in use and, at the first pin, its frame resolved. */
function pinEntry(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  active: number,
  oldPin: number,
  readonly: boolean,
): number {
  const status = claimEntry(xen, granter, ref, oldPin !== 0, !readonly, true, caller);
  if (status !== 0 && xen.profile.refusedMapStatus === 'one') return REFUSED_WITH_ONE;
  if (status !== 0 || oldPin !== 0) return status;
  const pdx = frameOfDomain(xen, granter, grantEntryFrame(xen, granter, ref));
  if (pdx < 0) {
    if (xen.profile.useAfterBadPage === 'cleared') reduceUse(xen, granter, ref, readonly);
    return GNTST.bad_page;
  }
  xen.grant.frame.set(active, pdx + 1);
  xen.grant.grantee.set(active, caller + 1);
  return 0;
}

/** Steps 10 to 12: references on the page, the host mapping, the IOMMU. Undone as a whole when one fails. */
function mapPinned(
  xen: Xen,
  caller: number,
  granter: number,
  pdx: number,
  flags: number,
  hostGfn: number,
  hostEntry: number,
  oldPin: number,
  newPin: number,
): boolean {
  if (!takeReferences(xen, caller, granter, pdx, flags)) return false;
  const host = (flags & GNTMAP.host) !== 0;
  if (host && !addHostMapping(xen, caller, pdx, flags, hostGfn, hostEntry)) {
    dropReferences(xen, caller, granter, pdx, flags);
    return false;
  }
  const readonly = (flags & GNTMAP.readonly) !== 0;
  if (grantIommuMap(xen, caller, granter, pdx, readonly, oldPin, newPin) === 0) return true;
  if (host && xen.profile.failedMapHostMapping === 'removed')
    removeHostMapping(xen, caller, pdx, flags, hostGfn, hostEntry);
  if (host && !xen.isTranslated(caller)) flushCpuTlb(xen, caller);
  dropReferences(xen, caller, granter, pdx, flags);
  return false;
}

/** gnttab_host_mapping_get_page_type: mappings into a translated domain do not count as writable, nor any on Arm. */
function hostTakesType(xen: Xen, caller: number, granter: number): boolean {
  return xen.spec.arch !== 'arm' && (granter === caller || !xen.isTranslated(granter));
}

/** Writable type references that a mapping takes on the granter's page (dossier §5.2 table). */
export function typeReferences(xen: Xen, caller: number, granter: number, flags: number): number {
  if ((flags & GNTMAP.readonly) !== 0) return 0;
  const host = (flags & GNTMAP.host) !== 0 && hostTakesType(xen, caller, granter);
  const device = (flags & GNTMAP.device) !== 0 && xen.spec.arch !== 'arm';
  return (device ? 1 : 0) + (host ? 1 : 0);
}

/** How many of them a mapping takes. */
function typesToTake(xen: Xen, caller: number, granter: number, flags: number): number {
  if (xen.profile.mapTypeReferences === 'by-half') return typeReferences(xen, caller, granter, flags);
  // What a host mapping would need, whichever half is asked for, and one more for both.
  const both = GNTMAP.host | GNTMAP.device;
  if ((flags & GNTMAP.readonly) !== 0) return 0;
  return (hostTakesType(xen, caller, granter) ? 1 : 0) + ((flags & both) === both ? 1 : 0);
}

function takeReferences(xen: Xen, caller: number, granter: number, pdx: number, flags: number): boolean {
  const pages = (flags & GNTMAP.device ? 1 : 0) + (flags & GNTMAP.host ? 1 : 0);
  const types = typesToTake(xen, caller, granter, flags);
  for (let i = 0; i < pages; i++) {
    if (!getPage(xen, pdx, granter)) {
      for (; i > 0; i--) putPage(xen, pdx);
      return false;
    }
  }
  for (let i = 0; i < types; i++) {
    if (getPageType(xen, pdx, PGT.writable) !== 0) {
      for (; i > 0; i--) putPageType(xen, pdx);
      for (let n = 0; n < pages; n++) putPage(xen, pdx);
      return false;
    }
  }
  return true;
}

/** Gives back what the host's and the device's half of a mapping hold, as far as `flags` names them. */
export function dropReferences(xen: Xen, caller: number, granter: number, pdx: number, flags: number): void {
  const types = typeReferences(xen, caller, granter, flags);
  for (let i = 0; i < types; i++) putPageType(xen, pdx);
  if (flags & GNTMAP.device) putPage(xen, pdx);
  if (flags & GNTMAP.host) putPage(xen, pdx);
}
