import type { Threads } from './crew.js';
import type { Keeper, Kept, Made } from './keeper.js';
import type { Fairness } from './lasso.js';
import type { LivelockResult } from './livelock.js';

/** How far a search goes. A search that meets one of these is "bounded": it never says "safe". */
export interface Bounds {
  readonly maxStates: number;
  readonly maxDepth: number;
  /** Bytes for the search's own tables. */
  readonly maxMemory: number;
  readonly maxSeconds: number;
  /** How many actions deeper than the first violation to look for others; 0 ends at the first. */
  readonly deeper: number;
}

export const UNBOUNDED: Bounds = {
  maxStates: Number.POSITIVE_INFINITY,
  maxDepth: Number.POSITIVE_INFINITY,
  maxMemory: Number.POSITIVE_INFINITY,
  maxSeconds: Number.POSITIVE_INFINITY,
  deeper: Number.POSITIVE_INFINITY,
};

/** The shortest way to a state that lacks a property, by one of its clauses. */
export interface Violation {
  readonly property: string;
  /** Which of the ways to lack it this is. */
  readonly clause: string;
  readonly message: string;
  readonly actions: readonly number[];
}

export type Stop = 'exhausted' | 'states' | 'depth' | 'memory' | 'time' | 'interrupted' | 'violation';

export interface SearchResult {
  /** Why the search ended; only `exhausted` covers every behaviour. */
  readonly stop: Stop;
  /** With symmetries, states that are no images of one another. */
  readonly states: number;
  /** Actions that changed something, counted in every state expanded. */
  readonly transitions: number;
  /** Length of the longest shortest path seen. */
  readonly depth: number;
  readonly seconds: number;
  /** CPU seconds of all threads, by the search's {@link SearchOptions.cpuClock}; without one, the time that passed. */
  readonly cpuSeconds: number;
  readonly violations: readonly Violation[];
  /** Actions that never changed anything. With symmetries, their images may have. */
  readonly neverEnabled: readonly number[];
  /** Properties that no state was about: they hold of nothing. */
  readonly vacuous: readonly string[];
  /** true when states were told apart exactly, else the probability that one was overlooked. */
  readonly exact: true | number;
  /** Words of the identity of a state, and elements of the group under which images count as one. */
  readonly identityWords: number;
  readonly symmetries: number;
  /** Bytes of the search's tables at its end. */
  readonly bytes: number;
  /** Where it was asked for: what the states found say of what never ends. */
  readonly livelock?: LivelockResult;
}

export interface Progress {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States seen but not expanded; or not yet looked at, of all that were seen, where loops are looked for. */
  readonly frontier: number;
  readonly loops?: true;
  readonly bytes: number;
  readonly seconds: number;
}

/** How states are told apart: exactly, by 64-bit fingerprints, or exactly while that takes few words. */
export type HashChoice = 'exact' | '64' | 'auto';

export interface SearchOptions {
  readonly bounds: Partial<Bounds>;
  readonly hash?: HashChoice;
  /** Whether images of a state under the model's symmetries count as one state; they do unless this is false. */
  readonly symmetries?: boolean;
  /** Looks for livelocks, too, with loops that are fair like this; not unless it is set. */
  readonly fairness?: Fairness | undefined;
  /** Threads that search, once there are many states; only this one unless there are some to be had. */
  readonly threads?: Threads | undefined;
  /** What threads make their models from: anything that can be copied to them. */
  readonly modelData?: unknown;
  /** States found from which on threads are started. With 0 the search waits for them, and shares every level. */
  readonly shareFrom?: number;
  /** CPU seconds that all threads have spent so far. Not every place tells: a page knows only the time that passes. */
  readonly cpuClock?: (() => number) | undefined;
  /** Who keeps what was found so far; and the checkpoint to go on from, opened for a search of what it must be made of. */
  readonly keeper?: Keeper | undefined;
  readonly resume?: ((made: Made) => Kept) | undefined;
  /** What a checkpoint is of: one of something else is not gone on from. */
  readonly made?: Made;
  /** Flags that are set while the model is searched, by whoever; a checkpoint keeps them. */
  readonly flags?: Uint8Array;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}
