import type { Timeline } from '../program/timeline.js';
import { FAILURES, type Failure, isFailureDue } from '../xen/failures.js';
import type { Xen } from '../xen/state.js';
import { ReachedRules, rulesMet } from './reached.js';
import { type Rule, releasesOf, sectionOf } from './rule.js';
import { RULES } from './rules.js';

/** A rule of the dossier, as a reader is told of it. */
export interface Told {
  /** `§6.1 #9 assign: another guest has the device`. */
  readonly rule: string;
  /** `§6.1`, and the rest of the rule in words. */
  readonly section: string;
  readonly text: string;
  /** The function of the model in which it stands, where one is named. */
  readonly fn?: string;
}

/** A rule of the dossier that a step met. */
export interface Decision extends Told {
  /** The releases that have it: `≥4.14`; `all`. */
  readonly releases: string;
}

/**
 * Why a step was answered as it was. `sure` where the rule is the first rung of its ladder whose premise held before the
 * step; otherwise the rules are those that have this answer and could have applied. Without any, `untold` says why.
 */
export type WhyErrno = Passed &
  (
    | { readonly rules: readonly [Decision, ...Decision[]]; readonly sure: boolean }
    | { readonly rules: readonly []; readonly untold: string }
  );

interface Passed {
  /**
   * Rungs that could have refused the operation before this answer, and did not: what they look for did not hold before the
   * step. For `ok` that is all of them: what had to hold was that none of them did.
   */
  readonly passed: readonly Told[];
}

/** Answers that no rule of an operation decides, and who does. */
const BESIDES: ReadonlyMap<string, string> = new Map([
  ['blocked', 'it needs a lock that another hypercall holds: it was undone, and is to be tried again'],
  ['host is down', 'a BUG in an earlier step has brought the host down'],
  ['not running', 'whoever was to do it does not run (any more)'],
  ['idle', 'no hypercall is under way'],
  ['fault', 'the IOMMU refused the access: its fault registers say why'],
]);

let rules: ReachedRules | undefined;

/**
 * Tells which rule of the dossier decided a step's answer, by the rules whose premises held before it (decision 0014).
 * The timeline stands where it stood.
 * @throws RangeError when there is no such step.
 */
export function whyErrno(timeline: Timeline, step: number): WhyErrno {
  const { statement, status } = timeline.step(step);
  const { op } = statement;
  const because = BESIDES.get(status);
  if (because !== undefined) return untold(because);
  if (op === 'step' || op === 'finish') {
    if (status.startsWith('at ')) return untold('the hypercall is not at its end yet');
    return untold(
      'it is the answer of a hypercall that began earlier, from the state in which it stands now',
    );
  }
  rules ??= new ReachedRules(RULES);
  const { premise, refusals, due } = timeline.lookAt(step - 1, (xen, names) => {
    const { rules: premise, situation } = rules!.before(xen, names, statement);
    return { premise, refusals: rules!.refusals(situation), due: dueFailures(xen) };
  });
  const left = timeline.lookAt(step, (xen) => dueFailures(xen));
  const failed = [...due].filter(([kind, times]) => left.get(kind) !== times).map(([kind]) => kind);
  const met = rulesMet(premise, status);
  const binding = met.filter((one) => one.binding === true);
  // A failure that came in this step may have come before the rung, with the same errno.
  const sure = binding.length > 0 && failed.length === 0;
  const deciding = binding.length > 0 ? binding : met;
  const passed = rungsPassed(refusals, premise, status === 'ok' ? undefined : deciding[0]);
  const [first, ...others] = deciding.map(decision);
  if (first !== undefined) return { rules: [first, ...others], sure, passed };
  if (failed.length > 0) return untold(`something failed that was asked to: ${failed.join(', ')}`);
  return {
    rules: [],
    untold: `no rule of the dossier that is kept as data has ${op} answered ${status} here`,
    passed: status === 'ok' ? passed : [],
  };
}

const untold = (why: string): WhyErrno => ({ rules: [], untold: why, passed: [] });

/** Rungs that could have refused before one of the rules does, and whose premise did not hold. */
function rungsPassed(
  refusals: readonly Rule[],
  premise: readonly Rule[],
  before: Rule | undefined,
): readonly Told[] {
  const end = before === undefined ? RULES.length : RULES.indexOf(before);
  return refusals.filter((one) => RULES.indexOf(one) < end && !premise.includes(one)).map(told);
}

/** Failures that are still to come, and how often. */
function dueFailures(xen: Xen): Map<Failure, number> {
  const due = FAILURES.filter((kind) => isFailureDue(xen, kind));
  return new Map(due.map((kind) => [kind, xen.failure.more.get(FAILURES.indexOf(kind)) + 1]));
}

function told(one: Rule): Told {
  const section = sectionOf(one);
  return {
    rule: one.id,
    section,
    text: one.id.slice(section.length + 1),
    ...(one.fn !== undefined && { fn: one.fn }),
  };
}

const decision = (one: Rule): Decision => ({ ...told(one), releases: releasesOf(one) });
