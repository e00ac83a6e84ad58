import type { Threads } from '../check/crew.js';
import { nodeThreads } from '../check/node-crew.js';

// What a thread of a search imports this module for: the model that it searches.
export { modelOf } from './verify.js';

/** Threads of Node for {@link verifyProgram}. */
export const verifyThreads = (count: number): Threads => nodeThreads(count, import.meta.url);
