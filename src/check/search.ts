import { Findings } from './findings.js';
import { LivelockWatch, type Watchers } from './livelock-watch.js';
import { type Model, NO_EFFECT, type Property, UNFORESEEN } from './model.js';
import {
  type Bounds,
  type Progress,
  type SearchOptions,
  type SearchResult,
  type Stop,
  UNBOUNDED,
} from './result.js';
import { KNOWN, NO_ROOM, States } from './states.js';

/** Milliseconds after which the event loop gets a turn. */
const TURN = 20;
const NO_STATE = -1;

/**
 * Breadth-first search. A state is kept as its identity, its parent and the action that led from there, never as a copy:
 * the search stands in one state and goes to another by rolling the journal back to their common ancestor and performing
 * the actions down from it. States are expanded in the order in which they were found, so neighbours share most of the way.
 */
export class Search {
  /** The states found, and where the model stands among them. */
  readonly states: States;
  private readonly model: Model;
  private readonly bounds: Bounds;
  private readonly stateProperties: readonly Property[];
  private readonly stepProperties: readonly Property[];
  private transitions = 0;
  /** Depth of the states that are being expanded. */
  private level = 0;
  /** Depth of the deepest state found. */
  private depth = 0;
  private readonly enabled: Uint8Array;
  private readonly findings: Findings;
  private stop: Stop = 'exhausted';
  /** The bound that keeps the search from adding a state now: it goes on until it meets one that it would have to add. */
  private full: Stop | undefined;
  /** Depth at which the search for further violations ends. */
  private depthLimit = Number.POSITIVE_INFINITY;
  private readonly loops: LivelockWatch | undefined;

  /** The model stands in the state from which to search. */
  constructor(model: Model, { bounds, hash = 'auto', symmetries = true, fairness }: SearchOptions) {
    this.model = model;
    this.bounds = { ...UNBOUNDED, ...bounds };
    this.enabled = new Uint8Array(model.actionCount);
    this.stateProperties = model.properties.filter(({ remember }) => remember === undefined);
    this.stepProperties = model.properties.filter(({ remember }) => remember !== undefined);
    this.findings = new Findings(model.properties);
    this.states = new States(model, hash, symmetries);
    if (fairness !== undefined) this.loops = new LivelockWatch(model, this.states, this.bounds, fairness);
  }

  /**
   * Searches, and leaves the model where it stood.
   * @throws Error when the same action in the same state does not lead to the same state again.
   */
  async run(watchers: Watchers = {}): Promise<SearchResult> {
    const started = performance.now();
    const cpu = process.cpuUsage();
    try {
      await this.searchLevels(started, watchers);
      await this.loops?.finish(this.stop, this.progress(this.states.count, elapsed(started)), watchers);
    } finally {
      this.states.leave();
    }
    const used = process.cpuUsage(cpu);
    const { states } = this;
    return {
      stop: this.stop,
      states: states.count,
      transitions: this.transitions,
      depth: this.depth,
      seconds: elapsed(started),
      cpuSeconds: (used.user + used.system) / 1e6,
      violations: this.findings.violations,
      neverEnabled: [...this.enabled.keys()].filter((action) => this.enabled[action] === 0),
      vacuous: this.findings.vacuous,
      exact: states.exact,
      identityWords: states.identityWords,
      symmetries: states.symmetries,
      bytes: states.bytes,
      ...(this.loops?.result !== undefined && { livelock: this.loops.result }),
    };
  }

  private async searchLevels(started: number, watchers: Watchers): Promise<void> {
    const { onProgress, signal } = watchers;
    this.states.addFirst();
    this.found(NO_STATE, 0, 0);
    let levelEnd = 1;
    let turn = Number.NEGATIVE_INFINITY;
    for (let state = 0; state < this.states.count && this.stop === 'exhausted'; state++) {
      if (state === levelEnd) {
        this.level++;
        levelEnd = this.states.count;
        await this.lookForLoops(state, started, watchers);
        if (this.stop !== 'exhausted') return;
        this.full = this.boundReached();
      }
      const now = performance.now();
      if (now - turn >= TURN) {
        turn = now;
        onProgress?.(this.progress(state, elapsed(started)));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (signal?.aborted) this.stop = 'interrupted';
      else if ((now - started) / 1000 > this.bounds.maxSeconds) this.stop = 'time';
      else this.expand(state);
    }
  }

  /** A loop bounds the search as a broken property does that the states found last have. */
  private async lookForLoops(state: number, started: number, watchers: Watchers): Promise<void> {
    if (!(await this.loops?.look(this.progress(state, elapsed(started)), watchers))) return;
    this.depthLimit = Math.min(this.depthLimit, this.level + this.bounds.deeper);
    if (this.bounds.deeper === 0) this.stop = 'violation';
  }

  private progress(expanded: number, seconds: number): Progress {
    const { states, transitions, level } = this;
    const frontier = states.count - expanded;
    return { states: states.count, transitions, depth: level, frontier, bytes: states.bytes, seconds };
  }

  /** Tries every action in a state of the present level. */
  private expand(state: number): void {
    const { model, states } = this;
    const { state: store, foresight } = model;
    this.enter(state);
    for (let action = 0; action < model.actionCount; action++) {
      const effect = foresight === undefined ? UNFORESEEN : foresight.effectOf(action);
      if (effect === NO_EFFECT) continue;
      if (effect >= 0 && states.leadsToFound(effect) && foresight!.holdsOfStep(effect)) {
        this.enabled[action] = 1;
        this.transitions++;
        continue;
      }
      if (!model.perform(action)) continue;
      if (store.journalLength === states.mark) continue;
      this.enabled[action] = 1;
      this.transitions++;
      if (this.full === undefined) this.add(state, action);
      else if (states.find() < 0) this.stop = this.full;
      for (const property of this.stepProperties) this.judge(property, state, action);
      states.undo();
      if (this.stop !== 'exhausted') return;
    }
  }

  private enter(state: number): void {
    this.states.goTo(state, this.level);
    for (const property of this.stepProperties) property.remember!();
  }

  /** Keeps the present state, to which `action` led from `state`, if it is new. */
  private add(state: number, action: number): void {
    let added = this.states.add(state, action);
    while (added === NO_ROOM) {
      if (!this.states.makeRoom(this.bounds.maxMemory)) {
        this.stop = 'memory';
        return;
      }
      this.enter(state);
      this.model.perform(action);
      added = this.states.add(state, action);
    }
    if (added !== KNOWN) this.found(state, action, this.level + 1);
  }

  /** A state not seen before is held against the properties. */
  private found(parent: number, action: number, depth: number): void {
    this.depth = Math.max(this.depth, depth);
    this.findings.note();
    for (const property of this.stateProperties) this.judge(property, parent, action);
    this.full = this.boundReached();
  }

  /** Holds a property against the present state, or the step to it: `action` in the state `parent`. */
  private judge(property: Property, parent: number, action: number): void {
    const found = this.findings.judge(property, () =>
      parent === NO_STATE ? [] : [...this.states.pathTo(parent), action],
    );
    if (found === undefined) return;
    this.depthLimit = Math.min(this.depthLimit, found.actions.length + this.bounds.deeper);
    this.full = this.boundReached();
    if (this.bounds.deeper === 0) this.stop = 'violation';
  }

  private boundReached(): Stop | undefined {
    const { maxStates, maxDepth, maxMemory } = this.bounds;
    if (this.states.count >= maxStates) return 'states';
    if (this.states.bytesToAdd > maxMemory) return 'memory';
    if (this.level >= maxDepth) return 'depth';
    return this.level >= this.depthLimit ? 'violation' : undefined;
  }
}

const elapsed = (started: number): number => (performance.now() - started) / 1000;

/** Searches every behaviour of a model within bounds. */
export function search(model: Model, options: SearchOptions): Promise<SearchResult> {
  return new Search(model, options).run(options);
}
