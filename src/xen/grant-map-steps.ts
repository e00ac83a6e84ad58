import { callerOf, domainOf, goOn, pageOf } from './calls/call.js';
import { Step } from './calls/steps.js';
import { judgeMapAnswer, mapWithHandle, refuseMap } from './grant-map.js';
import { GNTST } from './grant-status.js';
import { completeUnmap, flushMapper, mappedFrame, unmapPass, unmapStatus } from './grant-unmap.js';
import { freeHandle } from './maptrack.js';
import type { Xen } from './state.js';

/**
 * Mapping and unmapping grants in steps, as other CPUs see it. A map takes a handle, then does the rest in the critical
 * sections that map_grant_ref has; an unmap takes the mapping away, flushes, and gives back what the mapping held (dossier
 * §5.2, §5.5). Neither is preempted: what can come in between is what runs on other CPUs.
 *
 * In a row of `call`: `domain` the granter, `flags` those of the map, or what is to be given back, `page` what was mapped.
 */

/** GNTTABOP_map_grant_ref up to the handle that it takes, which is noted in the row. */
export function beginMapGrant(
  xen: Xen,
  call: number,
  granter: number,
  ref: number,
  flags: number,
  hostGfn: number,
  hostEntry: number,
): number {
  const caller = callerOf(xen, call);
  const refused = refuseMap(xen, caller, granter, flags);
  if (refused !== 0) return refused;
  const handle = freeHandle(xen, caller);
  if (handle < 0) return GNTST[xen.profile.noHandleStatus];
  xen.call.domain.set(call, granter + 1);
  xen.call.flags.set(call, flags);
  xen.call.gfn.set(call, hostGfn);
  xen.grantCall.handle.set(call, caller * xen.spec.limits.handles + handle + 1);
  xen.grantCall.ref.set(call, ref + 1);
  xen.grantCall.hostEntry.set(call, hostEntry);
  return goOn(xen, call, Step.map_grant);
}

/** The handle that a map under way has taken, or -1. */
export function takenHandle(xen: Xen, call: number): number {
  const row = xen.grantCall.handle.get(call) - 1;
  return row < 0 ? -1 : row % xen.spec.limits.handles;
}

function mapTaken(xen: Xen, call: number): number {
  const [granter, ref] = [domainOf(xen, call), xen.grantCall.ref.get(call) - 1];
  const [flags, gfn] = [xen.call.flags.get(call), xen.call.gfn.get(call)];
  const [handle, entry] = [takenHandle(xen, call), xen.grantCall.hostEntry.get(call)];
  // The granter may have gone since.
  if (!xen.exists(granter)) return GNTST.bad_domain;
  const caller = callerOf(xen, call);
  const status = mapWithHandle(xen, caller, handle, granter, ref, flags, gfn, entry);
  judgeMapAnswer(xen, caller, status);
  return Math.min(status, 0);
}

/** GNTTABOP_unmap_grant_ref up to its flush. */
export function beginUnmapGrant(
  xen: Xen,
  call: number,
  handle: number,
  clear: number,
  devBusAddr: number,
  hostGfn: number,
  hostEntry: number,
): number {
  const caller = callerOf(xen, call);
  const pdx = mappedFrame(xen, caller, handle);
  const row = caller * xen.spec.limits.handles + handle;
  const [granter, ref] = pdx < 0 ? [0, 0] : [xen.maptrack.granter.get(row), xen.maptrack.ref.get(row)];
  const given = unmapPass(xen, caller, handle, clear, devBusAddr, hostGfn, hostEntry, 0);
  if (given < 0) {
    flushMapper(xen, caller);
    return given;
  }
  xen.call.domain.set(call, granter);
  xen.call.flags.set(call, given);
  xen.call.page.set(call, pdx + 1);
  xen.grantCall.ref.set(call, ref);
  if (xen.profile.unmapReferences === 'before-flush') giveBack(xen, call);
  return goOn(xen, call, Step.unmap_flush);
}

function flush(xen: Xen, call: number): number {
  flushMapper(xen, callerOf(xen, call));
  if (xen.profile.unmapReferences === 'after-flush') return Step.unmap_complete;
  return unmapStatus(xen.call.flags.get(call));
}

function complete(xen: Xen, call: number): number {
  giveBack(xen, call);
  return unmapStatus(xen.call.flags.get(call));
}

function giveBack(xen: Xen, call: number): void {
  const [granter, ref] = [domainOf(xen, call), xen.grantCall.ref.get(call) - 1];
  completeUnmap(xen, callerOf(xen, call), granter, ref, pageOf(xen, call), xen.call.flags.get(call));
}

/** The step of a map, and those of an unmap. */
export const MAP_GRANT = { map_grant: mapTaken } as const;
export const UNMAP_GRANT = { unmap_flush: flush, unmap_complete: complete } as const;
