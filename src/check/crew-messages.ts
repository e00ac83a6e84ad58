import type { LevelWork } from './crew.js';
import type { HashChoice, Stop, Violation } from './result.js';
import type { Need, SharedStates } from './states.js';

/** How a thread comes by a model of its own: a module that exports `modelOf`, and what that is given. */
export interface ModelSource {
  /** URL of the module. Of a model built here and one built there, the same actions must lead to the same words. */
  readonly module: string;
  /** Anything that can be copied to a thread. */
  readonly data: unknown;
}

/** What a thread is started with. */
export interface ThreadData {
  readonly source: ModelSource;
  readonly hash: HashChoice;
  readonly symmetries: boolean;
  readonly limit: number;
  readonly first: boolean;
  readonly maxMemory: number;
  readonly threads: number;
  readonly shared: SharedStates;
  /** Transitions made, by thread: for the progress. */
  readonly made: Float64Array<SharedArrayBuffer>;
  readonly thread: number;
}

/** To a thread: states to expand, up to `end`; the first that nobody has taken stands in the control words. */
export interface Work extends LevelWork {
  readonly kind: 'work';
  readonly shared: SharedStates;
}

/** To a thread that rests: the answer to its need; undefined when there can be no more room. */
export interface Room {
  readonly kind: 'room';
  readonly shared: SharedStates | undefined;
}

/** From a thread: its model is built, and this is where it begins. */
export interface Ready {
  readonly kind: 'ready';
  readonly root: string;
}

/** From a thread: it rests until there is room. */
export interface Resting {
  readonly kind: 'resting';
  readonly need: Need | undefined;
}

/** From a thread: nothing is left to expand. */
export interface Done {
  readonly kind: 'done';
  readonly transitions: number;
  readonly enabled: Uint8Array;
  readonly violations: readonly Violation[];
  readonly vacuous: readonly string[];
  readonly stop: Stop | undefined;
}

/** From a thread: it cannot go on. */
export interface Failed {
  readonly kind: 'failed';
  readonly error: Error;
}

/** What a model begins with, so that two can be compared. */
export function rootOf(model: {
  readonly actionCount: number;
  readonly state: { readonly hashLow: number; readonly hashHigh: number };
}): string {
  const { actionCount, state } = model;
  return `${actionCount} actions, ${state.hashHigh >>> 0}:${state.hashLow >>> 0}`;
}
