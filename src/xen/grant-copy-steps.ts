import { callerOf, goOn } from './calls/call.js';
import { Step } from './calls/steps.js';
import { type Claim, claimOf, nameBytes } from './grant-acquire.js';
import { activeRow } from './grant-active.js';
import {
  type CopyEnd,
  claimEnds,
  copyBytes,
  grantCopy,
  putClaimed,
  release,
  unpinClaimed,
} from './grant-copy.js';
import type { Xen } from './state.js';

/**
 * A grant copy in steps, as other CPUs see it: both ends are held, the bytes move, the pins go, then the pages (dossier §5.6,
 * e008f7619d). What is held of the ends stands in the row of `grantCall`.
 */

/** GNTTABOP_copy of one request up to where both ends are held. */
export function beginGrantCopy(
  xen: Xen,
  call: number,
  source: CopyEnd,
  dest: CopyEnd,
  length: number,
): number {
  const caller = callerOf(xen, call);
  if (length === 0) return grantCopy(xen, caller, source, dest, length);
  const [from, to] = [claimOf(false), claimOf(true)];
  const status = claimEnds(xen, caller, source, dest, from, to);
  if (status !== 0) {
    release(xen, from);
    release(xen, to);
    return status;
  }
  const row = xen.grantCall;
  row.fromDomain.set(call, from.domain + 1);
  row.fromRef.set(call, from.ref + 1);
  row.fromPage.set(call, from.page + 1);
  row.fromOffset.set(call, source.offset);
  row.fromPinned.set(call, from.ref >= 0 ? 1 : 0);
  row.toDomain.set(call, to.domain + 1);
  row.toRef.set(call, to.ref + 1);
  row.toPage.set(call, to.page + 1);
  row.toOffset.set(call, dest.offset);
  row.toPinned.set(call, to.ref >= 0 ? 1 : 0);
  row.length.set(call, length);
  return goOn(xen, call, Step.copy_bytes);
}

/** What is held of one end. */
function heldEnd(xen: Xen, call: number, write: boolean): Claim {
  const { fromDomain, fromRef, fromPage, toDomain, toRef, toPage } = xen.grantCall;
  const held = claimOf(write);
  held.domain = (write ? toDomain : fromDomain).get(call) - 1;
  held.ref = (write ? toRef : fromRef).get(call) - 1;
  held.page = (write ? toPage : fromPage).get(call) - 1;
  held.typed = write;
  if (held.ref >= 0) nameBytes(xen, activeRow(xen, held.domain, held.ref), held);
  else held.data = held.page;
  return held;
}

function move(xen: Xen, call: number): number {
  const [from, to] = [heldEnd(xen, call, false), heldEnd(xen, call, true)];
  const { fromOffset, toOffset, length } = xen.grantCall;
  const status = copyBytes(xen, fromOffset.get(call), from, toOffset.get(call), to, length.get(call));
  xen.call.was.set(call, -status);
  return xen.profile.copyRelease === 'pin' ? Step.copy_unpin : Step.copy_put;
}

function unpin(xen: Xen, call: number): number {
  const [from, to] = [heldEnd(xen, call, false), heldEnd(xen, call, true)];
  xen.grantCall.fromPinned.set(call, 0);
  xen.grantCall.toPinned.set(call, 0);
  unpinClaimed(xen, from);
  unpinClaimed(xen, to);
  return xen.profile.copyRelease === 'pin' ? Step.copy_put : -xen.call.was.get(call);
}

function put(xen: Xen, call: number): number {
  const [from, to] = [heldEnd(xen, call, false), heldEnd(xen, call, true)];
  xen.grantCall.fromPage.set(call, 0);
  xen.grantCall.toPage.set(call, 0);
  putClaimed(xen, from);
  putClaimed(xen, to);
  return xen.profile.copyRelease === 'page' ? Step.copy_unpin : -xen.call.was.get(call);
}

/** The steps of a copy. */
export const COPY_GRANT = { copy_bytes: move, copy_unpin: unpin, copy_put: put } as const;
