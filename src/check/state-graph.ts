import type { Model, Property } from './model.js';
import { States } from './states.js';
import { nextTurn, TURN } from './turn.js';
import { FULL, NO_ROOM } from './visited.js';

/** States that a graph has unless more are asked for: what one can look at. */
const MAX_STATES = 2000;
/** Edges, likewise. */
const MAX_EDGES = 40_000;

export interface StateGraphOptions {
  /** The graph has the states nearest to the first, or to those of `way`, so many at most. */
  readonly maxStates?: number;
  readonly maxEdges?: number;
  /** Actions, one after the other from the first state on: the states that they lead through belong to the graph. */
  readonly way?: readonly number[];
  /** Whether states that are images of one another are one; they are unless this is false. */
  readonly symmetries?: boolean;
  /** Whether an action that changes something and leads back to its state is an edge; not unless set. */
  readonly selfLoops?: boolean;
  readonly signal?: AbortSignal;
  /** Told now and then how many states have been found, and of how many of them the edges. */
  readonly onProgress?: (found: number, expanded: number) => void;
}

/** A state of a machine, by its number: states are numbered as they are found, 0 is the first, those of the way come next. */
export interface StateNode {
  /** Actions from the first state to this one: as few as there are in the graph. */
  readonly depth: number;
  /** The state before this one on such a way, -1 for the first, and the action that leads here from there. */
  readonly parent: number;
  readonly action: number;
  /** Properties of states that do not hold here. */
  readonly violated: readonly string[];
  /** What is begun here and has not ended, as the model calls it. */
  readonly underWay: readonly string[];
  /** Actions that lead from here to states that the graph has not got. */
  readonly beyond: number;
}

/** All actions that lead from one state to another. With symmetries they may lead to an image of it. */
export interface StateEdge {
  readonly from: number;
  readonly to: number;
  readonly actions: readonly number[];
  /** Properties of steps that do not hold of one of them. */
  readonly violated: readonly string[];
}

export interface StateGraph {
  readonly nodes: readonly StateNode[];
  /** In the order of the states that they lead from. */
  readonly edges: readonly StateEdge[];
  /** The state after each action of the way, as far as the graph has them. */
  readonly way: readonly number[];
  /** States whose edges are there: all, unless `stop` says otherwise. */
  readonly expanded: number;
  /** Actions that changed something in those states: edges that lead nowhere else or out of the graph included. */
  readonly transitions: number;
  /** Why the graph ends where it does: there is no more; or a bound, or it was asked to end. */
  readonly stop: 'exhausted' | 'states' | 'edges' | 'interrupted';
  /** Elements of the group under which images count as one state: 1 is no symmetry. */
  readonly symmetries: number;
}

/** What is known of a state besides its place in the graph. */
type Described = Omit<StateNode, 'depth' | 'parent' | 'action'>;

/**
 * The graph of a model's states, found breadth first: from the first state, or from all states of a way at once, so that
 * a graph that a bound ends has what is near the way.
 */
export class StateGrapher {
  /** The states found, and where the model stands among them. */
  readonly states: States;
  private readonly model: Model;
  private readonly options: StateGraphOptions;
  private readonly stepProperties: readonly Property[];
  private readonly all: readonly number[];
  /** By state, of those that have been expanded. */
  private readonly described: Described[] = [];
  private readonly edgesFrom: StateEdge[][] = [];
  private edgeCount = 0;
  private transitions = 0;
  private stop: StateGraph['stop'] = 'exhausted';

  /** The model stands in the state that the graph begins with. */
  constructor(model: Model, options: StateGraphOptions = {}) {
    this.model = model;
    this.options = options;
    const { maxStates = MAX_STATES, symmetries = true } = options;
    this.states = new States(model, { hash: 'exact', symmetries, limit: maxStates });
    this.all = Array.from({ length: model.actionCount }, (_, action) => action);
    this.stepProperties = model.properties.filter(({ remember }) => remember !== undefined);
  }

  /** Makes the graph, and leaves the model where it stood. What was asked to end early gives what there is. */
  async run(): Promise<StateGraph> {
    const { states, options } = this;
    const { maxEdges = MAX_EDGES, signal, onProgress } = options;
    states.addFirst();
    const way = this.follow(options.way ?? []);
    let turn = performance.now();
    let expanded = 0;
    for (; expanded < states.count; expanded++) {
      if (performance.now() - turn >= TURN) {
        onProgress?.(states.count, expanded);
        await nextTurn();
        turn = performance.now();
      }
      if (signal?.aborted) this.stop = 'interrupted';
      else if (this.edgeCount >= maxEdges) this.stop = 'edges';
      if (this.stop === 'interrupted' || this.stop === 'edges') break;
      this.expand(expanded);
    }
    for (let state = expanded; state < states.count; state++) this.describe(state);
    states.leave();
    const { transitions, stop } = this;
    return { ...this.connected(), way, expanded, transitions, stop, symmetries: states.symmetries };
  }

  /**
   * Adds the states of a way. The model stands in each as it was first found, which may be an image of where the way is: then
   * the way's action has to be performed where the way is, and which of the state's actions is its image is seen by taking all.
   * @returns the state after each action, up to the first that finds no room.
   */
  private follow(way: readonly number[]): number[] {
    const { states, model } = this;
    const found: number[] = [];
    let at = 0;
    let isImage = false;
    for (const [n, action] of way.entries()) {
      states.goTo(isImage ? 0 : at);
      for (const before of isImage ? way.slice(0, n) : []) model.perform(before);
      model.perform(action);
      const after = hashOf(model);
      let state = states.find();
      if (state < 0 && !isImage) state = this.addHere(at, action);
      else if (state < 0) {
        this.expand(at);
        state = this.stateAfter(way.slice(0, n + 1));
      }
      if (state < 0) break;
      found.push(state);
      states.goTo(state);
      isImage = hashOf(model) !== after;
      at = state;
    }
    return found;
  }

  /** Where actions lead from the first state, one after the other; -1 where that has not been found. */
  private stateAfter(actions: readonly number[]): number {
    this.states.goTo(0);
    for (const action of actions) this.model.perform(action);
    return this.states.find();
  }

  /** The number of the state to which `action` has led from `from`, where the model stood; -1 when there is no room for it. */
  private addHere(from: number, action: number): number {
    const { states, model, stepProperties } = this;
    const known = states.find();
    if (known >= 0 || this.stop === 'states') return known;
    let added = states.add(from, action);
    while (added === NO_ROOM) {
      states.makeRoom(states.need!, 1, Number.POSITIVE_INFINITY);
      states.goTo(from);
      for (const property of stepProperties) property.remember!();
      model.perform(action);
      added = states.add(from, action);
    }
    if (added === FULL) this.stop = 'states';
    return Math.max(added, -1);
  }

  /** Notes what there is to say of a state, and leaves the model in it. */
  private describe(state: number): void {
    this.states.goTo(state);
    this.described[state] ??= { ...describe(this.model), beyond: 0 };
  }

  /** Takes all actions from a state, and adds the states that they lead to. */
  private expand(from: number): void {
    if (this.edgesFrom[from] !== undefined) return;
    this.describe(from);
    const { model, states, stepProperties, options } = this;
    const targets = new Map<number, { actions: number[]; violated: Set<string> }>();
    let beyond = 0;
    for (const property of stepProperties) property.remember!();
    for (const action of this.candidates()) {
      if (!model.perform(action) || model.state.journalLength === states.mark) continue;
      this.transitions++;
      const to = this.addHere(from, action);
      if (to < 0) beyond++;
      else if (to !== from || options.selfLoops === true) {
        const edge = targets.get(to) ?? { actions: [], violated: new Set() };
        targets.set(to, edge);
        edge.actions.push(action);
        for (const id of brokenOf(stepProperties)) edge.violated.add(id);
      }
      states.undo();
    }
    this.edgesFrom[from] = [...targets].map(([to, { actions, violated }]) => ({
      ...{ from, to, actions },
      violated: [...violated],
    }));
    this.edgeCount += targets.size;
    this.described[from] = { ...this.described[from]!, beyond };
  }

  /** Actions that may do something in the present state. */
  private candidates(): Iterable<number> {
    const { foresight } = this.model;
    return foresight === undefined ? this.all : foresight.possible.slice(0, foresight.look());
  }

  /** Nodes and edges, with how each state is reached by the fewest of these. */
  private connected(): Pick<StateGraph, 'nodes' | 'edges'> {
    const { states, edgesFrom, described } = this;
    // A state of the way that was not expanded any more leads on all the same.
    for (let to = 1; to < states.count; to++) {
      const [from, action] = [states.parentOf(to), states.actionOf(to)];
      const known = (edgesFrom[from] ??= []);
      if (!known.some((edge) => edge.to === to)) known.push({ from, to, actions: [action], violated: [] });
    }
    const edges = edgesFrom.flat();
    const ways = fewestActions(states.count, edgesFrom);
    return { nodes: ways.map((way, state) => ({ ...way, ...described[state]! })), edges };
  }
}

/** How each of so many states is reached from the first by the fewest edges. */
function fewestActions(
  states: number,
  edgesFrom: readonly (readonly StateEdge[])[],
): Pick<StateNode, 'depth' | 'parent' | 'action'>[] {
  const ways: Pick<StateNode, 'depth' | 'parent' | 'action'>[] = new Array(states);
  ways[0] = { depth: 0, parent: -1, action: 0 };
  const queue = [0];
  for (const from of queue) {
    for (const { to, actions } of edgesFrom[from] ?? []) {
      if (ways[to] !== undefined) continue;
      ways[to] = { depth: ways[from]!.depth + 1, parent: from, action: actions[0]! };
      queue.push(to);
    }
  }
  return ways;
}

/** What there is to say of the state in which a model stands. */
function describe({ properties, obligations }: Model): Pick<StateNode, 'violated' | 'underWay'> {
  const underWay: string[] = [];
  for (let n = 0; n < (obligations?.count ?? 0); n++)
    if (obligations!.underWay(n)) underWay.push(obligations!.name?.(n) ?? String(n));
  return { violated: brokenOf(properties.filter(({ remember }) => remember === undefined)), underWay };
}

/** Those of the properties that the present state, or the step to it, does not have. */
const brokenOf = (properties: readonly Property[]): string[] =>
  properties.filter((property) => property.violation() !== undefined).map(({ id }) => id);

/** Tells states apart word for word, of which images are not the same. */
const hashOf = ({ state }: Model): string => `${state.hashLow} ${state.hashHigh}`;
