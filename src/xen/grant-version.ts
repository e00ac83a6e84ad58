import { GrantType, GTF_READING, GTF_TYPE_MASK, GTF_WRITING, grantFlags } from '../formats/grant-v1.js';
import { Errno } from './errno.js';
import { activeRow } from './grant-active.js';
import { grantEntryFrame, grantEntryWord, grantUse } from './grant-entry.js';
import {
  entryAddress,
  grantEntryCount,
  grantFrameCount,
  isVersion2,
  mayAskAbout,
  populateStatusFrames,
  sharedFrame,
  statusAddress,
  unpopulateStatusFrames,
} from './grant-frames.js';
import { GNTST } from './grant-status.js';
import { mustWait } from './locks.js';
import type { Xen } from './state.js';

/** Entries that the toolstack keeps in use (xenstore, console): they outlive a change of version. */
export const RESERVED_ENTRIES = 8;
const USE = GTF_READING | GTF_WRITING;

/** The highest version of grant tables that this Xen has at all. */
export function hostMaxGrantVersion(xen: Xen): number {
  const built = xen.spec.arch === 'arm' && xen.profile.armGrantVersion === 'one' ? 1 : 2;
  return Math.min(built, xen.spec.gnttab?.maxVersion ?? 2);
}

/** The highest that a domain's table can have. */
export function maxGrantVersion(xen: Xen, slot: number): number {
  const own = xen.domain.maxGrantVersion.get(slot);
  return own === 0 ? hostMaxGrantVersion(xen) : own;
}

/**
 * Where createdomain names the highest version (7379f9e10a), 0 and more than the host has are -EINVAL. In older releases
 * nothing can be named.
 */
export function limitGrantVersion(xen: Xen, slot: number, version: number): number {
  if (xen.profile.domainGrantVersion === 'no') return 0;
  if (version < 1 || version > hostMaxGrantVersion(xen)) return -Errno.EINVAL;
  xen.domain.maxGrantVersion.set(slot, version === hostMaxGrantVersion(xen) ? 0 : version);
  return 0;
}

/**
 * GNTTABOP_set_version (dossier §5.6). -EINVAL no version; -ENOSYS version 2 where it is not to be had; -EBUSY an entry
 * beyond the reserved ones is pinned, or somebody holds a status frame; -ENOMEM; -ERANGE a reserved entry that version 1
 * has no form for. The check for operations of version 2 that are under way (-EAGAIN, f8fa2b21f8) never fails here: a copy
 * ends before anything else begins.
 */
export function setGrantVersion(xen: Xen, slot: number, version: number): number {
  const refused = refuseVersion(xen, slot, version);
  if (refused !== 0 || grantVersion(xen, slot) === version) return refused;
  return version === 2 ? toVersion2(xen, slot) : toVersion1(xen, slot);
}

/** What forbids a change of version before anything is changed. */
export function refuseVersion(xen: Xen, slot: number, version: number): number {
  if (mustWait(xen, xen.domain.grantLock, slot)) return -Errno.EBUSY;
  if (version !== 1 && version !== 2) return -Errno.EINVAL;
  if (version === 2 && maxGrantVersion(xen, slot) === 1) return -Errno.ENOSYS;
  if (grantVersion(xen, slot) === version) return 0;
  const entries = grantEntryCount(xen, slot);
  for (let ref = RESERVED_ENTRIES; ref < entries; ref++) {
    if (xen.grant.pin.get(activeRow(xen, slot, ref)) !== 0) return -Errno.EBUSY;
  }
  return 0;
}

export function grantVersion(xen: Xen, slot: number): number {
  return isVersion2(xen, slot) ? 2 : 1;
}

export interface Reserved {
  readonly word: number;
  readonly frame: number;
  readonly use: number;
}

const reservedCount = (xen: Xen, slot: number): number =>
  Math.min(RESERVED_ENTRIES, grantEntryCount(xen, slot));

function readReserved(xen: Xen, slot: number, ref: number): Reserved {
  return {
    word: grantEntryWord(xen, slot, ref),
    frame: grantEntryFrame(xen, slot, ref),
    use: grantUse(xen, slot, ref),
  };
}

function toVersion2(xen: Xen, slot: number): number {
  const status = populateStatusFrames(xen, slot);
  if (status !== 0) return status;
  const kept = readAllReserved(xen, slot);
  clearTable(xen, slot);
  xen.domain.grantVersion.set(slot, 1);
  kept.forEach(({ word, frame, use }, ref) => {
    const at = entryAddress(xen, slot, ref);
    xen.ram.write32(at, word & ~USE);
    xen.ram.write32(at + 8, frame);
    const status = statusAddress(xen, slot, ref);
    const shift = (ref & 1) * 16;
    xen.ram.write32(status, (xen.ram.read32(status) & ~(0xffff << shift)) | (use << shift));
  });
  return 0;
}

/** Whether a reserved entry of version 2 has a form in version 1: no more than 32 bits of frame, and not transitive. */
function isRepresentable({ word, frame }: Reserved): boolean {
  const type = grantFlags(word) & GTF_TYPE_MASK;
  return type === GrantType.PERMIT_ACCESS ? frame < 2 ** 32 : type !== GrantType.TRANSITIVE;
}

function toVersion1(xen: Xen, slot: number): number {
  if (!hasVersion1Form(xen, slot)) return -Errno.ERANGE;
  const kept = readAllReserved(xen, slot);
  const status = unpopulateStatusFrames(xen, slot);
  if (status !== 0) return status;
  becomeVersion1(xen, slot, kept);
  return 0;
}

/** Whether all reserved entries have a form in version 1. */
export function hasVersion1Form(xen: Xen, slot: number): boolean {
  return readAllReserved(xen, slot).every(isRepresentable);
}

export function readAllReserved(xen: Xen, slot: number): Reserved[] {
  return Array.from({ length: reservedCount(xen, slot) }, (_, ref) => readReserved(xen, slot, ref));
}

/** The table is one of version 1, with the reserved entries. */
export function becomeVersion1(xen: Xen, slot: number, kept: readonly Reserved[]): void {
  clearTable(xen, slot);
  xen.domain.grantVersion.set(slot, 0);
  kept.forEach(({ word, frame, use }, ref) => {
    if ((grantFlags(word) & GTF_TYPE_MASK) !== GrantType.PERMIT_ACCESS) return;
    const at = entryAddress(xen, slot, ref);
    xen.ram.write32(at, word | use);
    xen.ram.write32(at + 4, frame);
  });
}

/** Nothing of the old version is left over in the shared frames. */
function clearTable(xen: Xen, slot: number): void {
  for (let n = 0; n < grantFrameCount(xen, slot); n++) {
    xen.ram.clear(xen.ram.frameAt(sharedFrame(xen, slot, n)));
  }
}

/** GNTTABOP_get_version: the version, or -ESRCH, -EPERM. */
export function getGrantVersion(xen: Xen, caller: number, slot: number): number {
  const refused = mayAskAbout(xen, caller, slot);
  if (refused !== 0) return refused === GNTST.bad_domain ? -Errno.ESRCH : -Errno.EPERM;
  return grantVersion(xen, slot);
}

/**
 * GNTTABOP_swap_grant_ref: two of the caller's own entries change places, with their statuses. bad_gntref beyond the table,
 * eagain while one is pinned.
 */
export function swapGrantRefs(xen: Xen, slot: number, a: number, b: number): number {
  const entries = grantEntryCount(xen, slot);
  if (mustWait(xen, xen.domain.grantLock, slot)) return GNTST.eagain;
  for (const ref of [a, b]) if (ref < 0 || ref >= entries) return GNTST.bad_gntref;
  if (a === b) return GNTST.okay;
  for (const ref of [a, b]) if (xen.grant.pin.get(activeRow(xen, slot, ref)) !== 0) return GNTST.eagain;
  const [atA, atB] = [entryAddress(xen, slot, a), entryAddress(xen, slot, b)];
  for (let offset = 0; offset < (isVersion2(xen, slot) ? 16 : 8); offset += 4) {
    const word = xen.ram.read32(atA + offset);
    xen.ram.write32(atA + offset, xen.ram.read32(atB + offset));
    xen.ram.write32(atB + offset, word);
  }
  if (isVersion2(xen, slot)) swapStatuses(xen, slot, a, b);
  return GNTST.okay;
}

function swapStatuses(xen: Xen, slot: number, a: number, b: number): void {
  const read = (ref: number): number =>
    (xen.ram.read32(statusAddress(xen, slot, ref)) >>> ((ref & 1) * 16)) & 0xffff;
  const write = (ref: number, value: number): void => {
    const at = statusAddress(xen, slot, ref);
    const shift = (ref & 1) * 16;
    xen.ram.write32(at, (xen.ram.read32(at) & ~(0xffff << shift)) | (value << shift));
  };
  const [ofA, ofB] = [read(a), read(b)];
  write(a, ofB);
  write(b, ofA);
}
