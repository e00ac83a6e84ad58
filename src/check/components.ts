import type { StepGraph } from './step-graph.js';

const NONE = -1;

/**
 * The strongly connected components of the part of a graph in which an obligation is under way and that its loops may go
 * through: Tarjan's algorithm with a stack of its own, for graphs that are deeper than the language's.
 * @returns the component of each node by number, or -1 where the obligation is not under way, and how many there are.
 */
export function components(graph: StepGraph, bit: number): { of: Int32Array; count: number } {
  const { nodes, firstEdge, target } = graph;
  const of = new Int32Array(nodes).fill(NONE);
  // By node: when it was reached, and the earliest node on the stack that can be reached from it; the edge to look at next.
  const reached = new Int32Array(nodes);
  const earliest = new Int32Array(nodes);
  const nextEdge = new Int32Array(nodes);
  const stack = new Int32Array(nodes);
  const path = new Int32Array(nodes);
  let time = 0;
  let count = 0;
  let onStack = 0;

  const enter = (node: number): void => {
    time++;
    reached[node] = time;
    earliest[node] = time;
    nextEdge[node] = firstEdge.get(node);
    stack[onStack++] = node;
  };

  for (let root = 0; root < nodes; root++) {
    if (reached[root] !== 0 || (graph.underWay.get(root) & (1 << bit)) === 0) continue;
    let depth = 0;
    path[0] = root;
    enter(root);
    while (depth >= 0) {
      const node = path[depth]!;
      if (nextEdge[node]! < firstEdge.get(node + 1)) {
        const edge = nextEdge[node]!++;
        if (!graph.keeps(edge, bit)) continue;
        const to = target.get(edge);
        if (reached[to] === 0) {
          path[++depth] = to;
          enter(to);
        } else if (of[to] === NONE) earliest[node] = Math.min(earliest[node]!, reached[to]!);
        continue;
      }
      if (earliest[node] === reached[node]) {
        let member: number;
        do {
          member = stack[--onStack]!;
          of[member] = count;
        } while (member !== node);
        count++;
      }
      depth--;
      if (depth >= 0) earliest[path[depth]!] = Math.min(earliest[path[depth]!]!, earliest[node]!);
    }
  }
  return { of, count };
}

/** Words a node that {@link components} takes, and what is worked out of each of them. */
export const COMPONENT_WORDS = 7;
