import type { Mark } from '../store/store.js';
import { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import type { Xen } from '../xen/state.js';
import { bootMachine } from './build.js';
import { expandConfig } from './config-domain.js';
import type { Outcome } from './handlers/handler.js';
import { type LoopWatch, watchLoop } from './loop-watch.js';
import { Names } from './names.js';
import { performStatement } from './perform.js';
import { isRepeat, type Place, type Program, type Repeat, type Statement, type Step } from './program.js';

/** Who makes something of a program's steps while they are carried out. */
export interface Observer {
  /** Told of each statement before it is carried out; the model stands as it leaves it. */
  before(statement: Statement): void;
  /**
   * Told what became of it. `mark` is where its writes begin in the journal. The end of a block that is repeated for ever
   * is told as a statement of its own, `repeat forever`, that writes nothing.
   */
  after(statement: Statement, outcome: Outcome, mark: Mark): void;
}

/** Rounds of a `repeat forever` block after which it is taken not to recur. */
const MAX_ROUNDS = 16;

/** Statements and rounds of blocks that a program may come to: nobody reads the report of more. */
const MAX_STEPS = 100_000;

/** The statement that stands for the end of a `repeat forever`. */
export const LOOP_END = 'repeat forever';

/** Carries a program out on a machine of its own, statement by statement, blocks as often as they say. */
export class Execution {
  readonly xen: Xen;
  readonly names: Names;
  private readonly program: Program;
  private readonly observer: Observer;
  /** What starts the domains that the program takes from configs. */
  private readonly started: readonly Statement[];
  private steps = 0;
  /** The `repeat forever` blocks that are being run, the innermost last. */
  private readonly loops: LoopWatch[] = [];

  /** Boots the machine. @throws InputError where a config's domain would not start. */
  constructor(program: Program, edition: Edition, observer: Observer) {
    this.program = program;
    this.observer = observer;
    this.xen = bootMachine(program.machine, edition.profile);
    this.names = new Names(this.xen);
    this.started = program.configs.flatMap((config) => expandConfig(config, program, edition));
  }

  /** Runs all steps. @throws InputError where an operation cannot be carried out as written. */
  run(): void {
    for (const _ of this.stepwise());
  }

  /** The same as something that can be held up after any statement: it yields behind each. */
  stepwise(): Generator<void> {
    return this.runSteps([...this.started, ...this.program.steps]);
  }

  private *runSteps(steps: readonly Step[]): Generator<void> {
    for (const step of steps) {
      if (!isRepeat(step)) {
        this.runStatement(step);
        yield;
      } else if (step.repeat === 'forever') yield* this.runForever(step);
      else for (let i = 0; i < step.repeat; i++) yield* this.runRound(step.body, step);
    }
  }

  private runRound(body: readonly Step[], place: Place): Generator<void> {
    this.countStep(place);
    return this.runSteps(body);
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
  private *runForever({ body, expect, ...place }: Repeat): Generator<void> {
    const watch = watchLoop(this.xen);
    this.loops.push(watch);
    for (let round = 0; round < MAX_ROUNDS && !watch.hasClosed; round++) {
      yield* this.runRound(body, place);
      watch.roundEnds();
    }
    this.loops.pop();
    const said = expect.length > 0 ? expect : [{ ...place, kind: 'status', status: 'recurs' } as const];
    const end = { line: place.line, column: place.column, op: LOOP_END, args: {}, expect: said };
    this.observer.after(end, watch.outcome(), this.xen.store.mark());
  }

  private runStatement(statement: Statement): void {
    this.countStep(statement);
    const mark = this.xen.store.mark();
    this.observer.before(statement);
    const outcome = performStatement(this.xen, this.names, statement, this.program.file);
    for (const loop of this.loops) loop.look(outcome);
    this.observer.after(statement, outcome, mark);
  }
}
