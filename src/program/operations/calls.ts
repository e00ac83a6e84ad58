import { STEP_NAMES } from '../../xen/call-steps.js';
import { device, domain, keyed, type Operation } from './operation.js';

/** Hypercalls that are run step by step. */
export const CALLS: readonly Operation[] = [
  {
    name: 'begin',
    actor: 'toolstack',
    doc: 'Starts assign_device and stops after its first step, so that others can run in between.',
    source: '§1.3',
    parameters: [
      { name: 'operation', kind: 'word', words: ['assign_device'], doc: 'the hypercall' },
      domain,
      device,
    ],
  },
  {
    name: 'step',
    actor: 'toolstack',
    doc: 'Runs the next step of the hypercall under way (status idle: there is none), or runs it until `until` is next.',
    source: '§1.3',
    parameters: [{ ...keyed('until', 'word', 'stop before this step'), words: STEP_NAMES.slice(1) }],
  },
  {
    name: 'finish',
    actor: 'toolstack',
    doc: 'Runs the hypercall under way to its end.',
    source: '§1.3',
    parameters: [keyed('max_steps', 'number', 'give up after so many steps; 10000000 by default')],
  },
];
