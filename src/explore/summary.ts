import { printStatement } from '../program/print.js';
import type { Here } from './here.js';
import { shortened } from './step-row.js';

/** A place in a run in a line: whether anything is wrong there, and what a device did last. */
export interface Summary {
  /** Ids of the invariants that do not hold; undefined as long as the place has not been judged. */
  readonly broken: readonly string[] | undefined;
  /** The last step that was a device's access, how the program writes it, and what became of it. */
  readonly access: { readonly step: number; readonly text: string; readonly status: string } | undefined;
}

/** Letters of the access; the line has room for no more. */
const LETTERS = 60;

/** What the line above the tabs tells of a step. */
export function summary({ timeline, verdicts, step }: Here): Summary {
  const broken = step < verdicts.judged ? [...verdicts.after(step).keys()] : undefined;
  const last = timeline.lastAccessAt(step);
  if (last === 0) return { broken, access: undefined };
  const { statement, status } = timeline.step(last);
  return { broken, access: { step: last, text: shortened(printStatement(statement), LETTERS), status } };
}
