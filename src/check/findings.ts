import type { Property } from './model.js';
import type { Violation } from './result.js';

/** Clauses of one property that a search tells apart; who breaks so many breaks the rest the same way. */
const MOST_CLAUSES = 4;

/** What a search has found out about a model's properties: which are broken, in what ways, and which hold of nothing. */
export class Findings {
  readonly violations: Violation[] = [];
  private readonly clauses = new Map<string, Set<string>>();
  /** Properties whose premise no state has had so far. */
  private unmet: readonly Property[];

  constructor(properties: readonly Property[]) {
    this.unmet = properties.filter(({ premise }) => premise !== undefined);
  }

  /**
   * Holds a property against the present state, or the step to it.
   * @param actions the way here; asked for only when something is new.
   * @returns the violation, if it is the first of its property's clause.
   */
  judge(property: Property, actions: () => readonly number[]): Violation | undefined {
    const known = this.clauses.get(property.id);
    const most = property.clause === undefined ? 1 : MOST_CLAUSES;
    if (known !== undefined && known.size >= most) return undefined;
    const message = property.violation();
    if (message === undefined) return undefined;
    const clause = property.clause?.(message) ?? '';
    if (known?.has(clause)) return undefined;
    this.clauses.set(property.id, (known ?? new Set()).add(clause));
    const violation = { property: property.id, clause, message, actions: actions() };
    this.violations.push(violation);
    return violation;
  }

  /** Looks at the present state for premises that no state before it has had. */
  note(): void {
    for (const property of this.unmet) {
      if (!property.premise!()) continue;
      this.unmet = this.unmet.filter((other) => other !== property);
    }
  }

  /** Properties that no state was about. */
  get vacuous(): readonly string[] {
    return this.unmet.map(({ id }) => id);
  }
}
