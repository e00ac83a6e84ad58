import { changeLines, changesSince } from '../store/changes.js';
import type { Mark } from '../store/store.js';
import type { Edition } from '../xen/editions/edition.js';
import { isGraver } from '../xen/invariants/harm.js';
import { type Breach, type Harm, INVARIANTS, type Invariant, Judge, SEARCHED } from '../xen/invariants.js';
import { ramChanges } from '../xen/ram-changes.js';
import type { Xen } from '../xen/state.js';
import { Execution, LOOP_END } from './execution.js';
import type { Outcome } from './handlers/handler.js';
import { HANDLERS } from './handlers.js';
import type { Names } from './names.js';
import { printStatement } from './print.js';
import { type Expectation, type Program, type Statement, statementsOf } from './program.js';
import { type FaultText, unmet, type ViolationText } from './unmet.js';

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
  /** Invariants that held before this step and do not after it, or whose breach is of a graver harm now. */
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

/** The invariants that a run of a program looks at. */
export function invariantsFor(program: Program, check: Checked): readonly Invariant[] {
  if (check === 'none') return [];
  if (check === 'all') return INVARIANTS;
  const expected = new Set<string>();
  for (const { expect } of statementsOf(program.steps)) {
    for (const one of expect) if (one.kind === 'violation') expected.add(one.invariant);
  }
  return INVARIANTS.filter((one) => SEARCHED.includes(one) || expected.has(one.id));
}

/**
 * Whether a breach is to be told: of a step each one, of a state the first, and one that is graver than the one before.
 * @param before what the breach of the same invariant led to that the step began with, if it did.
 */
export function isNews(
  { remember }: Pick<Invariant, 'remember'>,
  before: Harm | undefined,
  breach: Breach | undefined,
): breach is Breach {
  if (breach === undefined) return false;
  return remember !== undefined || before === undefined || isGraver(breach.harm, before);
}

/** A program that is being run, held against invariants and against what it expects. */
export class Run {
  private readonly execution: Execution;
  private readonly judge: Judge;
  private readonly invariants: readonly Invariant[];
  /** Invariants that do not hold, by id, and what their breach leads to. */
  private readonly broken = new Map<string, Harm>();
  private readonly describeChanges: boolean;
  readonly watch: Watch | undefined;
  private answered: ((status: string) => void) | undefined;
  readonly results: StepResult[] = [];

  constructor(program: Program, edition: Edition, options: RunOptions = {}) {
    this.describeChanges = options.changes ?? true;
    this.watch = options.watch;
    this.invariants = invariantsFor(program, options.check ?? 'searched');
    this.execution = new Execution(program, edition, {
      before: (statement) => this.before(statement),
      after: (statement, outcome, mark) => this.after(statement, outcome, mark),
    });
    this.judge = new Judge(this.xen, this.xen.spec.limits.gfns);
  }

  get xen(): Xen {
    return this.execution.xen;
  }

  get names(): Names {
    return this.execution.names;
  }

  /** Runs all steps. @throws InputError where an operation cannot be carried out as written. */
  execute(): void {
    const atBoot = this.newViolations(this.invariants.filter(({ remember }) => remember === undefined));
    if (atBoot.length > 0)
      this.record({ line: 0, column: 0, op: 'boot', args: {}, expect: [] }, { status: 'ok' }, [], atBoot);
    this.execution.run();
  }

  private before(statement: Statement): void {
    for (const invariant of this.invariants) this.judge.remember(invariant);
    this.answered = this.watch?.(this.xen, this.names, statement);
  }

  private after(statement: Statement, outcome: Outcome, mark: Mark): void {
    if (statement.op === LOOP_END) {
      this.record(statement, outcome, [], []);
      return;
    }
    this.answered?.(outcome.status);
    const asked = this.describeChanges || statement.expect.some(({ kind }) => kind === 'change');
    const changes = asked
      ? changeLines(changesSince(this.xen.layout, mark, (words) => ramChanges(this.xen, words)))
      : [];
    this.record(statement, outcome, changes, this.newViolations(this.invariants));
  }

  /** Those of `invariants` that have just been broken, or worse. One that holds again is looked for anew. */
  private newViolations(invariants: readonly Invariant[]): ViolationText[] {
    const found: ViolationText[] = [];
    for (const invariant of invariants) {
      const { id, title } = invariant;
      const breach = this.judge.violation(invariant);
      if (isNews(invariant, this.broken.get(id), breach)) found.push({ invariant: id, title, ...breach });
      if (breach === undefined) this.broken.delete(id);
      else this.broken.set(id, breach.harm);
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
