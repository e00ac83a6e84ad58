import {
  coordGreedy,
  decrossDfs,
  decrossTwoLayer,
  graph,
  type Layering,
  type MutGraphNode,
  sugiyama,
  type Twolayer,
  twolayerAgg,
  twolayerGreedy,
} from 'd3-dag';

/** A graph whose layers are known: the layer of each node, and edges from a node to one in the next layer, pair by pair. */
export interface Layers {
  readonly depth: readonly number[];
  readonly edges: readonly (readonly [from: number, to: number])[];
}

/** Nodes up to which the order in a layer is made as good as it gets, and up to which it is looked at so many times. */
const FEW = 300;
const SOME = 1000;
const MANY = 2000;

/** How often the layers are gone through for a better order: what one time takes grows with the square of a layer. */
const passesFor = (nodes: number): number => (nodes <= FEW ? 24 : nodes <= SOME ? 6 : nodes <= MANY ? 2 : 1);

/** Room for a node and between two. */
const SIZE = 20;
const GAP = 14;

/**
 * Puts the nodes of each layer next to each other so that few edges cross. @returns by node: how far to the right it stands.
 */
export function placed(
  { depth, edges }: Layers,
  onProgress: (share: number) => void = () => {},
): Float64Array {
  const dag = graph<number, undefined>();
  const nodes = depth.map((_, node): MutGraphNode<number, undefined> => dag.node(node));
  for (const [from, to] of edges) dag.link(nodes[from]!, nodes[to]!);
  const passes = passesFor(depth.length);
  const order = depth.length <= FEW ? twolayerGreedy().base(twolayerAgg()) : twolayerAgg();
  // Each pass looks at every two layers, from above or from below, for each order to begin with.
  const looks = (depth.length <= SOME ? 2 : 1) * passes * Math.max(...depth, 1);
  let looked = 0;
  const ordering = decrossTwoLayer()
    .passes(passes)
    .order(((top, bottom, topDown) => {
      order(top, bottom, topDown);
      onProgress(Math.min(1, ++looked / looks));
    }) as Twolayer<unknown, unknown>);
  const inLayers = (() => {
    nodes.forEach((node, n) => {
      node.y = depth[n]!;
    });
    return Math.max(...depth);
  }) as Layering<unknown, unknown>;
  const layout = sugiyama()
    .nodeSize([SIZE, SIZE])
    .gap([GAP, GAP])
    .layering(inLayers)
    .decross(depth.length <= SOME ? ordering : ordering.inits([decrossDfs()]))
    .coord(coordGreedy());
  layout(dag);
  return Float64Array.from(nodes, ({ x }) => x);
}
