import { countUpTo } from '../../src/store/ascending.js';
import type { Session } from './session.js';

/** Something about a step that the timeline and the list of steps point out, each by a sign and a word of its own. */
export interface MarkKind {
  readonly id: string;
  readonly sign: string;
  readonly one: string;
  readonly many: string;
  /** The key that goes to the next; with shift, to the one before. */
  readonly key: string;
  /** The steps, ascending; undefined where there is nothing of the kind to know. */
  readonly stepsOf: (session: Session) => readonly number[] | undefined;
}

/** In the order of the lanes on the timeline. A kind more is a line here, and its colour in timeline.css. */
export const MARKS: readonly MarkKind[] = [
  {
    id: 'unexpected',
    sign: '✗',
    one: 'not as expected',
    many: 'not as expected',
    key: 'e',
    stepsOf: ({ marks }) => marks.value.unexpected,
  },
  {
    id: 'violation',
    sign: '■',
    one: 'breaks an invariant',
    many: 'break an invariant',
    key: 'v',
    stepsOf: ({ marks }) => marks.value.violations,
  },
  {
    id: 'fault',
    sign: '▲',
    one: 'fault',
    many: 'faults',
    key: 'f',
    stepsOf: ({ opened }) => opened.value?.faults ?? [],
  },
  {
    id: 'differs',
    sign: '◆',
    one: 'differs from the other edition',
    many: 'differ from the other edition',
    key: 'd',
    stepsOf: ({ marks }) => (marks.value.comparison === undefined ? undefined : marks.value.differing),
  },
];

/** The kinds of which something can be known of this run. */
export const marksOf = (session: Session): readonly MarkKind[] =>
  MARKS.filter(({ stepsOf }) => stepsOf(session) !== undefined);

/** Whether a step has a mark. `steps` ascend. */
export function isMarked(steps: readonly number[] | undefined, step: number): boolean {
  return steps !== undefined && steps[countBelow(steps, step)] === step;
}

/** The next step with a mark behind `step`, or the last one before it. */
export function nearest(steps: readonly number[], step: number, direction: 1 | -1): number | undefined {
  return direction > 0 ? steps[countBelow(steps, step + 1)] : steps[countBelow(steps, step) - 1];
}

/** The same among marks of all kinds. */
export function nearestOfAny(session: Session, direction: 1 | -1): number | undefined {
  const step = session.step.value;
  const found = MARKS.map(({ stepsOf }) => nearest(stepsOf(session) ?? [], step, direction)).filter(
    (one) => one !== undefined,
  );
  if (found.length === 0) return undefined;
  return direction > 0 ? Math.min(...found) : Math.max(...found);
}

/** How many of `steps` are before a step. */
const countBelow = (steps: readonly number[], step: number): number => countUpTo(steps, step - 1);
