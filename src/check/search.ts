import type { Crew, LevelOutcome } from './crew.js';
import { rootOf } from './crew-messages.js';
import { Expander } from './expander.js';
import type { Kept, Made, SavedSearch } from './keeper.js';
import { LivelockWatch, type Watchers } from './livelock-watch.js';
import type { Model } from './model.js';
import {
  type Bounds,
  type Progress,
  type SearchOptions,
  type SearchResult,
  type Stop,
  UNBOUNDED,
} from './result.js';
import { States } from './states.js';
import { nextTurn, TURN } from './turn.js';

/** States found from which on other threads are worth their start, and states of a level that are worth sharing. */
const MANY_STATES = 150_000;
const MANY_OF_LEVEL = 500;

/**
 * Breadth-first search. A state is kept as its identity, its parent and the action that led from there, never as a copy:
 * the search stands in one state and goes to another by rolling the journal back to their common ancestor and performing
 * the actions down from it. States are expanded level by level, so the first way to a state is a shortest one, in the
 * order in which they were found, so neighbours share most of the way.
 *
 * A search that has found many states lets other threads, where it was given any, expand the rest of the levels
 * ({@link Crew}).
 */
export class Search {
  /** The states found, and where the model stands among them. */
  readonly states: States;
  private readonly options: SearchOptions;
  private readonly bounds: Bounds;
  private readonly expander: Expander;
  private readonly loops: LivelockWatch | undefined;
  private crew: Crew | undefined;
  private readonly resumed: Kept | undefined;
  /** What a checkpoint of this search is of. */
  private readonly made: Made;
  /** When the last checkpoint was written. */
  private saved = 0;
  private transitions = 0;
  /** Depth of the states that are being expanded. */
  private level = 0;
  private stop: Stop = 'exhausted';
  /** Depth at which the search for further violations ends. */
  private depthLimit = Number.POSITIVE_INFINITY;
  private started = 0;
  private readonly cpuClock: () => number;
  private cpuStarted = 0;
  private turn = Number.NEGATIVE_INFINITY;

  /** The model stands in the state from which to search. */
  constructor(model: Model, options: SearchOptions) {
    this.options = options;
    this.bounds = { ...UNBOUNDED, ...options.bounds };
    const { hash = 'auto', symmetries = true, fairness } = options;
    const { maxStates, maxMemory, deeper } = this.bounds;
    this.cpuClock = options.cpuClock ?? (() => performance.now() / 1000);
    this.made = {
      ...options.made,
      hash,
      symmetry: symmetries ? `${(model.symmetries?.length ?? 0) + 1}` : 'off',
      fairness: fairness ?? 'off',
      model: rootOf(model),
    };
    options.keeper?.check();
    this.resumed = options.resume?.(this.made);
    this.states = new States(model, { hash, symmetries, limit: maxStates, restored: this.resumed });
    this.resumed?.close();
    this.expander = new Expander(model, this.states, {
      first: deeper === 0,
      maxMemory,
      threads: 1,
      room: () => this.states.makeRoom(this.states.need!, 1, maxMemory),
    });
    if (fairness !== undefined) this.loops = new LivelockWatch(model, this.states, this.bounds, fairness);
  }

  /**
   * Searches, and leaves the model where it stood.
   * @throws Error when the same action in the same state does not lead to the same state again.
   */
  async run(watchers: Watchers = {}): Promise<SearchResult> {
    this.started = performance.now();
    this.cpuStarted = this.cpuClock();
    const { states } = this;
    try {
      await this.searchLevels(watchers);
      await this.loops?.finish(this.stop, this.progress(states.count, this.transitions), watchers);
    } finally {
      states.leave();
      await this.crew?.close();
    }
    const { enabled, findings } = this.expander;
    return {
      stop: this.stop,
      states: states.count,
      transitions: this.transitions,
      // States are numbered level by level.
      depth: states.pathTo(states.count - 1).length,
      seconds: this.seconds + (this.resumed?.search.seconds ?? 0),
      cpuSeconds: this.cpuSeconds,
      violations: findings.violations,
      neverEnabled: [...enabled.keys()].filter((action) => enabled[action] === 0),
      vacuous: findings.vacuous,
      exact: states.exact,
      identityWords: states.identityWords,
      symmetries: states.symmetries,
      bytes: states.bytes,
      ...(this.loops?.result !== undefined && { livelock: this.loops.result }),
    };
  }

  private get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Also of the search that this one goes on from. */
  private get cpuSeconds(): number {
    return this.cpuClock() - this.cpuStarted + (this.resumed?.search.cpuSeconds ?? 0);
  }

  private async searchLevels(watchers: Watchers): Promise<void> {
    const { states, expander } = this;
    let [from, end] = this.begin();
    while (this.stop === 'exhausted') {
      expander.level = this.level;
      expander.full = this.boundReached();
      await this.expandLevel(from, end, watchers);
      if (this.stop !== 'exhausted' || states.count === end) return;
      from = end;
      end = states.count;
      this.level++;
      await this.lookForLoops(from, watchers);
    }
  }

  /** The first state, or what an earlier search has left to expand: from which state, up to where its level ends. */
  private begin(): [from: number, end: number] {
    const { states, expander, resumed } = this;
    if (resumed === undefined) {
      states.addFirst();
      expander.judgeFirst();
      this.heed();
      return [0, states.count];
    }
    const { level, from, end, transitions, enabled, violations, vacuous, depthLimit, flags } = resumed.search;
    this.level = level;
    this.transitions = transitions;
    this.depthLimit = depthLimit ?? Number.POSITIVE_INFINITY;
    for (const action of enabled) expander.enabled[action] = 1;
    for (const flag of flags) if (this.options.flags !== undefined) this.options.flags[flag] = 1;
    for (const violation of violations) expander.findings.take(violation);
    expander.findings.stillVacuous(vacuous);
    return [from, end];
  }

  /** A bound that keeps this level from adding states. */
  private boundReached(): Stop | undefined {
    if (this.states.bytesToLearn() > this.bounds.maxMemory) return 'memory';
    if (this.level >= this.bounds.maxDepth) return 'depth';
    return this.level >= this.depthLimit ? 'violation' : undefined;
  }

  /** A loop bounds the search as a broken property does that the states found last have. */
  private async lookForLoops(state: number, watchers: Watchers): Promise<void> {
    if (!(await this.loops?.look(this.progress(state, this.transitions), watchers))) return;
    this.depthLimit = Math.min(this.depthLimit, this.level + this.bounds.deeper);
    if (this.bounds.deeper === 0) this.stop = 'violation';
  }

  private async expandLevel(from: number, end: number, watchers: Watchers): Promise<void> {
    for (let state = from; state < end && this.stop === 'exhausted'; ) {
      const now = performance.now();
      if (now - this.turn >= TURN) {
        this.turn = now;
        watchers.onProgress?.(this.progress(state, this.transitions));
        await nextTurn();
        await this.callCrew();
        this.crew?.check();
        if (this.isTimeToSave) this.save(state, end);
      }
      this.stop = this.interruption(watchers) ?? this.stop;
      if (this.stop !== 'exhausted') return this.save(state, end);
      if (this.crew?.isReady && end - state >= this.manyOfLevel)
        state = await this.shareLevel(this.crew, state, end, watchers);
      else this.expander.expand(state++);
      this.heed();
    }
  }

  private get isTimeToSave(): boolean {
    const { keeper } = this.options;
    return keeper !== undefined && this.seconds - this.saved >= keeper.every;
  }

  /** Writes a checkpoint, if one is wanted: all states before `from` have been expanded. */
  private save(from: number, end: number): void {
    const { options, expander, level, transitions, depthLimit, cpuSeconds } = this;
    if (options.keeper === undefined) return;
    const { states, eachArray } = this.states.save();
    const { findings } = expander;
    const search: SavedSearch = {
      ...{ level, from, end, transitions, cpuSeconds },
      enabled: numbersSet(expander.enabled),
      violations: findings.violations,
      vacuous: findings.vacuous,
      flags: numbersSet(options.flags),
      depthLimit: Number.isFinite(depthLimit) ? depthLimit : null,
      seconds: this.seconds + (this.resumed?.search.seconds ?? 0),
    };
    options.keeper.keep({ made: this.made, search, states }, eachArray);
    this.saved = this.seconds;
  }

  private interruption({ signal }: Watchers): Stop | undefined {
    if (signal?.aborted) return 'interrupted';
    return this.seconds > this.bounds.maxSeconds ? 'time' : undefined;
  }

  private progress(expanded: number, transitions: number): Progress {
    const { states, level, seconds } = this;
    const frontier = Math.max(0, states.count - expanded);
    return { states: states.count, transitions, depth: level, frontier, bytes: states.bytes, seconds };
  }

  /** Takes over what the expansion of a state came to. */
  private heed(): void {
    const { expander } = this;
    this.transitions += expander.transitions;
    expander.transitions = 0;
    for (const { actions } of expander.violations) this.boundBy(actions.length);
    expander.violations.length = 0;
    if (expander.stop !== undefined) this.stop = expander.stop;
  }

  private boundBy(depth: number): void {
    this.depthLimit = Math.min(this.depthLimit, depth + this.bounds.deeper);
  }

  /** Starts other threads when there is enough for them to do. */
  private async callCrew(): Promise<void> {
    const { threads, modelData, symmetries = true, shareFrom = MANY_STATES } = this.options;
    if (this.crew !== undefined || threads === undefined || threads.count < 2) return;
    if (this.states.count < shareFrom) return;
    const { maxStates: limit, maxMemory, deeper } = this.bounds;
    const root = this.made.model!;
    const first = deeper === 0;
    this.crew = threads.start(this.states, { modelData, symmetries, limit, first, maxMemory, root });
    if (shareFrom === 0) await this.crew.started;
  }

  private get manyOfLevel(): number {
    return this.options.shareFrom === 0 ? 1 : MANY_OF_LEVEL;
  }

  /**
   * Lets the threads expand what is left of the level, and watches the clock.
   * @returns the first state that they have not expanded.
   */
  private async shareLevel(crew: Crew, from: number, end: number, watchers: Watchers): Promise<number> {
    const { level, expander } = this;
    const watch = setInterval(() => {
      watchers.onProgress?.(this.progress(Math.min(crew.next, end), this.transitions + crew.transitions));
      if (this.interruption(watchers) !== undefined || this.isTimeToSave) crew.stop();
    }, TURN);
    try {
      const known = expander.findings.violations.map(({ property, clause }) => ({ property, clause }));
      const { vacuous } = expander.findings;
      const outcome = await crew.expand({ level, end, full: expander.full, known, vacuous }, from);
      this.takeOver(outcome);
      this.stop = outcome.stop ?? 'exhausted';
      return Math.min(crew.next, end);
    } finally {
      clearInterval(watch);
    }
  }

  private takeOver({ transitions, enabled, violations, vacuous }: LevelOutcome): void {
    const { expander } = this;
    this.transitions += transitions;
    for (const of of enabled) of.forEach((was, action) => void (expander.enabled[action]! |= was));
    expander.findings.stillVacuous(vacuous);
    for (const violation of violations)
      if (expander.findings.take(violation)) this.boundBy(violation.actions.length);
  }
}

const numbersSet = (flags: Uint8Array = new Uint8Array()): number[] =>
  [...flags.keys()].filter((n) => flags[n] !== 0);

/** Searches every behaviour of a model within bounds. */
export async function search(model: Model, options: SearchOptions): Promise<SearchResult> {
  return new Search(model, options).run(options);
}
