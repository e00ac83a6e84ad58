import { drop } from '../locks.js';
import type { Xen } from '../state.js';
import { Step } from './steps.js';

/**
 * Hypercalls under way. Each domain has a few rows of the table `call` (`limits calls`), one for each hypercall that its
 * vCPUs can be in the middle of at a time; whatever else it does comes from yet another vCPU. Row 0 is the toolstack's.
 */

/** Status of a hypercall that has not finished: the next step stands in its row. */
export const CONTINUES = 1;

/** What a step does: it returns the next step, or 0 or an errno at the end of the hypercall. */
export type StepFunction = (xen: Xen, call: number) => number;

/** The domain that is in the hypercall of a row. */
export function callerOf(xen: Xen, call: number): number {
  return Math.floor(call / xen.spec.limits.calls);
}

/** A row of `slot`'s in which nothing is under way, or -1. */
export function idleCall(xen: Xen, slot: number): number {
  const { calls } = xen.spec.limits;
  for (let call = slot * calls; call < (slot + 1) * calls; call++) if (isIdle(xen, call)) return call;
  return -1;
}

/** The row of the hypercall that `slot` has under way, the first where there are several, or -1. */
export function busyCall(xen: Xen, slot: number): number {
  const { calls } = xen.spec.limits;
  for (let call = slot * calls; call < (slot + 1) * calls; call++) if (!isIdle(xen, call)) return call;
  return -1;
}

export function isIdle(xen: Xen, call: number): boolean {
  return xen.call.step.get(call) === Step.none;
}

/** Whether any hypercall is under way. */
export function isAnyCallUnderWay(xen: Xen): boolean {
  const rows = xen.spec.limits.domains * xen.spec.limits.calls;
  for (let call = 0; call < rows; call++) if (!isIdle(xen, call)) return true;
  return false;
}

/**
 * What a step, or the beginning of a hypercall, came to: the next step, which is noted, or 0 or an errno, which ends the
 * hypercall. Returns {@link CONTINUES} or the end.
 */
export function goOn(xen: Xen, call: number, next: number): number {
  if (next > 0) {
    xen.call.step.set(call, next);
    return CONTINUES;
  }
  clear(xen, call);
  return next;
}

function clear(xen: Xen, call: number): void {
  drop(xen.lock.pcidevs, 0, call);
  if (GRANT_STEPS.has(xen.call.step.get(call))) clearGrantCall(xen, call);
  xen.call.step.set(call, Step.none);
  xen.call.domain.set(call, 0);
  xen.call.device.set(call, 0);
  xen.call.flags.set(call, 0);
  xen.call.page.set(call, 0);
  xen.call.pagesInSlice.set(call, 0);
  xen.call.gfn.set(call, 0);
  xen.call.count.set(call, 0);
  xen.call.was.set(call, 0);
  xen.call.index.set(call, 0);
  xen.call.outcome.set(call, 0);
  xen.call.target.set(call, 0);
}

/** Steps of hypercalls about grants, which keep what they are about in the table `grantCall`. */
export const GRANT_STEPS: ReadonlySet<number> = new Set([
  Step.unmap_flush,
  Step.unmap_complete,
  Step.map_grant,
  Step.copy_bytes,
  Step.copy_unpin,
  Step.copy_put,
]);

/** Forgets what a hypercall about grants was about, one also that ends as it begins. */
export function clearGrantCall(xen: Xen, call: number): void {
  for (const column of Object.values(xen.grantCall)) column.set(call, 0);
}

/** The domain a hypercall is about. */
export const domainOf = (xen: Xen, call: number): number => xen.call.domain.get(call) - 1;

/** The page it is about now. */
export const pageOf = (xen: Xen, call: number): number => xen.call.page.get(call) - 1;

/** The device it is about, as a row, or -1. */
export const deviceOf = (xen: Xen, call: number): number => xen.call.device.get(call) - 1;
