import type { FoundStates } from './found-states.js';
import type { Fairness, Loop } from './lasso.js';
import type { Model } from './model.js';
import type { StepGraph } from './step-graph.js';

/** Rounds of a loop among classes of states after which its state is taken not to come back. */
const MAX_ROUNDS = 1024;

/**
 * A loop as the actions that lead from its first state back to it, word for word. Where a state stands for others, which
 * it can be turned into by a symmetry, one round may lead to such another one: then the loop goes on from there, by
 * whatever actions lead to the states that the next ones stand for. Undefined when that is no loop of the obligation.
 * Leaves the model in the loop's first state.
 */
export function unroll(
  model: Model,
  found: FoundStates,
  graph: StepGraph,
  bit: number,
  loop: Loop,
  fairness: Fairness,
): number[] | undefined {
  const { state: store } = model;
  const first = graph.stateOf.get(loop.nodes[0]!);
  found.goTo(first);
  const start = store.mark();
  const { hashLow, hashHigh } = store;
  const actions: number[] = [];
  const walk = new Walk(model, found, graph, bit);
  let closed = false;
  for (let round = 0; round < MAX_ROUNDS && !closed; round++) {
    for (const [index, edge] of loop.edges.entries()) {
      const to = graph.stateOf.get(loop.nodes[(index + 1) % loop.nodes.length]!);
      const action = walk.go(graph.action.get(edge), to);
      if (action === undefined) {
        store.rollback(start);
        return undefined;
      }
      actions.push(action);
    }
    closed = store.hashLow === hashLow && store.hashHigh === hashHigh;
  }
  store.rollback(start);
  return closed && walk.isLivelock(fairness) ? actions : undefined;
}

/** A way along the states of a loop, and what happens to the obligations on it. */
class Walk {
  private readonly model: Model;
  private readonly found: FoundStates;
  private readonly graph: StepGraph;
  private readonly wanted: number;
  /** Obligations that have been under way at every place so far, that could have made a step at each, and that made one. */
  private underWay = -1;
  private waiting = -1;
  private stepped = 0;

  constructor(model: Model, found: FoundStates, graph: StepGraph, bit: number) {
    this.model = model;
    this.found = found;
    this.graph = graph;
    this.wanted = 1 << bit;
  }

  /** Goes on to a state that `to` stands for: by `likely`, or by another action that does the same for the obligation. */
  go(likely: number, to: number): number | undefined {
    const { bits } = this.graph;
    this.look();
    const isStep = (bits.steps[likely]! & this.wanted) !== 0;
    if (this.perform(likely, to)) return likely;
    for (let action = 0; action < this.model.actionCount; action++) {
      if (((bits.steps[action]! & this.wanted) !== 0) !== isStep) continue;
      if ((bits.allowed[action]! & this.wanted) !== 0 && this.perform(action, to)) return action;
    }
    return undefined;
  }

  /** Notes what is under way here, and what of it can make a step. */
  private look(): void {
    const { model, graph } = this;
    const { bits } = graph;
    const mark = model.state.mark();
    const underWay = bits.underWay();
    let enabled = 0;
    for (let action = 0; action < model.actionCount; action++) {
      if ((bits.steps[action]! & underWay) === 0 || !model.perform(action)) continue;
      enabled |= bits.steps[action]!;
      model.state.rollback(mark);
    }
    this.underWay &= underWay;
    this.waiting &= underWay & enabled;
  }

  private perform(action: number, to: number): boolean {
    const { model } = this;
    const mark = model.state.mark();
    if (!model.perform(action)) return false;
    if (this.found.find() === to && (this.graph.bits.underWay() & this.wanted) !== 0) {
      this.stepped |= this.graph.bits.steps[action]!;
      return true;
    }
    model.state.rollback(mark);
    return false;
  }

  isLivelock(fairness: Fairness): boolean {
    if ((this.underWay & this.stepped & this.wanted) === 0) return false;
    return fairness === 'none' || (this.waiting & ~this.stepped) === 0;
  }
}
