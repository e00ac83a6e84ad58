import { Worker } from 'node:worker_threads';
import { CONTROL, type Control, STOP } from './control.js';
import type { Crew, CrewOptions, LevelOutcome, LevelWork, Threads } from './crew.js';
import type { Done, Failed, Ready, Resting, ThreadData } from './crew-messages.js';
import type { Need, SharedStates, States } from './states.js';

/** States beyond those that were asked for, by which tables grow: so that threads rest seldom. */
const SPARE = 1 / 8;
const LEAST_SPARE = 1 << 12;

/**
 * Threads that expand the states of a level together. Each has a model of its own and stands where it likes; the states
 * found and the table of them are shared. This thread only makes room when tables are full, which it does while all rest,
 * so it stays free to watch the clock.
 */
class NodeCrew implements Crew {
  isReady = false;
  readonly started: Promise<void>;
  private readonly states: States;
  private readonly options: CrewOptions;
  private readonly module: string;
  private readonly workers: readonly Worker[];
  private readonly control: Control;
  private readonly made: Float64Array<SharedArrayBuffer>;
  private ready = 0;
  private resting: { worker: Worker; need: Need | undefined }[] = [];
  private done: Done[] = [];
  private finish: ((outcome: LevelOutcome) => void) | undefined;
  private fail: ((error: Error) => void) | undefined;
  private start: (() => void) | undefined;
  private failure: Error | undefined;
  private closed = false;

  constructor(states: States, options: CrewOptions, module: string, threads: number) {
    this.states = states;
    this.module = module;
    this.options = options;
    this.started = new Promise((resolve, reject) => {
      this.start = resolve;
      this.fail = reject;
    });
    // Who does not wait for the threads hears of their failure from `check`.
    this.started.catch(() => {});
    const shared = states.share();
    this.control = shared.tables.control;
    this.made = new Float64Array(new SharedArrayBuffer(threads * 8));
    this.workers = Array.from({ length: threads }, (_, thread) => this.startThread(thread, shared));
  }

  private startThread(thread: number, shared: SharedStates): Worker {
    const { modelData, symmetries, limit, first, maxMemory } = this.options;
    const source = { module: this.module, data: modelData };
    const threads = this.made.length;
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
    const { maxMemory } = this.options;
    const threads = this.made.length;
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

  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  expand(work: LevelWork, from: number): Promise<LevelOutcome> {
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

  stop(): void {
    Atomics.compareExchange(this.control, CONTROL.stop, STOP.not, STOP.soon);
  }

  get transitions(): number {
    return this.made.reduce((sum, made) => sum + made, 0);
  }

  get next(): number {
    return Atomics.load(this.control, CONTROL.next);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/**
 * Threads of Node for searches.
 * @param module URL of the module that exports `modelOf`, which makes a model of the search's `modelData`. Of a model built
 *   here and one built there, the same actions must lead to the same words.
 */
export function nodeThreads(count: number, module: string): Threads {
  return { count, start: (states, options) => new NodeCrew(states, options, module, count) };
}

/** CPU time of this process so far, in seconds: of all its threads. */
export function processSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Compiled, a thread is JavaScript; when the search runs from its source, a thread needs the loader first. */
function startWorker(workerData: ThreadData): Worker {
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./thread.js', import.meta.url), { workerData });
  const thread = JSON.stringify(new URL('./thread.ts', import.meta.url).href);
  const load = `import('tsx/esm/api').then(({ register }) => (register(), import(${thread})))`;
  return new Worker(load, { workerData, eval: true });
}
