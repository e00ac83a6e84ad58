import { changeLines } from '../store/changes.js';
import type { Here } from './here.js';
import { type StepRow, steps } from './steps.js';

/** What a step did and what became of it. */
export interface Outcome extends StepRow {
  /** In words, one thing a line. */
  readonly changes: readonly string[];
  /** The lines of Xen's log, without `(XEN) `. */
  readonly log: readonly string[];
  readonly because: string | undefined;
  /** Steps of a hypercall that ran in several. */
  readonly hypercallSteps: number | undefined;
  /** Expectations that were not met, and what nobody expected; undefined as long as the step has not been judged. */
  readonly unexpected: readonly string[] | undefined;
}

/** What the step that led here did. */
export function outcome(here: Here): Outcome {
  const { timeline, verdicts, step } = here;
  const [row] = steps(here, { from: step, count: 1 });
  const none = { changes: [], log: [], because: undefined, hypercallSteps: undefined, unexpected: undefined };
  if (step === 0) return { ...row!, ...none };
  const { faults, because, hypercallSteps } = timeline.step(step);
  return {
    ...row!,
    changes: changeLines(timeline.changesOf(step)),
    log: (faults ?? []).flatMap((text) => (text === '' ? [] : text.split('\n'))),
    because,
    hypercallSteps,
    unexpected: step < verdicts.judged ? verdicts.unexpectedAt(step) : undefined,
  };
}
