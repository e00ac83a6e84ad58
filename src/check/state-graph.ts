import type { Model, Property } from './model.js';
import type { Stop } from './result.js';
import { Search } from './search.js';
import type { States } from './states.js';
import { nextTurn, TURN } from './turn.js';

/** States that a graph has unless more are asked for: what one can look at. */
const MAX_STATES = 2000;
/** Edges, likewise. */
const MAX_EDGES = 40_000;

export interface StateGraphOptions {
  /** The graph has the states nearest to the first, so many at most. */
  readonly maxStates?: number;
  readonly maxEdges?: number;
  readonly maxDepth?: number;
  /** Whether states that are images of one another are one; they are unless this is false. */
  readonly symmetries?: boolean;
  /** Whether an action that changes something and leads back to its state is an edge; not unless set. */
  readonly selfLoops?: boolean;
  readonly signal?: AbortSignal;
  /** Told now and then how many states have been found, and of how many of them the edges. */
  readonly onProgress?: (found: number, expanded: number) => void;
}

/** A state of a machine, by the number that the search gave it: states are numbered as they are found, 0 is the first. */
export interface StateNode {
  /** Actions from the first state to this one: as few as there are. */
  readonly depth: number;
  /** The state that it was found from, -1 for the first, and the action that led here from there. */
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
  /** States whose edges are there: all, unless `stop` says otherwise. */
  readonly expanded: number;
  /** Actions that changed something in those states: edges that lead nowhere else or out of the graph included. */
  readonly transitions: number;
  /** Why the graph ends where it does; only `exhausted` is all of the machine. */
  readonly stop: Stop | 'edges';
  /** Elements of the group under which images count as one state: 1 is no symmetry. */
  readonly symmetries: number;
}

/**
 * The graph of a model's states: {@link Search} finds them, level by level, and then each is gone to once more to see
 * where its actions lead.
 */
export class StateGrapher {
  /** The states found, and where the model stands among them. */
  readonly states: States;
  private readonly model: Model;
  private readonly options: StateGraphOptions;
  private readonly search: Search;
  private readonly stepProperties: readonly Property[];
  private readonly all: readonly number[];
  private readonly nodes: StateNode[] = [];
  private readonly edges: StateEdge[] = [];
  private transitions = 0;

  /** The model stands in the state that the graph begins with. */
  constructor(model: Model, options: StateGraphOptions = {}) {
    this.model = model;
    this.options = options;
    const { maxStates = MAX_STATES, maxDepth = Number.POSITIVE_INFINITY, symmetries = true } = options;
    this.search = new Search(model, { bounds: { maxStates, maxDepth }, symmetries, hash: 'exact' });
    this.states = this.search.states;
    this.all = Array.from({ length: model.actionCount }, (_, action) => action);
    this.stepProperties = model.properties.filter(({ remember }) => remember !== undefined);
  }

  /** Makes the graph, and leaves the model where it stood. What was asked to end early gives what there is. */
  async run(): Promise<StateGraph> {
    const { states, options } = this;
    const { maxEdges = MAX_EDGES, signal, onProgress } = options;
    const { stop, symmetries } = await this.search.run({
      ...(signal !== undefined && { signal }),
      onProgress: ({ states: found }) => onProgress?.(found, 0),
    });
    let ended: StateGraph['stop'] = stop;
    let expanded = 0;
    let turn = performance.now();
    for (let state = 0; state < states.count; state++) {
      if (performance.now() - turn >= TURN) {
        onProgress?.(states.count, state);
        await nextTurn();
        turn = performance.now();
      }
      states.goTo(state);
      const wanted = !signal?.aborted && this.edges.length < maxEdges;
      if (wanted) expanded++;
      else ended = signal?.aborted ? 'interrupted' : 'edges';
      this.add(state, wanted);
    }
    states.leave();
    const { nodes, edges, transitions } = this;
    return { nodes, edges, expanded, transitions, stop: ended, symmetries };
  }

  /** Adds the state in which the model stands, with its edges if they are wanted. */
  private add(state: number, withEdges: boolean): void {
    const { states, nodes } = this;
    const parent = states.parentOf(state);
    nodes.push({
      depth: parent < 0 ? 0 : nodes[parent]!.depth + 1,
      parent,
      action: states.actionOf(state),
      ...describe(this.model),
      beyond: withEdges ? this.addEdges(state) : 0,
    });
  }

  /** @returns how many actions lead to states that are not there. */
  private addEdges(from: number): number {
    const { model, states, stepProperties, options } = this;
    const targets = new Map<number, { actions: number[]; violated: Set<string> }>();
    let beyond = 0;
    for (const property of stepProperties) property.remember!();
    for (const action of this.candidates()) {
      if (!model.perform(action) || model.state.journalLength === states.mark) continue;
      this.transitions++;
      const to = states.find();
      if (to < 0) beyond++;
      else if (to !== from || options.selfLoops === true) {
        const edge = targets.get(to) ?? { actions: [], violated: new Set() };
        targets.set(to, edge);
        edge.actions.push(action);
        for (const id of brokenOf(stepProperties)) edge.violated.add(id);
      }
      states.undo();
    }
    for (const [to, { actions, violated }] of targets)
      this.edges.push({ from, to, actions, violated: [...violated] });
    return beyond;
  }

  /** Actions that may do something in the present state. */
  private candidates(): Iterable<number> {
    const { foresight } = this.model;
    return foresight === undefined ? this.all : foresight.possible.slice(0, foresight.look());
  }
}

/** What there is to say of the state in which a model stands. */
export function describe({ properties, obligations }: Model): Pick<StateNode, 'violated' | 'underWay'> {
  const underWay: string[] = [];
  for (let n = 0; n < (obligations?.count ?? 0); n++)
    if (obligations!.underWay(n)) underWay.push(obligations!.name?.(n) ?? String(n));
  return { violated: brokenOf(properties.filter(({ remember }) => remember === undefined)), underWay };
}

/** Those of the properties that the present state, or the step to it, does not have. */
const brokenOf = (properties: readonly Property[]): string[] =>
  properties.filter((property) => property.violation() !== undefined).map(({ id }) => id);
