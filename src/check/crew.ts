import { Worker } from 'node:worker_threads';
import { CONTROL, STOP } from './control.js';
import type { Done, Failed, ModelSource, Ready, Resting, ThreadData, Work } from './crew-messages.js';
import type { Stop, Violation } from './result.js';
import type { Need, SharedStates, States } from './states.js';

/** States beyond those that were asked for, by which tables grow: so that threads rest seldom. */
const SPARE = 1 / 8;
const LEAST_SPARE = 1 << 12;

export interface CrewOptions {
  readonly threads: number;
  readonly source: ModelSource;
  readonly symmetries: boolean;
  readonly limit: number;
  readonly first: boolean;
  readonly maxMemory: number;
  /** What the model here began with: {@link rootOf}. */
  readonly root: string;
}

/** What the threads made of a level, or of the rest of one. */
export interface LevelOutcome {
  readonly transitions: number;
  readonly enabled: readonly Uint8Array[];
  readonly violations: readonly Violation[];
  /** Properties that no state was about, for all that the threads know. */
  readonly vacuous: readonly string[];
  readonly stop: Stop | undefined;
}

/**
 * Threads that expand the states of a level together. Each has a model of its own and stands where it likes; the states
 * found and the table of them are shared. This thread only makes room when tables are full, which it does while all rest,
 * so it stays free to watch the clock.
 */
export class Crew {
  /** Whether all threads have built their models, and the promise that they have. */
  isReady = false;
  readonly started: Promise<void>;
  private readonly states: States;
  private readonly options: CrewOptions;
  private readonly workers: readonly Worker[];
  private readonly control: Int32Array<SharedArrayBuffer>;
  private readonly made: Float64Array<SharedArrayBuffer>;
  private ready = 0;
  private resting: { worker: Worker; need: Need | undefined }[] = [];
  private done: Done[] = [];
  private finish: ((outcome: LevelOutcome) => void) | undefined;
  private fail: ((error: Error) => void) | undefined;
  private start: (() => void) | undefined;
  private failure: Error | undefined;
  private closed = false;

  /** Starts the threads, which takes them a while. */
  constructor(states: States, options: CrewOptions) {
    this.states = states;
    this.options = options;
    this.started = new Promise((resolve, reject) => {
      this.start = resolve;
      this.fail = reject;
    });
    // Who does not wait for the threads hears of their failure from `check`.
    this.started.catch(() => {});
    const shared = states.share();
    this.control = shared.tables.control;
    this.made = new Float64Array(new SharedArrayBuffer(options.threads * 8));
    this.workers = Array.from({ length: options.threads }, (_, thread) => this.startThread(thread, shared));
  }

  private startThread(thread: number, shared: SharedStates): Worker {
    const { source, symmetries, limit, first, maxMemory, threads } = this.options;
    const hash = this.states.sharedHash;
    const { made } = this;
    const workerData: ThreadData = {
      ...{ source, hash, symmetries, limit, first, maxMemory, threads },
      ...{ shared, made, thread },
    };
    const worker = startWorker(workerData);
    worker.on('message', (message: Ready | Resting | Done | Failed) => this.hear(worker, message));
    worker.on('error', (error) => this.failed(error));
    worker.on('exit', () => {
      if (!this.closed) this.failed(new Error('a thread of the search ended before its time'));
    });
    return worker;
  }

  private hear(worker: Worker, message: Ready | Resting | Done | Failed): void {
    if (message.kind === 'failed') this.failed(message.error);
    else if (message.kind === 'ready') this.greet(message);
    else if (message.kind === 'done') this.done.push(message);
    else {
      this.resting.push({ worker, need: message.need });
      Atomics.store(this.control, CONTROL.pause, 1);
    }
    if (this.resting.length > 0) {
      if (this.resting.length + this.done.length === this.workers.length) this.makeRoom();
    } else if (this.done.length === this.workers.length) this.finishLevel();
  }

  private greet({ root }: Ready): void {
    const expected = this.options.root;
    if (root !== expected)
      this.failed(
        new Error(`the model is not the same in all threads: ${root} in one, ${expected} in another`),
      );
    this.ready++;
    this.isReady = this.ready === this.workers.length && this.failure === undefined;
    if (this.isReady) this.start?.();
  }

  private failed(error: Error): void {
    this.failure ??= error;
    this.fail?.(this.failure);
    void this.close();
  }

  /** Everybody rests or is done: tables can be replaced. */
  private makeRoom(): void {
    const { resting, states, control } = this;
    const { maxMemory, threads } = this.options;
    const needs = new Set(resting.map(({ need }) => need));
    const spare = Math.max(LEAST_SPARE, Math.ceil(states.count * SPARE));
    const isRoomy =
      (!needs.has('identities') || states.makeRoom('identities', 0, maxMemory)) &&
      (!needs.has('states') ||
        states.makeRoom('states', spare, maxMemory) ||
        states.makeRoom('states', threads, maxMemory));
    const shared = isRoomy ? states.share() : undefined;
    this.resting = [];
    Atomics.store(control, CONTROL.pause, 0);
    for (const { worker } of resting) worker.postMessage({ kind: 'room', shared });
    Atomics.add(control, CONTROL.generation, 1);
    Atomics.notify(control, CONTROL.generation);
  }

  /** @throws Error when a thread could not go on, or not begin. */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Lets the threads expand the states from `from` up to `end`, which lie `level` actions from the first. */
  expand(work: Omit<Work, 'kind' | 'shared'>, from: number): Promise<LevelOutcome> {
    this.check();
    const { control, states } = this;
    Atomics.store(control, CONTROL.next, from);
    Atomics.store(control, CONTROL.stop, STOP.not);
    this.done = [];
    this.made.fill(0);
    const shared = states.share();
    return new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
      for (const worker of this.workers) worker.postMessage({ kind: 'work', ...work, shared });
    });
  }

  private finishLevel(): void {
    const { done } = this;
    this.finish?.({
      transitions: done.reduce((sum, { transitions }) => sum + transitions, 0),
      enabled: done.map(({ enabled }) => enabled),
      violations: done.flatMap(({ violations }) => violations),
      vacuous: done[0]!.vacuous.filter((id) => done.every(({ vacuous }) => vacuous.includes(id))),
      stop: done.find(({ stop }) => stop !== undefined)?.stop,
    });
    this.finish = undefined;
    this.fail = undefined;
  }

  /** Makes the threads end their work once they have expanded the states that they have taken. */
  stop(): void {
    Atomics.compareExchange(this.control, CONTROL.stop, STOP.not, STOP.soon);
  }

  /** Transitions made in the level under way. */
  get transitions(): number {
    return this.made.reduce((sum, made) => sum + made, 0);
  }

  /** The first state of the level under way that nobody has taken to expand; may lie beyond its end. */
  get next(): number {
    return Atomics.load(this.control, CONTROL.next);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** Compiled, a thread is JavaScript; when the search runs from its source, a thread needs the loader first. */
function startWorker(workerData: ThreadData): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./thread.js', import.meta.url), { workerData });
  const thread = JSON.stringify(new URL('./thread.ts', import.meta.url).href);
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${thread})))`;
  return new Worker(load, { workerData, eval: true });
}
