import type { Model, Property } from './model.js';
import { omissionProbability, VisitedSet } from './visited.js';

/** How far a search goes. A search that meets one of these is "bounded": it never says "safe". */
export interface Bounds {
  readonly maxStates: number;
  readonly maxDepth: number;
  /** Bytes for the search's own tables. */
  readonly maxMemory: number;
  readonly maxSeconds: number;
  /** How many actions deeper than the first violation to look for others; 0 ends at the first. */
  readonly deeper: number;
}

export const UNBOUNDED: Bounds = {
  maxStates: Number.POSITIVE_INFINITY,
  maxDepth: Number.POSITIVE_INFINITY,
  maxMemory: Number.POSITIVE_INFINITY,
  maxSeconds: Number.POSITIVE_INFINITY,
  deeper: Number.POSITIVE_INFINITY,
};

/** The shortest way to a state that lacks a property. */
export interface Violation {
  readonly property: string;
  readonly message: string;
  readonly actions: readonly number[];
}

export type Stop = 'exhausted' | 'states' | 'depth' | 'memory' | 'time' | 'interrupted' | 'violation';

export interface SearchResult {
  /** Why the search ended; only `exhausted` covers every behaviour. */
  readonly stop: Stop;
  readonly states: number;
  /** Actions that changed something, counted in every state expanded. */
  readonly transitions: number;
  /** Length of the longest shortest path seen. */
  readonly depth: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly violations: readonly Violation[];
  /** Actions that never changed anything. */
  readonly neverEnabled: readonly number[];
  readonly omission: number;
}

export interface Progress {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** States seen but not expanded. */
  readonly frontier: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface SearchOptions {
  readonly bounds: Partial<Bounds>;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Milliseconds after which the event loop gets a turn. */
const TURN = 20;
const NO_PARENT = -1;
const NO_ACTION = -1;
/** Arrays that hold one word a state. */
const STATE_ARRAYS = 3;

/**
 * Breadth-first search. A state is kept as its parent and the action that led from there, never as a copy: the search
 * stands in one state and goes to another by rolling the journal back to their common ancestor and performing the
 * actions down from it. States are expanded in the order in which they were found, so neighbours share most of the way.
 */
export class Search {
  private readonly model: Model;
  private readonly bounds: Bounds;
  private readonly stateProperties: readonly Property[];
  private readonly stepProperties: readonly Property[];
  private readonly visited = new VisitedSet();
  // By state: where it was found from and by what, and half of its hash, so that a way back that ends elsewhere is noticed.
  private parents = new Int32Array(1 << 12);
  private actions = new Int32Array(1 << 12);
  private hashes = new Int32Array(1 << 12);
  private states = 0;
  private transitions = 0;
  /** Depth of the states that are being expanded. */
  private level = 0;
  /** Depth of the deepest state found. */
  private depth = 0;
  private readonly enabled: Uint8Array;
  private readonly violations: Violation[] = [];
  private readonly broken = new Set<string>();
  private stop: Stop = 'exhausted';
  /** The bound that keeps the search from adding a state now: it goes on until it meets one that it would have to add. */
  private full: Stop | undefined;
  /** Depth at which the search for further violations ends. */
  private depthLimit = Number.POSITIVE_INFINITY;

  // Where the search stands: the state at each depth of the present path, and the journal's length when it got there.
  private path = new Int32Array(64);
  private marks = new Float64Array(64);
  private standing = 0;
  private chain = new Int32Array(64);

  constructor(model: Model, bounds: Partial<Bounds> = {}) {
    this.model = model;
    this.bounds = { ...UNBOUNDED, ...bounds };
    this.enabled = new Uint8Array(model.actionCount);
    this.stateProperties = model.properties.filter(({ remember }) => remember === undefined);
    this.stepProperties = model.properties.filter(({ remember }) => remember !== undefined);
  }

  /**
   * Searches from the present state, and leaves the model there.
   * @throws Error when the same action in the same state does not lead to the same state again.
   */
  async run(options: Omit<SearchOptions, 'bounds'> = {}): Promise<SearchResult> {
    const started = performance.now();
    const cpu = process.cpuUsage();
    const { state } = this.model;
    this.path[0] = 0;
    this.marks[0] = state.mark();
    try {
      await this.searchLevels(options, started);
    } finally {
      state.rollback(this.marks[0]!);
    }
    const used = process.cpuUsage(cpu);
    return {
      stop: this.stop,
      states: this.states,
      transitions: this.transitions,
      depth: this.depth,
      seconds: (performance.now() - started) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      violations: this.violations,
      neverEnabled: [...this.enabled.keys()].filter((action) => this.enabled[action] === 0),
      omission: omissionProbability(this.states),
    };
  }

  private async searchLevels(options: Omit<SearchOptions, 'bounds'>, started: number): Promise<void> {
    this.visited.add(this.model.state.hashLow, this.model.state.hashHigh);
    this.found(NO_PARENT, NO_ACTION, 0);
    let levelEnd = 1;
    let turn = Number.NEGATIVE_INFINITY;
    for (let state = 0; state < this.states && this.stop === 'exhausted'; state++) {
      if (state === levelEnd) {
        this.level++;
        levelEnd = this.states;
        this.full = this.boundReached();
      }
      const now = performance.now();
      if (now - turn >= TURN) {
        turn = now;
        options.onProgress?.(this.progress(state, (now - started) / 1000));
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      if (options.signal?.aborted) this.stop = 'interrupted';
      else if ((now - started) / 1000 > this.bounds.maxSeconds) this.stop = 'time';
      else this.expandAt(state);
    }
  }

  private expandAt(state: number): void {
    this.goTo(state, this.level);
    this.expand(state);
  }

  private progress(expanded: number, seconds: number): Progress {
    const { states, transitions, level } = this;
    return { states, transitions, depth: level, frontier: states - expanded, bytes: this.bytes, seconds };
  }

  private get bytes(): number {
    return this.visited.bytes + this.parents.byteLength * STATE_ARRAYS;
  }

  /** Tries every action in the state the search stands in. */
  private expand(state: number): void {
    const { model } = this;
    const { state: store } = model;
    const mark = this.marks[this.standing]!;
    for (const property of this.stepProperties) property.remember!();
    for (let action = 0; action < model.actionCount; action++) {
      if (!model.perform(action)) continue;
      if (store.journalLength === mark) continue;
      this.enabled[action] = 1;
      this.transitions++;
      if (this.full === undefined) {
        if (this.visited.add(store.hashLow, store.hashHigh)) this.found(state, action, this.level + 1);
      } else if (!this.visited.has(store.hashLow, store.hashHigh)) this.stop = this.full;
      for (const property of this.stepProperties) this.judge(property, state, action, this.level + 1);
      store.rollback(mark);
      if (this.stop !== 'exhausted') return;
    }
  }

  /** A state not seen before: kept, and held against the properties. */
  private found(parent: number, action: number, depth: number): void {
    this.addState(parent, action);
    this.depth = Math.max(this.depth, depth);
    for (const property of this.stateProperties) this.judge(property, parent, action, depth);
    this.full = this.boundReached();
  }

  /** Holds a property against the present state, or the step to it: `action` in the state `parent`. */
  private judge(property: Property, parent: number, action: number, depth: number): void {
    if (this.broken.has(property.id)) return;
    const message = property.violation();
    if (message === undefined) return;
    this.broken.add(property.id);
    const actions = parent === NO_PARENT ? [] : [...this.pathTo(parent), action];
    this.violations.push({ property: property.id, message, actions });
    this.depthLimit = Math.min(this.depthLimit, depth + this.bounds.deeper);
    this.full = this.boundReached();
    if (this.bounds.deeper === 0) this.stop = 'violation';
  }

  private boundReached(): Stop | undefined {
    const { maxStates, maxDepth, maxMemory } = this.bounds;
    if (this.states >= maxStates) return 'states';
    if (this.bytesToAdd > maxMemory) return 'memory';
    if (this.level >= maxDepth) return 'depth';
    return this.level >= this.depthLimit ? 'violation' : undefined;
  }

  /** Bytes while the next state is added: a table that grows is there twice. */
  private get bytesToAdd(): number {
    const arrays = this.parents.byteLength * STATE_ARRAYS;
    return this.visited.bytesToAdd + (this.states === this.parents.length ? arrays * 3 : arrays);
  }

  private addState(parent: number, action: number): void {
    if (this.states === this.parents.length) {
      this.parents = twiceAsLong(this.parents);
      this.actions = twiceAsLong(this.actions);
      this.hashes = twiceAsLong(this.hashes);
    }
    this.parents[this.states] = parent;
    this.actions[this.states] = action;
    this.hashes[this.states] = this.model.state.hashLow;
    this.states++;
  }

  /** Actions from the first state to `state`. */
  private pathTo(state: number): number[] {
    const actions: number[] = [];
    for (let at = state; this.parents[at]! !== NO_PARENT; at = this.parents[at]!)
      actions.push(this.actions[at]!);
    return actions.reverse();
  }

  /** Brings the model to `state`, which lies `depth` actions from the first. */
  private goTo(state: number, depth: number): void {
    if (depth >= this.path.length) this.lengthenPath();
    let at = state;
    let level = depth;
    while (level > this.standing || this.path[level] !== at) {
      this.chain[level] = at;
      at = this.parents[at]!;
      level--;
    }
    this.model.state.rollback(this.marks[level]!);
    while (level < depth) {
      level++;
      const next = this.chain[level]!;
      const done = this.model.perform(this.actions[next]!);
      if (!done || this.model.state.hashLow !== this.hashes[next]!) throw this.notDeterministic(next);
      this.path[level] = next;
      this.marks[level] = this.model.state.mark();
    }
    this.standing = depth;
  }

  private notDeterministic(state: number): Error {
    const way = this.pathTo(state).join(', ');
    return new Error(`the model is not deterministic: actions ${way} lead to another state than before`);
  }

  private lengthenPath(): void {
    this.path = twiceAsLong(this.path);
    this.chain = twiceAsLong(this.chain);
    const marks = new Float64Array(this.path.length);
    marks.set(this.marks);
    this.marks = marks;
  }
}

function twiceAsLong(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(array.length * 2);
  longer.set(array);
  return longer;
}

/** Searches every behaviour of a model within bounds. */
export function search(model: Model, options: SearchOptions): Promise<SearchResult> {
  return new Search(model, options.bounds).run(options);
}
