import { describe, expect, it } from 'vitest';
import { type Layers, placed } from './layered.js';
import { ordered } from './ordered.js';

/** A tree in which every node of a layer has two below it, and the edges of a ring around each layer's ends. */
function tree(depths: number): Layers {
  const depth = [0];
  const edges: [number, number][] = [];
  for (let node = 0; depth[node]! < depths; node++) {
    for (let child = 0; child < 2; child++) {
      edges.push([node, depth.length]);
      depth.push(depth[node]! + 1);
    }
  }
  return { depth, edges };
}

function crossings({ depth, edges }: Layers, x: Float64Array): number {
  let count = 0;
  for (const [a, b] of edges)
    for (const [c, d] of edges) if (depth[a] === depth[c] && x[a]! < x[c]! && x[b]! > x[d]!) count++;
  return count;
}

/** A tree whose nodes are numbered so that no layer is in order. */
function tangled(depths: number): Layers {
  const { depth, edges } = tree(depths);
  const step = 7919;
  const to = depth.map((_, node) => (node === 0 ? 0 : 1 + ((node * step) % (depth.length - 1))));
  const mixed: number[] = [];
  for (const [node, layer] of depth.entries()) mixed[to[node]!] = layer;
  return { depth: mixed, edges: edges.map(([from, down]) => [to[from]!, to[down]!] as const) };
}

describe('the order in layers of many nodes', () => {
  it('has every node once, in its layer', () => {
    const layers = tangled(8);
    const found = ordered(layers, 24);
    expect(found.flat().sort((a, b) => a - b)).toEqual([...layers.depth.keys()]);
    for (const [layer, nodes] of found.entries())
      for (const node of nodes) expect(layers.depth[node]).toBe(layer);
  });

  it('draws a large tree without crossings, however its nodes are numbered', () => {
    const layers = tangled(9);
    expect(layers.depth.length).toBeGreaterThan(1000);
    expect(crossings(layers, placed(layers))).toBe(0);
  });

  it('is never worse than what it begins with', () => {
    // Each node has edges to three that are spread over the next layer.
    const depth = Array.from({ length: 500 }, (_, node) => Math.floor(node / 50));
    const edges = depth
      .slice(50)
      .flatMap((layer, n): [number, number][] =>
        [3, 17, 31].map((step) => [(layer - 1) * 50 + ((n * step) % 50), n + 50]),
      );
    const layers = { depth, edges };
    const before = Float64Array.from(depth, (_, node) => node % 50);
    const after = new Float64Array(depth.length);
    for (const nodes of ordered(layers, 24)) for (const [n, node] of nodes.entries()) after[node] = n;
    expect(crossings(layers, after)).toBeLessThan(crossings(layers, before));
  });

  it('takes no more than a second or two for 3,000 nodes and 9,000 edges', () => {
    const depth = Array.from({ length: 3000 }, (_, node) => Math.floor(node / 250));
    const edges = depth
      .slice(250)
      .flatMap((layer, n): [number, number][] =>
        [1, 7, 77].map((step) => [(layer - 1) * 250 + ((n * step) % 250), n + 250]),
      );
    const { user, system } = process.cpuUsage();
    placed({ depth, edges });
    const used = process.cpuUsage({ user, system });
    expect((used.user + used.system) / 1e6).toBeLessThan(5);
  });
});

describe('the layout of layers', () => {
  it('gives every node of a layer a place of its own', () => {
    const layers = tree(5);
    const x = placed(layers);
    const taken = new Set(layers.depth.map((depth, node) => `${depth} ${Math.round(x[node]!)}`));
    expect(taken.size).toBe(layers.depth.length);
  });

  it('draws a tree without crossings', () => {
    const layers = tree(6);
    expect(crossings(layers, placed(layers))).toBe(0);
  });

  it('untangles what can be untangled', () => {
    // Two rows of five, each joined to the one that stands opposite when one of the rows is turned round.
    const depth = [0, ...Array(5).fill(1), ...Array(5).fill(2)] as number[];
    const rows = Array.from({ length: 5 }, (_, n) => n);
    const edges = rows.flatMap((n): [number, number][] => [
      [0, 1 + n],
      [1 + n, 10 - n],
    ]);
    expect(crossings({ depth, edges }, placed({ depth, edges }))).toBe(0);
  });

  it('lays out a single state', () => {
    expect([...placed({ depth: [0], edges: [] })].every(Number.isFinite)).toBe(true);
  });

  it.each([
    ['few', tree(6)],
    ['many', tangled(9)],
  ])('says how far it has come, up to the end, of %s', (_, layers) => {
    const shares: number[] = [];
    placed(layers, (share) => shares.push(share));
    expect(shares.length).toBeGreaterThan(0);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
  });
});
