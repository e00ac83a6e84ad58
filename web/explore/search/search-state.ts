import { batch, signal } from '@preact/signals';
import type { SearchOrder } from '../../../src/explore/search/order.js';
import type { FoundProgram, SearchOutcome } from '../../../src/explore/search/outcome.js';
import type { SearchProgress } from '../../../src/explore/search/search.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import type { Diagnostic } from '../../../src/text/diagnostic.js';
import type { Tab } from '../panel.js';
import { modelScript } from '../parts.js';
import type { Session } from '../session.js';
import { startWorker } from '../start-worker.js';
import type { SearchNews, SearchRequest } from './messages.js';
import type { Fields } from './settings-form.js';

/** Where the reader was before a counterexample was opened. */
interface Before {
  readonly source: ExploreSource;
  readonly step: number;
  readonly tab: Tab;
}

/** Moments of a search that are kept for its picture: when there are more, every other one goes. */
const MOST_MOMENTS = 400;

/**
 * The search of a page, which goes on whatever is looked at meanwhile: it has a worker of its own, which is ended with it,
 * so that its memory is given back.
 */
export class SearchState {
  /** What has been written into the form. */
  readonly fields = signal<Fields>({});
  /** Whether to begin at the step that is shown, and which bug's bounds hold. */
  readonly fromStep = signal(false);
  readonly bug = signal<string | undefined>(undefined);
  /** What is being searched, or was at last. */
  readonly order = signal<SearchOrder | undefined>(undefined);
  readonly isRunning = signal(false);
  readonly isStopping = signal(false);
  readonly progress = signal<SearchProgress | undefined>(undefined);
  /** How it was getting on, from the first moment on. */
  readonly moments = signal<readonly SearchProgress[]>([]);
  readonly outcome = signal<SearchOutcome | undefined>(undefined);
  readonly problem = signal<Diagnostic | undefined>(undefined);
  /** The counterexample that is open, and where the reader was before. */
  readonly open = signal<FoundProgram | undefined>(undefined);
  readonly before = signal<Before | undefined>(undefined);
  /** Whether nobody has seen the outcome yet. */
  isNews = false;
  private readonly session: Session;
  private worker: Worker | undefined;
  /** Of so many words about its progress one is kept. */
  private every = 1;
  private heard = 0;

  constructor(session: Session) {
    this.session = session;
  }

  start(order: SearchOrder): void {
    this.end();
    batch(() => {
      this.order.value = order;
      this.isRunning.value = true;
      this.isStopping.value = false;
      this.progress.value = undefined;
      this.moments.value = [];
      this.outcome.value = undefined;
      this.problem.value = undefined;
    });
    this.every = 1;
    this.heard = 0;
    this.worker = startWorker<SearchNews>(modelScript(), {
      onMessage: (news) => this.hear(news),
      onFailure: (message) => this.fail(message),
    });
    this.tell({ search: order });
  }

  /** Ends the search; what it knows by then is told. */
  stop(): void {
    this.isStopping.value = true;
    this.tell({ stopSearch: true });
  }

  private tell(request: SearchRequest): void {
    this.worker?.postMessage(request);
  }

  private hear(news: SearchNews): void {
    if ('progress' in news) {
      this.note(news.progress);
      return;
    }
    batch(() => {
      this.isNews = true;
      if ('outcome' in news) this.outcome.value = news.outcome;
      else this.problem.value = news.problem;
      this.end();
    });
  }

  private fail(message: string): void {
    this.problem.value = { severity: 'error', code: 'search', message, file: '', line: 1, column: 1 };
    this.end();
  }

  private note(progress: SearchProgress): void {
    batch(() => {
      this.progress.value = progress;
      if (this.heard++ % this.every !== 0) return;
      const kept = [...this.moments.value, progress];
      const isFull = kept.length > MOST_MOMENTS;
      if (isFull) this.every *= 2;
      this.moments.value = isFull ? kept.filter((_, index) => index % 2 === 0) : kept;
    });
  }

  private end(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.isRunning.value = false;
  }

  /** Opens a counterexample as a program, at one of its steps. The way back leads to what was open before the first. */
  async show(found: FoundProgram, step = found.step): Promise<void> {
    const { session } = this;
    if (this.isShown(found)) return session.goTo(step);
    const { source, open } = { source: session.source, open: this.open.value };
    const isAway = open !== undefined && this.isShown(open);
    const here = source && { source, step: session.step.value, tab: session.tab.value };
    await session.open({ name: found.name, text: found.program, configs: {} }, step);
    if (session.source?.text !== found.program) return;
    batch(() => {
      this.open.value = found;
      if (!isAway) this.before.value = here;
    });
  }

  /** Whether a counterexample is what is open now. */
  isShown(found: FoundProgram): boolean {
    return this.open.value === found && this.session.opened.value?.text === found.program;
  }

  /** Back to where the reader was before a counterexample was opened. */
  async back(): Promise<void> {
    const before = this.before.value;
    if (before === undefined) return;
    await this.session.open(before.source, before.step);
    batch(() => {
      this.before.value = undefined;
      this.open.value = undefined;
      this.session.tab.value = before.tab;
    });
  }
}

const states = new WeakMap<Session, SearchState>();

/** The search of a page's session. */
export function searchOf(session: Session): SearchState {
  let state = states.get(session);
  if (state === undefined) {
    state = new SearchState(session);
    states.set(session, state);
  }
  return state;
}
