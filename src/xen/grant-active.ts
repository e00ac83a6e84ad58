import {
  GNTMAP,
  GTF_READING,
  GTF_WRITING,
  PIN_DEVICE_READ,
  PIN_DEVICE_WRITE,
  PIN_HOST_READ,
  PIN_HOST_READ_MASK,
  PIN_HOST_WRITE,
  PIN_HOST_WRITE_MASK,
  PIN_WRITE_MASK,
  pinWouldOverflow,
} from '../formats/grant-v1.js';
import { ownerOf } from './frames.js';
import { changeUse } from './grant-entry.js';
import { grantEntryCount } from './grant-frames.js';
import { p2mLookup } from './p2m.js';
import type { Xen } from './state.js';

/**
 * The active entries: Xen's own record of a grant in use, which it trusts instead of the shared entry. `active` is the row of
 * the table `grant` throughout.
 */

export function activeRow(xen: Xen, granter: number, ref: number): number {
  return granter * xen.spec.limits.grants + ref;
}

/** Pins that a mapping with these flags holds. */
export function pinsOf(flags: number): number {
  const readonly = (flags & GNTMAP.readonly) !== 0;
  return (
    (flags & GNTMAP.device ? (readonly ? PIN_DEVICE_READ : PIN_DEVICE_WRITE) : 0) +
    (flags & GNTMAP.host ? (readonly ? PIN_HOST_READ : PIN_HOST_WRITE) : 0)
  );
}

/** Bit 7 of each counter of a pin word. */
const TOP_BITS = 0x8080_8080;

/** Whether a pin counter is too full for more (§5.2, step 7): up to 4.14 any full counter forbade all (8cec5d065c). */
export function pinIsFull(xen: Xen, pin: number, increment: number): boolean {
  return xen.profile.fullPinCounter === 'forbids-all'
    ? (pin & TOP_BITS) !== 0
    : pinWouldOverflow(pin, increment);
}

/**
 * Drops pins. reduce_status_for_pin: the entry's use flags go with the last reader and, where the pin was a writer's, with
 * the last writer. Entries that a change of version has put out of the table have none any more (f8fa2b21f8).
 */
export function dropPins(xen: Xen, granter: number, ref: number, pins: number, readonly: boolean): void {
  const active = activeRow(xen, granter, ref);
  xen.grant.pin.add(active, -pins);
  reduceUse(xen, granter, ref, readonly);
  if (xen.grant.pin.get(active) === 0) forgetActive(xen, active);
}

/** The same for the pin of a copy. */
export function dropCopyPin(xen: Xen, granter: number, ref: number, pin: number, readonly: boolean): void {
  const active = activeRow(xen, granter, ref);
  xen.grant.pin.add(active, -pin);
  reduceUseAfterCopy(xen, granter, ref, readonly);
  if (xen.grant.pin.get(active) === 0) forgetActive(xen, active);
}

/** What the use flags become when a copy is done with an entry. */
export function reduceUseAfterCopy(xen: Xen, granter: number, ref: number, readonly: boolean): void {
  if (xen.profile.useAfterCopy === 'all-pins') {
    reduceUse(xen, granter, ref, readonly);
    return;
  }
  const pin = xen.grant.pin.get(activeRow(xen, granter, ref));
  const reading = (pin & PIN_HOST_READ_MASK) !== 0;
  const clear = (reading ? 0 : GTF_READING) | ((pin & PIN_HOST_WRITE_MASK) === 0 ? GTF_WRITING : 0);
  if (ref < grantEntryCount(xen, granter)) changeUse(xen, granter, ref, 0, clear);
}

/** reduce_status_for_pin: takes use flags away that no pin stands for. */
export function reduceUse(xen: Xen, granter: number, ref: number, readonly: boolean): void {
  const pin = xen.grant.pin.get(activeRow(xen, granter, ref));
  const clear = (pin === 0 ? GTF_READING : 0) | (!readonly && (pin & PIN_WRITE_MASK) === 0 ? GTF_WRITING : 0);
  if (clear !== 0 && ref < grantEntryCount(xen, granter)) changeUse(xen, granter, ref, 0, clear);
}

/** What an unpinned entry says matters to nobody; cleared, equal histories give equal states. */
function forgetActive(xen: Xen, active: number): void {
  xen.grant.frame.set(active, 0);
  xen.grant.grantee.set(active, 0);
  xen.grant.part.set(active, 0);
  xen.grant.source.set(active, 0);
  xen.grant.sourceRef.set(active, 0);
  xen.grant.spoilt.set(active, 0);
}

/**
 * get_paged_frame: index of the frame that `named` (a GFN; for PV the MFN) is of this domain, or -1. A frame that is no RAM
 * is refused here, and so is what a translated domain has mapped of others; so MMIO is never granted (`bad_page`).
 */
export function frameOfDomain(xen: Xen, slot: number, named: number): number {
  const frame = xen.isTranslated(slot) ? p2mLookup(xen, slot, named) : named;
  const pdx = frame < 0 ? -1 : xen.ram.indexOf(frame);
  return pdx >= 0 && ownerOf(xen, pdx) === slot ? pdx : -1;
}
