import {
  coordGreedy,
  type Decross,
  decrossTwoLayer,
  graph,
  type Layering,
  type MutGraphNode,
  type SugiNode,
  sugiyama,
  type Twolayer,
  twolayerAgg,
  twolayerGreedy,
} from 'd3-dag';
import { ordered } from './ordered.js';

/** A graph whose layers are known: the layer of each node, and edges from a node to one in the next layer, pair by pair. */
export interface Layers {
  readonly depth: readonly number[];
  readonly edges: readonly (readonly [from: number, to: number])[];
}

/** Nodes up to which the library finds the order in layers: the best there is, at a cost that grows with the square of a layer. */
const FEW = 300;
/** How often the layers are gone through for a better order; where there are more nodes, at most. */
const PASSES = 24;
const SWEEPS = 24;

/** Room for a node and between two. */
const SIZE = 20;
const GAP = 14;

/**
 * Puts the nodes of each layer next to each other so that few edges cross. @returns by node: how far to the right it stands.
 */
export function placed(layers: Layers, onProgress: (share: number) => void = () => {}): Float64Array {
  const { depth, edges } = layers;
  const dag = graph<number, undefined>();
  const nodes = depth.map((_, node): MutGraphNode<number, undefined> => dag.node(node));
  for (const [from, to] of edges) dag.link(nodes[from]!, nodes[to]!);
  const last = depth.reduce((most, layer) => Math.max(most, layer), 0);
  const inLayers = (() => {
    nodes.forEach((node, n) => {
      node.y = depth[n]!;
    });
    return last;
  }) as Layering<number, undefined>;
  const layout = sugiyama()
    .nodeSize([SIZE, SIZE])
    .gap([GAP, GAP])
    .layering(inLayers)
    .decross(depth.length <= FEW ? orderOfFew(last, onProgress) : orderOfMany(layers, onProgress))
    .coord(coordGreedy());
  layout(dag);
  return Float64Array.from(nodes, ({ x }) => x);
}

/** The library's, with nodes exchanged two by two. */
function orderOfFew(last: number, onProgress: (share: number) => void): Decross<number, undefined> {
  const order = twolayerGreedy().base(twolayerAgg());
  // Each pass looks at every two layers, from above or from below, for each of two orders to begin with.
  const looks = 2 * PASSES * Math.max(last, 1);
  let looked = 0;
  const watched = ((top, bottom, topDown) => {
    order(top, bottom, topDown);
    onProgress(Math.min(1, ++looked / looks));
  }) as Twolayer<unknown, unknown>;
  return decrossTwoLayer().passes(PASSES).order(watched);
}

function orderOfMany(layers: Layers, onProgress: (share: number) => void): Decross<number, undefined> {
  const place = new Map<number, number>();
  for (const layer of ordered(layers, SWEEPS, onProgress))
    for (const [n, node] of layer.entries()) place.set(node, n);
  const placeOf = ({ data }: SugiNode<number, undefined>): number =>
    data.role === 'node' ? place.get(data.node.data)! : 0;
  return ((sorted) => {
    for (const layer of sorted) layer.sort((a, b) => placeOf(a) - placeOf(b));
  }) as Decross<number, undefined>;
}
