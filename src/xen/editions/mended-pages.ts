import type { BehaviourSpec } from './history.js';

/** Bugs that every release from 4.11 on has mended, or that stood between releases: page types, page tables, memory of PV domains. Each goes from wrong to right. */
export const MENDED_PAGES = {} as const satisfies Readonly<Record<string, BehaviourSpec>>;
