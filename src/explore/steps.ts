import type { Here } from './here.js';
import { type InBlock, Rounds } from './rounds.js';
import { type BareStep, bareStep } from './step-row.js';

/** A step of the run in a line; it is the same wherever one looks from. */
export interface StepRow extends BareStep {
  /** The `repeat` blocks that it is in, the outermost first. */
  readonly blocks: readonly InBlock[];
  /** At the end of a loop: the step at which its round begins. */
  readonly backTo?: number;
}

/** Rows [from, from + count) of the run, step 0 being the boot. */
export function steps(
  { timeline }: Here,
  { from, count }: { readonly from: number; readonly count: number },
): readonly StepRow[] {
  const rounds = Rounds.of(timeline);
  const rows: StepRow[] = [];
  const end = Math.min(from + count, timeline.length + 1);
  for (let step = Math.max(0, from); step < end; step++) {
    const backTo = step === 0 ? undefined : rounds.loopEndingAt(step)?.from;
    rows.push({
      ...bareStep(timeline, step),
      blocks: step === 0 ? [] : rounds.blocksAt(step),
      ...(backTo !== undefined && { backTo }),
    });
  }
  return rows;
}
