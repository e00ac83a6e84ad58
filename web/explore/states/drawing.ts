import { batch, signal } from '@preact/signals';
import type { GraphAsked, MachineGraph, StateStory } from '../../../src/explore/machine-graph.js';
import type { ExploreSource } from '../../../src/explore/source.js';
import type { Diagnostic } from '../../../src/text/diagnostic.js';
import { laterScript, modelScript } from '../parts.js';
import { startWorker } from '../start-worker.js';
import type { GraphReply, GraphRequest } from './graph-messages.js';
import type { Layers } from './layered.js';
import type { LayoutReply } from './layout-messages.js';

/** What is being done, in words, and how much of it, where that is known. */
export interface Doing {
  readonly what: string;
  readonly share?: number;
}

/**
 * A graph of states as it is made and looked at. Two workers of its own make it, one that has the model and one that lays the
 * graph out: the page waits for neither, and who has seen enough ends both.
 */
export class Drawing {
  /** What it is of. */
  readonly source: ExploreSource;
  readonly doing = signal<Doing | undefined>({ what: 'the machine is set up' });
  readonly problem = signal<Diagnostic | undefined>(undefined);
  readonly graph = signal<MachineGraph | undefined>(undefined);
  /** By state: how far to the right it stands; undefined until the layout is there. */
  readonly x = signal<Float64Array | undefined>(undefined);
  /** The state that the reader has picked, and what there is to know of it. */
  readonly picked = signal<number | undefined>(undefined);
  readonly story = signal<StateStory | undefined>(undefined);
  /** The state that the picture shall show. */
  readonly follow = signal<number | undefined>(undefined);
  private readonly model: Worker;
  private layout: Worker | undefined;
  private closed = false;
  /** Whether the worker has been heard of: from then on it hears, too. */
  private searching = false;

  constructor(source: ExploreSource, asked: GraphAsked) {
    this.source = source;
    this.model = startWorker<GraphReply>(modelScript(), {
      onMessage: (reply) => this.take(reply),
      onFailure: (message) => this.take({ problem: problem('graph', message) }),
    });
    this.ask({ graphOf: source, asked });
  }

  /**
   * Takes what there is of the graph. A layout that is under way is given up: the states are still there as a list. While the
   * machine is set up there is nothing to take, and nobody to hear it.
   */
  stop(): void {
    if (this.graph.value === undefined && !this.searching) {
      this.close();
      this.problem.value = problem('stopped', 'it was stopped before the machine was set up');
    } else if (this.graph.value === undefined) this.ask({ graphStop: true });
    else {
      this.layout?.terminate();
      this.doing.value = undefined;
    }
  }

  /** Ends both workers: nothing more comes of it. */
  close(): void {
    this.closed = true;
    this.model.terminate();
    this.layout?.terminate();
    this.doing.value = undefined;
  }

  pick(state: number): void {
    this.picked.value = state;
    this.ask({ graphState: state });
  }

  /** Brings a state into the picture's middle. */
  show(state: number): void {
    this.follow.value = undefined;
    this.follow.value = state;
  }

  private ask(request: GraphRequest): void {
    this.model.postMessage(request);
  }

  private take(reply: GraphReply): void {
    if ('problem' in reply) {
      batch(() => {
        this.problem.value = reply.problem;
        this.doing.value = undefined;
      });
    } else if ('story' in reply) {
      if (reply.story.state === this.picked.value) this.story.value = reply.story;
    } else if ('graph' in reply) {
      this.graph.value = reply.graph;
      void this.layOut(reply.graph);
    } else {
      const { found, expanded } = reply;
      this.searching = true;
      const what = expanded === 0 ? `${found} states found` : `where ${found} states lead`;
      this.doing.value = expanded === 0 ? { what } : { what, share: expanded / found };
    }
  }

  private async layOut(graph: MachineGraph): Promise<void> {
    this.doing.value = { what: 'the states are laid out', share: 0 };
    try {
      const script = await laterScript('explore-layout.js');
      if (this.closed) return;
      this.layout = startWorker<LayoutReply>(script, {
        onMessage: (reply) => this.takeLayout(reply),
        onFailure: (message) => this.take({ problem: problem('layout', message) }),
      });
      this.layout.postMessage(layersOf(graph));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.take({ problem: problem('layout', message) });
    }
  }

  private takeLayout(reply: LayoutReply): void {
    if ('share' in reply) {
      this.doing.value = { what: 'the states are laid out', share: reply.share };
      return;
    }
    batch(() => {
      this.x.value = reply.x;
      this.doing.value = undefined;
    });
    this.layout?.terminate();
  }
}

const problem = (code: string, message: string): Diagnostic => ({
  ...{ severity: 'error', code, message },
  ...{ file: '', line: 1, column: 1 },
});

/** What the layout goes by: the edges that lead one layer further. Others lead back, and follow from these. */
export function layersOf({ states, edges }: Pick<MachineGraph, 'states' | 'edges'>): Layers {
  const depth = states.map((state) => state.depth);
  const further = edges
    .filter(({ from, to }) => depth[to] === depth[from]! + 1)
    .map(({ from, to }) => [from, to] as const);
  return { depth, edges: further };
}

/**
 * What is lit: the program's run among the states, pair by pair; where it does not go anywhere, the shortest way to a state
 * in which an invariant does not hold.
 */
export function litPath({ places, states }: Pick<MachineGraph, 'places' | 'states'>): {
  readonly of: 'program' | 'violation' | 'nothing';
  readonly pairs: readonly (readonly [from: number, to: number])[];
} {
  const run = pairsOf(places);
  if (run.length > 0) return { of: 'program', pairs: run };
  const broken = states.findIndex(({ violated }) => violated.length > 0);
  if (broken < 0) return { of: 'nothing', pairs: [] };
  const way: number[] = [];
  for (let at = broken; at >= 0; at = states[at]!.parent) way.unshift(at);
  return { of: 'violation', pairs: pairsOf(way) };
}

function pairsOf(way: readonly number[]): (readonly [number, number])[] {
  const pairs = new Map<string, readonly [number, number]>();
  for (let n = 1; n < way.length; n++) {
    const [from, to] = [way[n - 1]!, way[n]!];
    if (from >= 0 && to >= 0 && from !== to) pairs.set(`${from} ${to}`, [from, to]);
  }
  return [...pairs.values()];
}
