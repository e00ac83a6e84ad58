import { Pace } from '../../check/pace.js';
import type { Progress } from '../../check/result.js';
import { verifyProgram } from '../../program/verify.js';
import { searchOptionsOf } from '../../program/verify-bounds.js';
import { readOrder, type SearchOrder } from './order.js';
import { outcomeOf, type SearchOutcome } from './outcome.js';

/** How a search is getting on. Plain data. */
export interface SearchProgress extends Progress {
  readonly statesASecond: number;
  /** Seconds that it takes at least, by its pace of late. */
  readonly left: number | undefined;
}

/** Milliseconds between two words of how a search is getting on. */
const NEWS = 100;

/**
 * Searches as `dommu verify` does, in the thread that it is called in, which hears messages meanwhile.
 * @throws InputError where the order cannot be carried out: the program has a mistake, or its end is not reached.
 */
export async function runSearch(
  order: SearchOrder,
  {
    onProgress,
    signal,
  }: { readonly onProgress?: (progress: SearchProgress) => void; readonly signal?: AbortSignal } = {},
): Promise<SearchOutcome> {
  const read = readOrder(order);
  const pace = new Pace();
  let told = 0;
  const result = await verifyProgram(read.program, read.edition, read.bounds, {
    ...searchOptionsOf(read.settings),
    ...(signal !== undefined && { signal }),
    onProgress: (progress) => {
      const now = performance.now();
      if (now - told < NEWS) return;
      told = now;
      onProgress?.({ ...progress, ...pace.of(progress) });
    },
  });
  return outcomeOf(order, read, result);
}
