import type { CauseRule, Evidence, JudgedEvent, World } from './cause.js';
import { type RankedCause, rank } from './rank.js';

/** Everything that can be behind an event, one idea a file. */
export const CAUSES: readonly CauseRule[] = [];

/** What can be behind an event, the likeliest first; empty where nothing that is known applies. */
export function rankCauses(event: JudgedEvent, world: World): RankedCause[] {
  return rank(CAUSES, event, world);
}

export type { Evidence, RankedCause };
