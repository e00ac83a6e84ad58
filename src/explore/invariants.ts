import type { Harm } from '../xen/invariants.js';
import type { Here } from './here.js';

/** An invariant, and whether it holds at a place in the run. */
export interface InvariantRow {
  readonly id: string;
  readonly title: string;
  /** Why it must hold. */
  readonly reason: string;
  /** What a violation leads to. */
  readonly harm: Harm;
  /** What breaks it here; undefined where it holds. */
  readonly message?: string;
  /** Whether the step that led here broke it. */
  readonly fresh: boolean;
  /** The step that first broke it in this run, and how many did, as far as has been judged. */
  readonly first?: number;
  readonly breaks: number;
}

export interface InvariantsHere {
  /** Whether the place has been judged; where not, nothing is known of what holds. */
  readonly judged: boolean;
  /** Those that do not hold first, the gravest harm before the others. */
  readonly rows: readonly InvariantRow[];
}

/** All invariants that the program is held against. */
export function invariants({ verdicts, step }: Here): InvariantsHere {
  const judged = step < verdicts.judged;
  const wrong: ReadonlyMap<string, string> = judged ? verdicts.after(step) : new Map();
  const news = judged ? verdicts.newAt(step) : [];
  const rows = verdicts.invariants.map(({ id, title, reason, harm }): InvariantRow => {
    const breaks = verdicts.breaksOf(id);
    const message = wrong.get(id);
    const fresh = news.some(({ invariant }) => invariant === id);
    const [first] = breaks;
    return {
      id,
      title,
      reason,
      harm,
      fresh,
      breaks: breaks.length,
      ...(message !== undefined && { message }),
      ...(first !== undefined && { first }),
    };
  });
  return { judged, rows: rows.sort((a, b) => rank(a) - rank(b)) };
}

/** Broken here, broken somewhere, never broken; among each other as they stood. */
const rank = ({ message, first }: InvariantRow): number =>
  message !== undefined ? 0 : first !== undefined ? 1 : 2;
