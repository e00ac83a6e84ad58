import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: the p2m, memory operations, flushes. Each goes from wrong to right. */
export const MENDED_MEMORY = {} as const satisfies Readonly<Record<string, BehaviourSpec>>;
