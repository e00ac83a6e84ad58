import { byHarm, harmsText } from '../xen/invariants/harm.js';
import type { Breach, Harm } from '../xen/invariants.js';
import type { Here } from './here.js';

/** An invariant, and whether it holds at a place in the run. */
export interface InvariantRow {
  readonly id: string;
  readonly title: string;
  /** Why it must hold. */
  readonly reason: string;
  /** What violations lead to. */
  readonly harms: string;
  /** What breaks it here, and what that leads to; undefined where it holds. */
  readonly message?: string;
  readonly harm?: Harm;
  /** Whether the step that led here broke it, or broke it worse. */
  readonly fresh: boolean;
  /** The step that first broke it in this run, and how many broke it, or broke it worse, as far as has been judged. */
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
  const wrong: ReadonlyMap<string, Breach> = judged ? verdicts.after(step) : new Map();
  const news = judged ? verdicts.newAt(step) : [];
  const rows = verdicts.invariants.map((invariant): InvariantRow => {
    const { id, title, reason } = invariant;
    const breaks = verdicts.breaksOf(id);
    const fresh = news.some(({ invariant }) => invariant === id);
    const [first] = breaks;
    return {
      id,
      title,
      reason,
      harms: harmsText(invariant),
      fresh,
      breaks: breaks.length,
      ...wrong.get(id),
      ...(first !== undefined && { first }),
    };
  });
  return { judged, rows: rows.sort((a, b) => rank(a) - rank(b) || byHarmHere(a, b)) };
}

/** Broken here, broken somewhere, never broken. */
const rank = ({ message, first }: InvariantRow): number =>
  message !== undefined ? 0 : first !== undefined ? 1 : 2;

/** Of those that are broken here the worst first; others as they stood. */
const byHarmHere = (a: InvariantRow, b: InvariantRow): number =>
  a.harm === undefined || b.harm === undefined ? 0 : byHarm(a.harm, b.harm);
