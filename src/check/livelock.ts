import { COMPONENT_WORDS, components } from './components.js';
import type { FoundStates } from './found-states.js';
import { type Fairness, type Loop, LoopFinder, loopBytes, looping, type Patience } from './lasso.js';
import type { Model } from './model.js';
import { MAX_OBLIGATIONS, ObligationBits, StepGraph } from './step-graph.js';
import { nextTurn, TURN } from './turn.js';
import { unroll } from './unroll.js';

/**
 * The second pass of a search: among the states found, loops along which an obligation is under way in every state and
 * makes steps, and never ends. It knows the whole graph of the states in which something is under way, so where the search
 * saw everything, it finds a loop if there is one.
 */

/** A loop for ever: actions that lead to it, and those of one round. */
export interface Livelock {
  readonly obligation: number;
  /** What the model calls it. */
  readonly name: string;
  /** As few actions as lead to the loop. */
  readonly prefix: readonly number[];
  /** Performed after `prefix` they lead back to the same state, word for word. */
  readonly loop: readonly number[];
  /** Whether no loop of this obligation has fewer actions. */
  readonly shortest: boolean;
}

/** Why there is no answer where there is none. */
export type Undecided = 'memory' | 'time' | 'interrupted' | 'obligations' | 'loop';

export interface LivelockResult {
  readonly fairness: Fairness;
  readonly livelocks: readonly Livelock[];
  /** Whether the graph was looked at as a whole; otherwise what kept it from that. */
  readonly undecided?: Undecided;
  /** Obligations that some action is a step of: with none there is nothing that could go on for ever. */
  readonly obligations: number;
  /** States in which one of them is under way, and the actions between these. */
  readonly states: number;
  readonly transitions: number;
  readonly seconds: number;
}

export interface LivelockOptions {
  readonly fairness: Fairness;
  /** Bytes for the tables, those of the states found included. */
  readonly maxMemory: number;
  readonly maxSeconds: number;
  readonly signal?: AbortSignal;
  /** Told now and then how many of the states have been looked at, and since when. */
  readonly onProgress?: (looked: number, bytes: number, seconds: number) => void;
}

/** Edges that the search for shorter loops looks at, once there is one. */
const PATIENCE = 50_000_000;

/** Finds livelocks among the states that a search has found, and leaves the model in one of them. */
export function findLivelocks(
  model: Model,
  found: FoundStates,
  options: LivelockOptions,
): Promise<LivelockResult> {
  return new LivelockSearch(model, found, options).run();
}

class LivelockSearch {
  private readonly model: Model;
  private readonly found: FoundStates;
  private readonly options: LivelockOptions;
  private readonly started = performance.now();
  private readonly patience: Patience = { edges: PATIENCE };
  private undecided: Undecided | undefined;

  constructor(model: Model, found: FoundStates, options: LivelockOptions) {
    this.model = model;
    this.found = found;
    this.options = options;
  }

  async run(): Promise<LivelockResult> {
    const bits = this.bits();
    if (bits === undefined || bits.obligations.length === 0) return this.result(bits, undefined, []);
    const graph = new StepGraph(bits);
    await this.build(graph);
    if (this.undecided !== undefined) return this.result(bits, graph, []);
    const livelocks: Livelock[] = [];
    for (let bit = 0; bit < bits.obligations.length; bit++) livelocks.push(...this.loopsOf(graph, bit));
    return this.result(bits, graph, livelocks);
  }

  private bits(): ObligationBits | undefined {
    const { obligations, actionCount } = this.model;
    if (obligations === undefined) return undefined;
    try {
      return new ObligationBits(obligations, actionCount);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.undecided = 'obligations';
      return undefined;
    }
  }

  private result(
    bits: ObligationBits | undefined,
    graph: StepGraph | undefined,
    livelocks: readonly Livelock[],
  ): LivelockResult {
    return {
      fairness: this.options.fairness,
      livelocks,
      ...(this.undecided !== undefined && { undecided: this.undecided }),
      obligations: bits?.obligations.length ?? (this.undecided === undefined ? 0 : MAX_OBLIGATIONS + 1),
      states: graph?.nodes ?? 0,
      transitions: graph?.target.length ?? 0,
      seconds: (performance.now() - this.started) / 1000,
    };
  }

  /** Looks at every state found, and at what can be done where something is under way. */
  private async build(graph: StepGraph): Promise<void> {
    const { model, found, options } = this;
    let turn = Number.NEGATIVE_INFINITY;
    for (let state = 0; state < found.count; state++) {
      const now = performance.now();
      if (now - turn >= TURN) {
        turn = now;
        options.onProgress?.(state, found.bytes + graph.bytes, (now - this.started) / 1000);
        await nextTurn();
      }
      if (options.signal?.aborted) this.undecided = 'interrupted';
      else if ((now - this.started) / 1000 > options.maxSeconds) this.undecided = 'time';
      else if (!this.fits(graph.bytesToAdd(model.actionCount))) this.undecided = 'memory';
      if (this.undecided !== undefined) return;
      graph.expand(model, found, state);
    }
    // Numbers of nodes by state are there while edges are turned from states to nodes, components after that.
    const bytes = Math.max(found.count, graph.nodes * COMPONENT_WORDS) * 4;
    if (this.fits(graph.bytes + bytes)) graph.seal(found.count);
    else this.undecided = 'memory';
  }

  private fits(bytes: number): boolean {
    return this.found.bytes + bytes <= this.options.maxMemory;
  }

  /** A shortest loop of an obligation for each name that it goes by. */
  private loopsOf(graph: StepGraph, bit: number): Livelock[] {
    const best = new Map<string, Loop>();
    let complete = true;
    const { of, count } = components(graph, bit);
    for (const members of looping(graph, bit, of, count, this.options.fairness)) {
      const number = of[members[0]!]!;
      const finder = new LoopFinder(graph, bit, members, of, number, this.options.fairness, this.patience);
      const name = this.nameAt(graph, members[0]!, bit);
      const known = best.get(name);
      if (known !== undefined && this.patience.edges < 0) {
        complete = false;
        continue;
      }
      if (!this.fits(graph.bytes + loopBytes(graph, members.length, finder.wishCount))) {
        this.undecided = 'memory';
        continue;
      }
      const loop = finder.find(known?.edges.length ?? Number.POSITIVE_INFINITY);
      if (loop !== undefined) best.set(name, loop);
    }
    return [...best].flatMap(([name, loop]) => {
      const livelock = this.livelock(graph, bit, name, loop, complete && loop.shortest);
      if (livelock === undefined) this.undecided = 'loop';
      return livelock ?? [];
    });
  }

  private nameAt(graph: StepGraph, node: number, bit: number): string {
    this.found.goTo(graph.stateOf.get(node));
    const obligation = graph.bits.obligations[bit]!;
    return this.model.obligations!.name?.(obligation) ?? String(obligation);
  }

  private livelock(
    graph: StepGraph,
    bit: number,
    name: string,
    loop: Loop,
    shortest: boolean,
  ): Livelock | undefined {
    const actions = unroll(this.model, this.found, graph, bit, loop, this.options.fairness);
    if (actions === undefined) return undefined;
    const prefix = this.found.pathTo(graph.stateOf.get(loop.nodes[0]!));
    return { obligation: graph.bits.obligations[bit]!, name, prefix, loop: actions, shortest };
  }
}
