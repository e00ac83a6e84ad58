import { LOOP_END } from '../program/execution.js';
import { printStatement } from '../program/print.js';
import type { Timeline } from '../program/timeline.js';

/** A step of a run in a line, without what has been found out of it since. */
export interface BareStep {
  readonly step: number;
  /** Line of the program; 0 for the boot. */
  readonly line: number;
  readonly text: string;
  readonly status: string;
  /** How many log messages of the hypervisor it came to. */
  readonly faults: number;
}

/** Letters of a statement in a row; a program may have a line of any length. */
const ROW_LETTERS = 240;

/** A step as lists show it. */
export function bareStep(timeline: Timeline, step: number): BareStep {
  if (step === 0) return { step, line: 0, text: 'boot', status: 'ok', faults: 0 };
  const { statement, status, faults } = timeline.step(step);
  const { op, line } = statement;
  const text = op === LOOP_END ? LOOP_END : shortened(printStatement(statement), ROW_LETTERS);
  return { step, line, text, status, faults: faults?.length ?? 0 };
}

/** The lines that the hypervisor logged in a step, without `(XEN) `. An access that is stopped without a record leaves none. */
export function logOf(timeline: Timeline, step: number): string[] {
  const faults = step === 0 ? [] : (timeline.step(step).faults ?? []);
  return faults.flatMap((text) => (text === '' ? [] : text.split('\n')));
}

/** A text that may be of any length, so that it can be shown. */
export function shortened(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, letters)} … (${text.length} letters)`;
}
