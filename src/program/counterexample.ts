import type { Livelock } from '../check/livelock.js';
import type { Edition } from '../xen/editions/edition.js';
import { isGraver } from '../xen/invariants/harm.js';
import type { Harm, Invariant } from '../xen/invariants.js';
import { type Action, actionStatement } from './alphabet-action.js';
import { expandConfig } from './config-domain.js';
import type { Program, Repeat, Statement, Step } from './program.js';
import { Run, type StepResult } from './runner.js';

/** What a counterexample goes against: an invariant, or {@link LIVELOCK}. */
export type Broken = Pick<Invariant, 'id' | 'title' | 'reason' | 'dear'>;

/** What a hypercall that never ends goes against. It is no invariant: no state and no step shows it, only a loop does. */
export const LIVELOCK: Broken & Pick<Invariant, 'harm'> = {
  id: 'livelock',
  title: 'a hypercall that is begun ends, whatever other domains and devices do meanwhile',
  reason:
    'who called it gets no answer, and what it holds or half did stays so, for as long as a guest likes',
  harm: 'livelock',
};

/** Something that goes wrong, with the shortest program that shows it. */
export interface Counterexample {
  readonly kind: 'safety' | 'livelock';
  readonly invariant: Broken;
  readonly message: string;
  /** What it leads to. */
  readonly harm: Harm;
  readonly program: Program;
  /**
   * The program's run, step by step; the first `scene` of them set the scene. Of a livelock, one round of the loop, and
   * what it came to.
   */
  readonly steps: readonly StepResult[];
  readonly scene: number;
  /** Statements after the scene. */
  readonly length: number;
  /** Which of the steps begins the loop; null where there is none. */
  readonly loop: number | null;
  /** Of a livelock: whether no loop of this hypercall that the search knows is shorter. */
  readonly shortest: boolean;
}

/** The program with the actions that break the invariant, replayed by the runner, which must find the same. */
export function safetyCounterexample(
  program: Program,
  edition: Edition,
  invariant: Invariant,
  actions: readonly Action[],
): Counterexample {
  const whole = withoutConfigs(program, edition, statementsOf(actions));
  const steps = replay(whole, edition, invariant);
  const own = steps.flatMap(({ violations }) => violations.filter((one) => one.invariant === invariant.id));
  const broken = own.findLast(({ harm }) => !own.some((other) => isGraver(other.harm, harm)));
  if (broken === undefined)
    throw new Error(`the runner does not find what the search found: ${invariant.id}`);
  const length = actions.length;
  const scene = steps.length - length;
  const { message, harm } = broken;
  return {
    kind: 'safety',
    invariant,
    message,
    harm,
    program: whole,
    steps,
    scene,
    length,
    loop: null,
    shortest: true,
  };
}

/** The program with the actions that lead to a loop, and the loop as a `repeat forever`, replayed by the runner. */
export function livelockCounterexample(
  program: Program,
  edition: Edition,
  { prefix, loop, name, shortest }: Livelock,
  actions: readonly Action[],
): Counterexample {
  const named = (numbers: readonly number[]) => statementsOf(numbers.map((action) => actions[action]!));
  const body = named(loop);
  const repeat: Repeat = { repeat: 'forever', body, expect: [], line: 1, column: 1 };
  const whole = withoutConfigs(program, edition, [...named(prefix), repeat]);
  const results = replay(whole, edition, LIVELOCK);
  const end = results.at(-1)!;
  if (end.status !== 'livelock')
    throw new Error(`the runner does not find the livelock of ${name}: ${end.status}`);
  // The loop closes in its second round, which does what the first one did.
  const round = results.length - 1 - 2 * body.length;
  const steps = [...results.slice(0, round + body.length), { ...end, index: round + body.length }];
  return {
    kind: 'livelock',
    invariant: LIVELOCK,
    message: end.unexpected[0]!.replace(/^.*?: /, ''),
    harm: LIVELOCK.harm,
    program: whole,
    steps,
    scene: round - prefix.length,
    length: prefix.length + body.length,
    loop: round,
    shortest,
  };
}

const statementsOf = (actions: readonly Action[]): Statement[] =>
  actions.map((action) => actionStatement(action, 1));

function replay(program: Program, edition: Edition, { dear }: Broken): readonly StepResult[] {
  const run = new Run(program, edition, { check: dear ? 'all' : 'searched' });
  run.execute();
  return run.results;
}

/** The program and what follows it, without the configs it takes domains from: it can be replayed in another folder. */
export function withoutConfigs(program: Program, edition: Edition, after: readonly Step[]): Program {
  const started = program.configs.flatMap((config) => expandConfig(config, program, edition));
  const steps = [...started, ...program.steps, ...after];
  return { ...program, edition: edition.name, configs: [], steps };
}
