import type { Xen } from './state.js';

/**
 * How long Xen works without a look whether something else wants the CPU (hypercall_preempt_check): it counts what takes
 * long, such as going through a table of 512 entries, from one look to the next. A hypercall that is atomic in the model
 * passes through all its looks.
 */

/** As much as is fair at a time: to validate one table and to empty another, when an entry is exchanged. */
export const FAIR_STRETCH = 2;

/** Something has been done that takes long. */
export function haveWorked(xen: Xen): void {
  xen.unpreempted++;
  const { longestStretch } = xen.host;
  if (xen.unpreempted > FAIR_STRETCH && xen.unpreempted > longestStretch.get(0))
    longestStretch.set(0, xen.unpreempted);
}

/** Xen looks: from here on the hypercall could be left and resumed, unless it is part of what is done in one go. */
export function lookForPreemption(xen: Xen): void {
  if (xen.preemptible) xen.unpreempted = 0;
}
