import { STEP_NAMES } from '../../xen/calls/steps.js';
import { keyed, type Operation, type Parameter } from './operation.js';

const whose: readonly Parameter[] = [
  keyed('of', 'domain', 'whose hypercall; dom0’s by default'),
  keyed('call', 'number', 'which of several that it has under way, from 0; the first by default'),
];

/** Hypercalls that are run step by step. */
export const CALLS: readonly Operation[] = [
  {
    name: 'step',
    actor: 'toolstack',
    doc: 'Runs the next step of the hypercall under way (status idle: there is none), or runs it until `until` is next.',
    source: '§1.3, §6.6',
    parameters: [
      { ...keyed('until', 'word', 'stop before this step'), words: STEP_NAMES.slice(1) },
      ...whose,
    ],
  },
  {
    name: 'finish',
    actor: 'toolstack',
    doc: 'Runs the hypercall under way to its end.',
    source: '§1.3, §6.6',
    parameters: [keyed('max_steps', 'number', 'give up after so many steps; 10000000 by default'), ...whose],
  },
];

/** `begin` of an operation that runs in steps: a statement of its own, with the arguments of the whole. */
export function beginning(operation: Operation): Operation {
  const { name, actor, source, parameters, frees } = operation;
  return {
    name: `begin ${name}`,
    actor,
    doc: `Starts \`${name}\` and stops after its first step, so that others can run in between.`,
    source,
    parameters,
    ...(frees !== undefined && { frees }),
  };
}
