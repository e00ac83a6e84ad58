import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from '../store/store.js';
import { type Breaks, type Edges, GraphModel, graph, line } from './graph.fixture.js';
import type { Model, Property } from './model.js';
import type { Bounds, Progress, SearchResult } from './result.js';
import { search } from './search.js';

const run = (model: GraphModel, bounds: Partial<Bounds> = {}): Promise<SearchResult> =>
  search(model, { bounds });

const at =
  (...nodes: string[]): Breaks =>
  (node) =>
    nodes.includes(node);

const between =
  (from: string, to: string) =>
  (here: string, there: string): boolean =>
    here === from && there === to;

const DIAMOND: Edges = { a: ['b', 'c'], b: ['d'], c: ['d'], d: ['e', 'a'], e: [] };

describe('an exhaustive search', () => {
  it('sees every state once and every transition', async () => {
    expect(await run(graph(DIAMOND))).toMatchObject({
      stop: 'exhausted',
      states: 5,
      transitions: 6,
      depth: 3,
      violations: [],
      neverEnabled: [],
    });
  });

  it('takes a model without actions for exhausted', async () => {
    expect(await run(graph({ a: [] }))).toMatchObject({
      stop: 'exhausted',
      states: 1,
      transitions: 0,
      depth: 0,
    });
  });

  it('does not count an action that changes nothing', async () => {
    const result = await run(graph({ a: ['a', 'b'], b: ['b'] }));
    expect(result).toMatchObject({ states: 2, transitions: 1, neverEnabled: [0] });
  });

  it('leaves the model where it started, however it ends', async () => {
    for (const bounds of [{}, { maxStates: 3 }, { maxDepth: 1 }, { maxSeconds: 0 }, { deeper: 0 }]) {
      const model = graph(DIAMOND, { p: at('d') });
      model.standAt('b');
      const { journalLength } = model.state;
      const hash = model.state.hashText();
      await run(model, bounds);
      expect(model.node).toBe('b');
      expect(model.state.journalLength).toBe(journalLength);
      expect(model.state.hashText()).toBe(hash);
    }
  });

  it('finds its way between branches that are deeper than its first tables', async () => {
    const deep: Record<string, string[]> = { root: ['l0', 'r0'] };
    for (let n = 0; n < 200; n++) {
      deep[`l${n}`] = [`l${n + 1}`];
      deep[`r${n}`] = [`r${n + 1}`];
    }
    const result = await run(graph(deep, { p: at('r200') }));
    expect(result).toMatchObject({ stop: 'exhausted', states: 403, depth: 201 });
    expect(result.violations[0]?.actions).toEqual([1, ...Array(200).fill(0)]);
  });

  it('counts the same each time', async () => {
    const counts = async () => {
      const { seconds, cpuSeconds, ...rest } = await run(graph(DIAMOND, { p: at('e') }));
      return rest;
    };
    expect(await counts()).toEqual(await counts());
  });

  it('agrees with a naive search on random graphs', async () => {
    await fc.assert(
      fc.asyncProperty(randomGraph(), fc.array(fc.nat(11), { maxLength: 3 }), async (edges, bad) => {
        const breaks = at(...bad.map((n) => `n${n}`));
        const model = graph(edges, { p: breaks });
        const result = await run(model);
        const naive = naiveSearch(edges, model.nodes[0]!, breaks);
        const { stop, states, transitions, depth, violations } = result;
        expect({ stop, states, transitions, depth, shortest: violations[0]?.actions.length }).toEqual(naive);
        for (const { actions } of violations) {
          for (const action of actions) expect(model.perform(action)).toBe(true);
          expect(breaks(model.node)).toBe(true);
        }
      }),
    );
  });
});

function randomGraph(): fc.Arbitrary<Edges> {
  return fc
    .array(fc.array(fc.nat(11), { maxLength: 4 }), { minLength: 1, maxLength: 12 })
    .map((rows) => Object.fromEntries(rows.map((row, n) => [`n${n}`, row.map((to) => `n${to}`)])));
}

/** Breadth first, with a queue of nodes and nothing else. */
function naiveSearch(edges: Edges, root: string, breaks: Breaks) {
  const depthOf = new Map([[root, 0]]);
  let transitions = 0;
  for (const [node, depth] of depthOf) {
    for (const to of edges[node] ?? []) {
      if (to !== node) transitions++;
      if (!depthOf.has(to)) depthOf.set(to, depth + 1);
    }
  }
  const shortest = [...depthOf].find(([node]) => breaks(node))?.[1];
  const depth = Math.max(...depthOf.values());
  return { stop: 'exhausted', states: depthOf.size, transitions, depth, shortest };
}

describe('a violation', () => {
  it('comes with the shortest way there', async () => {
    const model = graph({ a: ['b', 'x'], b: ['c'], c: ['bad'], x: ['c', 'bad'], bad: [] }, { p: at('bad') });
    const { violations, stop } = await run(model);
    expect(violations).toEqual([
      { property: 'p', clause: '', message: 'p is broken at bad', actions: [1, 1] },
    ]);
    expect(stop).toBe('exhausted');
  });

  it('is reported once a property, each with its own shortest way', async () => {
    const model = line(6, { p: (node) => node >= 'n2', q: at('n4'), r: at('nowhere') });
    const { violations } = await run(model);
    expect(violations.map(({ property, actions }) => [property, actions.length])).toEqual([
      ['p', 2],
      ['q', 4],
    ]);
  });

  it('of the first state has no actions, and `deeper` counts from there', async () => {
    const model = () => line(6, { p: at('n0'), q: at('n2'), r: at('n3') });
    expect(await run(model(), { deeper: 0 })).toMatchObject({
      stop: 'violation',
      states: 1,
      violations: [{ property: 'p', actions: [] }],
    });
    const deeper = await run(model(), { deeper: 2 });
    expect(deeper).toMatchObject({ stop: 'violation', depth: 2 });
    expect(deeper.violations.map(({ property }) => property)).toEqual(['p', 'q']);
  });

  it('ends the search at once when nothing deeper is asked for', async () => {
    expect(await run(line(9, { p: at('n3') }), { deeper: 0 })).toMatchObject({
      stop: 'violation',
      states: 4,
      depth: 3,
    });
  });

  it.each([
    [1, ['p', 'q']],
    [2, ['p', 'q', 'r']],
  ])('lets the search look %d actions deeper', async (deeper, properties) => {
    const model = line(9, { p: at('n3'), q: at('n4'), r: at('n5') });
    const result = await run(model, { deeper });
    expect(result).toMatchObject({ stop: 'violation', depth: 3 + deeper });
    expect(result.violations.map(({ property }) => property)).toEqual(properties);
  });

  it('leaves the search exhausted when there is nothing deeper', async () => {
    expect(await run(line(3, { p: at('n3') }), { deeper: 1 })).toMatchObject({ stop: 'exhausted' });
  });
});

describe('what a search finds out about properties', () => {
  const edges: Edges = { a: ['b'], b: ['c1'], c1: ['c2', 'd'], c2: [], d: [] };

  it('has each clause that is broken once, with its own shortest way', async () => {
    const model = graph(edges, { p: (node) => node !== 'a' });
    const [property] = model.properties;
    const clauses = Object.assign(model, {
      properties: [{ ...property!, clause: (message: string) => message.replace(/\d/, '') }],
    });
    const { violations } = await run(clauses);
    expect(violations.map(({ clause, actions }) => [clause, actions.length])).toEqual([
      ['p is broken at b', 1],
      ['p is broken at c', 2],
      ['p is broken at d', 3],
    ]);
  });

  it('names the properties that no state was about', async () => {
    const model = graph(edges, { met: () => false, unmet: () => false, always: () => false });
    const [met, unmet, always] = model.properties as [Property, Property, Property];
    const properties = [
      { ...met, premise: () => model.node === 'd' },
      { ...unmet, premise: () => model.node === 'nowhere' },
      always,
    ];
    expect(await run(Object.assign(model, { properties }))).toMatchObject({ vacuous: ['unmet'] });
  });
});

describe('a bound', () => {
  it.each<[keyof Bounds, number, string, number]>([
    ['maxStates', 4, 'states', 4],
    ['maxDepth', 3, 'depth', 4],
    ['maxDepth', 0, 'depth', 1],
    ['maxSeconds', 0, 'time', 1],
    ['maxMemory', 1000, 'memory', 1],
  ])('%s %d ends the search as "%s"', async (bound, value, stop, states) => {
    expect(await run(line(9), { [bound]: value })).toMatchObject({ stop, states, depth: states - 1 });
  });

  it.each<[keyof Bounds, number]>([
    ['maxStates', 10],
    ['maxDepth', 9],
    ['maxSeconds', 60],
    ['maxMemory', 2 ** 20],
  ])('%s %d that is just enough leaves the search exhausted', async (bound, value) => {
    expect(await run(line(9), { [bound]: value })).toMatchObject({ stop: 'exhausted', states: 10 });
  });

  it('on memory is kept while tables grow', async () => {
    const model = endless(-1);
    let most = 0;
    const onProgress = ({ bytes }: Progress) => {
      most = Math.max(most, bytes);
    };
    const bounds = { maxMemory: 1_500_000 };
    expect(await search(model, { bounds, onProgress })).toMatchObject({ stop: 'memory' });
    expect(most).toBeGreaterThan(bounds.maxMemory / 4);
    expect(most).toBeLessThanOrEqual(bounds.maxMemory);
  });

  it('never lets a search end as exhausted that has not seen everything', async () => {
    const bounds: fc.Arbitrary<Partial<Bounds>> = fc.record(
      { maxStates: fc.integer({ min: 1, max: 12 }), maxDepth: fc.nat(6), deeper: fc.nat(3) },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(randomGraph(), bounds, fc.nat(11), async (edges, bound, bad) => {
        const properties = { p: at(`n${bad}`) };
        const whole = await run(graph(edges, properties));
        const part = await run(graph(edges, properties), bound);
        expect(part.stop === 'exhausted').toBe(part.states === whole.states && part.stop !== 'violation');
        expect(part.states).toBeLessThanOrEqual(bound.maxStates ?? Number.POSITIVE_INFINITY);
        expect(part.depth).toBeLessThanOrEqual(bound.maxDepth ?? Number.POSITIVE_INFINITY);
        if (part.violations.length > 0) expect(part.violations).toEqual(whole.violations);
      }),
    );
  });
});

/** A number that can always be made one greater. */
function endless(bad: number): Model {
  const state = new Store(1);
  const word = state.addPages(1, 1);
  const violation = () => (state.read(word) === bad ? 'it is there' : undefined);
  const perform = () => {
    state.write(word, state.read(word) + 1);
    return true;
  };
  return { state, actionCount: 1, perform, properties: [{ id: 'p', violation }] };
}

describe('while it searches', () => {
  it('tells how it gets on', async () => {
    const seen: Progress[] = [];
    await search(line(20), { bounds: {}, onProgress: (progress) => seen.push(progress) });
    expect(seen[0]).toMatchObject({ states: 1, transitions: 0, depth: 0, frontier: 1 });
    expect(seen[0]!.bytes).toBeGreaterThan(0);
  });

  it('does not begin when it is interrupted already', async () => {
    const signal = AbortSignal.abort();
    expect(await search(line(20), { bounds: {}, signal })).toMatchObject({
      stop: 'interrupted',
      states: 1,
      transitions: 0,
    });
  });

  it('can be interrupted by an event, and says what it knows', async () => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 60);
    const model = endless(3);
    const result = await search(model, { bounds: {}, signal: interrupt.signal });
    expect(result.stop).toBe('interrupted');
    expect(result.states).toBeGreaterThan(3);
    expect(result.violations).toMatchObject([{ property: 'p', actions: [0, 0, 0] }]);
    expect(model.state.journalLength).toBe(0);
  });
});

describe('a model that is not deterministic', () => {
  const TREE: Edges = { a: ['b', 'c'], b: ['d'], c: ['e'], d: ['f'], e: ['g'] };

  it('is noticed when an action leads elsewhere the second time', async () => {
    const model = graph(TREE);
    const perform = model.perform.bind(model);
    let calls = 0;
    model.perform = (action) => {
      const done = perform(action);
      if (++calls > 4 && model.node === 'b') model.standAt('c');
      return done;
    };
    await expect(run(model)).rejects.toThrow('not deterministic: actions 0 lead to another state');
    expect(model.node).toBe('a');
  });

  it('is noticed when an action cannot be performed any more', async () => {
    const model = graph(TREE);
    const perform = model.perform.bind(model);
    let calls = 0;
    model.perform = (action) => ++calls < 4 && perform(action);
    await expect(run(model)).rejects.toThrow('not deterministic');
    expect(model.node).toBe('a');
  });
});

describe('a property of steps', () => {
  it('is broken by the step, with the way to it, also where it leads to a state known before', async () => {
    const result = await run(new GraphModel(DIAMOND, {}, { p: between('d', 'a') }));
    expect(result.stop).toBe('exhausted');
    expect(result.violations).toEqual([
      { property: 'p', clause: '', message: 'p is broken from d to a', actions: [0, 0, 1] },
    ]);
  });

  it('is not asked of the state that a search starts from', async () => {
    expect((await run(new GraphModel({ a: ['b'] }, {}, { p: () => true }))).violations).toEqual([
      { property: 'p', clause: '', message: 'p is broken from a to b', actions: [0] },
    ]);
  });

  it('ends a search at the first violation when that is asked for, and bounds it otherwise', async () => {
    const model = () => new GraphModel(DIAMOND, {}, { p: between('a', 'b') });
    expect(await run(model(), { deeper: 0 })).toMatchObject({ stop: 'violation', states: 2 });
    expect(await run(model(), { deeper: 1 })).toMatchObject({ stop: 'violation', depth: 2 });
    expect(await run(model(), { deeper: 9 })).toMatchObject({ stop: 'exhausted', states: 5 });
  });

  it('is compared with the state before, not with one that was expanded earlier', async () => {
    const edges = { a: ['b', 'c'], b: ['d'], c: ['d'], d: [] };
    const seen: string[] = [];
    const p = (from: string, to: string) => {
      seen.push(`${from}${to}`);
      return false;
    };
    await run(new GraphModel(edges, {}, { p }));
    expect(seen).toEqual(['ab', 'ac', 'bd', 'cd']);
  });
});
