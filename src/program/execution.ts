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

/** A block that is being carried out, or the program itself, and where in it the run stands. */
interface Block {
  readonly steps: readonly Step[];
  at: number;
  /** Undefined for the program. */
  readonly repeat: Repeat | undefined;
  /** Rounds that have begun. */
  rounds: number;
  /** Of a block that goes on for ever. */
  readonly watch: LoopWatch | undefined;
}

/** Carries a program out on a machine of its own, statement by statement, blocks as often as they say. */
export class Execution {
  readonly xen: Xen;
  readonly names: Names;
  private readonly program: Program;
  private readonly observer: Observer;
  private steps = 0;
  /** What is being carried out, the innermost block last. */
  private readonly blocks: Block[] = [];
  /** The `repeat forever` blocks that are being run, the innermost last. */
  private readonly loops: LoopWatch[] = [];

  /** Boots the machine. @throws InputError where a config's domain would not start. */
  constructor(program: Program, edition: Edition, observer: Observer) {
    this.program = program;
    this.observer = observer;
    this.xen = bootMachine(program.machine, edition.profile);
    this.names = new Names(this.xen);
    // What starts the domains that the program takes from configs comes first.
    const started = program.configs.flatMap((config) => expandConfig(config, program, edition));
    const steps = [...started, ...program.steps];
    this.blocks.push({ steps, at: 0, repeat: undefined, rounds: 0, watch: undefined });
  }

  /** Runs all steps. @throws InputError where an operation cannot be carried out as written. */
  run(): void {
    while (this.next());
  }

  /**
   * Carries out the next statement, and says whether there was one: a run can be held up between any two.
   * @throws InputError where it cannot be carried out as written.
   */
  next(): boolean {
    for (let block = this.blocks.at(-1); block !== undefined; block = this.blocks.at(-1)) {
      const step = block.steps[block.at++];
      if (step === undefined) this.endRound(block);
      else if (isRepeat(step)) this.enter(step);
      else {
        this.runStatement(step);
        return true;
      }
    }
    return false;
  }

  /**
   * A block that goes on for ever is run until the state at its end has been there before, which proves that it can. If a
   * hypercall is under way all the while, and makes steps, that is a livelock. The first round may lead into the loop.
   */
  private enter(repeat: Repeat): void {
    const watch = repeat.repeat === 'forever' ? watchLoop(this.xen) : undefined;
    if (watch !== undefined) this.loops.push(watch);
    const block: Block = { steps: repeat.body, at: 0, repeat, rounds: 0, watch };
    this.blocks.push(block);
    this.beginRound(block);
  }

  private beginRound(block: Block): void {
    const { repeat, rounds, watch } = block;
    const most = repeat === undefined ? 0 : repeat.repeat === 'forever' ? MAX_ROUNDS : repeat.repeat;
    if (rounds >= most || watch?.hasClosed === true) {
      this.leave(block);
      return;
    }
    this.countStep(repeat!);
    block.rounds++;
    block.at = 0;
  }

  private endRound(block: Block): void {
    block.watch?.roundEnds();
    this.beginRound(block);
  }

  private leave({ repeat, watch }: Block): void {
    this.blocks.pop();
    if (repeat === undefined || watch === undefined) return;
    this.loops.pop();
    const { body: _, expect, ...place } = repeat;
    const said = expect.length > 0 ? expect : [{ ...place, kind: 'status', status: 'recurs' } as const];
    const end = { line: place.line, column: place.column, op: LOOP_END, args: {}, expect: said };
    this.observer.after(end, watch.outcome(), this.xen.store.mark());
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

  private runStatement(statement: Statement): void {
    this.countStep(statement);
    const mark = this.xen.store.mark();
    this.observer.before(statement);
    const outcome = performStatement(this.xen, this.names, statement, this.program.file);
    for (const loop of this.loops) loop.look(outcome);
    this.observer.after(statement, outcome, mark);
  }
}
