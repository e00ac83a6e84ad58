import { GrowingList } from '../check/growing.js';
import { LOOP_END } from '../program/execution.js';
import { isRepeat, type Place, type Repeat, type Step, statementsOf } from '../program/program.js';
import type { Timeline } from '../program/timeline.js';

/** A `repeat` block, and where in it a step stands. */
export interface InBlock {
  /** Line of the `repeat`. */
  readonly line: number;
  readonly times: number | 'forever';
  /** The round that the step belongs to, from 1. */
  readonly round: number;
  /** Whether the step begins the round, and whether it ends it. */
  readonly first: boolean;
  readonly last: boolean;
  /** Whether the round is one of those that go round for ever. */
  readonly loops: boolean;
}

/** Steps that go round for ever: after the last of them the machine stands as it stood before the first. */
export interface Loop {
  readonly from: number;
  readonly to: number;
  /** The step that says what the block has come to, behind `to`. */
  readonly end: number;
  /** `livelock` or `recurs`. */
  readonly status: string;
}

/**
 * Which rounds of which blocks the steps of a run belong to. The run is gone through once, as it was carried out; a round
 * is a row of a few numbers, and a step knows the innermost that it is in.
 */
export class Rounds {
  readonly loops: readonly Loop[];
  private readonly byEnd: ReadonlyMap<number, Loop>;
  private readonly timeline: Timeline;
  private readonly blocks: Repeat[] = [];
  /** By round: its block, its number in there, its steps, and the round around it, or -1. */
  private readonly blockOf = new GrowingList();
  private readonly numberOf = new GrowingList();
  private readonly from = new GrowingList();
  private readonly to = new GrowingList();
  private readonly outer = new GrowingList();
  /** By round: 1 for those that go round for ever. */
  private readonly looping = new GrowingList();
  /** By step: the innermost round, or -1. */
  private readonly roundOf: Int32Array;
  private next = 1;

  private constructor(timeline: Timeline) {
    this.timeline = timeline;
    this.roundOf = new Int32Array(timeline.length + 1).fill(-1);
    const { steps } = timeline.program;
    const written = new Set(statementsOf(steps));
    // What starts the domains of configs comes before all that is written.
    while (!this.ended && !written.has(timeline.statement(this.next)) && !this.atLoopEnd()) this.next++;
    const loops: Loop[] = [];
    this.go(steps, -1, loops);
    this.loops = loops;
    this.byEnd = new Map(loops.map((loop) => [loop.end, loop]));
  }

  private static readonly known = new WeakMap<Timeline, Rounds>();

  static of(timeline: Timeline): Rounds {
    const known = Rounds.known.get(timeline) ?? new Rounds(timeline);
    Rounds.known.set(timeline, known);
    return known;
  }

  /** The loop whose coming to it a step says. */
  loopEndingAt(step: number): Loop | undefined {
    return this.byEnd.get(step);
  }

  /** The blocks that a step is in, the outermost first. */
  blocksAt(step: number): readonly InBlock[] {
    const found: InBlock[] = [];
    for (let round = this.roundOf[step] ?? -1; round >= 0; round = this.outer.get(round)) {
      const { line, repeat } = this.blocks[this.blockOf.get(round)]!;
      found.unshift({
        line,
        times: repeat,
        round: this.numberOf.get(round),
        first: this.from.get(round) === step,
        last: this.to.get(round) === step,
        loops: this.looping.get(round) === 1,
      });
    }
    return found;
  }

  private get ended(): boolean {
    return this.next > this.timeline.length;
  }

  private atLoopEnd(place?: Place): boolean {
    if (this.ended) return false;
    const { op, line, column } = this.timeline.statement(this.next);
    return op === LOOP_END && (place === undefined || (line === place.line && column === place.column));
  }

  private go(steps: readonly Step[], outer: number, loops: Loop[]): void {
    for (const step of steps) {
      if (this.ended) return;
      if (isRepeat(step)) this.goBlock(step, outer, loops);
      else this.roundOf[this.next++] = outer;
    }
  }

  private goBlock(block: Repeat, outer: number, loops: Loop[]): void {
    const { repeat, body } = block;
    const index = this.blocks.push(block) - 1;
    const rounds: number[] = [];
    for (let n = 1; !this.ended && (repeat === 'forever' || n <= repeat); n++) {
      if (repeat === 'forever' && this.atLoopEnd(block)) {
        this.endLoop(rounds, outer, loops);
        return;
      }
      const round = this.begin(index, n, outer);
      if (repeat === 'forever') rounds.push(round);
      this.go(body, round, loops);
      this.to.set(round, this.next - 1);
    }
  }

  private begin(block: number, number: number, outer: number): number {
    const round = this.blockOf.length;
    this.blockOf.push(block);
    this.numberOf.push(number);
    this.from.push(this.next);
    this.to.push(this.next);
    this.outer.push(outer);
    this.looping.push(0);
    return round;
  }

  /** The step that says what a `repeat forever` has come to. */
  private endLoop(rounds: readonly number[], outer: number, loops: Loop[]): void {
    const end = this.next++;
    this.roundOf[end] = outer;
    const { status, loopRounds } = this.timeline.step(end);
    if (loopRounds === undefined) return;
    const closed = rounds.slice(-loopRounds);
    for (const round of closed) this.looping.set(round, 1);
    const from = this.from.get(closed[0]!);
    // A block without a statement in it comes to nothing that could be shown.
    if (from < end) loops.push({ from, to: end - 1, end, status });
  }
}
