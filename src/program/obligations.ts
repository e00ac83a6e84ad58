import type { Obligations } from '../check/model.js';
import { callerOf, isIdle } from '../xen/calls/call.js';
import { hypercallOf } from '../xen/calls/name.js';
import { TOOLSTACK } from '../xen/calls/steps.js';
import type { Xen } from '../xen/state.js';
import type { Action, ActionNames } from './alphabet-action.js';

/**
 * Hypercalls under way as obligations of the model, by their row of the table `call`: each must end, whatever other
 * domains and devices do meanwhile. A domain that keeps its own hypercall from ending does so to itself.
 */
export function callObligations(xen: Xen, actions: readonly Action[], names: ActionNames): Obligations {
  const { domains, calls } = xen.spec.limits;
  const slotOf = new Map(Array.from({ length: domains }, (_, slot) => [names.domain(slot), slot]));
  const rowOf = actions.map(({ op, args }) => {
    if (op !== 'step' && op !== 'finish') return -1;
    const slot = args.of === undefined ? TOOLSTACK : slotOf.get(String(args.of))!;
    return slot * calls + Number(args.call ?? 0);
  });
  const actorOf = actions.map(({ actor }) => slotOf.get(actor));
  return {
    count: domains * calls,
    underWay: (row) => !isIdle(xen, row),
    isStep: (action, row) => rowOf[action] === row,
    mustWithstand: (action, row) => actorOf[action] !== callerOf(xen, row),
    name: (row) => hypercallOf(xen, row),
  };
}
