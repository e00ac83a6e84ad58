import { Store } from '../store/store.js';
import type { Model, Property } from './model.js';

/** A directed graph by name: the edges of a node in the order in which its actions are numbered. */
export type Edges = Readonly<Record<string, readonly string[]>>;

/** What breaks a property at a node, or nothing. */
export type Breaks = (node: string) => boolean;

/** What breaks a property of steps at an edge, or nothing. */
export type BreaksStep = (from: string, to: string) => boolean;

/** A graph as a model: one node is the present state, action n goes along the n-th edge. The first node is the root. */
export class GraphModel implements Model {
  readonly state = new Store(1);
  readonly actionCount: number;
  readonly properties: readonly Property[];
  readonly nodes: readonly string[];
  private readonly edges: readonly (readonly number[])[];
  private readonly word: number;

  constructor(
    edges: Edges,
    properties: Readonly<Record<string, Breaks>>,
    steps: Readonly<Record<string, BreaksStep>> = {},
  ) {
    this.nodes = [...new Set([...Object.keys(edges), ...Object.values(edges).flat()])];
    const number = new Map(this.nodes.map((node, n) => [node, n]));
    this.edges = this.nodes.map((node) => (edges[node] ?? []).map((to) => number.get(to)!));
    this.actionCount = this.edges.reduce((most, out) => Math.max(most, out.length), 0);
    const ofStates = Object.entries(properties).map(([id, breaks]) => ({
      id,
      violation: () => (breaks(this.node) ? `${id} is broken at ${this.node}` : undefined),
    }));
    const ofSteps = Object.entries(steps).map(([id, breaks]) => {
      let from = '';
      return {
        id,
        remember: () => {
          from = this.node;
        },
        violation: () =>
          breaks(from, this.node) ? `${id} is broken from ${from} to ${this.node}` : undefined,
      };
    });
    this.properties = [...ofStates, ...ofSteps];
    this.word = this.state.addPages(1, 1);
  }

  get node(): string {
    return this.nodes[this.state.read(this.word)]!;
  }

  perform(action: number): boolean {
    const to = this.edges[this.state.read(this.word)]![action];
    if (to === undefined) return false;
    this.state.write(this.word, to);
    return true;
  }

  /** Goes to a node as if the model had been there all the time. */
  standAt(node: string): void {
    this.state.write(this.word, this.nodes.indexOf(node));
  }
}

export function graph(edges: Edges, properties: Readonly<Record<string, Breaks>> = {}): GraphModel {
  return new GraphModel(edges, properties);
}

/** `n0 → n1 → … → n<length>`. */
export function line(length: number, properties: Readonly<Record<string, Breaks>> = {}): GraphModel {
  return graph(Object.fromEntries(Array.from({ length }, (_, n) => [`n${n}`, [`n${n + 1}`]])), properties);
}
