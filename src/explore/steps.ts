import { LOOP_END } from '../program/execution.js';
import { printStatement } from '../program/print.js';
import type { Here } from './here.js';

/** A step of the run in a line. */
export interface StepRow {
  readonly step: number;
  /** Line of the program; 0 for the boot. */
  readonly line: number;
  readonly text: string;
  readonly status: string;
  /** How many log messages of the hypervisor it came to. */
  readonly faults: number;
  /** Invariants that it broke, as far as has been judged. */
  readonly violations: readonly string[];
}

/** Rows [from, from + count) of the run, step 0 being the boot. */
export function steps(
  { timeline, verdicts }: Here,
  { from, count }: { readonly from: number; readonly count: number },
): readonly StepRow[] {
  const rows: StepRow[] = [];
  const end = Math.min(from + count, timeline.length + 1);
  for (let step = Math.max(0, from); step < end; step++) {
    const violations = step < verdicts.judged ? verdicts.newAt(step).map(({ invariant }) => invariant) : [];
    if (step === 0) {
      rows.push({ step, line: 0, text: 'boot', status: 'ok', faults: 0, violations });
      continue;
    }
    const { statement, status, faults } = timeline.step(step);
    const { op, line } = statement;
    const text = op === LOOP_END ? 'the state at the end of a round' : printStatement(statement);
    rows.push({ step, line, text, status, faults: faults?.length ?? 0, violations });
  }
  return rows;
}
