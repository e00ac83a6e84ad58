import { PAGE_SIZE } from '../formats/address.js';
import {
  GrantType,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
  grantFlags,
  PIN_HOST_READ,
  PIN_HOST_WRITE,
  PIN_WRITE_MASK,
} from '../formats/grant-v1.js';
import { getPage, ownerOf, putPage } from './frames.js';
import { activeRow, dropCopyPin, frameOfDomain, pinIsFull, reduceUseAfterCopy } from './grant-active.js';
import { claimEntry, grantEntryFrame, grantEntryPart, grantEntryWord } from './grant-entry.js';
import { grantEntryCount, isVersion2 } from './grant-frames.js';
import { IS_SUB_PAGE } from './grant-map.js';
import { GNTST, NEVER_ENDS } from './grant-status.js';
import { mustWait } from './locks.js';
import type { Xen } from './state.js';

/** What is held of an end while it is copied. */
export interface Claim {
  readonly write: boolean;
  domain: number;
  /** The grant that is pinned, or -1. */
  ref: number;
  /** Index of the page that is held, or -1, and of the one whose bytes are meant; they differ only by XSA-500. */
  page: number;
  data: number;
  typed: boolean;
  /** The bytes of it that the grant offers. */
  start: number;
  length: number;
}

export const claimOf = (write: boolean): Claim => ({
  write,
  domain: -1,
  ref: -1,
  page: -1,
  data: -1,
  typed: false,
  start: 0,
  length: PAGE_SIZE,
});

const pinFor = (readonly: boolean): number => (readonly ? PIN_HOST_READ : PIN_HOST_WRITE);

/** Whether a pin word asks for another look at the shared entry: the first pin, and the first writer. */
const isFirst = (pin: number, readonly: boolean): boolean =>
  pin === 0 || (!readonly && (pin & PIN_WRITE_MASK) === 0);

/**
 * acquire_grant_for_copy: pins the grant `ref` of `granter` for `user` and takes a general reference on its page, both told
 * in `claimed`. `allowTransitive` is false for the grant that a transitive one leads to.
 */
export function acquireForCopy(
  xen: Xen,
  granter: number,
  ref: number,
  user: number,
  claimed: Claim,
  allowTransitive: boolean,
): number {
  if (mustWait(xen, xen.domain.grantLock, granter)) return GNTST.general_error;
  if (ref >= grantEntryCount(xen, granter)) return GNTST.bad_gntref;
  lockEntry(xen);
  const status = acquireLocked(xen, granter, ref, user, claimed, allowTransitive);
  unlockEntry(xen);
  return status;
}

function acquireLocked(
  xen: Xen,
  granter: number,
  ref: number,
  user: number,
  claimed: Claim,
  allowTransitive: boolean,
): number {
  const active = activeRow(xen, granter, ref);
  const pin = xen.grant.pin.get(active);
  const readonly = !claimed.write;
  if (pin !== 0 && (xen.grant.grantee.get(active) !== user + 1 || pinIsFull(xen, pin, pinFor(readonly))))
    return GNTST.general_error;
  const flags = grantFlags(grantEntryWord(xen, granter, ref));
  let status = 0;
  const fast = xen.profile.pinnedTransitive === 'not-acquired' && !isFirst(pin, readonly);
  if (!fast && isVersion2(xen, granter) && (flags & GTF_TYPE_MASK) === GrantType.TRANSITIVE) {
    status = acquireTransitive(xen, granter, ref, user, claimed, allowTransitive);
  } else if (isFirst(pin, readonly)) {
    status = claimEntry(xen, granter, ref, pin !== 0, !readonly, false, user);
    if (status !== 0) return status;
    status = acquireNamed(xen, granter, ref, user, claimed, flags);
  } else {
    status = acquirePinned(xen, granter, active, claimed);
  }
  if (status !== 0) {
    if (status !== ALREADY_CLEAN) reduceUseAfterCopy(xen, granter, ref, readonly);
    return status === ALREADY_CLEAN ? GNTST.general_error : status;
  }
  xen.grant.pin.add(active, pinFor(readonly));
  nameBytes(xen, active, claimed);
  return 0;
}

/** The bytes that a pinned entry offers. */
export function nameBytes(xen: Xen, active: number, claimed: Claim): void {
  const part = xen.grant.part.get(active);
  claimed.start = part & 0x7fff;
  claimed.length = (part & IS_SUB_PAGE) !== 0 ? part >>> 16 : PAGE_SIZE;
  claimed.data = xen.grant.frame.get(active) - 1;
}

/** A refusal before anything was marked in use. */
const ALREADY_CLEAN = -2000;

/** The entry is pinned already: its page must still be the granter's, and the granter must live. */
function acquirePinned(xen: Xen, granter: number, active: number, claimed: Claim): number {
  const pdx = xen.grant.frame.get(active) - 1;
  const fast = xen.profile.pinnedTransitive === 'not-acquired' && xen.grant.source.get(active) !== 0;
  const owner = fast ? xen.grant.source.get(active) - 1 : granter;
  if (ownerOf(xen, pdx) !== owner || xen.isDying(owner) || !getPage(xen, pdx, owner)) return GNTST.bad_domain;
  claimed.page = pdx;
  return 0;
}

/** The entry names a page of the granter's, or a part of one. */
function acquireNamed(
  xen: Xen,
  granter: number,
  ref: number,
  user: number,
  claimed: Claim,
  flags: number,
): number {
  const active = activeRow(xen, granter, ref);
  const pdx = frameOfDomain(xen, granter, grantEntryFrame(xen, granter, ref));
  if (pdx < 0 || !getPage(xen, pdx, granter)) return GNTST.bad_page;
  const partial = isVersion2(xen, granter) && (flags & GTF_SUB_PAGE) !== 0;
  const word = partial ? grantEntryPart(xen, granter, ref) : 0;
  // start has 15 bits, length 16, as in struct active_grant_entry.
  const part = partial ? (word & 0xffff_0000) | IS_SUB_PAGE | (word & 0x7fff) : 0;
  claimed.page = pdx;
  if (xen.grant.pin.get(active) === 0) {
    xen.grant.grantee.set(active, user + 1);
    xen.grant.frame.set(active, pdx + 1);
    xen.grant.part.set(active, part);
    return 0;
  }
  if (xen.profile.pinnedCopy === 'reads-entry-again') return 0;
  return compareWithPinned(xen, active, pdx, 0, 0, part, claimed);
}

/** Since XSA-500: what the entry says now must be what is pinned (52239dd76f). */
function compareWithPinned(
  xen: Xen,
  active: number,
  pdx: number,
  source: number,
  sourceRef: number,
  part: number,
  claimed: Claim,
): number {
  const pinnedPart = xen.grant.part.get(active);
  const same =
    xen.grant.frame.get(active) === pdx + 1 &&
    xen.grant.source.get(active) === source &&
    xen.grant.sourceRef.get(active) === sourceRef &&
    ((pinnedPart & IS_SUB_PAGE) === 0 || pinnedPart === part);
  if (same) return 0;
  putPage(xen, claimed.page);
  claimed.page = -1;
  return GNTST.general_error;
}

/** The entry passes another domain's grant on: that one is acquired for the granter, one step deep and no deeper. */
function acquireTransitive(
  xen: Xen,
  granter: number,
  ref: number,
  user: number,
  claimed: Claim,
  allowTransitive: boolean,
): number {
  const active = activeRow(xen, granter, ref);
  const pin = xen.grant.pin.get(active);
  const readonly = !claimed.write;
  if (isFirst(pin, readonly) && claimEntry(xen, granter, ref, pin !== 0, !readonly, false, user) !== 0)
    return ALREADY_CLEAN;
  if (!allowTransitive) return GNTST.general_error;
  const via = xen.slotOf(grantEntryPart(xen, granter, ref) & 0xffff);
  const viaRef = grantEntryFrame(xen, granter, ref) % 2 ** 32;
  if (via === granter || !xen.exists(via)) return GNTST.general_error;
  // No two entries are locked at a time: two copies that lead to each other would wait for ever.
  unlockEntry(xen);
  const status = acquireForCopy(xen, via, viaRef, granter, claimed, false);
  lockEntry(xen);
  if (status !== 0) return status;
  const part = (claimed.length << 16) | IS_SUB_PAGE | claimed.start;
  if (pin === 0) {
    xen.grant.grantee.set(active, user + 1);
    xen.grant.frame.set(active, claimed.data + 1);
    xen.grant.part.set(active, part);
    xen.grant.source.set(active, via + 1);
    xen.grant.sourceRef.set(active, viaRef);
    return 0;
  }
  const same =
    xen.grant.frame.get(active) === claimed.data + 1 &&
    xen.grant.part.get(active) === part &&
    xen.grant.source.get(active) === via + 1 &&
    xen.grant.sourceRef.get(active) === viaRef;
  if (same) return 0;
  // Xen gives up and restarts the hypercall, for somebody else must have changed the grant meanwhile.
  const keepsLock = xen.profile.transitiveRetry === 'locked';
  if (!keepsLock) unlockEntry(xen);
  releaseForCopy(xen, via, viaRef, readonly);
  if (!keepsLock) lockEntry(xen);
  putPage(xen, claimed.page);
  claimed.page = -1;
  return NEVER_ENDS;
}

// Locks of active entries, which no hypercall holds from one step to the next: what counts is how many at a time.

function lockEntry(xen: Xen): void {
  if (xen.grantEntryLocked) xen.misdeed('a grant entry is locked while another is');
  xen.grantEntryLocked = true;
}

function unlockEntry(xen: Xen): void {
  xen.grantEntryLocked = false;
}

/** release_grant_for_copy: drops the pin, and that of the grant that a transitive one leads to. */
export function releaseForCopy(xen: Xen, granter: number, ref: number, readonly: boolean): void {
  const active = activeRow(xen, granter, ref);
  const source = xen.grant.source.get(active) - 1;
  const sourceRef = xen.grant.sourceRef.get(active);
  lockEntry(xen);
  dropCopyPin(xen, granter, ref, pinFor(readonly), readonly);
  unlockEntry(xen);
  if (source < 0) return;
  if (xen.profile.pinnedTransitive === 'acquired') releaseForCopy(xen, source, sourceRef, readonly);
  else releaseBehind(xen, active, source, sourceRef, readonly);
}

/** What was released of the grant behind a transitive one while some copies acquired it and others did not (XSA-226). */
function releaseBehind(xen: Xen, active: number, source: number, sourceRef: number, readonly: boolean): void {
  const pin = xen.grant.pin.get(active);
  if (!readonly && (pin & PIN_WRITE_MASK) === 0) releaseForCopy(xen, source, sourceRef, false);
  else if (pin === 0) releaseForCopy(xen, source, sourceRef, true);
}
