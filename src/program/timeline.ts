import { changesOfWords } from '../store/changes.js';
import type { Mark } from '../store/store.js';
import type { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import { ramChanges, type XenChange } from '../xen/ram-changes.js';
import type { Xen } from '../xen/state.js';
import type { Names } from './names.js';
import type { Program, Statement } from './program.js';
import { MAX_WRITES, Recording, type StepNotes } from './timeline/recording.js';
import { WordHistory, type WordWrites } from './timeline/word-history.js';

export interface RecordOptions {
  /** Writes that the recording may hold, 12 bytes each. */
  readonly maxWrites?: number;
}

/** A step of a timeline: what was done and what became of it. */
export interface TimelineStep extends StepNotes {
  readonly statement: Statement;
  readonly status: string;
}

/**
 * A program's run as something that one can move in, forwards and backwards, without running anything again. There is a
 * machine, `xen`, whose words stand as they stood after step `position`; {@link seek} takes it elsewhere, and the names
 * of the program with it. Step 0 is the machine when it has booted; then come the program's statements, in the order in which they
 * were carried out, and at the end of a block that is repeated for ever a step that says what it came to.
 *
 * Who wants to know what would happen may perform operations on the machine: they are undone by the next seek, as
 * anything is that stands in the store's journal.
 */
export class Timeline {
  readonly program: Program;
  readonly edition: Edition;
  readonly xen: Xen;
  /** What names stand for after step `position`. */
  readonly names: Names;
  /** Steps; the last one's number. */
  readonly length: number;
  /** Why the run ended before the program did; the step in which it happened is none of the timeline's. */
  readonly stopped: InputError | undefined;
  private readonly recording: Recording;
  private readonly words: WordHistory;
  private at: number;

  private constructor(program: Program, edition: Edition, recording: Recording) {
    this.program = program;
    this.edition = edition;
    this.recording = recording;
    this.xen = recording.execution.xen;
    this.names = recording.execution.names;
    this.length = recording.length;
    this.stopped = recording.stopped;
    const { store } = this.xen;
    this.words = new WordHistory(store.takeJournal(), store.wordCount);
    this.at = this.length;
  }

  /**
   * Runs a program and records it. A step that cannot be carried out, or that goes beyond the bounds, ends the timeline and
   * is told in `stopped`.
   * @throws InputError where the machine cannot be booted or a config's domain not be started.
   */
  static record(program: Program, edition: Edition, options: RecordOptions = {}): Timeline {
    const recording = new Recording(program, edition, options.maxWrites ?? MAX_WRITES);
    while (recording.next());
    return new Timeline(program, edition, recording);
  }

  /**
   * The same bit by bit: yields after each statement how many steps there are so far, and the timeline in the end. The
   * machine boots before the first of them.
   */
  static *recording(
    program: Program,
    edition: Edition,
    options: RecordOptions = {},
  ): Generator<number, Timeline> {
    const recording = new Recording(program, edition, options.maxWrites ?? MAX_WRITES);
    yield 0;
    while (recording.next()) yield recording.length;
    return new Timeline(program, edition, recording);
  }

  /** The step after which the machine stands. */
  get position(): number {
    return this.at;
  }

  /** The words that the run ever wrote, the boot included; all others are 0 throughout. */
  get writtenWords(): Int32Array {
    return this.words.writtenWords;
  }

  /** Words written in all steps together, each as often as it was. */
  get writeCount(): number {
    return this.words.length;
  }

  /** Bytes that the writes take, and what is needed to jump among them. */
  get bytes(): number {
    return this.words.bytes;
  }

  /**
   * Takes the machine to where it stood after `step`; 0 is after boot. Costs the writes in between, or about as many as the
   * run has words that it ever wrote. What was written since the last seek by others is undone first.
   * @throws RangeError when there is no such step.
   */
  seek(step: number): void {
    const target = this.end(step);
    const { store } = this.xen;
    store.rollback(0);
    this.words.move(store, this.end(this.at), target);
    this.recording.names.move(step);
    this.at = step;
  }

  /** What `look` finds after `step`; the machine is back where it was afterwards. */
  lookAt<T>(step: number, look: (xen: Xen, names: Names) => T): T {
    const back = this.at;
    this.seek(step);
    try {
      return look(this.xen, this.names);
    } finally {
      this.seek(back);
    }
  }

  /** What was done in a step, from 1, and what became of it. @throws RangeError when there is no such step. */
  step(step: number): TimelineStep {
    const statement = this.statement(step);
    const status = this.recording.statuses[this.recording.statusOf.get(step)]!;
    return { statement, status, ...this.recording.notes.get(step) };
  }

  /** The statement of a step; one that is repeated is the same object each time. */
  statement(step: number): Statement {
    if (step === 0) throw new RangeError('step 0 is the boot, which is no statement');
    this.end(step);
    return this.recording.statements[this.recording.statementOf.get(step)]!;
  }

  /** The last step, no later than `step`, in which a device made an access; 0 where there is none. */
  lastAccessAt(step: number): number {
    const { accessSteps } = this.recording;
    const count = accessSteps.countUpTo(step);
    return count === 0 ? 0 : accessSteps.get(count - 1);
  }

  /** Steps in which the hypervisor logged something of a device's access, in order. */
  get faultSteps(): readonly number[] {
    return this.recording.faultSteps;
  }

  /** The end of a step's writes. */
  private end(step: number): Mark {
    if (!Number.isInteger(step) || step < 0 || step > this.length) {
      throw new RangeError(`there is no step ${step}; the last is ${this.length}`);
    }
    return this.recording.ends.get(step);
  }

  /** Calls `visit` with each write of a step, oldest first: word, value before, value after. */
  forEachWrite(step: number, visit: (word: number, before: number, after: number) => void): void {
    const { words } = this;
    const end = this.end(step);
    for (let entry = step === 0 ? 0 : this.end(step - 1); entry < end; entry++) {
      visit(words.word(entry), words.before(entry), words.after(entry));
    }
  }

  /** What the words that a step wrote held before it. */
  valuesBefore(step: number): Map<number, number> {
    return step === 0 ? new Map() : this.words.valuesBefore(this.end(step - 1), this.end(step));
  }

  /** What a step changed, in words. */
  changesOf(step: number): XenChange[] {
    const before = this.valuesBefore(step);
    return this.lookAt(step, (xen) => {
      const after = (word: number) => xen.store.read(word);
      return changesOfWords(xen.layout, before, after, (words) => ramChanges(xen, words));
    });
  }

  /** All steps that wrote a word of the store, in order, with what it held before and after each. */
  writers(word: number): WordWrites {
    return this.words.writesOf(word, (entry) => this.stepOf(entry));
  }

  /** The step to which an entry belongs: the first that ends behind it. */
  private stepOf(entry: Mark): number {
    return Math.max(1, this.recording.ends.countUpTo(entry));
  }
}
