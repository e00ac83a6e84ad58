import { BEHAVIOUR_NAMES, BEHAVIOURS, type BehaviourName, type Profile } from '../xen/editions/behaviours.js';
import { CHANGES, OLDEST } from '../xen/editions/changes.js';
import { differences, distinctEditions, type Edition } from '../xen/editions/edition.js';
import type { Change } from '../xen/editions/history.js';
import { HARMS, type Harm } from '../xen/invariants/harm.js';
import { OPERATION_BY_NAME } from './operations.js';
import { isRepeat, type Program, type Step } from './program.js';
import { type RunResult, runProgram } from './runner.js';

/** One edition's answer. */
export interface EditionVerdict {
  readonly edition: string;
  readonly affected: boolean;
  /**
   * Behaviours whose value decides it. Of an affected edition: with any one of them otherwise it would not be affected.
   * Of another: what it has in their place.
   */
  readonly deciding: readonly Deciding[];
  /** What went wrong, of an affected edition: the first unexpected thing of each step. */
  readonly findings: readonly string[];
  /** The toolstack's operation that this edition refuses, so that the story cannot be told on it at all. */
  readonly cannotSetUp?: string;
}

export interface Deciding {
  readonly behaviour: BehaviourName;
  readonly value: string;
  readonly meaning: string;
  /** The commit that gave the behaviour this value; absent when it is older than the record. */
  readonly since?: string;
}

export interface Affected {
  readonly editions: readonly EditionVerdict[];
  /** The worst that can happen, or undefined when no edition is affected. */
  readonly worst: Harm | undefined;
  /** Commits that brought the deciding values, and those that took them away. */
  readonly introduced: readonly Change[];
  readonly fixed: readonly Change[];
  /** Trailers for the patch, as Xen's maintainers ask for them. */
  readonly trailers: { readonly fixes: readonly string[]; readonly backport: string | null };
}

/** A program as one that ought to be: what it says of livelocks is left out, for one that is expected is one still. */
function withoutLivelocks(program: Program): Program {
  const without = (step: Step): Step =>
    isRepeat(step) ? { ...step, body: step.body.map(without), expect: [] } : step;
  return { ...program, steps: program.steps.map(without) };
}

/** Runs a program on every release that differs from the one before, and finds out what decides its outcome. */
export function affectedBy(story: Program): Affected {
  const program = withoutLivelocks(story);
  const editions = distinctEditions();
  const runs = editions.map((edition) => ({
    edition,
    run: runProgram(program, edition, { changes: false }),
  }));
  const isAffected = (run: RunResult) => run.failed && setUpRefusal(run) === undefined;
  const unaffected = runs.filter(({ run }) => !run.failed).map(({ edition }) => edition.profile);
  const decidingOf = new Map(
    runs
      .filter(({ run }) => isAffected(run))
      .map(({ edition }) => [edition, decidingBehaviours(program, edition, unaffected)]),
  );
  const anywhere = BEHAVIOUR_NAMES.filter((name) =>
    [...decidingOf.values()].some((names) => names.includes(name)),
  );
  const verdicts = runs.map(
    ({ edition, run }): EditionVerdict => ({
      edition: edition.name,
      affected: isAffected(run),
      deciding: (decidingOf.get(edition) ?? anywhere).map((name) => decidingBehaviour(edition, name)),
      findings: run.steps.flatMap(({ op, unexpected }) => unexpected.map((what) => `${op}: ${what}`)),
      ...(setUpRefusal(run) === undefined ? {} : { cannotSetUp: setUpRefusal(run)! }),
    }),
  );
  const affected = runs.filter(({ run }) => isAffected(run));
  const deciding = new Map<string, { behaviour: BehaviourName; value: string }>();
  for (const one of verdicts.filter((verdict) => verdict.affected).flatMap((verdict) => verdict.deciding))
    deciding.set(`${one.behaviour}=${one.value}`, one);
  const introduced = [...deciding.values()].flatMap(
    ({ behaviour, value }) => changeTo(behaviour, value) ?? [],
  );
  const first = affected[0]?.edition.release;
  return {
    editions: verdicts,
    worst: worstOf(affected.map(({ run }) => run)),
    introduced,
    fixed: [...deciding.values()].flatMap(({ behaviour, value }) => changeFrom(behaviour, value) ?? []),
    trailers: {
      fixes: introduced.map(({ commit, title }) => `Fixes: ${commit} ("${title}")`),
      backport: first === undefined ? null : `Backport: 4.${first.minor}+`,
    },
  };
}

/**
 * The operation, if any, at which a run ended before its story began: the first thing unexpected is that the toolstack is
 * refused what the program takes for granted.
 */
function setUpRefusal({ steps }: RunResult): string | undefined {
  const first = steps.find(({ unexpected }) => unexpected.length > 0);
  if (first === undefined || first.violations.length > 0 || !/^E[A-Z0-9]+$/.test(first.status))
    return undefined;
  if (!first.unexpected.includes(`expected ok, got ${first.status}`)) return undefined;
  const operation = OPERATION_BY_NAME.get(first.op.split(' ', 1)[0]!);
  return operation?.actor === 'toolstack' ? `${first.op}: ${first.status}` : undefined;
}

/** Behaviours that alone, given the value of some unaffected edition, would save this one. */
function decidingBehaviours(
  program: Program,
  edition: Edition,
  unaffected: readonly Profile[],
): BehaviourName[] {
  const candidates = new Set(unaffected.flatMap((profile) => differences(edition.profile, profile)));
  return BEHAVIOUR_NAMES.filter((behaviour) => {
    if (!candidates.has(behaviour)) return false;
    const values = new Set(unaffected.map((profile) => profile[behaviour]));
    values.delete(edition.profile[behaviour]);
    return [...values].some((value) => {
      const profile = { ...edition.profile, [behaviour]: value } as Profile;
      return !runProgram(program, { ...edition, profile }, { changes: false }).failed;
    });
  });
}

function decidingBehaviour({ profile }: Edition, behaviour: BehaviourName): Deciding {
  const value = profile[behaviour];
  const meanings: Readonly<Record<string, string>> = BEHAVIOURS[behaviour].values;
  const since = changeTo(behaviour, value)?.commit;
  return { behaviour, value, meaning: meanings[value]!, ...(since === undefined ? {} : { since }) };
}

function changeTo(behaviour: BehaviourName, value: string): Change | undefined {
  return CHANGES.find(({ behaviours }) => behaviours[behaviour] === value);
}

/** The change that replaced a value: the next one of the behaviour after the one that brought it. */
function changeFrom(behaviour: BehaviourName, value: string): Change | undefined {
  const changes = CHANGES.filter(({ behaviours }) => behaviours[behaviour] !== undefined);
  const brought = changes.findIndex(({ behaviours }) => behaviours[behaviour] === value);
  return brought < 0 && OLDEST[behaviour] !== value ? undefined : changes[brought + 1];
}

/** The gravest harm among broken invariants; without any, what an unmet expectation of a device's access says. */
function worstOf(runs: readonly RunResult[]): Harm | undefined {
  const found = new Set<Harm>();
  for (const { steps } of runs) {
    for (const { violations, unexpected, faults, status } of steps) {
      for (const { harm } of violations) found.add(harm);
      if (status === 'livelock') found.add('livelock');
      if (unexpected.length > 0 && faults.length > 0) found.add('mapping lost');
      if (unexpected.some((what) => what.startsWith('expected a fault')) && status === 'ok')
        found.add('isolation broken');
    }
  }
  return HARMS.find((harm) => found.has(harm));
}
