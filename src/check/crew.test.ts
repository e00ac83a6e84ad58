import { describe, expect, it } from 'vitest';
import { nodeThreads } from './node-crew.js';
import type { SearchOptions, SearchResult } from './result.js';
import { search } from './search.js';
import { MODULE, modelOf, type Shape } from './threads.fixture.js';

const RULES = [
  { from: 0, to: 1, pointedAt: true },
  { from: 1, to: 2, pointedAt: false },
  { from: 2, to: 0, pointedAt: true },
];

const CELLS: Shape = { shape: 'cells', contents: [0, 1, 0, 0, 0], rules: RULES };
const GRID: Shape = { shape: 'grid', size: 60 };
const TREE: Shape = { shape: 'tree', depth: 15 };

function run(shape: Shape, workers: number, options: Partial<SearchOptions> = {}): Promise<SearchResult> {
  const threads = nodeThreads(workers, MODULE);
  return search(modelOf(shape), { bounds: {}, ...options, threads, modelData: shape, shareFrom: 0 });
}

/** What must not depend on how many threads searched. */
function outcome({ stop, states, transitions, depth, violations, neverEnabled, exact }: SearchResult) {
  const lengths = violations.map(({ property, actions }) => [property, actions.length]).sort();
  // Where a search ends in the middle of a level, threads have gone on with what they were at.
  const complete = stop === 'violation' ? {} : { transitions };
  return { stop, states, ...complete, depth, lengths, neverEnabled, exact };
}

describe('several threads', () => {
  it.each<[string, Shape, Partial<SearchOptions>]>([
    ['merge images of states', CELLS, {}],
    ['merge images of states by fingerprints', CELLS, { hash: '64' }],
    ['tell states apart while identities become wider', GRID, {}],
    ['tell them apart by fingerprints', GRID, { hash: '64' }],
    ['code more values than their list had room for', TREE, {}],
    ['find the same violations', { ...GRID, bad: 50 }, {}],
    ['look as much deeper after one', { ...GRID, bad: 50 }, { bounds: { deeper: 3 } }],
    ['find one that is broken from the start', { ...GRID, bad: 0 }, {}],
    ['keep within a depth', GRID, { bounds: { maxDepth: 20 } }],
  ])('%s as one does', async (_, shape, options) => {
    const alone = await run(shape, 1, options);
    expect(alone.states).toBeGreaterThan(40);
    expect(outcome(await run(shape, 3, options))).toEqual(outcome(alone));
  });

  it('find a way that can be gone', async () => {
    const { violations } = await run({ ...TREE, bad: 5000 }, 2);
    const model = modelOf({ ...TREE, bad: 5000 });
    for (const action of violations[0]!.actions) expect(model.perform(action)).toBe(true);
    expect(model.properties[0]!.violation()).toBe(violations[0]!.message);
  });

  it('end at the first violation when that is asked for', async () => {
    const { stop, violations } = await run({ ...GRID, bad: 50 }, 2, { bounds: { deeper: 0 } });
    expect([stop, violations[0]!.actions.length]).toEqual(['violation', 50]);
  });

  it('keep the number of states that was allowed, to the last', async () => {
    for (const maxStates of [2, 500, 20_000]) {
      const { stop, states } = await run(TREE, 2, { bounds: { maxStates } });
      expect([stop, states]).toEqual(['states', maxStates]);
    }
  });

  it('end when there is no more memory', async () => {
    for (const maxMemory of [1_000, 400_000, 4_000_000]) {
      const { stop, bytes } = await run(TREE, 2, { bounds: { maxMemory } });
      expect(stop).toBe('memory');
      expect(bytes).toBeLessThanOrEqual(Math.max(maxMemory, 200_000));
    }
  });

  it('end in time, and when they are interrupted', async () => {
    expect(await run(TREE, 2, { bounds: { maxSeconds: 0 } })).toMatchObject({ stop: 'time' });
    const interrupt = new AbortController();
    const large: Shape = { shape: 'tree', depth: 25 };
    let told = 0;
    const onProgress = () => {
      if (++told === 5) interrupt.abort();
    };
    const { stop, states } = await run(large, 2, { signal: interrupt.signal, onProgress });
    expect(stop).toBe('interrupted');
    expect(states).toBeGreaterThan(1);
  });

  it('refuse a model that is not the same for all', async () => {
    await expect(run({ shape: 'fickle', size: 9 }, 2)).rejects.toThrow(
      'the model is not the same in all threads',
    );
  });

  it('say so, too, when the search has not waited for them', async () => {
    const shape: Shape = { shape: 'fickle', size: 4000 };
    const options = { bounds: {}, threads: nodeThreads(2, MODULE), modelData: shape, shareFrom: 1 };
    await expect(search(modelOf(shape), options)).rejects.toThrow('not the same in all threads');
  });

  it('report what went wrong in one of them', async () => {
    const threads = nodeThreads(2, 'data:text/javascript,throw new Error("no such model")');
    const options = { bounds: {}, threads, modelData: GRID, shareFrom: 0 };
    await expect(search(modelOf(GRID), options)).rejects.toThrow('no such model');
  });
});
