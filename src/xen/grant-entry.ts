import {
  GrantType,
  GTF_READING,
  GTF_READONLY,
  GTF_SUB_PAGE,
  GTF_TYPE_MASK,
  GTF_WRITING,
  grantDomid,
  grantFlags,
  grantWord0,
} from '../formats/grant-v1.js';
import { grantFrame64, grantPart } from '../formats/grant-v2.js';
import { entryAddress, isVersion2, statusAddress } from './grant-frames.js';
import { GNTST } from './grant-status.js';
import type { Xen } from './state.js';

/**
 * The shared entries, in frames that granter and Xen both write. Version 1 keeps the use flags in the entry, version 2 in
 * a status frame, which the granter can write as well.
 */

/** First word of a shared entry: flags and grantee. */
export function grantEntryWord(xen: Xen, slot: number, ref: number): number {
  return xen.ram.read32(entryAddress(xen, slot, ref));
}

/** The frame that an entry names, whatever the entry is: a transitive one has its reference there. */
export function grantEntryFrame(xen: Xen, slot: number, ref: number): number {
  const at = entryAddress(xen, slot, ref);
  if (!isVersion2(xen, slot)) return xen.ram.read32(at + 4) >>> 0;
  return grantFrame64(xen.ram.read32(at + 8), xen.ram.read32(at + 12));
}

/** Second word of a version 2 entry: a sub-page's offset and length, or a transitive grant's domain. */
export function grantEntryPart(xen: Xen, slot: number, ref: number): number {
  return xen.ram.read32(entryAddress(xen, slot, ref) + 4);
}

/** The use flags of an entry: GTF_reading and GTF_writing. */
export function grantUse(xen: Xen, slot: number, ref: number): number {
  const word = isVersion2(xen, slot)
    ? xen.ram.read32(statusAddress(xen, slot, ref)) >>> ((ref & 1) * 16)
    : grantEntryWord(xen, slot, ref);
  return word & (GTF_READING | GTF_WRITING);
}

/** Sets and clears use flags. */
export function changeUse(xen: Xen, slot: number, ref: number, set: number, clear: number): void {
  if (isVersion2(xen, slot)) {
    const at = statusAddress(xen, slot, ref);
    const shift = (ref & 1) * 16;
    xen.ram.write32(at, (xen.ram.read32(at) & ~(clear << shift)) | (set << shift));
    return;
  }
  const at = entryAddress(xen, slot, ref);
  xen.ram.write32(at, (xen.ram.read32(at) & ~clear) | set);
}

/**
 * _set_status: whether the entry offers what `mapper` asks for; if so it is marked in use. An entry that is pinned has been
 * looked at before: now only its readonly flag counts. `mapping` is false for a copy, which may use a part of a page and,
 * by version 2, another domain's grant. Version 1's compare-and-exchange cannot fail here, as nobody runs meanwhile.
 */
export function claimEntry(
  xen: Xen,
  granter: number,
  ref: number,
  pinned: boolean,
  write: boolean,
  mapping: boolean,
  mapper: number,
): number {
  const word = grantEntryWord(xen, granter, ref);
  const flags = grantFlags(word);
  if (!pinned && (!offersAccess(xen, granter, flags, mapping) || grantDomid(word) !== xen.domidOf(mapper))) {
    return GNTST.general_error;
  }
  if (write && (flags & GTF_READONLY) !== 0) return GNTST.general_error;
  changeUse(xen, granter, ref, GTF_READING | (write ? GTF_WRITING : 0), 0);
  return 0;
}

function offersAccess(xen: Xen, granter: number, flags: number, mapping: boolean): boolean {
  const asked = flags & (mapping ? GTF_TYPE_MASK | GTF_SUB_PAGE : GTF_TYPE_MASK);
  if (asked === GrantType.PERMIT_ACCESS) return true;
  if (asked !== GrantType.TRANSITIVE || !isVersion2(xen, granter)) return false;
  return !mapping || xen.profile.transitiveMap === 'as-full-page';
}

// What the granter's kernel does: it writes entries of the version that its table has.

function writeEntry(xen: Xen, slot: number, ref: number, word: number, part: number, frame: number): void {
  const { grants } = xen.spec.limits;
  const active = slot * grants + ref;
  if (ref < grants && xen.grant.pin.get(active) !== 0) xen.grant.spoilt.set(active, 1);
  const at = entryAddress(xen, slot, ref);
  if (isVersion2(xen, slot)) {
    xen.ram.write32(at + 12, Math.floor(frame / 2 ** 32));
    xen.ram.write32(at + 8, frame);
    xen.ram.write32(at + 4, part);
  } else {
    xen.ram.write32(at + 4, frame);
  }
  xen.ram.write32(at, word);
}

/**
 * Writes an entry that offers `frame` (PV: MFN, translated: GFN) to `grantee`. `flags` are further GTF_ bits; with
 * GTF_sub_page a table of version 2 names the bytes [`offset`, `offset` + `length`).
 */
export function writeGrantEntry(
  xen: Xen,
  slot: number,
  ref: number,
  grantee: number,
  frame: number,
  readonly: boolean,
  flags = 0,
  offset = 0,
  length = 0,
): void {
  const part = (flags & GTF_SUB_PAGE) !== 0 ? grantPart(offset, length) : 0;
  const all = GrantType.PERMIT_ACCESS | (readonly ? GTF_READONLY : 0) | flags;
  writeEntry(xen, slot, ref, grantWord0(all, grantee), part, frame);
}

/** Writes an entry that passes grant `viaRef` of domain `via` on to `grantee`. Version 1 has no room for whose it is. */
export function writeTransitiveGrant(
  xen: Xen,
  slot: number,
  ref: number,
  grantee: number,
  via: number,
  viaRef: number,
  readonly: boolean,
): void {
  const flags = GrantType.TRANSITIVE | (readonly ? GTF_READONLY : 0);
  writeEntry(xen, slot, ref, grantWord0(flags, grantee), via, viaRef);
}

/** Writes an entry that takes a page from `giver`, to appear at `gfn`. */
export function writeAcceptTransfer(xen: Xen, slot: number, ref: number, giver: number, gfn: number): void {
  writeEntry(xen, slot, ref, grantWord0(GrantType.ACCEPT_TRANSFER, giver), 0, gfn);
}

/** Ends an offer. False when it is in use: a kernel that checks would not clear it. */
export function clearGrantEntry(xen: Xen, slot: number, ref: number): boolean {
  if (grantUse(xen, slot, ref) !== 0) return false;
  writeEntry(xen, slot, ref, 0, 0, 0);
  return true;
}
