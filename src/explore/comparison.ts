import { GrowingList } from '../check/growing.js';
import { type AlignedStep, alignment, DIFFERENCES, type Difference } from '../program/timeline/alignment.js';
import { Timeline } from '../program/timeline.js';
import type { Edition } from '../xen/editions/edition.js';

/** How far two runs have been laid beside each other, and where they differ. */
export interface ComparisonMarks {
  /** The edition of the other run. */
  readonly edition: string;
  /** The other run is being recorded; it is being compared; all has been. */
  readonly phase: 'running' | 'comparing' | 'done';
  /** Steps of the other run that are recorded; steps of this one that have been compared. */
  readonly progress: number;
  /** The first step of this run at which an observer can tell them apart, as far as has been compared. */
  readonly first: number | undefined;
  /** Steps at which only what the hypervisor keeps for itself differs, and the first of them. */
  readonly recordsOnly: { readonly count: number; readonly first: number | undefined };
  /** Steps of the other run that have none here beside them. */
  readonly onlyThere: number;
}

/** A step of this run beside the other's. */
export interface Beside {
  /** The step of the other run; -1 where this one stands alone. */
  readonly theirs: number;
  readonly differs: readonly Difference[];
  /** Steps of the other run that stand alone behind this one: from the first to before `to`. */
  readonly onlyThere: { readonly from: number; readonly to: number };
}

/** What an observer cannot see: in what the hypervisor's own words differ. */
const RECORDS: Difference = 'words';
const bitOf = (kind: Difference): number => 1 << DIFFERENCES.indexOf(kind);
/** This step stands alone, and steps of the other stand alone behind it. */
const ALONE = 1 << DIFFERENCES.length;
const FOLLOWED = ALONE << 1;
const VISIBLE = (FOLLOWED << 1) - 1 - bitOf(RECORDS);

/**
 * The same program's run under another edition, recorded and laid beside this one bit by bit, so that whoever waits for
 * answers about this one is not held up.
 */
export class Comparison {
  readonly edition: Edition;
  /** Steps of this run at which an observer can tell the runs apart, in order, as far as has been compared. */
  readonly differing: number[] = [];
  private readonly mine: Timeline;
  private readonly recording: Generator<number, Timeline>;
  private recorded = 0;
  private other: Timeline | undefined;
  private pairs: Generator<AlignedStep> | undefined;
  private isDone = false;
  /** By step of this run: the other's step, and in what they differ. */
  private readonly theirs = new GrowingList();
  private readonly bits = new GrowingList();
  /** By step of this run: the other's that stand alone behind it. */
  private readonly aloneBehind = new Map<number, { readonly from: number; to: number }>();
  private onlyThere = 0;
  private records = 0;
  private firstRecords: number | undefined;

  /** @throws InputError where the other edition's machine does not boot, or a config's domain would not start on it. */
  constructor(mine: Timeline, edition: Edition) {
    this.mine = mine;
    this.edition = edition;
    this.recording = Timeline.recording(mine.program, edition);
    this.recording.next();
    this.theirs.push(0);
    this.bits.push(0);
  }

  /** The other run; undefined until it has been recorded. */
  get run(): Timeline | undefined {
    return this.other;
  }

  /** Goes on for about so long, and says whether that was all. Then this run's machine stands where it stood. */
  workFor(milliseconds: number): boolean {
    const until = performance.now() + milliseconds;
    const back = this.mine.position;
    try {
      if (!this.isDone && this.pairs !== undefined) this.mine.seek(this.compared);
      while (!this.isDone && performance.now() < until) this.goOn();
    } finally {
      if (this.mine.position !== back) this.mine.seek(back);
    }
    return this.isDone;
  }

  private goOn(): void {
    const next = this.pairs?.next();
    if (next === undefined) this.record();
    else if (next.done) this.isDone = true;
    else this.take(next.value);
  }

  private record(): void {
    const next = this.recording.next();
    if (!next.done) {
      this.recorded = next.value;
      return;
    }
    this.other = next.value;
    this.pairs = alignment(this.mine, this.other);
  }

  private take({ mine, theirs, differs }: AlignedStep): void {
    if (mine < 0) {
      this.onlyThere++;
      const behind = this.aloneBehind.get(this.compared);
      if (behind === undefined) this.aloneBehind.set(this.compared, { from: theirs, to: theirs + 1 });
      else behind.to = theirs + 1;
      this.mark(this.compared, FOLLOWED);
      return;
    }
    this.theirs.push(theirs);
    this.bits.push(0);
    this.mark(mine, theirs < 0 ? ALONE : differs.reduce((bits, kind) => bits | bitOf(kind), 0));
  }

  private mark(step: number, bits: number): void {
    const before = this.bits.get(step);
    this.bits.set(step, before | bits);
    if ((bits & VISIBLE) !== 0) {
      if ((before & VISIBLE) === 0) this.differing.push(step);
    } else if (bits !== 0) {
      this.records++;
      this.firstRecords ??= step;
    }
  }

  /** The last step of this run that has been compared. */
  private get compared(): number {
    return this.theirs.length - 1;
  }

  get marks(): ComparisonMarks {
    return {
      edition: this.edition.name,
      phase: this.isDone ? 'done' : this.pairs === undefined ? 'running' : 'comparing',
      progress: this.pairs === undefined ? this.recorded : this.compared,
      first: this.differing[0],
      recordsOnly: { count: this.records, first: this.firstRecords },
      onlyThere: this.onlyThere,
    };
  }

  /** What stands beside a step; undefined where that has not been looked at. */
  beside(step: number): Beside | undefined {
    if (step > this.compared) return undefined;
    const bits = this.bits.get(step);
    return {
      theirs: this.theirs.get(step),
      differs: DIFFERENCES.filter((kind) => (bits & bitOf(kind)) !== 0),
      onlyThere: this.aloneBehind.get(step) ?? { from: 0, to: 0 },
    };
  }

  /**
   * Steps around `step` at which something begins to differ, or what was answered or logged does: what devices reach stays
   * different from there on, which is no news.
   */
  neighbours(step: number): { readonly previous: number | undefined; readonly next: number | undefined } {
    const { differing } = this;
    const previous = differing.findLast((one) => one < step && this.isNews(one));
    const next = differing.find((one) => one > step && this.isNews(one));
    return { previous, next };
  }

  private isNews(step: number): boolean {
    const bits = this.bits.get(step) & VISIBLE;
    if ((bits & ~bitOf('reach')) !== 0) return true;
    return (this.bits.get(step - 1) & bitOf('reach')) === 0;
  }
}
