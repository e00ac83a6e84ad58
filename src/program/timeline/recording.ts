import { GrowingList } from '../../check/growing.js';
import type { Mark } from '../../store/store.js';
import { InputError } from '../../text/diagnostic.js';
import type { Edition } from '../../xen/editions/edition.js';
import { Execution, type Observer } from '../execution.js';
import type { Outcome } from '../handlers/handler.js';
import type { Program, Statement } from '../program.js';
import { accessOf, type DeviceAccess } from './access.js';
import { NameHistory } from './name-history.js';

/** Writes that a recording holds unless it is told otherwise: 192 MiB. */
export const MAX_WRITES = 1 << 24;

/** What is known of a step beyond its status, where there is something. */
export interface StepNotes {
  readonly faults?: readonly string[];
  readonly hypercallSteps?: number;
  readonly because?: string;
  readonly loopRounds?: number;
  readonly access?: DeviceAccess;
}

interface AccessNote {
  readonly access: DeviceAccess;
}

/**
 * A program's run, written down as it goes: per step a few numbers, and notes where there is more to say. The writes
 * themselves pile up in the store's journal, so that recording costs a run next to nothing.
 */
export class Recording implements Observer {
  readonly execution: Execution;
  readonly names: NameHistory;
  /** By step, from 1: the end of its writes; statement and status by their numbers. Step 0 is the boot. */
  readonly ends = new GrowingList();
  readonly statementOf = new GrowingList();
  readonly statusOf = new GrowingList();
  readonly statements: Statement[] = [];
  readonly statuses: string[] = [];
  readonly notes = new Map<number, StepNotes>();
  /** Steps in which a device made an access, in order; and those in which the hypervisor logged something. */
  readonly accessSteps = new GrowingList();
  readonly faultSteps: number[] = [];
  /** What ended the run before its end; the step that it happened in is not part of the recording. */
  stopped: InputError | undefined;
  private readonly file: string;
  private readonly maxWrites: number;
  private readonly statementNumbers = new Map<Statement, number>();
  private readonly statusNumbers = new Map<string, number>();
  /** The last access of each statement, and how many names had been given by then. */
  private readonly accesses = new Map<Statement, { readonly note: AccessNote; readonly names: number }>();
  /** Texts of faults seen so far: a loop says the same again and again. */
  private readonly texts = new Map<string, string>();

  constructor(program: Program, edition: Edition, maxWrites: number) {
    this.file = program.file;
    this.maxWrites = maxWrites;
    this.execution = new Execution(program, edition, this);
    this.names = new NameHistory(this.execution.names);
    this.ends.push(0);
    this.statementOf.push(-1);
    this.statusOf.push(-1);
    this.names.listen(() => this.length + 1);
  }

  /** Steps so far. */
  get length(): number {
    return this.ends.length - 1;
  }

  /**
   * Carries out the next statement, so that a run can be held up between any two; false at the program's end, or where
   * something has stopped it. From then on names are moved about in the history.
   */
  next(): boolean {
    try {
      if (this.execution.next()) return true;
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.stopped = error;
      this.execution.xen.store.rollback(this.ends.get(this.length));
    }
    this.names.stopListening();
    this.names.move(this.length);
    return false;
  }

  before(): void {}

  after(statement: Statement, outcome: Outcome): void {
    const { xen } = this.execution;
    const { status } = outcome;
    const writes = xen.store.mark();
    if (writes > this.maxWrites) throw this.tooLong(statement, writes);
    const access = statement.op === 'dma' ? this.access(statement, status) : undefined;
    this.ends.push(writes);
    this.statementOf.push(numberOf(statement, this.statementNumbers, this.statements));
    this.statusOf.push(numberOf(status, this.statusNumbers, this.statuses));
    if (access !== undefined) this.accessSteps.push(this.length);
    const { faults, steps, because, loopRounds } = outcome;
    if (access !== undefined && faults === undefined) {
      this.notes.set(this.length, access);
      return;
    }
    if ((access ?? faults ?? steps ?? because) === undefined) return;
    if (faults !== undefined) this.faultSteps.push(this.length);
    this.notes.set(this.length, {
      ...(faults !== undefined && { faults: faults.map((text) => this.text(text)) }),
      ...(steps !== undefined && { hypercallSteps: steps }),
      ...(because !== undefined && { because }),
      ...(loopRounds !== undefined && { loopRounds }),
      ...access,
    });
  }

  /** The note of an access. A statement that does what it did the last time, with names that stand for the same, shares it. */
  private access(statement: Statement, status: string): AccessNote | undefined {
    const { xen, names } = this.execution;
    const last = this.accesses.get(statement);
    const { count } = this.names;
    if (last !== undefined && last.names === count && status === 'ok') {
      const { unit, frame } = last.note.access;
      if (frame >= 0 && (unit < 0 || xen.units[unit]!.frame === frame)) return last.note;
    }
    const access = accessOf(xen, names, statement, status);
    if (access === undefined) return undefined;
    const note = { access };
    this.accesses.set(statement, { note, names: count });
    return note;
  }

  private text(text: string): string {
    const known = this.texts.get(text);
    if (known === undefined) this.texts.set(text, text);
    return known ?? text;
  }

  private tooLong({ line, column }: Statement, writes: Mark): InputError {
    return new InputError({
      severity: 'error',
      code: 'recording-too-long',
      message: `the steps up to here write ${writes} words; a recording holds ${this.maxWrites}`,
      file: this.file,
      line,
      column,
      hint: 'repeat less often, or start with less memory; the steps before this one were recorded',
    });
  }
}

function numberOf<T>(thing: T, numbers: Map<T, number>, things: T[]): number {
  const known = numbers.get(thing);
  if (known !== undefined) return known;
  numbers.set(thing, things.length);
  return things.push(thing) - 1;
}
