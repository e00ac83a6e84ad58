import { changeLines, changesSince } from '../store/changes.js';
import { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import { type Harm, INVARIANTS, type Invariant, Judge, SEARCHED } from '../xen/invariants.js';
import { ramChanges } from '../xen/ram-changes.js';
import type { Xen } from '../xen/state.js';
import { bootMachine } from './build.js';
import { expandConfig } from './config-domain.js';
import type { Outcome } from './handlers/handler.js';
import { HANDLERS } from './handlers.js';
import { type LoopWatch, watchLoop } from './loop-watch.js';
import { Names } from './names.js';
import { performStatement } from './perform.js';
import { printStatement } from './print.js';
import {
  type Expectation,
  isRepeat,
  type Place,
  type Program,
  type Repeat,
  type Statement,
  type Step,
  statementsOf,
} from './program.js';

/** A log message of the hypervisor: one fault, its lines without `(XEN) ` joined by line feeds. */
export interface FaultText {
  readonly text: string;
}

export interface ViolationText {
  readonly invariant: string;
  readonly title: string;
  readonly message: string;
  readonly harm: Harm;
}

/** What one step did. */
export interface StepResult {
  readonly index: number;
  readonly line: number;
  /** The statement as the language writes it. */
  readonly op: string;
  readonly status: string;
  /** Steps of a hypercall that was run step by step. */
  readonly hypercallSteps?: number;
  readonly changes: readonly string[];
  readonly faults: readonly FaultText[];
  /** Invariants that held before this step and do not after it. */
  readonly violations: readonly ViolationText[];
  /** Expectations that were not met, and faults and violations that nobody expected. */
  readonly unexpected: readonly string[];
}

export interface RunResult {
  readonly edition: string;
  readonly steps: readonly StepResult[];
  readonly failed: boolean;
}

/** Which invariants a run holds its steps against: all, those that a search can afford, or none. */
export type Checked = 'all' | 'searched' | 'none';

export interface RunOptions {
  /**
   * Which invariants to look at after every step; those that a search looks at, unless set, and those whose violation
   * the program expects. With none, such expectations are passed over.
   */
  readonly check?: Checked;
  /** Whether to say what each step changed, even where nothing is expected of it; true unless set. */
  readonly changes?: boolean;
  /** Told of each statement before it is carried out; what it returns is told the answer. */
  readonly watch?: Watch;
}

/** Who looks at a run from outside, without taking part in it. */
export type Watch = (xen: Xen, names: Names, statement: Statement) => (status: string) => void;

/** Rounds of a `repeat forever` block after which it is taken not to recur. */
const MAX_ROUNDS = 16;

/** Statements and rounds of blocks that a program may come to: nobody reads the report of more. */
const MAX_STEPS = 100_000;

function invariantsFor(program: Program, check: Checked): readonly Invariant[] {
  if (check === 'none') return [];
  if (check === 'all') return INVARIANTS;
  const expected = new Set<string>();
  for (const { expect } of statementsOf(program.steps)) {
    for (const one of expect) if (one.kind === 'violation') expected.add(one.invariant);
  }
  return INVARIANTS.filter((one) => SEARCHED.includes(one) || expected.has(one.id));
}

/** A program that is being run: its machine, its names, and the invariants broken so far. */
export class Run {
  readonly xen: Xen;
  readonly names: Names;
  private readonly program: Program;
  private readonly judge: Judge;
  private readonly invariants: readonly Invariant[];
  private readonly broken = new Set<string>();
  private readonly describeChanges: boolean;
  readonly watch: Watch | undefined;
  /** What starts the domains that the program takes from configs. */
  private readonly started: readonly Statement[];
  readonly results: StepResult[] = [];
  private steps = 0;
  /** The `repeat forever` blocks that are being run, the innermost last. */
  private readonly loops: LoopWatch[] = [];

  constructor(program: Program, edition: Edition, options: RunOptions = {}) {
    this.program = program;
    this.describeChanges = options.changes ?? true;
    this.watch = options.watch;
    this.invariants = invariantsFor(program, options.check ?? 'searched');
    this.xen = bootMachine(program.machine, edition.profile);
    this.names = new Names(this.xen);
    this.started = program.configs.flatMap((config) => expandConfig(config, program, edition));
    this.judge = new Judge(this.xen, this.xen.spec.limits.gfns);
  }

  /** Runs all steps. @throws InputError where an operation cannot be carried out as written. */
  execute(): void {
    const atBoot = this.newViolations(this.invariants.filter(({ remember }) => remember === undefined));
    if (atBoot.length > 0)
      this.record({ line: 0, column: 0, op: 'boot', args: {}, expect: [] }, { status: 'ok' }, [], atBoot);
    this.runSteps([...this.started, ...this.program.steps]);
  }

  private runSteps(steps: readonly Step[]): void {
    for (const step of steps) {
      if (!isRepeat(step)) this.runStatement(step);
      else if (step.repeat === 'forever') this.runForever(step);
      else for (let i = 0; i < step.repeat; i++) this.runRound(step.body, step);
    }
  }

  private runRound(body: readonly Step[], place: Place): void {
    this.countStep(place);
    this.runSteps(body);
  }

  private countStep({ line, column }: Place): void {
    if (++this.steps <= MAX_STEPS) return;
    throw new InputError({
      severity: 'error',
      code: 'too-many-steps',
      message: `the program comes to more than ${MAX_STEPS} steps`,
      file: this.program.file,
      line,
      column,
      hint: 'repeat less often; `repeat forever` ends as soon as the state recurs',
    });
  }

  /**
   * A block that goes on for ever: run until the state at its end has been there before, which proves that it can. If a
   * hypercall is under way all the while, and makes steps, that is a livelock. The first round may lead into the loop.
   */
  private runForever({ body, expect, ...place }: Repeat): void {
    const watch = watchLoop(this.xen);
    this.loops.push(watch);
    for (let round = 0; round < MAX_ROUNDS && !watch.hasClosed; round++) {
      this.runRound(body, place);
      watch.roundEnds();
    }
    this.loops.pop();
    const said = expect.length > 0 ? expect : [{ ...place, kind: 'status', status: 'recurs' } as const];
    this.record({ ...place, op: 'repeat forever', args: {}, expect: said }, watch.outcome(), [], []);
  }

  private runStatement(statement: Statement): void {
    this.countStep(statement);
    const { store } = this.xen;
    const before = store.mark();
    for (const invariant of this.invariants) this.judge.remember(invariant);
    const answered = this.watch?.(this.xen, this.names, statement);
    const outcome = performStatement(this.xen, this.names, statement, this.program.file);
    answered?.(outcome.status);
    for (const loop of this.loops) loop.look(outcome);
    const asked = this.describeChanges || statement.expect.some(({ kind }) => kind === 'change');
    const changes = asked
      ? changeLines(changesSince(this.xen.layout, before, (words) => ramChanges(this.xen, words)))
      : [];
    this.record(statement, outcome, changes, this.newViolations(this.invariants));
  }

  /** Those of `invariants` that have just been broken. One that holds again is looked for anew. */
  private newViolations(invariants: readonly Invariant[]): ViolationText[] {
    const found: ViolationText[] = [];
    for (const invariant of invariants) {
      const { id, title, harm } = invariant;
      const message = this.judge.violation(invariant);
      if (message === undefined) this.broken.delete(id);
      else if (!this.broken.has(id) || invariant.remember !== undefined) {
        this.broken.add(id);
        found.push({ invariant: id, title, message, harm });
      }
    }
    return found;
  }

  /** The expectations that are judged: not those of violations that nobody looks for. */
  private judged(expectations: readonly Expectation[]): readonly Expectation[] {
    if (this.invariants.length > 0) return expectations;
    return expectations.filter(({ kind }) => kind !== 'violation');
  }

  private record(
    statement: Statement,
    outcome: Outcome,
    changes: readonly string[],
    violations: readonly ViolationText[],
  ): void {
    const faults = (outcome.faults ?? []).map((text) => ({ text }));
    const { status } = outcome;
    this.results.push({
      index: this.results.length,
      line: statement.line,
      op: statement.op in HANDLERS ? printStatement(statement) : statement.op,
      status,
      ...(outcome.steps === undefined ? {} : { hypercallSteps: outcome.steps }),
      changes,
      faults,
      violations,
      unexpected: [...unmet(this.judged(statement.expect), outcome, faults, changes, violations)],
    });
  }
}

/** What was expected and did not happen, and what happened and was not expected. */
function* unmet(
  expectations: readonly Expectation[],
  { status, because }: Outcome,
  faults: readonly FaultText[],
  changes: readonly string[],
  violations: readonly ViolationText[],
): Generator<string> {
  for (const expectation of expectations) {
    switch (expectation.kind) {
      case 'status':
        if (expectation.status !== status)
          yield `expected ${expectation.status}, got ${status}${because === undefined ? '' : `: ${because}`}`;
        break;
      case 'fault':
        if (!faults.some(({ text }) => text.includes(expectation.text))) {
          yield `expected a fault${expectation.text && ` with "${expectation.text}"`}, got ${faults.length > 0 ? 'another' : 'none'}`;
        }
        break;
      case 'violation':
        if (!violations.some(({ invariant }) => invariant === expectation.invariant)) {
          yield `expected a violation of ${expectation.invariant}`;
        }
        break;
      case 'change':
        if (!changes.some((line) => line.includes(expectation.text))) {
          yield `expected a change with "${expectation.text}"`;
        }
    }
  }
  const expectsFault = expectations.some(
    ({ kind, ...rest }) =>
      kind === 'fault' || (kind === 'status' && 'status' in rest && rest.status === 'fault'),
  );
  if (faults.length > 0 && !expectsFault) yield 'the device faulted, which nobody expected';
  for (const { invariant, title } of violations) {
    const expected = expectations.some((one) => one.kind === 'violation' && one.invariant === invariant);
    if (!expected) yield `${invariant} is broken: ${title}`;
  }
}

/** Runs a program on the model of an edition. */
export function runProgram(program: Program, edition: Edition, options: RunOptions = {}): RunResult {
  const run = new Run(program, edition, options);
  run.execute();
  return {
    edition: edition.name,
    steps: run.results,
    failed: run.results.some(({ unexpected }) => unexpected.length > 0),
  };
}
