import type { Progress } from '../check/result.js';
import { type VerifyBounds, type VerifyResult, verifyProgram } from '../program/verify.js';
import type { Edition } from '../xen/editions/edition.js';
import { type Bug, boundsOf, buggyEdition, sceneOf, soundEdition } from './bug.js';

export interface FindOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** What a search for a bug came to. */
export interface Finding {
  readonly bug: Bug;
  /** Whether the search broke one of the invariants that the bug is known to break. */
  readonly found: boolean;
  /** The invariant that it broke first; undefined when it found nothing. */
  readonly invariant: string | undefined;
  readonly states: number;
  /** Operations of the shortest program from the scene on. */
  readonly length: number | undefined;
  readonly seconds: number;
  readonly result: VerifyResult;
}

/** Searches for a bug in the edition that has it, by the general search within the bug's bounds. */
export async function findBug(bug: Bug, options: FindOptions = {}): Promise<Finding> {
  return find(bug, buggyEdition(bug), boundsOf(bug), options);
}

/**
 * The same search in the edition without the bug, which must find nothing.
 * @param states how many states to look at; as many as finding the bug took, and some more, show that it is the bug which
 *   was found.
 */
export async function searchWithoutBug(
  bug: Bug,
  states: number,
  options: FindOptions = {},
): Promise<Finding> {
  const bounds = boundsOf(bug);
  return find(
    bug,
    soundEdition(bug),
    { ...bounds, search: { ...bounds.search, maxStates: states } },
    options,
  );
}

async function find(
  bug: Bug,
  edition: Edition,
  bounds: VerifyBounds,
  options: FindOptions,
): Promise<Finding> {
  // Of a bug that breaks an invariant the repair may well leave a loop, which is then a bug of its own (gallery §6).
  const fairness = bug.invariants.includes('livelock') ? 'weak' : undefined;
  const result = await verifyProgram(sceneOf(bug), edition, bounds, { ...options, fairness });
  const [first] = result.counterexamples;
  const known = result.counterexamples.find(({ invariant }) => bug.invariants.includes(invariant.id));
  const shown = known ?? first;
  return {
    bug,
    found: known !== undefined,
    invariant: shown?.invariant.id,
    states: result.search.states,
    length: shown?.length,
    seconds: result.search.seconds,
    result,
  };
}
