import { Nameless } from '../program/arguments.js';
import type { Names } from '../program/names.js';
import type { Statement } from '../program/program.js';
import { FAILURES, isFailureDue } from '../xen/failures.js';
import type { Xen } from '../xen/state.js';
import { PV_MACHINE_RULES } from './pv-machine.js';
import { isIn, keyOf, type Rule } from './rule.js';
import { RULES } from './rules.js';
import { type Situation, situationOf } from './situation.js';

/** A step that is about to be taken: how things stand, and the rules whose premises hold. */
export interface Premise {
  readonly situation: Situation;
  readonly rules: readonly Rule[];
}

/** A step whose answer is not that of the first rung that holds: the table of rules, or the model, is wrong. */
export interface Contradiction {
  readonly rule: string;
  readonly expected: string;
  readonly answered: string;
}

/** The situations that are also rungs stand in both lists, and count once. */
const EVERY_RULE = [...new Set([...RULES, ...PV_MACHINE_RULES])];

/** Answers that say nothing of the operation itself. */
const BESIDES = new Set(['blocked', 'host is down', 'not running']);

/** Rules that steps have met, over all programs of a run. */
export class ReachedRules {
  private readonly byOp = new Map<string, Rule[]>();
  private readonly sought: readonly Rule[];
  private readonly reached = new Set<string>();

  /**
   * @param rules those that are accounted for.
   * @param sought those of them that are counted, and that random programs are steered to.
   */
  constructor(rules: readonly Rule[] = EVERY_RULE, sought: readonly Rule[] = PV_MACHINE_RULES) {
    this.sought = sought;
    for (const one of rules) for (const op of one.ops) this.rulesOf(op).push(one);
  }

  private rulesOf(op: string): Rule[] {
    const known = this.byOp.get(op) ?? [];
    this.byOp.set(op, known);
    return known;
  }

  /** How many of the rules sought have been met. */
  get size(): number {
    return this.sought.length - this.missing.length;
  }

  /** Of how many. */
  get total(): number {
    return this.sought.length;
  }

  get missing(): readonly string[] {
    return this.sought.filter((one) => !this.has(one)).map(({ id }) => id);
  }

  /** Keys of all rules met. */
  get keys(): readonly string[] {
    return [...this.reached].sort();
  }

  has(one: Rule): boolean {
    return this.reached.has(keyOf(one));
  }

  /** How things stand before a statement. */
  before(xen: Xen, names: Names, statement: Statement): Premise {
    return this.premise(situationOf(xen, names, statement));
  }

  /** The rules whose premises hold in a situation. To be asked while it lasts. */
  premise(situation: Situation): Premise {
    return { situation, rules: (this.byOp.get(situation.op) ?? []).filter((one) => isMet(one, situation)) };
  }

  /** Rungs that can refuse the operation of a situation, in order. To be asked while it lasts. */
  refusals(situation: Situation): readonly Rule[] {
    return (this.byOp.get(situation.op) ?? []).filter(
      (one) =>
        one.binding === true &&
        one.excuse === undefined &&
        isIn(one.by, situation.profile) &&
        (one.applies === undefined || holds(one.applies, situation)),
    );
  }

  /** Rules that a step meets, now reached. Says whether any of them is new. */
  after({ rules }: Premise, status: string): boolean {
    const met = rulesMet(rules, status).filter((one) => !this.has(one));
    for (const one of met) this.reached.add(keyOf(one));
    return met.length > 0;
  }

  /** Whether a step would meet a rule sought that none has met so far. */
  wouldBeNew({ rules }: Premise, status: string): boolean {
    return rulesMet(rules, status).some((one) => this.sought.includes(one) && !this.has(one));
  }
}

/** Of the rules whose premises held, those that have this answer. */
export const rulesMet = (rules: readonly Rule[], status: string): Rule[] =>
  rules.filter((one) => one.status === status);

/** Whether a step’s answer contradicts a rung whose turn it was; not while a failure waits that could have come first. */
export function contradiction({ rules, situation }: Premise, status: string): Contradiction | undefined {
  if (BESIDES.has(status) || FAILURES.some((kind) => isFailureDue(situation.xen, kind))) return undefined;
  const wrong = rules.find(({ binding, status: expected }) => binding === true && expected !== status);
  return wrong && { rule: wrong.id, expected: wrong.status, answered: status };
}

const isMet = (one: Rule, situation: Situation): boolean => holds(one.when, situation);

/** A premise about what a name does not stand for (any more) does not hold: the step is answered before its rules are asked. */
function holds(premise: (situation: Situation) => boolean, situation: Situation): boolean {
  try {
    return premise(situation);
  } catch (error) {
    if (error instanceof Nameless) return false;
    throw error;
  }
}
