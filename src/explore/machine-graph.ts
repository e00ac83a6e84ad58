import { MEMO_BYTES, Memo } from '../check/memo.js';
import { type StateGraph, StateGrapher } from '../check/state-graph.js';
import { actionStatement } from '../program/alphabet-action.js';
import { LOOP_END } from '../program/execution.js';
import { performStatement } from '../program/perform.js';
import { printProgram, printStatement } from '../program/print.js';
import type { Program } from '../program/program.js';
import { Timeline } from '../program/timeline.js';
import { sceneModel, type XenModel } from '../program/verify.js';
import { counted } from '../text/count.js';
import { boundsToReach, programUpTo, sceneEnd } from './graph-scene.js';
import { type OwnStatement, storyOf } from './graph-way.js';
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
  /** Its layer: the fewest actions that lead here. */
  readonly depth: number;
  /** The state before it on such a way, -1 for the first, and what leads here from there. */
  readonly parent: number;
  readonly by: string;
  /** Invariants that do not hold in it. */
  readonly violated: readonly string[];
  /** Hypercalls that are begun and have not ended. */
  readonly underWay: readonly string[];
  /** Actions that lead to states which the graph has not got. */
  readonly beyond: number;
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
  /** Where the run is after step `from`, and after each step behind it: the state's number; -1 where it has been left. */
  readonly places: readonly number[];
  /** The step with which the run leaves the graph, and why; undefined when all of it is there. */
  readonly leaves: Leaving | undefined;
  readonly stop: StateGraph['stop'];
  /** States whose edges are there, and actions that changed something in them. */
  readonly expanded: number;
  readonly transitions: number;
  readonly symmetries: number;
  readonly seconds: number;
}

export interface Leaving {
  readonly step: number;
  /** There is no room for more states; it is too far on; what it does is nothing that can be tried in every state. */
  readonly why: 'states' | 'steps' | 'statement';
  readonly statement: string;
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
const MAX_STEPS = 1000;

/** A program's machine with the graph of its states, to be asked about any of them. Lives where the model does. */
export class GraphWork {
  readonly graph: MachineGraph;
  private readonly edition: string;
  private readonly scene: Program;
  private readonly model: XenModel;
  private readonly grapher: StateGrapher;

  private constructor(
    graph: MachineGraph,
    edition: string,
    scene: Program,
    model: XenModel,
    grapher: StateGrapher,
  ) {
    this.graph = graph;
    this.edition = edition;
    this.scene = scene;
    this.model = model;
    this.grapher = grapher;
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
    const story = storyOf(timeline, from, Math.min(timeline.length, from + MAX_STEPS));
    const own = [...new Map(story.statements.flatMap(told)).values()];
    const everything = asked.everything || own.length === 0;
    timeline.seek(from);
    const bounds = boundsToReach(timeline, from, own, everything);
    const { model, xen, names } = sceneModel(scene, edition, bounds, story.names);
    const run = new RunOfActions(model, story.statements);
    run.go((n) => performStatement(xen, names, timeline.statement(from + 1 + n), program.file));
    const { maxStates, symmetries } = asked;
    const options = { maxStates, symmetries, way: run.actions, ...watchers };
    const grapher = new StateGrapher(new Memo(model, MEMO_BYTES), options);
    const { nodes, way, ...found } = await grapher.run();
    const actions = model.actions.map((action) => printStatement(actionStatement(action, 1)));
    const edges = found.edges.map((edge) => ({ ...edge, actions: eachOnce(edge.actions, actions) }));
    const states = nodes.map(({ action, ...node }) => ({
      ...node,
      by: node.parent < 0 ? '' : actions[action]!,
    }));
    const steps = run.afterStep.map((count) => (count === 0 ? 0 : (way[count - 1] ?? -1)));
    const places = Array.from({ length: timeline.length - from + 1 }, (_, n) => steps[n] ?? -1);
    const graph = {
      ...{ ...found, from, states, edges, actions, places },
      leaves: leavingOf(timeline, from, places, run.afterStep.length),
      seconds: (performance.now() - started) / 1000,
    };
    return new GraphWork(graph, edition.name, scene, model, grapher);
  }

  /** The way to a state, as a program that is the scene and what comes after it. */
  story(state: number): StateStory {
    const { scene, edition, grapher, model } = this;
    const after = grapher.states.pathTo(state).map((action) => actionStatement(model.actions[action]!, 1));
    const head = `State ${state} of ${scene.file} on Xen ${edition}: ${counted(after.length, 'action')} after the scene.`;
    const program = { ...scene, steps: [...scene.steps, ...after] };
    return {
      state,
      path: after.map((statement) => printStatement(statement)),
      text: `# ${head.replaceAll(/[\r\n]+/g, ' ')}\n\n${printProgram(program)}`,
      violations: this.violationsAt(state),
    };
  }

  private violationsAt(state: number): StateStory['violations'] {
    const { grapher, model, graph } = this;
    const { violated } = graph.states[state]!;
    grapher.states.goTo(state);
    const broken = model.properties.filter(({ id }) => violated.includes(id));
    const violations = broken.map(({ id, violation }) => ({ invariant: id, message: violation() ?? '' }));
    grapher.states.leave();
    return violations;
  }
}

/** A statement of the program may be one that would be tried anyway: of those that read the same, the first. */
const eachOnce = (actions: readonly number[], texts: readonly string[]): number[] =>
  actions.filter((action, n) => actions.findIndex((other) => texts[other] === texts[action]) === n);

/** With what tells it from others. */
const told = (own: OwnStatement | undefined): [string, OwnStatement][] =>
  own === undefined ? [] : [[printStatement(own), own]];

/** The rest of a program's run as actions of a model: each does to the machine what the step does. */
class RunOfActions {
  /** The actions, without steps that change nothing. */
  readonly actions: number[] = [];
  /** How many actions there are after each step, beginning with none; it ends before a step that no action does. */
  readonly afterStep: number[] = [0];

  constructor(
    private readonly model: XenModel,
    private readonly statements: readonly (OwnStatement | undefined)[],
  ) {}

  /** Carries out the statements one after the other, `perform` the `n`th as the program says it, and leaves the model where it stood. */
  go(perform: (n: number) => void): void {
    const { model, statements, actions, afterStep } = this;
    const { state } = model;
    const numbers = new Map(model.actions.map((action, n) => [printStatement(action), n]));
    const start = state.mark();
    for (const [n, statement] of statements.entries()) {
      if (statement !== undefined) {
        const mark = state.mark();
        const before = state.hashText();
        perform(n);
        const after = state.hashText();
        state.rollback(mark);
        if (after !== before) {
          const action = numbers.get(printStatement(statement));
          const isDone = action !== undefined && model.perform(action) && state.hashText() === after;
          if (!isDone) break;
          actions.push(action);
        }
      }
      afterStep.push(actions.length);
    }
    state.rollback(start);
  }
}

/** Where and why a run leaves the graph: it has been followed for so many steps, the first of which does nothing. */
function leavingOf(
  timeline: Timeline,
  from: number,
  places: readonly number[],
  followed: number,
): Leaving | undefined {
  const at = places.indexOf(-1);
  if (at < 0) return undefined;
  const step = from + at;
  const why = at < followed ? 'states' : at > MAX_STEPS ? 'steps' : 'statement';
  const statement = timeline.statement(step);
  return { step, why, statement: statement.op === LOOP_END ? LOOP_END : printStatement(statement) };
}
