import { LOOP_END } from '../program/execution.js';
import { printStatement } from '../program/print.js';
import { isExpected, unexpectedViolation, type ViolationText } from '../program/unmet.js';
import { type ChangedThings, changedThings } from './changed-things.js';
import type { Here } from './here.js';
import { logOf, shortened } from './step-row.js';
import { type StepRow, steps } from './steps.js';

/** What a step did and what became of it. */
export interface Outcome extends StepRow {
  readonly changes: readonly ChangedThings[];
  /** The lines of Xen's log, without `(XEN) `. */
  readonly log: readonly string[];
  /** How many of them there are; an access that is stopped without a record leaves none. */
  readonly logged: number;
  readonly because: string | undefined;
  /** Steps of a hypercall that ran in several. */
  readonly hypercallSteps: number | undefined;
  /** Invariants that it broke; undefined as long as the step has not been judged. */
  readonly broken: readonly (ViolationText & { readonly isExpected: boolean })[] | undefined;
  /** Expectations that were not met, and what nobody expected beside `broken`; undefined as long as the step has not been judged. */
  readonly unexpected: readonly string[] | undefined;
}

/** Letters of a line; a program may have names of any length. */
const LINE_LETTERS = 2000;

/** What the step that led here did: of each kind of thing, and of the log, up to so many lines, and things in a line. */
export function outcome(here: Here, { lines }: { readonly lines: number }): Outcome {
  const { timeline, verdicts, step } = here;
  const [row] = steps(here, { from: step, count: 1 });
  const isJudged = step < verdicts.judged;
  const expected = step === 0 ? [] : timeline.step(step).statement.expect;
  const broken = isJudged
    ? verdicts.newAt(step).map((violation) => ({ ...violation, isExpected: isExpected(violation, expected) }))
    : undefined;
  if (step === 0) {
    const unexpected = broken && [];
    return {
      ...row!,
      changes: [],
      log: [],
      logged: 0,
      because: undefined,
      hypercallSteps: undefined,
      broken,
      unexpected,
    };
  }
  const { statement, because, hypercallSteps } = timeline.step(step);
  const log = logOf(timeline, step);
  return {
    ...row!,
    text: shortened(statement.op === LOOP_END ? LOOP_END : printStatement(statement), LINE_LETTERS),
    changes: changedThings(here, lines),
    log: log.slice(0, lines).map((line) => shortened(line, LINE_LETTERS)),
    logged: log.length,
    because,
    hypercallSteps,
    broken,
    unexpected:
      broken && verdicts.unexpectedAt(step).filter((text) => !broken.map(unexpectedViolation).includes(text)),
  };
}
