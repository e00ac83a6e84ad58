import {
  GNTMAP,
  GRANT_V1_BYTES,
  GrantType,
  GTF_READING,
  GTF_READONLY,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
  GTF_WRITING,
  grantDomid,
  grantFlags,
  grantFrame,
  grantWord0,
  PIN_DEVICE_READ,
  PIN_DEVICE_WRITE,
  PIN_HOST_READ,
  PIN_HOST_WRITE,
  PIN_WRITE_MASK,
  pinWouldOverflow,
} from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { grantIommuMap, grantIommuUnmap } from './grant-iommu.js';
import { P2mType, p2mLookup, p2mRemove, p2mSet } from './p2m.js';
import { getPageType, putPageType } from './page-type.js';
import type { Xen } from './state.js';

/** Grant table statuses (dossier §5.1). Negative, like errnos, but numbers of their own. */
export const GNTST = {
  okay: 0,
  general_error: -1,
  bad_domain: -2,
  bad_gntref: -3,
  bad_handle: -4,
  bad_virt_addr: -5,
  bad_dev_addr: -6,
  no_device_space: -7,
  permission_denied: -8,
  bad_page: -9,
  bad_copy_arg: -10,
  address_too_big: -11,
  eagain: -12,
  no_space: -13,
} as const;

const STATUS_NAMES = new Map<number, string>(Object.entries(GNTST).map(([name, value]) => [value, name]));

/** `ok` for 0 and positive results, otherwise the status's name. */
export function grantStatusName(status: number): string {
  return status >= 0 ? 'ok' : (STATUS_NAMES.get(status) ?? `grant status ${status}`);
}

// The shared entry, in a frame that granter and Xen both write.

function entryAddress(xen: Xen, slot: number, ref: number): number {
  return xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1) * 4096 + ref * GRANT_V1_BYTES;
}

/** What the granter's kernel does: writes a v1 entry that offers `frame` (PV: MFN, translated: GFN) to `grantee`. */
export function writeGrantEntry(
  xen: Xen,
  slot: number,
  ref: number,
  grantee: number,
  frame: number,
  readonly: boolean,
): void {
  const at = entryAddress(xen, slot, ref);
  xen.ram.write32(at + 4, frame);
  xen.ram.write32(at, grantWord0(GrantType.PERMIT_ACCESS | (readonly ? GTF_READONLY : 0), grantee));
}

/** What the granter's kernel does to end an offer. False when it is in use: a kernel that checks would not clear it. */
export function clearGrantEntry(xen: Xen, slot: number, ref: number): boolean {
  const at = entryAddress(xen, slot, ref);
  if ((grantFlags(xen.ram.read32(at)) & (GTF_READING | GTF_WRITING)) !== 0) return false;
  xen.ram.write32(at, 0);
  xen.ram.write32(at + 4, 0);
  return true;
}

/** First word of a shared entry: flags and grantee. */
export function grantEntryWord(xen: Xen, slot: number, ref: number): number {
  return xen.ram.read32(entryAddress(xen, slot, ref));
}

function setSharedFlags(xen: Xen, slot: number, ref: number, set: number, clear: number): void {
  const at = entryAddress(xen, slot, ref);
  xen.ram.write32(at, (xen.ram.read32(at) & ~clear) | set);
}

/** Pins that a mapping with these flags holds. */
function pinsOf(flags: number): number {
  const readonly = (flags & GNTMAP.readonly) !== 0;
  return (
    (flags & GNTMAP.device ? (readonly ? PIN_DEVICE_READ : PIN_DEVICE_WRITE) : 0) +
    (flags & GNTMAP.host ? (readonly ? PIN_HOST_READ : PIN_HOST_WRITE) : 0)
  );
}

/** The lowest free maptrack handle, or -1. */
function freeHandle(xen: Xen, slot: number): number {
  const { handles } = xen.spec.limits;
  for (let handle = 0; handle < handles; handle++) {
    if (xen.maptrack.flags.get(slot * handles + handle) === 0) return handle;
  }
  return -1;
}

/**
 * GNTTABOP_map_grant_ref (dossier §5.2, in its order). `hostGfn` is where a translated caller wants the page. Returns the
 * handle, or a negative {@link GNTST}.
 */
export function mapGrantRef(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  flags: number,
  hostGfn: number,
): number {
  if ((flags & (GNTMAP.device | GNTMAP.host)) === 0) return GNTST.bad_gntref;
  if (xen.isTranslated(caller) && (flags & GNTMAP.device) !== 0) return GNTST.general_error;
  if (!xen.exists(granter)) return GNTST.bad_domain;
  const handle = freeHandle(xen, caller);
  if (handle < 0) return GNTST[xen.profile.noHandleStatus];
  if (ref < 0 || ref >= xen.spec.limits.grants) return GNTST.bad_gntref;

  const active = granter * xen.spec.limits.grants + ref;
  const oldPin = xen.grant.pin.get(active);
  if (oldPin !== 0 && xen.grant.grantee.get(active) !== caller + 1) return GNTST.general_error;
  if (pinWouldOverflow(oldPin, pinsOf(flags))) return GNTST.general_error;
  const write = (flags & GNTMAP.readonly) === 0;
  if (oldPin === 0 || (write && (oldPin & PIN_WRITE_MASK) === 0)) {
    const status = claimEntry(xen, caller, granter, ref, active, write);
    if (status !== 0) return status;
  }
  const pdx = xen.grant.frame.get(active) - 1;
  xen.grant.pin.add(active, pinsOf(flags));

  const status = mapClaimed(xen, caller, granter, pdx, flags, hostGfn, oldPin, xen.grant.pin.get(active));
  if (status !== 0) {
    dropPins(xen, granter, ref, active, pinsOf(flags));
    return status;
  }
  const row = caller * xen.spec.limits.handles + handle;
  xen.maptrack.flags.set(row, flags);
  xen.maptrack.granter.set(row, granter + 1);
  xen.maptrack.ref.set(row, ref);
  xen.maptrack.hostGfn.set(row, flags & GNTMAP.host && xen.isTranslated(caller) ? hostGfn + 1 : 0);
  return handle;
}

/** Step 8: the entry must offer the page to the caller; it is marked in use and its frame resolved. */
function claimEntry(
  xen: Xen,
  caller: number,
  granter: number,
  ref: number,
  active: number,
  write: boolean,
): number {
  const at = entryAddress(xen, granter, ref);
  const word = xen.ram.read32(at);
  const shared = grantFlags(word);
  if ((shared & GTF_TYPE_MASK) !== GrantType.PERMIT_ACCESS || (shared & GTF_SUB_PAGE) !== 0) {
    return GNTST.general_error;
  }
  if (grantDomid(word) !== xen.domidOf(caller)) return GNTST.general_error;
  if (write && (shared & GTF_READONLY) !== 0) return GNTST.general_error;
  if (xen.grant.pin.get(active) === 0) {
    const named = grantFrame(xen.ram.read32(at + 4));
    const frame = xen.isTranslated(granter) ? p2mLookup(xen, granter, named) : named;
    const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
    if (pdx < 0 || ownerOf(xen, pdx) !== granter) return GNTST.bad_page;
    xen.grant.frame.set(active, pdx + 1);
    xen.grant.grantee.set(active, caller + 1);
  }
  setSharedFlags(xen, granter, ref, GTF_READING | (write ? GTF_WRITING : 0), 0);
  return 0;
}

/** Steps 10 to 12: references on the page, the host mapping, the IOMMU. Undone as a whole when one fails. */
function mapClaimed(
  xen: Xen,
  caller: number,
  granter: number,
  pdx: number,
  flags: number,
  hostGfn: number,
  oldPin: number,
  newPin: number,
): number {
  if (!takeReferences(xen, caller, granter, pdx, flags)) return GNTST.general_error;
  const readonly = (flags & GNTMAP.readonly) !== 0;
  if ((flags & GNTMAP.host) !== 0 && xen.isTranslated(caller)) {
    const type = readonly ? P2mType.grantMapRo : P2mType.grantMapRw;
    if (p2mSet(xen, caller, hostGfn, xen.ram.frameAt(pdx), type) !== 0) {
      dropReferences(xen, caller, granter, pdx, flags);
      return GNTST.general_error;
    }
  }
  if (grantIommuMap(xen, caller, granter, pdx, readonly, oldPin, newPin) !== 0) {
    if ((flags & GNTMAP.host) !== 0 && xen.isTranslated(caller)) p2mRemove(xen, caller, hostGfn);
    dropReferences(xen, caller, granter, pdx, flags);
    return GNTST.general_error;
  }
  return 0;
}

/** Writable type references that a mapping takes on the granter's page (dossier §5.2 table). */
function typeReferences(xen: Xen, caller: number, granter: number, flags: number): number {
  if ((flags & GNTMAP.readonly) !== 0 || xen.spec.arch === 'arm') return 0;
  const host = (flags & GNTMAP.host) !== 0 && (granter === caller || !xen.isTranslated(granter));
  return (flags & GNTMAP.device ? 1 : 0) + (host ? 1 : 0);
}

function takeReferences(xen: Xen, caller: number, granter: number, pdx: number, flags: number): boolean {
  const pages = (flags & GNTMAP.device ? 1 : 0) + (flags & GNTMAP.host ? 1 : 0);
  const types = typeReferences(xen, caller, granter, flags);
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

function dropReferences(xen: Xen, caller: number, granter: number, pdx: number, flags: number): void {
  const types = typeReferences(xen, caller, granter, flags);
  for (let i = 0; i < types; i++) putPageType(xen, pdx);
  if (flags & GNTMAP.device) putPage(xen, pdx);
  if (flags & GNTMAP.host) putPage(xen, pdx);
}

/** Drops pins; the shared entry's use flags go with the last reader and writer. */
function dropPins(xen: Xen, granter: number, ref: number, active: number, pins: number): void {
  xen.grant.pin.add(active, -pins);
  const pin = xen.grant.pin.get(active);
  if ((pin & PIN_WRITE_MASK) === 0) setSharedFlags(xen, granter, ref, 0, GTF_WRITING);
  if (pin === 0) {
    setSharedFlags(xen, granter, ref, 0, GTF_READING);
    xen.grant.frame.set(active, 0);
    xen.grant.grantee.set(active, 0);
  }
}

/**
 * GNTTABOP_unmap_grant_ref (dossier §5.5). `clear` says which of {@link GNTMAP}.host and .device the caller's addresses
 * name; naming neither clears nothing. `devBusAddr` is the frame number of dev_bus_addr, or -1 for none.
 */
export function unmapGrantRef(
  xen: Xen,
  caller: number,
  handle: number,
  clear: number,
  devBusAddr: number,
): number {
  const { handles, grants } = xen.spec.limits;
  if (handle < 0 || handle >= handles) return GNTST.bad_handle;
  const row = caller * handles + handle;
  const flags = xen.maptrack.flags.get(row);
  if (flags === 0) return GNTST.bad_handle;
  const granter = xen.maptrack.granter.get(row) - 1;
  const ref = xen.maptrack.ref.get(row);
  const active = granter * grants + ref;
  const pdx = xen.grant.frame.get(active) - 1;

  const wrongAddress = devBusAddr >= 0 && devBusAddr !== xen.ram.frameAt(pdx);
  if (wrongAddress && xen.profile.badDevBusAddr === 'general_error') return GNTST.general_error;
  if (wrongAddress && (flags & GNTMAP.device) !== 0) return GNTST.bad_dev_addr;

  const cleared = flags & clear & (GNTMAP.host | GNTMAP.device);
  if ((cleared & GNTMAP.host) !== 0 && xen.isTranslated(caller)) {
    p2mRemove(xen, caller, xen.maptrack.hostGfn.get(row) - 1);
  }
  const left = flags & ~cleared;
  const released = (left & (GNTMAP.host | GNTMAP.device)) === 0;
  const readonly = flags & GNTMAP.readonly;
  xen.maptrack.flags.set(row, released ? 0 : left);
  const status =
    released || xen.profile.grantCounterDrop === 'every-unmap'
      ? grantIommuUnmap(xen, caller, granter, pdx, readonly !== 0)
      : 0;
  if (released) forgetHandle(xen, row);
  dropPins(xen, granter, ref, active, pinsOf(cleared | readonly));
  // With its last page a dead granter vanishes, so nothing may look at it after.
  dropReferences(xen, caller, granter, pdx, cleared | readonly);
  return status === 0 ? GNTST.okay : GNTST.general_error;
}

function forgetHandle(xen: Xen, row: number): void {
  xen.maptrack.flags.set(row, 0);
  xen.maptrack.granter.set(row, 0);
  xen.maptrack.ref.set(row, 0);
  xen.maptrack.hostGfn.set(row, 0);
}

/**
 * gnttab_release_mappings: a dying domain gives back what it has mapped, pins and references, and its per-frame counters
 * are forgotten. Its IOMMU tables are left as they are (dossier §5.7). References of a PV domain's host mappings go with
 * its page tables in Xen, a little later in the same hypercall.
 */
export function releaseGrantMappings(xen: Xen, slot: number): void {
  const { handles, grants } = xen.spec.limits;
  for (let handle = handles - 1; handle >= 0; handle--) {
    const row = slot * handles + handle;
    const flags = xen.maptrack.flags.get(row);
    if (flags === 0) continue;
    const granter = xen.maptrack.granter.get(row) - 1;
    const ref = xen.maptrack.ref.get(row);
    const active = granter * grants + ref;
    const pdx = xen.grant.frame.get(active) - 1;
    forgetHandle(xen, row);
    dropPins(xen, granter, ref, active, pinsOf(flags));
    dropReferences(xen, slot, granter, pdx, flags);
  }
  for (let row = slot * handles; row < (slot + 1) * handles; row++) {
    xen.grantCounter.frame.set(row, 0);
    xen.grantCounter.readers.set(row, 0);
    xen.grantCounter.writers.set(row, 0);
  }
}
