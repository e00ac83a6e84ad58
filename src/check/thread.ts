import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CONTROL, type Control, STOP } from './control.js';
import { type Room, rootOf, type ThreadData, type Work } from './crew-messages.js';
import { Expander } from './expander.js';
import type { Model } from './model.js';
import { States } from './states.js';

/** States that a thread takes at a time: few, so that none works long when the others are done; neighbours, so that the ways are short. */
const BATCH = 32;

/** A thread of a search: expands states of the level that is being searched, beside others, with a model of its own. */
class Thread {
  private readonly port: MessagePort;
  private readonly data: ThreadData;
  private readonly states: States;
  private readonly expander: Expander;
  private readonly control: Control;

  constructor(port: MessagePort, data: ThreadData, model: Model) {
    const { hash, symmetries, limit, shared, first, maxMemory, threads } = data;
    this.port = port;
    this.data = data;
    this.control = shared.tables.control;
    this.states = new States(model, { hash, symmetries, limit, shared });
    this.expander = new Expander(model, this.states, { first, maxMemory, threads, room: () => this.rest() });
  }

  work({ level, end, full, known, vacuous, shared }: Work): void {
    const { control, expander, states } = this;
    states.adopt(shared);
    Object.assign(expander, { level, full, transitions: 0, stop: undefined });
    expander.violations.length = 0;
    for (const clause of known) expander.findings.know(clause);
    expander.findings.stillVacuous(vacuous);
    while (Atomics.load(control, CONTROL.stop) === STOP.not) {
      const from = Atomics.add(control, CONTROL.next, BATCH);
      if (from >= end) break;
      this.expand(from, Math.min(from + BATCH, end));
    }
    const { transitions, enabled, violations, stop, findings } = expander;
    const found = { violations, vacuous: findings.vacuous };
    this.port.postMessage({ kind: 'done', transitions, enabled, ...found, stop });
  }

  private expand(from: number, end: number): void {
    const { control, data, expander } = this;
    for (let state = from; state < end && Atomics.load(control, CONTROL.stop) !== STOP.now; state++) {
      expander.expand(state);
      data.made[data.thread] = expander.transitions;
      if (expander.stop !== undefined) Atomics.store(control, CONTROL.stop, STOP.now);
    }
  }

  /** Waits until somebody has made room. False when there can be no more. */
  private rest(): boolean {
    const generation = Atomics.load(this.control, CONTROL.generation);
    this.port.postMessage({ kind: 'resting', need: this.states.need });
    Atomics.wait(this.control, CONTROL.generation, generation);
    const { shared } = (receiveMessageOnPort(this.port) as { message: Room }).message;
    if (shared !== undefined) this.states.adopt(shared);
    return shared !== undefined;
  }
}

const port = parentPort!;
const failed = (error: unknown) => port.postMessage({ kind: 'failed', error });

async function start(data: ThreadData): Promise<void> {
  const { modelOf } = (await import(data.source.module)) as { modelOf: (data: unknown) => Model };
  const model = modelOf(data.source.data);
  const root = rootOf(model);
  const thread = new Thread(port, data, model);
  port.on('message', (message: Work) => {
    try {
      thread.work(message);
    } catch (error) {
      failed(error);
    }
  });
  port.postMessage({ kind: 'ready', root });
}

start(workerData as ThreadData).catch(failed);
