import type { Xen } from '../xen/state.js';
import type { AlphabetBounds } from './alphabet-bounds.js';

/** Frames (their indexes), guest frames and grant references that stand for all of their kind; all where none are said. */
export interface Examples {
  readonly frames?: readonly number[];
  readonly gfns?: readonly number[];
  readonly refs?: readonly number[];
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** Guest frames that actions are about. */
export const gfnsTried = (xen: Xen, { only }: AlphabetBounds): readonly number[] =>
  only?.gfns ?? upTo(xen.spec.limits.gfns);

/** Grant references that actions are about. */
export const refsTried = (xen: Xen, { only, refs }: AlphabetBounds): readonly number[] =>
  only?.refs?.filter((ref) => ref < xen.spec.limits.grants) ?? upTo(Math.min(refs, xen.spec.limits.grants));
