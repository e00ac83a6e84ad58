import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from '../store/store.js';
import { CellsModel } from './cells.fixture.js';
import { graph } from './graph.fixture.js';
import type { Model } from './model.js';
import type { HashChoice } from './result.js';
import { Search, search } from './search.js';

/** Switches that can each be turned on, in order: state n has the first n on. */
function switches(count: number): Model {
  const state = new Store(1);
  const base = state.addPages(1, Math.ceil(count / 1024));
  const perform = () => {
    let next = 0;
    while (next < count && state.read(base + next) !== 0) next++;
    if (next === count) return false;
    state.write(base + next, 1);
    return true;
  };
  return { state, actionCount: 1, perform, properties: [] };
}

describe('the identity of states', () => {
  it('is exact, however wide, when that is asked for', async () => {
    const result = await search(switches(700), { bounds: {}, hash: 'exact' });
    expect(result).toMatchObject({ stop: 'exhausted', states: 701, exact: true, identityWords: 22 });
  });

  it('becomes a fingerprint when exact ones are too wide, and nothing is forgotten', async () => {
    expect(await search(switches(512), { bounds: {} })).toMatchObject({
      states: 513,
      exact: true,
      identityWords: 16,
    });
    const turned = await search(switches(700), { bounds: {} });
    expect(turned).toMatchObject({ stop: 'exhausted', states: 701, identityWords: 2 });
    expect(turned.exact).toBeGreaterThan(0);
    expect(turned.exact).toBeLessThan(1e-10);
  });

  it('leads to the same counts in either way, on models with symmetries', async () => {
    const value = fc.nat(3);
    const rules = fc.array(fc.record({ from: value, to: value, pointedAt: fc.boolean() }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), rules, async (contents, list) => {
        const counts = async (hash: HashChoice) => {
          const { states, transitions, depth } = await search(new CellsModel(contents, list), {
            bounds: {},
            hash,
          });
          return { states, transitions, depth };
        };
        expect(await counts('64')).toEqual(await counts('exact'));
      }),
      { numRuns: 40 },
    );
  });

  it('that has to become wider ends a search that has no memory for it, without a crash', async () => {
    for (const hash of ['exact', 'auto', '64'] as const) {
      for (let maxMemory = 20_000; maxMemory < 400_000; maxMemory += 7_000) {
        const { stop, bytes } = await search(switches(2_000), { bounds: { maxMemory }, hash });
        expect(stop).toBe('memory');
        // A search cannot be asked for less than its first piece.
        expect(bytes).toBeLessThanOrEqual(Math.max(maxMemory, 300_000));
      }
    }
  });
});

describe('the states that a search found', () => {
  it('can be visited, and tell which one the model was led to', async () => {
    const model = graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: ['e', 'a'], e: [] });
    const { states, ...rest } = await visited(model);
    expect(rest.result.states).toBe(states.count);
    const names: string[] = [];
    for (let state = 0; state < states.count; state++) {
      states.goTo(state);
      names.push(model.node);
      expect(states.find()).toBe(state);
      expect(states.pathTo(state).length).toBe([0, 1, 1, 2, 3][state]);
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    states.goTo(3);
    expect([model.perform(1), states.find()]).toEqual([true, 0]);
    states.undo();
    expect([model.node, states.find(), states.parentOf(3), states.actionOf(3)]).toEqual(['d', 3, 1, 0]);
    states.leave();
    expect(model.node).toBe('a');
  });

  it('are not what a bound kept from being found', async () => {
    const model = graph({ a: ['b'], b: ['c'], c: [] });
    const { states } = await visited(model, { maxStates: 2 });
    states.goTo(1);
    expect([model.perform(0), model.node, states.find()]).toEqual([true, 'c', -1]);
  });
});

async function visited(model: Model, bounds = {}) {
  const search = new Search(model, { bounds });
  const result = await search.run();
  return { states: search.states, result };
}
