import type { CauseRule, Evidence, JudgedEvent, World } from './cause.js';

/** A cause with what this log says of it, as it is shown. */
export interface RankedCause {
  readonly id: string;
  readonly title: string;
  /** What in this log speaks for it, the weightiest first. */
  readonly for: readonly string[];
  readonly against: readonly string[];
  /** What to look at or do next. */
  readonly check: string;
}

/** How many causes of one event are told. A longer list helps nobody. */
export const CAUSES_AT_MOST = 6;

/** What is said where both lists of a cause are empty. */
export const NOTHING_SPEAKS = 'nothing in it speaks for or against this';

/** What contradicts a cause (Evidence's scale: 9 settles it). */
const CONTRADICTS = -9;

/** From this prior a cause is usual: it is told even where the log has nothing of it. */
const USUAL = 3;

const heavier = (a: Evidence, b: Evidence) => Math.abs(b.weight) - Math.abs(a.weight);

/**
 * Weighs rules against an event: a cause stands at its prior plus all its evidence. What the log contradicts is left out,
 * and so is what is rare and has nothing for it. Causes for which more speaks than against come first, however rare they are.
 */
export function rank(rules: readonly CauseRule[], event: JudgedEvent, world: World): RankedCause[] {
  const weighed = [];
  for (const rule of rules) {
    if (!rule.applies(event, world)) continue;
    const evidence = rule.evidence(event, world);
    if (evidence.some(({ weight }) => weight <= CONTRADICTS)) continue;
    const pro = evidence.filter(({ weight }) => weight > 0).sort(heavier);
    if (pro.length === 0 && rule.prior < USUAL) continue;
    const contra = evidence.filter(({ weight }) => weight < 0).sort(heavier);
    const score = rule.prior + evidence.reduce((sum, { weight }) => sum + weight, 0);
    weighed.push({ rule, pro, contra, score, supported: score > rule.prior ? 1 : 0 });
  }
  weighed.sort((a, b) => b.supported - a.supported || b.score - a.score);
  return weighed.slice(0, CAUSES_AT_MOST).map(({ rule, pro, contra }) => ({
    id: rule.id,
    title: rule.title,
    for: pro.map(({ text }) => text),
    against: contra.map(({ text }) => text),
    check: rule.check(event, world),
  }));
}
