import { describe, expect, it } from 'vitest';
import { type Layers, placed } from './layered.js';

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

  it('says how far it has come, up to the end', () => {
    const shares: number[] = [];
    placed(tree(6), (share) => shares.push(share));
    expect(shares.length).toBeGreaterThan(5);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
  });
});
