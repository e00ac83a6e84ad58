import { PAGE_SIZE } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { getPage, putPage } from './frames.js';
import { acquireForCopy, type Claim, claimOf, releaseForCopy } from './grant-acquire.js';
import { frameOfDomain } from './grant-active.js';
import { DONE_WITHOUT_STATUS, GNTST, NEVER_ENDS } from './grant-status.js';
import { typeCount, typeOf } from './page-info.js';
import { getPageType, putPageType } from './page-type.js';
import type { Xen } from './state.js';

/** DOMID_SELF, by which alone a copy may name a frame. */
export const SELF = -1;
/** A domain that does not exist. */
export const NO_DOMAIN = -2;

/** One end of a copy: a grant of a domain's, or, with a `ref` below 0, a frame of the caller's own. */
export interface CopyEnd {
  /** The slot of a domain, or {@link SELF}, or {@link NO_DOMAIN}. */
  readonly domain: number;
  readonly ref: number;
  /** GFN; for PV callers the MFN. */
  readonly frame: number;
  readonly offset: number;
}

/**
 * GNTTABOP_copy of one request (dossier §5.6). Both ends are held while the bytes move: the pages, for the destination a
 * writable type, for grants a pin. The IOMMU is touched by nothing but the type. Returns a {@link GNTST}: permission_denied
 * for a frame of another's, bad_domain, bad_gntref, bad_page, bad_copy_arg beyond a page, general_error for everything that
 * an entry does not offer.
 */
export function grantCopy(xen: Xen, caller: number, source: CopyEnd, dest: CopyEnd, length: number): number {
  if (length === 0 && xen.profile.emptyCopy === 'ignored') return GNTST.okay;
  const from = claimOf(false);
  const to = claimOf(true);
  let status = claimEnds(xen, caller, source, dest, from, to);
  if (status === 0) status = copyBytes(xen, source.offset, from, dest.offset, to, length);
  release(xen, from);
  release(xen, to);
  if (status === NEVER_ENDS && xen.profile.restartedCopy === 'done') return DONE_WITHOUT_STATUS;
  return status;
}

/** Names and holds both ends, as far as it gets. */
export function claimEnds(
  xen: Xen,
  caller: number,
  source: CopyEnd,
  dest: CopyEnd,
  from: Claim,
  to: Claim,
): number {
  let status = nameDomain(xen, caller, source, from);
  if (status === 0) status = nameDomain(xen, caller, dest, to);
  if (status === 0) status = claim(xen, caller, source, from);
  if (status === 0) status = claim(xen, caller, dest, to);
  return status;
}

/** Holds what a copy answered against what it has done: callers look at a status that Xen may not have written. */
export function judgeCopyAnswer(xen: Xen, status: number): void {
  if (status === DONE_WITHOUT_STATUS) xen.misdeed('a copy that was not made was answered as if it had been');
}

/** gnttab_copy_lock_domain. */
function nameDomain(xen: Xen, caller: number, end: CopyEnd, claimed: Claim): number {
  if (end.domain !== SELF && end.ref < 0) return GNTST.permission_denied;
  const slot = end.domain === SELF ? caller : end.domain;
  if (!xen.exists(slot)) return GNTST.bad_domain;
  claimed.domain = slot;
  return 0;
}

/** gnttab_copy_claim_buf. */
function claim(xen: Xen, caller: number, end: CopyEnd, claimed: Claim): number {
  if (end.ref >= 0) {
    const allowTransitive = !(xen.spec.gnttab?.noTransitive ?? false);
    const status = acquireForCopy(xen, claimed.domain, end.ref, caller, claimed, allowTransitive);
    if (status !== 0) return status;
    claimed.ref = end.ref;
  } else {
    const pdx = frameOfDomain(xen, claimed.domain, end.frame);
    if (pdx < 0 || !getPage(xen, pdx, claimed.domain)) return GNTST.bad_page;
    claimed.page = pdx;
    claimed.data = pdx;
  }
  if (!claimed.write) return 0;
  if (getPageType(xen, claimed.page, PGT.writable) !== 0) return GNTST.general_error;
  claimed.typed = true;
  return 0;
}

/** gnttab_copy_release_buf. */
export function release(xen: Xen, claimed: Claim): void {
  if (xen.profile.copyRelease === 'page') putClaimed(xen, claimed);
  unpinClaimed(xen, claimed);
  if (xen.profile.copyRelease === 'pin') putClaimed(xen, claimed);
}

export function unpinClaimed(xen: Xen, claimed: Claim): void {
  if (claimed.ref >= 0) releaseForCopy(xen, claimed.domain, claimed.ref, !claimed.write);
}

export function putClaimed(xen: Xen, claimed: Claim): void {
  if (claimed.typed) putPageType(xen, claimed.page);
  if (claimed.page >= 0) putPage(xen, claimed.page);
}

/** gnttab_copy_buf. */
export function copyBytes(
  xen: Xen,
  sourceOffset: number,
  from: Claim,
  destOffset: number,
  to: Claim,
  length: number,
): number {
  if (sourceOffset + length > PAGE_SIZE || destOffset + length > PAGE_SIZE) return GNTST.bad_copy_arg;
  if (isOutside(from, sourceOffset, length) || isOutside(to, destOffset, length)) return GNTST.general_error;
  if (!isHeldAsWritable(xen, to.data)) xen.misdeed('a copy wrote a page that it did not hold as writable');
  moveBytes(xen, from.data, sourceOffset, to.data, destOffset, length);
  return GNTST.okay;
}

/** Whether somebody holds the page as writable, so that it cannot be a page table, or become one, while it is written. */
function isHeldAsWritable(xen: Xen, pdx: number): boolean {
  const info = xen.frame.typeInfo.get(pdx);
  return typeOf(info) === PGT.writable && typeCount(info) !== 0;
}

function isOutside({ start, length: offered }: Claim, offset: number, length: number): boolean {
  return offset < start || offset + length > start + offered;
}

/** Byte by byte, lowest first; ranges of one page may not overlap for a memcpy to mean anything. */
function moveBytes(
  xen: Xen,
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
  length: number,
): void {
  const source = xen.ram.frameAt(from) * PAGE_SIZE + fromOffset;
  const dest = xen.ram.frameAt(to) * PAGE_SIZE + toOffset;
  for (let i = 0; i < length; i++) {
    const byte = (xen.ram.read32(source + i) >>> (((source + i) % 4) * 8)) & 0xff;
    const at = dest + i;
    const shift = (at % 4) * 8;
    const word = xen.ram.read32(at);
    xen.ram.write32(at - (at % 4), (word & ~(0xff << shift)) | (byte << shift));
  }
}
