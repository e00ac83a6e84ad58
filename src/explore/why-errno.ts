import { type WhyErrno, whyErrno as whyAnswered } from '../coverage/why-errno.js';
import type { Timeline } from '../program/timeline.js';
import type { Here } from './here.js';
import { bareStep } from './step-row.js';
import { begunAt, callOfStep } from './underway.js';

/** Why a step was answered as it was: the rule of the dossier that decided, where that is known. */
export type ErrnoAnswer = WhyErrno & {
  readonly step: number;
  readonly text: string;
  readonly status: string;
  /** What the run itself says of it. */
  readonly because: string | undefined;
  /** Where the hypercall began, if the step is a part of one. */
  readonly begun: { readonly step: number; readonly text: string } | undefined;
};

/** Answers that are there already: they are the same from wherever one looks. */
const known = new WeakMap<Timeline, Map<number, ErrnoAnswer>>();

/** Which rule decided a step's answer. @throws RangeError where there is no such step. */
export function whyErrno(here: Here, { step }: { readonly step: number }): ErrnoAnswer {
  const { timeline } = here;
  const answers = known.get(timeline) ?? new Map<number, ErrnoAnswer>();
  known.set(timeline, answers);
  const answer = answers.get(step) ?? answerOf(here, step);
  answers.set(step, answer);
  return answer;
}

function answerOf(here: Here, step: number): ErrnoAnswer {
  const { timeline } = here;
  const textOf = (at: number): string => bareStep(timeline, at).text;
  if (step === 0) {
    const untold = 'the machine has booted: nothing was asked of the hypervisor yet';
    return {
      rules: [],
      untold,
      passed: [],
      step,
      text: textOf(0),
      status: 'ok',
      because: undefined,
      begun: undefined,
    };
  }
  const { status, because } = timeline.step(step);
  const call = callOfStep(timeline, step);
  const begun = call < 0 ? undefined : begunAt(timeline, call, step);
  return {
    ...whyAnswered(timeline, step),
    step,
    text: textOf(step),
    status,
    because,
    begun: begun === undefined || begun === step ? undefined : { step: begun, text: textOf(begun) },
  };
}
