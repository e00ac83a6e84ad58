import type { Marks, Opened, Question } from '../../src/explore/explorer.js';
import { internalProblem } from '../../src/explore/internal-problem.js';
import type { ExploreSource } from '../../src/explore/source.js';
import type { ViewAnswer, ViewArgs, ViewName } from '../../src/explore/views.js';
import type { Diagnostic } from '../../src/text/diagnostic.js';
import { type BegunModel, FIRST_REQUEST } from './head-start.js';
import type { News, Reply, Request } from './messages.js';
import { listenTo } from './start-worker.js';

/** Something that the model refused: a program with a mistake, a step that there is none of. */
export class Problem extends Error {
  constructor(readonly diagnostic: Diagnostic) {
    super(diagnostic.message);
  }
}

type Unnumbered<R> = R extends unknown ? Omit<R, 'id'> : never;

/** Who is told what the model says unasked. */
export interface ModelListener {
  readonly onMarks: (marks: Marks) => void;
  /** The worker threw outside of any question, or did not start. */
  readonly onCrash: (message: string) => void;
}

/** The worker as something to call. */
export class Model {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (reply: Reply) => void>();
  private nextId = FIRST_REQUEST + 1;
  private heard = false;
  /** Why the worker never started: nobody would answer. */
  private dead: Diagnostic | undefined;

  /** The program that was begun to be opened before there was anybody to ask for it. */
  private begun: { readonly source: ExploreSource; readonly reply: Promise<Reply> } | undefined;

  constructor({ worker, opening, said }: BegunModel, { onMarks, onCrash }: ModelListener) {
    if (opening !== undefined) this.begun = { source: opening, reply: this.replyTo(FIRST_REQUEST) };
    this.worker = listenTo<Reply | News>(worker, {
      onMessage: (message) => {
        this.heard = true;
        if ('marks' in message) onMarks(message.marks);
        else this.settle(message);
      },
      onFailure: (message) => {
        const problem = internalProblem(message);
        if (!this.heard) this.dead = problem;
        onCrash(message);
        // Who waits for an answer would wait for ever.
        for (const id of [...this.waiting.keys()]) this.settle({ id, problem });
      },
    });
    // What it said before there was anybody to hear it.
    for (const event of said) worker.dispatchEvent(event);
  }

  private settle(reply: Reply): void {
    const settle = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    settle?.(reply);
  }

  /** @throws Problem where the program has a mistake. */
  async open(source: ExploreSource): Promise<Opened> {
    return (await this.openBeside(source)).opened;
  }

  /**
   * The same, and the step of it that stands beside step `from` of the run that was open: as far as nothing differs, it is
   * the one that does the same.
   */
  async openBeside(source: ExploreSource, from?: number): Promise<{ opened: Opened; step: number }> {
    const { begun } = this;
    this.begun = undefined;
    const isBegun = from === undefined && source === begun?.source;
    const request = from === undefined ? { open: source } : { open: source, from };
    return (await (isBegun ? begun!.reply : this.request(request))) as { opened: Opened; step: number };
  }

  /** @throws Problem where a text is no program; nothing is run. */
  async check(source: ExploreSource): Promise<void> {
    await this.request({ check: source });
  }

  /** Lays the run beside that of another edition, or of none: news tell how far it has come. @throws Problem where it does not boot. */
  async compareWith(edition: string | undefined): Promise<void> {
    await this.request({ compareWith: edition });
  }

  /** Asks how the program goes on every edition: news tell. */
  async askAllEditions(): Promise<void> {
    await this.request({ askAllEditions: true });
  }

  /** Answers to all questions about the place after `step`, in their order. */
  async ask(step: number, questions: readonly Question[]): Promise<readonly unknown[]> {
    return ((await this.request({ step, questions })) as { answers: readonly unknown[] }).answers;
  }

  /** The answer to one. */
  async view<N extends ViewName>(step: number, view: N, args: ViewArgs<N>): Promise<ViewAnswer<N>> {
    const [answer] = await this.ask(step, [{ view, args } as Question]);
    return answer as ViewAnswer<N>;
  }

  private request(request: Unnumbered<Request>): Promise<Reply> {
    if (this.dead !== undefined) return Promise.reject(new Problem(this.dead));
    const id = this.nextId++;
    const reply = this.replyTo(id);
    this.worker.postMessage({ ...request, id });
    return reply;
  }

  private replyTo(id: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (reply) => {
        if ('problem' in reply) reject(new Problem(reply.problem));
        else resolve(reply);
      });
    });
  }
}
