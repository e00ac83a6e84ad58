import { countUpTo } from '../../store/ascending.js';
import { changeLines } from '../../store/changes.js';
import { type Breach, type Invariant, Judge } from '../../xen/invariants.js';
import { LOOP_END } from '../execution.js';
import { type Checked, invariantsFor, isNews } from '../runner.js';
import type { Timeline } from '../timeline.js';
import { unmet, type ViolationText } from '../unmet.js';
import { StateIdentity } from './identity.js';

/** An invariant that does not hold of a state, or of the step to it, by its number among those judged. */
interface Broken {
  readonly index: number;
  readonly breach: Breach;
}

/** What became of one invariant: after `steps[i]` it was broken by `breaches[i]`, undefined where it held. */
interface Course {
  readonly steps: number[];
  readonly breaches: (Breach | undefined)[];
}

const NONE: readonly Broken[] = [];

/**
 * Which invariants hold after each step of a timeline. Judging is dearer than running, so it is done apart from it, in the
 * order of the steps and as far as is asked for; a page does it bit by bit ({@link judgeFor}). A step from a state to
 * another that there was before is not judged again, so that a loop costs a round.
 */
export class Verdicts {
  readonly invariants: readonly Invariant[];
  private readonly timeline: Timeline;
  private readonly judge: Judge;
  private readonly courses: readonly Course[];
  private readonly violations = new Map<number, ViolationText[]>();
  /** What was found of a step, by the states that it led from and to. */
  private readonly known = new Map<string, readonly Broken[]>();
  private next = 0;
  private broken: readonly Broken[] = NONE;
  /** Of the state after the last step judged. */
  private readonly identity = new StateIdentity();

  constructor(timeline: Timeline, check: Checked = 'searched') {
    this.timeline = timeline;
    this.invariants = invariantsFor(timeline.program, check);
    this.judge = new Judge(timeline.xen, timeline.xen.spec.limits.gfns);
    this.courses = this.invariants.map(() => ({ steps: [], breaches: [] }));
  }

  /** Steps below this one have been judged, the boot among them. */
  get judged(): number {
    return this.next;
  }

  get done(): boolean {
    return this.next > this.timeline.length;
  }

  /** Judges steps for about so long, and says whether that was all. Then the machine stands where it stood. */
  judgeFor(milliseconds: number): boolean {
    const until = performance.now() + milliseconds;
    return this.judgeWhile(() => performance.now() < until);
  }

  /** Judges all steps up to `step`. */
  judgeTo(step: number): void {
    this.judgeWhile(() => this.next <= step);
  }

  private judgeWhile(goOn: () => boolean): boolean {
    const back = this.timeline.position;
    while (!this.done && goOn()) this.judgeNext();
    if (this.timeline.position !== back) this.timeline.seek(back);
    return this.done;
  }

  private judgeNext(): void {
    const step = this.next++;
    const from = this.identity.key;
    this.timeline.forEachWrite(step, (word, before, after) => this.identity.move(word, before, after));
    const key = `${from} ${this.identity.key}`;
    const known = step === 0 ? undefined : this.known.get(key);
    const found = known ?? this.look(step);
    if (step > 0) this.known.set(key, found);
    if (found.length > 0 || this.broken.length > 0) this.note(step, found);
    this.broken = found;
  }

  private look(step: number): readonly Broken[] {
    const { timeline, judge, invariants } = this;
    if (step > 0) {
      timeline.seek(step - 1);
      for (const invariant of invariants) judge.remember(invariant);
    }
    timeline.seek(step);
    const found: Broken[] = [];
    for (const [index, invariant] of invariants.entries()) {
      // No step leads to the state after boot.
      if (step === 0 && invariant.remember !== undefined) continue;
      const breach = judge.violation(invariant);
      if (breach !== undefined) found.push({ index, breach });
    }
    return found.length === 0 ? NONE : found;
  }

  /** Notes what is not as it was after the step before. */
  private note(step: number, found: readonly Broken[]): void {
    for (const { index } of this.broken) {
      if (!found.some((one) => one.index === index)) this.turn(index, step, undefined);
    }
    for (const { index, breach } of found) {
      const before = this.broken.find((one) => one.index === index)?.breach;
      if (before?.message !== breach.message) this.turn(index, step, breach);
      const invariant = this.invariants[index]!;
      if (!isNews(invariant, before?.harm, breach)) continue;
      const list = this.violations.get(step) ?? [];
      this.violations.set(step, list);
      list.push({ invariant: invariant.id, title: invariant.title, ...breach });
    }
  }

  private turn(index: number, step: number, breach: Breach | undefined): void {
    const { steps, breaches } = this.courses[index]!;
    steps.push(step);
    breaches.push(breach);
  }

  /** Invariants that a step broke, or broke worse, as a run tells them. Judges as far as that. */
  newAt(step: number): readonly ViolationText[] {
    this.judgeTo(step);
    return this.violations.get(step) ?? [];
  }

  /** Steps judged so far at which an invariant was broken, in order. */
  get brokenAt(): readonly number[] {
    return [...this.violations.keys()];
  }

  /** What is wrong after a step, by the id of the invariant. Judges as far as that. */
  after(step: number): ReadonlyMap<string, Breach> {
    this.judgeTo(step);
    const wrong = new Map<string, Breach>();
    for (const [index, { steps, breaches }] of this.courses.entries()) {
      const last = countUpTo(steps, step) - 1;
      const breach = last < 0 ? undefined : breaches[last];
      if (breach !== undefined) wrong.set(this.invariants[index]!.id, breach);
    }
    return wrong;
  }

  /** The steps judged so far that broke an invariant, which had held before, or broke it worse, by its id; in order. */
  breaksOf(id: string): readonly number[] {
    const index = this.invariants.findIndex((one) => one.id === id);
    const { steps, breaches } = this.courses[index]!;
    return steps.filter((_, i) => isNews({}, breaches[i - 1]?.harm, breaches[i]));
  }

  /** What a step was expected to do and did not, and what nobody expected of it. Judges as far as that. */
  unexpectedAt(step: number): string[] {
    const { statement, faults = [], ...outcome } = this.timeline.step(step);
    const violations = this.newAt(step);
    const wanted = statement.expect.filter(({ kind }) => kind !== 'violation' || this.invariants.length > 0);
    const asked = statement.op !== LOOP_END && wanted.some(({ kind }) => kind === 'change');
    const changes = asked ? changeLines(this.timeline.changesOf(step)) : [];
    return [
      ...unmet(
        wanted,
        outcome,
        faults.map((text) => ({ text })),
        changes,
        violations,
      ),
    ];
  }
}
