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
    this.know({ property: property.id, clause });
    const violation = { property: property.id, clause, message, actions: actions() };
    this.violations.push(violation);
    return violation;
  }

  /** Nothing more is wanted of a clause, which somebody else has found broken. */
  know({ property, clause }: Pick<Violation, 'property' | 'clause'>): void {
    const known = this.clauses.get(property) ?? new Set();
    this.clauses.set(property, known.add(clause));
  }

  /** Takes over what another thread found. False when it is known here. */
  take(violation: Violation): boolean {
    const { property, clause } = violation;
    const known = this.clauses.get(property);
    if (known !== undefined && (known.has(clause) || known.size >= MOST_CLAUSES)) return false;
    this.know(violation);
    this.violations.push(violation);
    return true;
  }

  /** Of the properties that no state was about here, only these are so everywhere. */
  stillVacuous(ids: readonly string[]): void {
    this.unmet = this.unmet.filter(({ id }) => ids.includes(id));
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
