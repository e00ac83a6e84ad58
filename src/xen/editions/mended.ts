import type { BehaviourSpec, ValuesOf } from './history.js';
import { MENDED_DEVICES } from './mended-devices.js';
import { MENDED_GRANTS } from './mended-grants.js';
import { MENDED_MEMORY } from './mended-memory.js';
import { MENDED_PAGES } from './mended-pages.js';

/**
 * Behaviours in which no two editions differ: what Xen got wrong before 4.11, or between releases. All editions have the
 * last value; the gallery of bugs replaces it by an earlier one.
 */
export const MENDED = { ...MENDED_PAGES, ...MENDED_GRANTS, ...MENDED_MEMORY, ...MENDED_DEVICES } as const;

export type MendedProfile = ValuesOf<typeof MENDED>;

/** Every behaviour as it was mended. */
export const ALL_MENDED = Object.fromEntries(
  Object.entries<BehaviourSpec>(MENDED).map(([name, { values }]) => [name, Object.keys(values).at(-1)!]),
) as MendedProfile;
