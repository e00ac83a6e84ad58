import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Marks, Opened, Question } from '../../src/explore/explorer.js';
import { internalProblem } from '../../src/explore/internal-problem.js';
import type { ExploreSource } from '../../src/explore/source.js';
import type { Value } from '../../src/explore/value.js';
import type { ViewAnswer, ViewArgs, ViewName } from '../../src/explore/views.js';
import type { Diagnostic } from '../../src/text/diagnostic.js';
import type { BegunModel } from './head-start.js';
import { kept } from './kept.js';
import { Model, Problem } from './model.js';
import type { Tab } from './panel.js';
import { Questions } from './questions.js';

/** A question that a part of the page asks at every step, and the last answer to it. */
interface Live {
  question: Question;
  readonly answer: Signal<unknown>;
}

const NOTHING_JUDGED: Marks = { judged: 0, violations: [], unexpected: [], differing: [] };

/**
 * What the page is about: a program, a place in its run, and what is shown of it. All parts that are on the screen ask
 * their questions together, once a step, and are drawn once when the answers have come: so that they never show two steps
 * at once, and nothing waits for a place that has been left already.
 */
export class Session {
  readonly model: Model;
  /** The run that is open; undefined until there is one. */
  readonly opened = signal<Opened | undefined>(undefined);
  /** Why the last program could not be opened. */
  readonly problem = signal<Diagnostic | undefined>(undefined);
  /** The step that was asked for, and the one that the page shows. */
  readonly step = signal(0);
  readonly shown = signal(0);
  readonly marks = signal<Marks>(NOTHING_JUDGED);
  /** The tab that is open. */
  readonly tab = signal<Tab>('Machine');
  /** The frame (mfn) that the reader has picked: every part of the page that shows it marks it. */
  readonly picked = signal<number | undefined>(undefined);
  /** What the reader wants explained: who wrote this, why was that refused? */
  readonly questions = new Questions();
  source: ExploreSource | undefined;
  /** Whether the program can be changed: not in a file that tells of one run. */
  editable = true;
  private readonly live = new Set<Live>();
  private asking = false;
  private stale = false;

  constructor(begun: BegunModel) {
    this.model = new Model(begun, {
      onMarks: (marks) => this.takeMarks(marks),
      onCrash: (message) => this.fail(message),
    });
  }

  /** Opens a program, at a step of it. What was open stays where the new one has a mistake. */
  async open(source: ExploreSource, step = 0): Promise<void> {
    await this.take(source, async () => ({ opened: await this.model.open(source), step }));
  }

  /**
   * Opens what is open in another way, on another Xen or with another text, at the step that stands beside the one that is
   * shown. Says whether there was no mistake in it.
   */
  async reopen(source: ExploreSource): Promise<boolean> {
    return this.take(source, () => this.model.openBeside(source, this.step.value));
  }

  private async take(
    source: ExploreSource,
    model: () => Promise<{ readonly opened: Opened; readonly step: number }>,
  ): Promise<boolean> {
    try {
      const { opened, step } = await model();
      this.source = source;
      batch(() => {
        this.opened.value = opened;
        this.problem.value = undefined;
        this.marks.value = NOTHING_JUDGED;
        this.questions.forget();
        this.step.value = Math.min(Math.max(0, step), opened.length);
      });
      return true;
    } catch (error) {
      this.source ??= source;
      this.fail(error);
      return false;
    } finally {
      this.refresh();
    }
  }

  /** Takes what cannot be opened, and why. */
  refuse(source: ExploreSource, problem: Diagnostic): void {
    this.source = source;
    this.problem.value = problem;
  }

  /** Takes an error that nobody foresaw: of the page itself, or of the model's worker. */
  fail(error: unknown): void {
    if (error instanceof Problem) this.problem.value = error.diagnostic;
    else this.problem.value = internalProblem(error instanceof Error ? error.message : String(error));
  }

  /** Goes to a step; to the nearest that there is. */
  goTo(step: number): void {
    const length = this.opened.value?.length ?? 0;
    const next = Math.min(Math.max(0, Math.round(step)), length);
    if (next === this.step.value) return;
    this.step.value = next;
    this.refresh();
  }

  /** Asks who wrote a value; `what` says of what it is one. */
  askWhy(value: Value, what: string): void {
    this.questions.ask({ value, what });
  }

  /** Asks why a step was answered as it was. */
  askErrno(step: number): void {
    this.questions.ask({ errno: step });
  }

  /** Asks a question at every step from now on. */
  follow(live: Live): () => void {
    this.live.add(live);
    this.refresh();
    return () => void this.live.delete(live);
  }

  /** Asks all questions once more: a step, a question or what is known of the step has changed. */
  refresh(): void {
    this.stale = true;
    // What is asked for in one go is asked once.
    if (!this.asking) queueMicrotask(() => this.ask());
  }

  private async ask(): Promise<void> {
    if (this.asking || this.opened.value === undefined) return;
    this.asking = true;
    try {
      while (this.stale) await this.askOnce();
    } catch (error) {
      this.fail(error);
    } finally {
      this.asking = false;
    }
  }

  private async askOnce(): Promise<void> {
    this.stale = false;
    const step = this.step.value;
    const asked = [...this.live].map((live) => ({ live, question: live.question }));
    const questions = asked.map(({ question }) => question);
    const answers = await this.ofRun(this.model.ask(step, questions));
    if (answers === undefined) return;
    batch(() => {
      for (const [index, { live }] of asked.entries())
        live.answer.value = kept(live.answer.peek(), answers[index]);
      this.shown.value = step;
    });
  }

  /** The answer to one question, about the run that is open; undefined where another is opened before it comes. */
  view<N extends ViewName>(step: number, view: N, args: ViewArgs<N>): Promise<ViewAnswer<N> | undefined> {
    return this.ofRun(this.model.view(step, view, args));
  }

  /**
   * What the model says of the run that is open; undefined where another was opened meanwhile. The model answers in order:
   * what is asked while it opens a program is answered about the new one, which may have no such step.
   */
  private async ofRun<T>(answer: Promise<T>): Promise<T | undefined> {
    const run = this.opened.peek();
    try {
      const found = await answer;
      return this.opened.peek() === run ? found : undefined;
    } catch (error) {
      if (this.opened.peek() !== run) return undefined;
      throw error;
    }
  }

  private takeMarks(marks: Marks): void {
    const before = this.marks.value;
    this.marks.value = marks;
    if (isNews(before, marks, this.step.value)) this.refresh();
  }
}

/** Whether more is known of a step than before: it has been judged meanwhile, or held against the other edition's. */
function isNews(before: Marks, now: Marks, step: number): boolean {
  const passed = (was = 0, is = 0) => was <= step && is > step;
  const [other, otherNow] = [before.comparison, now.comparison];
  return (
    passed(before.judged, now.judged) ||
    other?.phase !== otherNow?.phase ||
    passed(other?.progress, otherNow?.progress)
  );
}

/** The answer to a question at the step that the page shows; undefined until the first has come. */
export function useView<N extends ViewName>(
  session: Session,
  view: N,
  args: ViewArgs<N>,
): ReadonlySignal<ViewAnswer<N> | undefined> {
  const key = JSON.stringify(args);
  const live = useMemo<Live>(
    () => ({ question: { view, args } as Question, answer: signal<unknown>(undefined) }),
    [view],
  );
  useEffect(() => session.follow(live), [session, live]);
  useEffect(() => {
    live.question = { view, args } as Question;
    session.refresh();
  }, [key]);
  return live.answer as ReadonlySignal<ViewAnswer<N> | undefined>;
}
