import type { Violation } from './result.js';
import type { RestoredStates, SavedStates } from './states.js';

/** What a checkpoint must have been made of to be gone on from: by name, such as `edition`, its value or a digest of it. */
export type Made = Readonly<Record<string, string>>;

/** Where a search stood between two states. */
export interface SavedSearch {
  readonly level: number;
  /** The next state to expand, and where the level ends. */
  readonly from: number;
  readonly end: number;
  readonly transitions: number;
  /** Numbers of the actions that changed something. */
  readonly enabled: readonly number[];
  readonly violations: readonly Violation[];
  readonly vacuous: readonly string[];
  /** Numbers of the flags that were set. */
  readonly flags: readonly number[];
  /** null is none. */
  readonly depthLimit: number | null;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** A checkpoint, but for the arrays. */
export interface Saved {
  readonly made: Made;
  readonly search: SavedSearch;
  readonly states: SavedStates;
}

/** Reads or writes bytes in place, one array after the other. */
export type EachArray = (visit: (bytes: Uint8Array<ArrayBufferLike>) => void) => void;

/** Who keeps what a search has found so far, now and then and when it is interrupted. */
export interface Keeper {
  /** Seconds between two checkpoints. */
  readonly every: number;
  /** Makes sure that one can be kept, before a search that would be lost otherwise. @throws InputError when not. */
  check(): void;
  /** Keeps one in the place of the last. @throws InputError when it cannot. */
  keep(saved: Saved, eachArray: EachArray): void;
}

/** A checkpoint to go on from. */
export interface Kept extends RestoredStates {
  readonly search: SavedSearch;
  /** All that was wanted of it has been read. */
  close(): void;
}
