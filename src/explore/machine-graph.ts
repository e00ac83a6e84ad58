import { MEMO_BYTES, Memo } from '../check/memo.js';
import { describe, type StateGraph, StateGrapher } from '../check/state-graph.js';
import { actionStatement } from '../program/alphabet.js';
import { LOOP_END } from '../program/execution.js';
import { performStatement } from '../program/perform.js';
import { printProgram, printStatement } from '../program/print.js';
import type { Program, Statement } from '../program/program.js';
import { Timeline } from '../program/timeline.js';
import { sceneModel, type XenModel } from '../program/verify.js';
import { counted } from '../text/count.js';
import { boundsToReach, programUpTo, sceneEnd, statementsBetween } from './graph-scene.js';
import { type ExploreSource, readSource } from './source.js';

/** What graph is wanted. */
export interface GraphAsked {
  /** The step of the run that it begins after; where the scene is set, unless said. */
  readonly from?: number;
  readonly maxStates: number;
  /** Whether states that are the same but for names are one. */
  readonly symmetries: boolean;
  /** Whether all that `verify` tries is tried, or only the operations that the program performs from there on. */
  readonly everything: boolean;
}

/** A state of the machine, by its number. */
export interface GraphState {
  /** Its layer: the fewest actions that lead here; for a state that only the program leads to, as many as it took. */
  readonly depth: number;
  /** The state that it was found from, -1 for the first, and what led here from there. */
  readonly parent: number;
  readonly by: string;
  /** Invariants that do not hold in it. */
  readonly violated: readonly string[];
  /** Hypercalls that are begun and have not ended. */
  readonly underWay: readonly string[];
  /** Actions that lead to states which the graph has not got. */
  readonly beyond: number;
  /** The search has not found it within its bounds; the program leads there. */
  readonly aside: boolean;
}

export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  /** What does it, by number in {@link MachineGraph.actions}. */
  readonly actions: readonly number[];
  /** Invariants of steps that it breaks. */
  readonly violated: readonly string[];
}

/** The states of a machine and the actions that lead from one to another, and where in them a program's run is. */
export interface MachineGraph {
  /** The step of the run that it begins after. */
  readonly from: number;
  readonly states: readonly GraphState[];
  readonly edges: readonly GraphEdge[];
  /** Statements that actors may try. */
  readonly actions: readonly string[];
  /** Where the run is after step `from`, and after each step behind it: the state's number; -1 where that is not known. */
  readonly places: readonly number[];
  readonly stop: StateGraph['stop'];
  /** States whose edges are there, and actions that changed something in them. */
  readonly expanded: number;
  readonly transitions: number;
  readonly symmetries: number;
  readonly seconds: number;
}

/** What there is to know of one state. */
export interface StateStory {
  readonly state: number;
  /** What leads there from where the graph begins, one statement a line. */
  readonly path: readonly string[];
  /** The program that leads there. */
  readonly text: string;
  readonly violations: readonly { readonly invariant: string; readonly message: string }[];
}

export interface GraphWatchers {
  readonly signal?: AbortSignal;
  /** Told now and then how many states have been found, and of how many of them it is known where actions lead. */
  readonly onProgress?: (found: number, expanded: number) => void;
}

/** Steps of a run that are looked for in a graph. */
const MAX_WALK = 1000;

/** A program's machine with the graph of its states, to be asked about any of them. Lives where the model does. */
export class GraphWork {
  readonly graph: MachineGraph;
  private readonly timeline: Timeline;
  private readonly scene: Program;
  private readonly model: XenModel;
  private readonly grapher: StateGrapher;
  /** Steps of the run that lead to the states beside the graph, which come behind those that the search has found. */
  private readonly asideSteps: readonly number[];

  private constructor(graph: MachineGraph, walk: Walk, scene: Program) {
    this.graph = graph;
    this.timeline = walk.timeline;
    this.scene = scene;
    this.model = walk.model;
    this.grapher = walk.grapher;
    this.asideSteps = walk.steps;
  }

  /** @throws InputError where the source is no program, or does not get to where the graph is to begin. */
  static async make(
    source: ExploreSource,
    asked: GraphAsked,
    watchers: GraphWatchers = {},
  ): Promise<GraphWork> {
    const started = performance.now();
    const { program, edition } = readSource(source);
    const timeline = Timeline.record(program, edition);
    const from = Math.min(asked.from ?? sceneEnd(timeline), timeline.length);
    const scene = programUpTo(timeline, from);
    const story = statementsBetween(timeline, from + 1, timeline.length);
    const bounds = boundsToReach(story, edition, asked.everything || story.length === 0);
    const { model, xen, names } = sceneModel(scene, edition, bounds);
    const { maxStates, symmetries } = asked;
    const grapher = new StateGrapher(new Memo(model, MEMO_BYTES), { maxStates, symmetries, ...watchers });
    const { nodes, ...found } = await grapher.run();
    const actions = model.actions.map((action) => printStatement(actionStatement(action, 1)));
    const states: GraphState[] = nodes.map(({ action, ...node }) => ({
      ...node,
      by: node.parent < 0 ? '' : actions[action]!,
      aside: false,
    }));
    const walk = new Walk(timeline, model, grapher, states);
    walk.go(from, (statement) => performStatement(xen, names, statement, program.file));
    const seconds = (performance.now() - started) / 1000;
    const graph = { ...found, from, states, actions, places: walk.places, seconds };
    return new GraphWork(graph, walk, scene);
  }

  /** The way to a state, as a program that is the scene and what comes after it. */
  story(state: number): StateStory {
    const { scene, timeline } = this;
    const after = this.wayTo(state);
    const head = `State ${state} of ${scene.file} on Xen ${timeline.edition.name}: ${counted(after.length, 'action')} after the scene.`;
    const program = { ...scene, steps: [...scene.steps, ...after] };
    return {
      state,
      path: after.map((statement) => printStatement(statement)),
      text: `# ${head.replaceAll(/[\r\n]+/g, ' ')}\n\n${printProgram(program)}`,
      violations: this.violationsAt(state),
    };
  }

  private wayTo(state: number): Statement[] {
    const { grapher, model, timeline, graph } = this;
    const step = this.asideSteps[state - grapher.states.count];
    if (step !== undefined) return statementsBetween(timeline, graph.from + 1, step);
    return grapher.states.pathTo(state).map((action) => actionStatement(model.actions[action]!, 1));
  }

  private violationsAt(state: number): StateStory['violations'] {
    const { grapher, model, graph } = this;
    const { violated, aside } = graph.states[state]!;
    if (aside) return violated.map((invariant) => ({ invariant, message: '' }));
    grapher.states.goTo(state);
    const broken = model.properties.filter(({ id }) => violated.includes(id));
    const violations = broken.map(({ id, violation }) => ({ invariant: id, message: violation() ?? '' }));
    grapher.states.leave();
    return violations;
  }
}

/** The rest of a program's run among the states of a graph. States that it leads to and the graph has not got are added. */
class Walk {
  readonly places: number[] = [0];
  /** Steps that lead to states which were added, in the order of these. */
  readonly steps: number[] = [];
  private readonly known = new Map<string, number>();

  constructor(
    readonly timeline: Timeline,
    readonly model: XenModel,
    readonly grapher: StateGrapher,
    private readonly states: GraphState[],
  ) {}

  /** Carries out the steps behind `from`, where the graph begins, and leaves the model there. */
  go(from: number, perform: (statement: Statement) => void): void {
    const { timeline, grapher, places } = this;
    const last = Math.min(timeline.length, from + MAX_WALK);
    grapher.states.goTo(0);
    for (let step = from + 1; step <= last; step++) {
      const statement = timeline.statement(step);
      if (statement.op !== LOOP_END) perform(statement);
      const state = grapher.states.find();
      places.push(state >= 0 ? state : this.aside(step, statement));
    }
    while (places.length <= timeline.length - from) places.push(-1);
    grapher.states.leave();
  }

  /** The number of the present state, which the search has not found. */
  private aside(step: number, statement: Statement): number {
    const { model, states, places, steps } = this;
    const key = model.state.hashText();
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const parent = places.at(-1)!;
    const depth = states[parent]!.depth + 1;
    const by = printStatement(statement);
    this.known.set(key, states.length);
    steps.push(step);
    return states.push({ depth, parent, by, ...describe(model), beyond: 0, aside: true }) - 1;
  }
}
