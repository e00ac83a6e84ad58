import { errnoName } from '../../xen/errno.js';
import { grantStatusName } from '../../xen/grant-status.js';
import type { Xen } from '../../xen/state.js';
import { type Arguments, Nameless } from '../arguments.js';
import type { Names } from '../names.js';

/** What an operation answered. */
export interface Outcome {
  readonly status: string;
  /** Log lines of faults, without `(XEN) `, one text a fault. */
  readonly faults?: readonly string[];
  /** Steps a hypercall took, where it was run step by step. */
  readonly steps?: number;
  /** Row of the hypercall that took them. */
  readonly call?: number;
  /** How many rounds go round for ever, the last ones: at the end of a `repeat forever` that has closed. */
  readonly loopRounds?: number;
  /** What makes it come to that, where the status alone would not tell. */
  readonly because?: string;
}

/** Carries an operation out on the model. */
export type Handler = (xen: Xen, args: Arguments, names: Names) => Outcome;

/** Handlers by the name of their operation. */
export type Handlers = Readonly<Record<string, Handler>>;

export const errno = (status: number): Outcome => ({ status: errnoName(status) });
export const grantStatus = (status: number): Outcome => ({ status: grantStatusName(status) });

/** The slot of a domain that exists, dead or alive; without one the operation answers `otherwise`. */
export function existing(xen: Xen, args: Arguments, otherwise = 'ESRCH'): number {
  const slot = args.domain();
  if (!xen.exists(slot)) throw new Nameless(otherwise);
  return slot;
}

/** The slot of a domain that does something itself: the CPUs of a dead one never run again. */
export function running(xen: Xen, args: Arguments): number {
  const slot = existing(xen, args);
  if (xen.isDying(slot)) throw new Nameless('not running');
  return slot;
}
