import type { VerifyBounds } from '../program/verify.js';
import type { VerifyOptions } from './verify.js';

/** The bounds by the names of their options; null is no bound. */
export function boundsJson(bounds: VerifyBounds, options: VerifyOptions): unknown {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, search } = bounds;
  const {
    destroy = false,
    steps = false,
    failures = 0,
    deviceMappings = false,
    partialUnmaps = false,
  } = bounds;
  const { memory = true, failuresWithin = null, operations = [], onlyOperations = false } = bounds;
  const { hash, symmetry, merge, workers, fair, first = false } = options;
  return {
    ...{ pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, memory },
    ...{ destroy, steps, failures, failuresWithin, deviceMappings, partialUnmaps },
    ...{ with: operations, only: onlyOperations },
    ...{ maxStates: search.maxStates, maxDepth: search.maxDepth, maxMemory: search.maxMemory },
    ...{ timeout: search.maxSeconds, deeper: search.deeper, first, hash, symmetry, merge, workers, fair },
  };
}
