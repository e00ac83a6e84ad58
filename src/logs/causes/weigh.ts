import type { CauseRule, Evidence, JudgedEvent, World } from './cause.js';

/** A cause whose evidence is told piece by piece. */
export interface ToldCause extends Omit<CauseRule, 'evidence'> {
  weigh(event: JudgedEvent, world: World): Iterable<Evidence>;
}

/** The rule of a cause that is told piece by piece. */
export const cause = ({ weigh, ...told }: ToldCause): CauseRule => ({
  ...told,
  evidence: (event, world) => [...weigh(event, world)],
});

/** A hint for the cause. */
export const hints = (text: string): Evidence => ({ text, weight: 1 });
/** Something, between a hint and what is strong. */
export const suggests = (text: string): Evidence => ({ text, weight: 2 });
/** Speaks strongly for it. */
export const supports = (text: string): Evidence => ({ text, weight: 3 });
/** Shows it, all but for what the log cannot show. */
export const shows = (text: string): Evidence => ({ text, weight: 6 });
/** Settles it. */
export const settles = (text: string): Evidence => ({ text, weight: 9 });
/** A hint against it. */
export const doubts = (text: string): Evidence => ({ text, weight: -1 });
/** Speaks strongly against it. */
export const opposes = (text: string): Evidence => ({ text, weight: -3 });
/** It cannot be: the cause is not told. */
export const excludes = (text: string): Evidence => ({ text, weight: -9 });
