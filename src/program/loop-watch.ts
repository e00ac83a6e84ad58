import { isIdle } from '../xen/calls/call.js';
import { describeCall } from '../xen/calls/name.js';
import type { Xen } from '../xen/state.js';
import type { Outcome } from './handlers/handler.js';
import { equalsSnapshot, type Snapshot, takeSnapshot } from './names.js';
import type { LoopStatus } from './program.js';

/** One round of a `repeat forever`, or several: what became of the hypercalls under way in them. */
interface Span {
  /** Rows of the hypercalls that were under way all along. */
  readonly underWay: ReadonlySet<number>;
  /** Steps by row. */
  readonly steps: ReadonlyMap<number, number>;
}

interface Round extends Span {
  /** The state at its end. */
  readonly state: Snapshot;
}

/** Watches a block that is run again and again, and says what it comes to. */
export interface LoopWatch {
  /** Told of each statement in the block once it has been carried out. */
  look(outcome: Outcome): void;
  /** Told at the end of each round. */
  roundEnds(): void;
  /** Whether the state at the end of the last round has been there at the end of an earlier one. */
  readonly hasClosed: boolean;
  outcome(): Outcome & { readonly status: LoopStatus };
}

export function watchLoop(xen: Xen): LoopWatch {
  return new Watch(xen);
}

class Watch implements LoopWatch {
  private readonly xen: Xen;
  private readonly rounds: Round[] = [];
  /** The round after whose end the loop begins, or -1 while it has not closed. */
  private before = -1;
  private underWay: Set<number>;
  private steps = new Map<number, number>();

  constructor(xen: Xen) {
    this.xen = xen;
    this.underWay = this.busy();
  }

  private busy(): Set<number> {
    const { domains, calls } = this.xen.spec.limits;
    const rows = Array.from({ length: domains * calls }, (_, row) => row);
    return new Set(rows.filter((row) => !isIdle(this.xen, row)));
  }

  get hasClosed(): boolean {
    return this.before >= 0;
  }

  look({ call, steps = 0 }: Outcome): void {
    for (const row of this.underWay) if (isIdle(this.xen, row)) this.underWay.delete(row);
    if (call !== undefined) this.steps.set(call, (this.steps.get(call) ?? 0) + steps);
  }

  roundEnds(): void {
    this.before = this.rounds.findLastIndex(({ state }) => equalsSnapshot(this.xen, state));
    this.rounds.push({ state: takeSnapshot(this.xen), underWay: this.underWay, steps: this.steps });
    this.underWay = this.busy();
    this.steps = new Map();
  }

  outcome(): Outcome & { readonly status: LoopStatus } {
    if (!this.hasClosed) {
      const because = `the state is another one after each of ${this.rounds.length} rounds`;
      return { status: 'does not recur', because };
    }
    const closed = this.rounds.slice(this.before + 1);
    const loop = spanOf(closed);
    const loopRounds = closed.length;
    const [never] = [...loop.underWay].filter((row) => loop.steps.get(row));
    if (never !== undefined) {
      const steps = loop.steps.get(never)!;
      const because = `${describeCall(this.xen, never)} makes ${steps === 1 ? 'a step' : `${steps} steps`} a round and never ends`;
      return { status: 'livelock', because, loopRounds };
    }
    const [idle] = loop.underWay;
    if (idle === undefined)
      return { status: 'recurs', because: 'no hypercall is under way all along', loopRounds };
    const because = `${describeCall(this.xen, idle)} is under way and makes no step`;
    return { status: 'recurs', because, loopRounds };
  }
}

/** What was under way in all of these rounds, and the steps that were made in them together. */
function spanOf(rounds: readonly Span[]): Span {
  const [first] = rounds as [Span, ...Span[]];
  const underWay = [...first.underWay].filter((row) => rounds.every((round) => round.underWay.has(row)));
  const steps = new Map<number, number>();
  for (const round of rounds) for (const [row, n] of round.steps) steps.set(row, (steps.get(row) ?? 0) + n);
  return { underWay: new Set(underWay), steps };
}
