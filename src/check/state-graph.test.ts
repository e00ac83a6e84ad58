import { describe, expect, it } from 'vitest';
import { CellsModel } from './cells.fixture.js';
import { GraphModel, graph, line } from './graph.fixture.js';
import { MachineModel } from './obligations.fixture.js';
import { search } from './search.js';
import { type StateGraph, StateGrapher, type StateGraphOptions } from './state-graph.js';

const graphOf = (model: ConstructorParameters<typeof StateGrapher>[0], options: StateGraphOptions = {}) =>
  new StateGrapher(model, options).run();

/** Edges as `0 → 1: 2`, actions behind the colon. */
const edgesOf = ({ edges }: StateGraph) =>
  edges.map(({ from, to, actions }) => `${from} → ${to}: ${actions.join(' ')}`);

describe('the graph of a model’s states', () => {
  it('has every state with its depth and the shortest way to it, and every action between two states', async () => {
    // Both ways to d are as long; back to a, and from b to its neighbour on the same level.
    const model = graph({ a: ['b', 'c'], b: ['c', 'd'], c: ['d'], d: ['a', 'e'], e: [] });
    const result = await graphOf(model);
    expect(result.nodes.map(({ depth }) => depth)).toEqual([0, 1, 1, 2, 3]);
    expect(result.nodes.map(({ parent, action }) => [parent, action])).toEqual([
      [-1, 0],
      [0, 0],
      [0, 1],
      [1, 1],
      [3, 1],
    ]);
    expect(edgesOf(result)).toEqual([
      '0 → 1: 0',
      '0 → 2: 1',
      '1 → 2: 0',
      '1 → 3: 1',
      '2 → 3: 0',
      '3 → 0: 0',
      '3 → 4: 1',
    ]);
    expect(result).toMatchObject({ stop: 'exhausted', expanded: 5, transitions: 7, symmetries: 1 });
    expect(model.node).toBe('a');
  });

  it('draws actions between the same two states as one edge', async () => {
    expect(edgesOf(await graphOf(graph({ a: ['b', 'c', 'b'] })))).toEqual(['0 → 1: 0 2', '0 → 2: 1']);
  });

  it('has what leads from a state to its image only where that is asked for', async () => {
    // The two cells may be exchanged: pointing at the other one is the same state again.
    const cells = () => new CellsModel([0, 0], [{ from: 0, to: 1, pointedAt: false }]);
    const without = await graphOf(cells());
    const withLoops = await graphOf(cells(), { selfLoops: true });
    const isLoop = ({ from, to }: { from: number; to: number }) => from === to;
    expect(without.edges.filter(isLoop)).toEqual([]);
    expect(withLoops.edges.filter(isLoop).length).toBeGreaterThan(0);
    expect(withLoops.edges.filter((edge) => !isLoop(edge))).toEqual(without.edges);
    expect(withLoops.transitions).toBe(without.transitions);
  });

  it('takes images for one state unless it is told not to', async () => {
    const rules = [{ from: 0, to: 1, pointedAt: true }];
    const merged = await graphOf(new CellsModel([0, 0, 0], rules));
    const apart = await graphOf(new CellsModel([0, 0, 0], rules), { symmetries: false });
    expect(merged.symmetries).toBe(6);
    expect(apart.symmetries).toBe(1);
    expect(apart.nodes.length).toBeGreaterThan(merged.nodes.length);
  });

  it('says which properties a state lacks, and which a step', async () => {
    const model = new GraphModel(
      { a: ['b', 'c'], b: ['c'], c: ['b'] },
      { notC: (node) => node === 'c', notAC: (node) => node !== 'b' },
      { neverBack: (from, to) => from === 'c' && to === 'b' },
    );
    const { nodes, edges } = await graphOf(model);
    expect(nodes.map(({ violated }) => violated)).toEqual([['notAC'], [], ['notC', 'notAC']]);
    expect(edges.map(({ from, to, violated }) => [from, to, violated])).toEqual([
      [0, 1, []],
      [0, 2, []],
      [1, 2, []],
      [2, 1, ['neverBack']],
    ]);
  });

  it('says what is under way in a state', async () => {
    const model = new MachineModel({
      to: [[1, -1], [-1, 2], []],
      underWay: [[], [0], []],
      stepOf: [-1, 0],
      names: ['', 'assign_device', ''],
    });
    expect((await graphOf(model)).nodes.map(({ underWay }) => underWay)).toEqual([[], ['assign_device'], []]);
  });

  it('ends at a bound of states with those nearest to the first, and counts what leads beyond', async () => {
    const result = await graphOf(graph({ a: ['b', 'c'], b: ['d', 'e', 'a'], c: ['d'] }), { maxStates: 3 });
    expect(result).toMatchObject({ stop: 'states', expanded: 3 });
    expect(result.nodes.map(({ beyond }) => beyond)).toEqual([0, 2, 1]);
    expect(edgesOf(result)).toEqual(['0 → 1: 0', '0 → 2: 1', '1 → 0: 2']);
  });

  it('ends at a bound of depth likewise', async () => {
    const result = await graphOf(line(9), { maxDepth: 4 });
    expect(result.stop).toBe('depth');
    expect(result.nodes.map(({ beyond }) => beyond)).toEqual([0, 0, 0, 0, 1]);
  });

  it('ends at a bound of edges with all states, and says of how many it has the edges', async () => {
    const result = await graphOf(line(9), { maxEdges: 4 });
    expect(result).toMatchObject({ stop: 'edges', expanded: 4 });
    expect(result.nodes).toHaveLength(10);
    expect(result.edges).toHaveLength(4);
  });

  it('gives what there is when it is interrupted', async () => {
    const result = await graphOf(line(9), { signal: AbortSignal.abort() });
    expect(result).toMatchObject({ stop: 'interrupted', expanded: 0, edges: [] });
    expect(result.nodes).toHaveLength(1);
  });

  it('has as many states and transitions as the search counts', async () => {
    const cells = () => new CellsModel([0, 1, 2], [{ from: 0, to: 1, pointedAt: true }], 2);
    const found = await search(cells(), { bounds: {} });
    const { nodes, transitions } = await graphOf(cells());
    expect([nodes.length, transitions]).toEqual([found.states, found.transitions]);
  });
});
