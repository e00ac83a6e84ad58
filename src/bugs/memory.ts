import type { Bug, Inexpressible } from './bug.js';

/** The p2m, memory operations, flushes (bug-gallery.md §3). */
export const MEMORY_BUGS: readonly Bug[] = [];

export const MEMORY_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
