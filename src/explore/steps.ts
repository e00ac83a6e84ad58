import { LOOP_END } from '../program/execution.js';
import { printStatement } from '../program/print.js';
import type { Here } from './here.js';
import { type InBlock, Rounds } from './rounds.js';

/** A step of the run in a line; it is the same wherever one looks from. */
export interface StepRow {
  readonly step: number;
  /** Line of the program; 0 for the boot. */
  readonly line: number;
  readonly text: string;
  readonly status: string;
  /** How many log messages of the hypervisor it came to. */
  readonly faults: number;
  /** The `repeat` blocks that it is in, the outermost first. */
  readonly blocks: readonly InBlock[];
  /** At the end of a loop: the step at which its round begins. */
  readonly backTo?: number;
}

/** Letters of a statement in a row; a program may have a line of any length. */
const ROW_LETTERS = 240;

/** Rows [from, from + count) of the run, step 0 being the boot. */
export function steps(
  { timeline }: Here,
  { from, count }: { readonly from: number; readonly count: number },
): readonly StepRow[] {
  const rounds = Rounds.of(timeline);
  const rows: StepRow[] = [];
  const end = Math.min(from + count, timeline.length + 1);
  for (let step = Math.max(0, from); step < end; step++) {
    if (step === 0) {
      rows.push({ step, line: 0, text: 'boot', status: 'ok', faults: 0, blocks: [] });
      continue;
    }
    const { statement, status, faults } = timeline.step(step);
    const { op, line } = statement;
    const isEnd = op === LOOP_END;
    const backTo = rounds.loopEndingAt(step)?.from;
    rows.push({
      step,
      line,
      text: isEnd ? LOOP_END : shortened(printStatement(statement), ROW_LETTERS),
      status,
      faults: faults?.length ?? 0,
      blocks: rounds.blocksAt(step),
      ...(backTo !== undefined && { backTo }),
    });
  }
  return rows;
}

/** A text that may be of any length, so that it can be shown. */
export function shortened(text: string, letters: number): string {
  return text.length <= letters ? text : `${text.slice(0, letters)} … (${text.length} letters)`;
}
