import { STEP_NAMES, Step, TOOLSTACK } from '../../xen/call-steps.js';
import { assignDevice, CONTINUES, stepCall } from '../../xen/device-domctl.js';
import { errnoName } from '../../xen/errno.js';
import type { Xen } from '../../xen/state.js';
import { OperationError } from '../arguments.js';
import type { Handlers, Outcome } from './handler.js';

/** Runs the hypercall under way until it ends, or `stop` says so after a step. */
export function runCall(xen: Xen, stop: (steps: number) => boolean): Outcome {
  if (xen.call.step.get(TOOLSTACK) === Step.none) return { status: 'idle' };
  let status = CONTINUES;
  let steps = 0;
  while (status === CONTINUES && !stop(steps)) {
    status = stepCall(xen, TOOLSTACK);
    steps++;
  }
  return {
    status: status === CONTINUES ? `at ${STEP_NAMES[xen.call.step.get(TOOLSTACK)]}` : errnoName(status),
    steps,
  };
}

/** Hypercalls that are run step by step. */
export const CALL_HANDLERS: Handlers = {
  begin: (xen, args) => {
    if (xen.call.step.get(TOOLSTACK) !== Step.none)
      throw new OperationError('a hypercall is under way already');
    const status = assignDevice(xen, TOOLSTACK, args.domain(), args.device(), 0);
    return {
      status: status === CONTINUES ? `at ${STEP_NAMES[xen.call.step.get(TOOLSTACK)]}` : errnoName(status),
    };
  },
  step: (xen, args) => {
    if (!args.has('until')) return runCall(xen, (steps) => steps === 1);
    const until = args.text('until');
    return runCall(xen, () => STEP_NAMES[xen.call.step.get(TOOLSTACK)] === until);
  },
  finish: (xen, args) => {
    const limit = args.number('max_steps', 10_000_000);
    return runCall(xen, (steps) => steps === limit);
  },
};
