import type { Fairness } from './lasso.js';
import { findLivelocks, type LivelockResult } from './livelock.js';
import type { Model } from './model.js';
import type { Bounds, Progress, SearchOptions, Stop } from './result.js';
import type { States } from './states.js';

/** States found when a search first looks for loops among them, and how many times as many there are the next time. */
const FIRST = 1 << 12;
const TIMES = 4;

/**
 * Looks for loops among the states of a search: now and then while it goes on, so that a loop near its beginning is not
 * found only when everything else is, and at its end, when there are no others.
 */
export class LivelockWatch {
  /** What was found the last time; nothing where the model has no obligations. */
  result: LivelockResult | undefined;
  private readonly model: Model;
  private readonly states: States;
  private readonly bounds: Bounds;
  private readonly fairness: Fairness;
  private next = FIRST;
  /** States there were the last time. */
  private looked = 0;
  private seconds = 0;

  constructor(model: Model, states: States, bounds: Bounds, fairness: Fairness) {
    this.model = model;
    this.states = states;
    this.bounds = bounds;
    this.fairness = fairness;
  }

  /** Looks if it is time to, until a loop is found. `now` is how the search is getting on. @returns whether one was found now. */
  async look(now: Progress, { onProgress, signal }: Watchers): Promise<boolean> {
    if (this.states.count < this.next || (this.result?.livelocks.length ?? 0) > 0) return false;
    this.next = this.states.count * TIMES;
    await this.find(now, this.bounds.maxSeconds - now.seconds, { onProgress, signal });
    return (this.result?.livelocks.length ?? 0) > 0;
  }

  /** Looks at all states there are at the end. A search that was interrupted, or ran out of time, has no time for this. */
  async finish(stop: Stop, now: Progress, watchers: Watchers): Promise<void> {
    if (this.looked === this.states.count && this.result?.undecided === undefined) return;
    const late = stop === 'time' || stop === 'interrupted';
    await this.find(now, late ? 0 : this.bounds.maxSeconds - now.seconds, watchers);
  }

  private async find(now: Progress, maxSeconds: number, { onProgress, signal }: Watchers): Promise<void> {
    const { model, states, fairness, result: before } = this;
    if (model.obligations === undefined) return;
    const result = await findLivelocks(model, states, {
      fairness,
      maxMemory: this.bounds.maxMemory,
      maxSeconds,
      ...(signal !== undefined && { signal }),
      ...(onProgress !== undefined && {
        onProgress: (looked, bytes, seconds) =>
          onProgress({
            ...now,
            frontier: states.count - looked,
            bytes,
            seconds: now.seconds + seconds,
            loops: true,
          }),
      }),
    });
    this.seconds += result.seconds;
    this.looked = states.count;
    const cut = result.undecided !== undefined && result.livelocks.length === 0;
    const livelocks = cut ? (before?.livelocks ?? []) : result.livelocks;
    this.result = { ...result, livelocks, seconds: this.seconds };
  }
}

/** Who is told how the search gets on, and may interrupt it. */
export interface Watchers {
  readonly onProgress?: SearchOptions['onProgress'] | undefined;
  readonly signal?: AbortSignal | undefined;
}
