import type { Bug, Inexpressible } from './bug.js';

/** Grant tables (bug-gallery.md §2). */
export const GRANT_BUGS: readonly Bug[] = [];

export const GRANT_BUGS_INEXPRESSIBLE: readonly Inexpressible[] = [];
