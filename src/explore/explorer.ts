import { correspondingStep } from '../program/timeline/alignment.js';
import { Verdicts } from '../program/timeline/verdicts.js';
import { Timeline } from '../program/timeline.js';
import { type Diagnostic, InputError } from '../text/diagnostic.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { Comparison, type ComparisonMarks } from './comparison.js';
import { Here } from './here.js';
import { internalProblem } from './internal-problem.js';
import { type Loop, Rounds } from './rounds.js';
import { type ExploreSource, readSource } from './source.js';
import { Survey, type SurveyMarks } from './survey.js';
import { VIEWS, type ViewAnswer, type ViewArgs, type ViewName } from './views.js';

/** What is known of a run as a whole once it is open. */
export interface Opened {
  readonly name: string;
  /** The program as it was given. */
  readonly text: string;
  readonly edition: string;
  /** Number of the last step; 0 is the boot. */
  readonly length: number;
  /** Why the run ended before the program did. */
  readonly stopped: Diagnostic | undefined;
  /** Steps at which the hypervisor logged something of a device's access. */
  readonly faults: readonly number[];
  /** Where the run goes round for ever. */
  readonly loops: readonly Loop[];
}

/** How far what is done in the background has come. */
export interface Marks {
  /** Steps below this one have been held against the invariants. */
  readonly judged: number;
  /** Steps that broke one. */
  readonly violations: readonly number[];
  /** Steps that did not do what the program expects of them, or something that nobody expects. */
  readonly unexpected: readonly number[];
  /** Steps that an observer can tell from the other edition's, where the run is compared with one. */
  readonly differing: readonly number[];
  readonly comparison?: ComparisonMarks;
  /** On which editions the program goes how, where that has been asked. */
  readonly survey?: SurveyMarks;
}

/** A question to the explorer: a view, and its arguments. */
export type Question = {
  readonly [N in ViewName]: { readonly view: N; readonly args: ViewArgs<N> };
}[ViewName];

/** A recorded run that answers questions about any place in it. Lives where the model does: in a worker, or in a test. */
export class Explorer {
  readonly timeline: Timeline;
  readonly opened: Opened;
  private readonly verdicts: Verdicts;
  private readonly violations: number[] = [];
  private readonly unexpected: number[] = [];
  /** Steps below this one are in `violations` and `unexpected`. */
  private marked = 0;
  private here: Here;
  private comparison: Comparison | undefined;
  private survey: Survey | undefined;

  /** @throws InputError where the source is no program, or its machine does not boot. */
  constructor(source: ExploreSource) {
    const { program, edition } = readSource(source);
    this.timeline = Timeline.record(program, edition);
    this.verdicts = new Verdicts(this.timeline);
    this.here = new Here(this.timeline, this.verdicts, 0);
    const { timeline } = this;
    this.opened = {
      name: source.name,
      text: source.text,
      edition: edition.name,
      length: timeline.length,
      stopped: timeline.stopped?.diagnostic,
      faults: timeline.faultSteps,
      loops: Rounds.of(timeline).loops,
    };
  }

  /** Answers a question about the place after `step`. @throws RangeError where there is no such step. */
  answer<N extends ViewName>(step: number, view: N, args: ViewArgs<N>): ViewAnswer<N> {
    if (this.here.step !== step) this.here = this.placeAt(step);
    const look = VIEWS[view] as (here: Here, args: ViewArgs<N>) => ViewAnswer<N>;
    return look(this.here, args);
  }

  private placeAt(step: number): Here {
    return new Here(this.timeline, this.verdicts, step, undefined, this.comparison);
  }

  /**
   * Lays the run beside the program's on another edition from now on, in the background; beside none where none is said.
   * @throws InputError where there is no such edition, or the program's machine does not boot on it.
   */
  compareWith(edition: string | undefined): void {
    const { timeline } = this;
    this.comparison = undefined;
    this.here = this.placeAt(this.here.step);
    if (edition === undefined) return;
    this.comparison = new Comparison(timeline, resolveEdition(edition));
    this.here = this.placeAt(this.here.step);
  }

  /** Asks in the background how the program goes on every edition. */
  askAllEditions(): void {
    this.survey = new Survey(this.timeline);
  }

  /** The step of this run that stands beside a step of another: of the same program elsewhere, or before an edit. */
  besideStep(other: Explorer, step: number): number {
    return correspondingStep(other.timeline, this.timeline, Math.min(step, other.timeline.length));
  }

  /** Goes on for about so long with what is done in the background, and says whether that was all. */
  workFor(milliseconds: number): boolean {
    const others = [this.comparison, this.survey].filter((work) => work !== undefined);
    const share = milliseconds / (others.length + 1);
    const done = others.map((work) => work.workFor(share));
    return this.judgeFor(share) && !done.includes(false);
  }

  private judgeFor(milliseconds: number): boolean {
    const done = this.verdicts.judgeFor(milliseconds);
    for (; this.marked < this.verdicts.judged; this.marked++) {
      if (this.verdicts.newAt(this.marked).length > 0) this.violations.push(this.marked);
      if (this.marked > 0 && this.verdicts.unexpectedAt(this.marked).length > 0)
        this.unexpected.push(this.marked);
    }
    return done;
  }

  get marks(): Marks {
    const { comparison, survey } = this;
    return {
      judged: this.verdicts.judged,
      violations: this.violations,
      unexpected: this.unexpected,
      differing: comparison?.differing ?? [],
      ...(comparison !== undefined && { comparison: comparison.marks }),
      ...(survey !== undefined && { survey: survey.marks }),
    };
  }
}

/** What an error says, as data: a place in the program where there is one. */
export function problemOf(error: unknown): Diagnostic {
  if (error instanceof InputError) return error.diagnostic;
  return internalProblem(error instanceof Error ? error.message : String(error));
}
