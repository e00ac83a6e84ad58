import type { Profile } from '../xen/editions/behaviours.js';
import { distinctEditions, type Edition } from '../xen/editions/edition.js';
import type { Situation } from './situation.js';

/**
 * Rules as data, for accounting only: which of them have programs reached? The model never asks this table anything
 * (decision 0014). A step meets a rule when the rule is about its operation, the rule’s premise held before the step, and
 * the answer is the rule’s.
 */
export interface Rule {
  /** Dossier section and words: `§6.1 #9 assign: another guest has the device`. */
  readonly id: string;
  readonly ops: readonly string[];
  readonly status: string;
  readonly when: (situation: Situation) => boolean;
  /** What its ladder as a whole is for, a part of `when`: a device tree, say. */
  readonly applies?: (situation: Situation) => boolean;
  /** The function in which it stands. */
  readonly fn?: string;
  /** Behaviours without which a release does not have the rule. */
  readonly by?: Partial<Profile>;
  /** Why no program can reach it. */
  readonly excuse?: string;
  /** A rung of a ladder with a premise, that refuses: when it is the first that holds, the answer must be its. */
  readonly binding?: boolean;
}

const always = (): boolean => true;
const never = (): boolean => false;

/** A rule that may hold beside others. */
export const rule = (
  id: string,
  ops: string | readonly string[],
  status: string,
  when: (s: Situation) => boolean = always,
): Rule => ({ id, ops: typeof ops === 'string' ? [ops] : ops, status, when });

/** A rung of a ladder, in the dossier’s numbering. */
export interface Rung {
  /** `#9`, `(2)`; empty where the dossier gives none. */
  readonly row: string;
  readonly what: string;
  readonly status: string;
  /** The function in src/xen that states it. */
  readonly fn: string;
  readonly by?: Partial<Profile>;
  /**
   * What must hold for Xen to refuse at this rung. Without it the rung is known by its status alone: what fails deep
   * inside, such as an allocation.
   */
  readonly when?: (s: Situation) => boolean;
  readonly excuse?: string;
}

/** What a ladder is part of: `applies` is what all of its rungs need, `after` the rungs that come before its first. */
export interface LadderOptions {
  readonly applies?: (s: Situation) => boolean;
  readonly after?: readonly Rung[];
}

/** A ladder of checks in Xen’s order: a step is answered by the first rung whose premise holds. */
export function ladder(
  section: string,
  ops: string | readonly string[],
  name: string,
  rungs: readonly Rung[],
  { applies = always, after = [] }: LadderOptions = {},
): Rule[] {
  return rungs.map((rung, index): Rule => {
    const earlier = [...after, ...rungs.slice(0, index)].filter(({ when }) => when !== undefined);
    // In Xen’s order: a later premise may take for granted what an earlier one has found.
    const isNext = (s: Situation) => applies(s) && !earlier.some((one) => holds(one, s)) && holds(rung, s);
    const { status, fn, by, when, excuse } = rung;
    return {
      id: [section, rung.row, `${name}:`, rung.what].filter((word) => word !== '').join(' '),
      ops: typeof ops === 'string' ? [ops] : ops,
      status,
      fn,
      // What cannot be reached has a premise only where it can be stated: then it shows that the excuse is out of date.
      when: excuse !== undefined && when === undefined ? never : isNext,
      binding: when !== undefined && status !== 'ok',
      ...(applies === always ? {} : { applies }),
      ...(by === undefined ? {} : { by }),
      ...(excuse === undefined ? {} : { excuse }),
    };
  });
}

const holds = ({ by, when }: Rung, s: Situation): boolean => isIn(by, s.profile) && (when?.(s) ?? true);

/** Whether a release with this profile has a rule. */
export function isIn(by: Partial<Profile> | undefined, profile: Profile): boolean {
  if (by === undefined) return true;
  return Object.entries(by).every(([behaviour, value]) => profile[behaviour as keyof Profile] === value);
}

/** Kept, as working them out takes a tenth of a second. */
let editions: readonly Edition[] | undefined;

/** The releases that have a rule, as a person says it: `4.13–4.14.6, 4.16`; `all`. */
export function releasesOf({ by }: Pick<Rule, 'by'>): string {
  editions ??= distinctEditions();
  const having = editions.map(({ profile }) => isIn(by, profile));
  if (having.every(Boolean)) return 'all';
  const spans: string[] = [];
  for (let i = 0; i < editions.length; i++) {
    if (!having[i]) continue;
    let last = i;
    while (having[last + 1]) last++;
    const [from, to] = [editions[i]!.name, editions[last]!.name];
    spans.push(last === editions.length - 1 ? `≥${from}` : from === to ? from : `${from}–${to}`);
    i = last;
  }
  return spans.join(', ') || 'none';
}

/** What tells a rule from all others: a sentence may have different answers in different releases. */
export const keyOf = ({ id, status }: Pick<Rule, 'id' | 'status'>): string => `${id} → ${status}`;

/** The dossier’s section of a rule: `§6.1`. */
export const sectionOf = ({ id }: Pick<Rule, 'id'>): string => id.split(' ', 1)[0]!;
