import { busyCall, CONTINUES, GRANT_STEPS, idleCall, isIdle } from '../../xen/calls/call.js';
import { stepCall } from '../../xen/calls/dispatch.js';
import { STEP_NAMES, TOOLSTACK } from '../../xen/calls/steps.js';
import { errnoName } from '../../xen/errno.js';
import { grantStatusName } from '../../xen/grant-status.js';
import type { Xen } from '../../xen/state.js';
import type { Arguments } from '../arguments.js';
import type { Names } from '../names.js';
import type { Handler, Handlers, Outcome } from './handler.js';

/** Starts a hypercall in row `call`: CONTINUES, or 0 or an errno where it has come to its end. */
export type Beginning = (xen: Xen, args: Arguments, names: Names, call: number) => number;

/** The handler of `begin`, for a hypercall of the toolstack’s or of `caller`, who waits when in too many already. */
export function beginHandler(
  begin: Beginning,
  caller = (_xen: Xen, _args: Arguments) => TOOLSTACK,
  statusName = errnoName,
): Handler {
  return (xen, args, names) => {
    const call = idleCall(xen, caller(xen, args));
    if (call < 0) return wait(xen);
    return outcomeOf(xen, call, begin(xen, args, names, call), statusName);
  };
}

/** `at pop` for a hypercall that has stopped before that step, otherwise how it ended. */
function outcomeOf(xen: Xen, call: number, status: number, statusName: (status: number) => string): Outcome {
  if (status === CONTINUES) return { status: `at ${STEP_NAMES[xen.call.step.get(call)]}` };
  return { status: statusName(status) };
}

function wait(xen: Xen): Outcome {
  xen.blocked = true;
  return { status: 'blocked' };
}

/** Runs a hypercall under way until it ends, has to wait, or `stop` says so after a step. */
export function runCall(xen: Xen, call: number, stop: (steps: number) => boolean): Outcome {
  if (call < 0) return { status: 'idle' };
  let status = CONTINUES;
  let steps = 0;
  const statusName = GRANT_STEPS.has(xen.call.step.get(call)) ? grantStatusName : errnoName;
  while (status === CONTINUES && !xen.blocked && !stop(steps)) {
    status = stepCall(xen, call);
    steps++;
  }
  return { ...outcomeOf(xen, call, status, statusName), steps, call };
}

/** The hypercall that a statement means, or -1. */
function namedCall(xen: Xen, args: Arguments): number {
  const slot = args.has('of') ? args.domain('of') : TOOLSTACK;
  if (slot < 0 || slot >= xen.domIo) return -1;
  if (!args.has('call')) return busyCall(xen, slot);
  const { calls } = xen.spec.limits;
  const call = args.number('call', 0);
  return call < 0 || call >= calls || isIdle(xen, slot * calls + call) ? -1 : slot * calls + call;
}

/** Hypercalls that are run step by step. */
export const CALL_HANDLERS: Handlers = {
  step: (xen, args) => {
    const call = namedCall(xen, args);
    if (!args.has('until')) return runCall(xen, call, (steps) => steps === 1);
    const until = args.text('until');
    return runCall(xen, call, () => STEP_NAMES[xen.call.step.get(call)] === until);
  },
  finish: (xen, args) => {
    const limit = args.number('max_steps', 10_000_000);
    return runCall(xen, namedCall(xen, args), (steps) => steps === limit);
  },
};
