import type { Progress } from './result.js';

/** Seconds over which a search's pace is taken: it changes as states get harder to come to. */
const PACE = 5;

/** How fast a search is of late. */
export class Pace {
  private readonly past: Progress[] = [];

  /** States found in a second, and seconds that the states which wait will take at least: each may lead to others. */
  of(now: Progress): { statesASecond: number; left: number | undefined } {
    const { past } = this;
    past.push(now);
    while (past.length > 2 && now.seconds - past[1]!.seconds >= PACE) past.shift();
    const [then] = past as [Progress];
    const seconds = now.seconds - then.seconds;
    const expanded = now.states - now.frontier - (then.states - then.frontier);
    const statesASecond = seconds > 0 ? (now.states - then.states) / seconds : 0;
    return { statesASecond, left: expanded > 0 ? (now.frontier / expanded) * seconds : undefined };
  }
}
