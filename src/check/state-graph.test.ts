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

  it('ends at a bound of edges, and says of how many states it has them', async () => {
    const result = await graphOf(line(9), { maxEdges: 4 });
    expect(result).toMatchObject({ stop: 'edges', expanded: 4 });
    expect(result.nodes).toHaveLength(5);
    expect(result.edges).toHaveLength(4);
  });

  describe('with a way through it', () => {
    // From each node of a line one way on, and two that lead aside.
    const comb = (length: number) =>
      graph(
        Object.fromEntries(
          Array.from({ length }, (_, n) => [`n${n}`, [`a${n}`, `b${n}`, `n${n + 1}`]] as const),
        ),
      );

    it('has the states of the way, however far, before others; and those nearest to any of them', async () => {
      const [near, along] = [comb(20), comb(20)];
      const way = Array.from({ length: 10 }, () => 2);
      expect((await graphOf(near, { maxStates: 13 })).nodes.at(-1)!.depth).toBeLessThan(6);
      const result = await graphOf(along, { maxStates: 13, way });
      expect(result.way).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(result.nodes.slice(0, 11).map(({ depth }) => depth)).toEqual([...Array(11).keys()]);
      expect(edgesOf(result).slice(0, 5)).toEqual([
        '0 → 11: 0',
        '0 → 12: 1',
        '0 → 1: 2',
        '1 → 2: 2',
        '2 → 3: 2',
      ]);
      expect(result.stop).toBe('states');
      expect(along.node).toBe('n0');
    });

    it('follows it as far as there is room', async () => {
      const result = await graphOf(comb(20), { maxStates: 4, way: Array(10).fill(2) });
      expect(result).toMatchObject({ way: [1, 2, 3], stop: 'states' });
      expect(result.nodes).toHaveLength(4);
    });

    it('knows where the way comes back', async () => {
      const model = graph({ a: ['b'], b: ['a', 'c'], c: ['b'] });
      const { way, nodes } = await graphOf(model, { way: [0, 0, 0, 1, 0] });
      expect(way).toEqual([1, 0, 1, 2, 1]);
      expect(nodes).toHaveLength(3);
    });

    it('has states in layers by the fewest actions, however the way came to them', async () => {
      const { nodes } = await graphOf(graph({ a: ['b', 'd'], b: ['c'], c: ['d'], d: ['e'] }), {
        way: [0, 0, 0, 0],
      });
      expect(nodes.map(({ depth, parent }) => [depth, parent])).toEqual([
        [0, -1],
        [1, 0],
        [2, 1],
        [1, 0],
        [2, 3],
      ]);
    });

    it('is connected when it is interrupted at once', async () => {
      const result = await graphOf(comb(20), { way: [2, 2, 2], signal: AbortSignal.abort() });
      expect(edgesOf(result)).toEqual(['0 → 1: 2', '1 → 2: 2', '2 → 3: 2']);
      expect(result.nodes.map(({ depth }) => depth)).toEqual([0, 1, 2, 3]);
    });

    it('goes on where it comes to an image of a state that it has been in', async () => {
      // Point at one cell and change it, then at another: each pair of steps leads to an image of what the other cell gives.
      const cells = () => new CellsModel([0, 0, 0], [{ from: 0, to: 1, pointedAt: true }]);
      const model = cells();
      const [point, change] = [(cell: number) => 3 + cell, (cell: number) => cell];
      const way = [point(0), point(1), change(1), point(0), change(0), point(2), change(2)];
      const found: string[] = [];
      const first = model.state.mark();
      for (const action of way) {
        expect(model.perform(action)).toBe(true);
        found.push(model.orbitOf(model.words()));
      }
      model.state.rollback(first);
      const grapher = new StateGrapher(model, { way });
      const { way: states, nodes } = await grapher.run();
      expect(states).toHaveLength(way.length);
      const orbits = states.map((state) => {
        grapher.states.goTo(state);
        return model.orbitOf(model.words());
      });
      grapher.states.leave();
      expect(orbits).toEqual(found);
      // Pointing at another cell that is like it leads nowhere new.
      expect(states[1]).toBe(states[0]);
      expect(nodes).toHaveLength((await graphOf(cells())).nodes.length);
    });
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
