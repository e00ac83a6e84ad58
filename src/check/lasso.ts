import type { StepGraph } from './step-graph.js';

/** Whether every obligation that could make a step all along a loop has to make one in it. */
export type Fairness = 'weak' | 'none';

/** A loop in a step graph: nodes, the edge from each to the next, and from the last one back to the first. */
export interface Loop {
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  /** Whether there is no shorter one for this obligation in the component. */
  readonly shortest: boolean;
}

/** Wishes of a loop that a search for the shortest can keep apart: it looks at 2^wishes copies of the component. */
const MAX_WISHES = 8;

/** How many edges searches for shorter loops may still look at, together. */
export interface Patience {
  edges: number;
}

/**
 * The strongly connected components that have a loop of an obligation, and then all of them is one: there is a step of it in
 * the component, and with weak fairness, of each other obligation that could make a step at every node, one too.
 * @param of the component of each node, or -1; there are `count`.
 * @returns the nodes of each in ascending order, nearest to the start first.
 */
export function looping(
  graph: StepGraph,
  bit: number,
  of: Int32Array,
  count: number,
  fairness: Fairness,
): Int32Array[] {
  const { firstEdge, target } = graph;
  const stepped = new Int32Array(count);
  const waiting = new Int32Array(count).fill(fairness === 'weak' ? -1 : 0);
  const size = new Int32Array(count);
  for (let node = 0; node < graph.nodes; node++) {
    const number = of[node]!;
    if (number < 0) continue;
    size[number]!++;
    waiting[number]! &= graph.waiting(node);
    for (let edge = firstEdge.get(node); edge < firstEdge.get(node + 1); edge++) {
      if (of[target.get(edge)] === number && graph.keeps(edge, bit)) stepped[number]! |= graph.stepsOf(edge);
    }
  }
  const found = new Map<number, Int32Array>();
  const next = new Int32Array(count);
  for (let node = 0; node < graph.nodes; node++) {
    const number = of[node]!;
    if (number < 0 || (stepped[number]! & (1 << bit)) === 0 || (waiting[number]! & ~stepped[number]!) !== 0)
      continue;
    if (next[number] === 0) found.set(number, new Int32Array(size[number]!));
    found.get(number)![next[number]!++] = node;
  }
  return [...found.values()];
}

/**
 * Loops of one obligation in one strongly connected component. A loop must contain a step of it, and with weak fairness,
 * for each other obligation, a step of that one or a state in which it can make none.
 */
export class LoopFinder {
  private readonly graph: StepGraph;
  private readonly bit: number;
  private readonly members: Int32Array;
  private readonly component: Int32Array;
  private readonly number: number;
  private readonly fairness: Fairness;
  private readonly patience: Patience;

  /** @param members the component's nodes in ascending order; `component` has its `number` at each of them. */
  constructor(
    graph: StepGraph,
    bit: number,
    members: Int32Array,
    component: Int32Array,
    number: number,
    fairness: Fairness,
    patience: Patience,
  ) {
    this.patience = patience;
    this.graph = graph;
    this.bit = bit;
    this.members = members;
    this.component = component;
    this.number = number;
    this.fairness = fairness;
  }

  private isInside(edge: number): boolean {
    const { graph } = this;
    return graph.keeps(edge, this.bit) && this.component[graph.target.get(edge)] === this.number;
  }

  private *edges(): Generator<readonly [node: number, edge: number]> {
    const { firstEdge } = this.graph;
    for (const node of this.members) {
      for (let edge = firstEdge.get(node); edge < firstEdge.get(node + 1); edge++) {
        if (this.isInside(edge)) yield [node, edge];
      }
    }
  }

  /** Obligations that a loop has to do something for: its own a step, others a step or a state without one. */
  private wishes(): number[] {
    const { graph, bit } = this;
    let others = 0;
    if (this.fairness === 'weak') for (const node of this.members) others |= graph.waiting(node);
    const bits = [bit];
    for (let other = 0; other < 32; other++) if (other !== bit && (others >>> other) & 1) bits.push(other);
    return bits;
  }

  get wishCount(): number {
    return this.wishes().length;
  }

  /**
   * A shortest loop that is shorter than `limit` edges, or undefined when there is none. There must be a loop at all.
   * Looks from every step of the obligation for the way back to it, without the steps looked from before.
   */
  find(limit: number): Loop | undefined {
    const { graph, bit } = this;
    const wishes = this.wishes();
    if (wishes.length > MAX_WISHES) return this.tour(wishes, limit);
    const product = new Product(this.graph, this.members, wishes);
    let best: Loop | undefined;
    let below = limit;
    for (const [node, edge] of this.edges()) {
      if ((graph.stepsOf(edge) & (1 << bit)) === 0) continue;
      if (this.patience.edges < 0 && best !== undefined) return { ...best, shortest: false };
      const way = this.wayBack(product, node, edge, below);
      if (way === undefined) continue;
      best = loopOf(graph, node, way, true);
      below = way.length;
      if (below === 1) break;
    }
    return best;
  }

  /** The edges of a shortest loop through `first`, which starts at `node`, when it has less than `below` edges. */
  private wayBack(product: Product, node: number, first: number, below: number): number[] | undefined {
    const { graph, bit } = this;
    const { firstEdge, target } = graph;
    const wanted = product.all;
    product.begin();
    let frontier = [product.enter(target.get(first), product.at(node) | product.of(first), -1, first)];
    const done = (place: number): boolean =>
      product.nodeOf(place) === node && product.satOf(place) === wanted;
    for (let length = 1; frontier.length > 0 && length < below; length++) {
      for (const place of frontier) if (done(place)) return product.wayTo(place);
      if (length + 1 >= below) return undefined;
      const next: number[] = [];
      for (const place of frontier) {
        const from = product.nodeOf(place);
        const sat = product.satOf(place);
        for (let edge = firstEdge.get(from); edge < firstEdge.get(from + 1); edge++) {
          this.patience.edges--;
          if (!this.isInside(edge)) continue;
          // Steps that were looked from before: a loop through one of them is not shorter.
          if (edge < first && (graph.stepsOf(edge) & (1 << bit)) !== 0) continue;
          const reached = product.enter(target.get(edge), sat | product.of(edge), place, edge);
          if (reached >= 0) next.push(reached);
        }
      }
      frontier = next;
    }
    return undefined;
  }

  /** A loop that fulfils one wish after the other: not the shortest. */
  private tour(wishes: readonly number[], limit: number): Loop | undefined {
    const { graph, bit } = this;
    const product = new Product(graph, this.members, []);
    let start = -1;
    let at = -1;
    const way: number[] = [];
    for (const [node, edge] of this.edges()) {
      if ((graph.stepsOf(edge) & (1 << bit)) === 0) continue;
      start = node;
      at = graph.target.get(edge);
      way.push(edge);
      break;
    }
    const goTo = (isThere: (node: number) => boolean): void => {
      const found = this.shortest(product, at, isThere);
      for (const edge of found) way.push(edge);
      at = found.length === 0 ? at : graph.target.get(found.at(-1)!);
    };
    for (const other of wishes) {
      if (other === bit) continue;
      const wanted = 1 << other;
      const idle = (node: number): boolean => (graph.waiting(node) & wanted) === 0;
      if (this.members.some(idle)) goTo(idle);
      else {
        const stepping = [...this.edges()].find(([, edge]) => (graph.stepsOf(edge) & wanted) !== 0)!;
        goTo((node) => node === stepping[0]);
        way.push(stepping[1]);
        at = graph.target.get(stepping[1]);
      }
    }
    goTo((node) => node === start);
    return way.length < limit ? loopOf(graph, start, way, false) : undefined;
  }

  /** The edges of a shortest way from a node to one that `isThere`. */
  private shortest(product: Product, start: number, isThere: (node: number) => boolean): number[] {
    const { firstEdge, target } = this.graph;
    product.begin();
    const queue = [product.enter(start, 0, -1, -1)];
    for (const place of queue) {
      const node = product.nodeOf(place);
      if (isThere(node)) return product.wayTo(place).filter((edge) => edge >= 0);
      for (let edge = firstEdge.get(node); edge < firstEdge.get(node + 1); edge++) {
        if (!this.isInside(edge)) continue;
        const reached = product.enter(target.get(edge), 0, place, edge);
        if (reached >= 0) queue.push(reached);
      }
    }
    throw new Error('a component that is not strongly connected');
  }
}

/** The loop of these edges from `start`, turned so that it begins at the state that was found first. */
function loopOf(graph: StepGraph, start: number, way: readonly number[], shortest: boolean): Loop {
  const nodes = [start, ...way.slice(0, -1).map((edge) => graph.target.get(edge))];
  const first = nodes.indexOf(nodes.reduce((least, node) => Math.min(least, node)));
  const turned = <T>(list: readonly T[]): T[] => [...list.slice(first), ...list.slice(0, first)];
  return { nodes: turned(nodes), edges: turned(way), shortest };
}

/** Places: a node of the component together with the wishes that have come true on the way to it. */
class Product {
  /** The set of all wishes. */
  readonly all: number;
  private readonly graph: StepGraph;
  private readonly members: Int32Array;
  private readonly wishes: readonly number[];
  private readonly localOf: Int32Array;
  /** By place: the search that entered it last, where from and along which edge. */
  private readonly entered: Int32Array;
  private readonly from: Int32Array;
  private readonly along: Int32Array;
  private round = 0;

  constructor(graph: StepGraph, members: Int32Array, wishes: readonly number[]) {
    this.graph = graph;
    this.members = members;
    this.wishes = wishes;
    this.all = (1 << wishes.length) - 1;
    this.localOf = new Int32Array(graph.nodes);
    for (let local = 0; local < members.length; local++) this.localOf[members[local]!] = local;
    const places = members.length << wishes.length;
    this.entered = new Int32Array(places);
    this.from = new Int32Array(places);
    this.along = new Int32Array(places);
  }

  begin(): void {
    this.round++;
  }

  nodeOf(place: number): number {
    return this.members[place >> this.wishes.length]!;
  }

  satOf(place: number): number {
    return place & this.all;
  }

  /** Wishes that come true at a node: of obligations other than the loop's own, that they need not wait there. */
  at(node: number): number {
    const waiting = this.graph.waiting(node);
    let sat = 0;
    for (let i = 1; i < this.wishes.length; i++) if (((waiting >>> this.wishes[i]!) & 1) === 0) sat |= 1 << i;
    return sat;
  }

  /** Wishes that come true along an edge. */
  of(edge: number): number {
    const steps = this.graph.stepsOf(edge);
    let sat = 0;
    for (let i = 0; i < this.wishes.length; i++) if (((steps >>> this.wishes[i]!) & 1) !== 0) sat |= 1 << i;
    return sat;
  }

  /** Enters a place; -1 when this search has been there. */
  enter(node: number, sat: number, from: number, along: number): number {
    const place = (this.localOf[node]! << this.wishes.length) | sat | (this.all & this.at(node));
    if (this.entered[place] === this.round) return -1;
    this.entered[place] = this.round;
    this.from[place] = from;
    this.along[place] = along;
    return place;
  }

  /** The edges that led to a place. */
  wayTo(place: number): number[] {
    const way: number[] = [];
    for (let at = place; at >= 0; at = this.from[at]!) way.push(this.along[at]!);
    return way.reverse();
  }
}

/** Bytes that looking for a shortest loop takes at most, in a component of so many nodes. */
export function loopBytes(graph: StepGraph, nodes: number, wishes: number): number {
  return graph.nodes * 4 + nodes * 16 + (nodes << Math.min(wishes, MAX_WISHES)) * 12;
}
