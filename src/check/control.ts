import { sharedBuffer } from '../store/shared.js';

/** What the threads of a search share besides tables: one word each, used with Atomics. */
export const CONTROL = {
  /** States found. */
  states: 0,
  /** The next state of the present level that nobody has taken to expand. */
  next: 1,
  /** One of {@link STOP}. */
  stop: 2,
  /** Not 0: threads rest before they add a state, because the tables are about to be replaced. */
  pause: 3,
  /** Grows when rested threads may go on. */
  generation: 4,
  /** Not 0 while a thread gives out codes. */
  lock: 5,
  /** Facts in the shared list. */
  facts: 6,
} as const;

/** When the threads end their work on a level: when nothing is left; after the states that they have taken; now. */
export const STOP = { not: 0, soon: 1, now: 2 } as const;

/** Words that the threads of a search share, where it has threads. */
export type Words = Int32Array<ArrayBufferLike>;
export type Control = Words;

export function newControl(): Control {
  return sharedWords(16);
}

/** Zeros that threads can share. */
export function sharedWords(length: number): Words {
  return new Int32Array(sharedBuffer(length * 4));
}
