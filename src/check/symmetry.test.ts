import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CellRule, CellsModel, permutations } from './cells.fixture.js';
import type { SearchResult } from './result.js';
import { search } from './search.js';

const RULES: readonly CellRule[] = [
  { from: 0, to: 1, pointedAt: true },
  { from: 1, to: 2, pointedAt: false },
  { from: 2, to: 0, pointedAt: true },
];

const VALUE = fc.nat(3);
const CONTENTS = fc.array(VALUE, { minLength: 1, maxLength: 4 });
const RULE_LIST = fc.array(fc.record({ from: VALUE, to: VALUE, pointedAt: fc.boolean() }), { maxLength: 5 });

/** All states by a plain search over texts, and how many there are but for symmetry. */
function naive(contents: readonly number[], rules: readonly CellRule[]): { states: number; orbits: number } {
  const model = new CellsModel(contents, rules);
  const seen = new Map<string, number[]>();
  const visit = () => {
    const key = model.words().join(' ');
    if (seen.has(key)) return;
    seen.set(key, model.words());
    for (let action = 0; action < model.actionCount; action++) {
      const mark = model.state.mark();
      if (model.perform(action)) visit();
      model.state.rollback(mark);
    }
  };
  visit();
  return { states: seen.size, orbits: new Set([...seen.values()].map((words) => model.orbitOf(words))).size };
}

describe('with symmetries', () => {
  it.each(['exact', '64'] as const)(
    '%s: each orbit is one state, also where the root is not symmetric',
    async (hash) => {
      await fc.assert(
        fc.asyncProperty(CONTENTS, RULE_LIST, async (contents, rules) => {
          const expected = naive(contents, rules);
          const options = { bounds: {}, hash };
          const merged = await search(new CellsModel(contents, rules), options);
          const whole = await search(new CellsModel(contents, rules), { ...options, symmetries: false });
          expect([merged.states, whole.states]).toEqual([expected.orbits, expected.states]);
          expect(merged.symmetries).toBe(permutations(contents.length).length);
          expect([merged.depth <= whole.depth, whole.symmetries]).toEqual([true, 1]);
        }),
        { numRuns: 60 },
      );
    },
  );

  it('the verdict is the same, the way as short, and it can be gone as it is', async () => {
    const shortest = ({ violations }: SearchResult) => violations.map(({ actions }) => actions.length);
    await fc.assert(
      fc.asyncProperty(CONTENTS, RULE_LIST, VALUE, async (contents, rules, bad) => {
        const model = new CellsModel(contents, rules, bad);
        const merged = await search(model, { bounds: {} });
        const whole = await search(new CellsModel(contents, rules, bad), { bounds: {}, symmetries: false });
        expect(shortest(merged)).toEqual(shortest(whole));
        for (const { actions, message } of merged.violations) {
          for (const action of actions) expect(model.perform(action)).toBe(true);
          expect(model.properties[0]!.violation()).toBe(message);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('saves what there is to save', async () => {
    const five = [0, 0, 0, 0, 0];
    const merged = await search(new CellsModel(five, RULES), { bounds: {} });
    const whole = await search(new CellsModel(five, RULES), { bounds: {}, symmetries: false });
    expect(whole).toMatchObject({ stop: 'exhausted', states: 1 + 5 * 3 ** 5 });
    expect(merged.states).toBeLessThan(whole.states / 10);
  });

  it('bounds are kept, too', async () => {
    const model = () => new CellsModel([0, 0, 0], RULES);
    expect(await search(model(), { bounds: { maxStates: 5 } })).toMatchObject({ stop: 'states', states: 5 });
    expect(await search(model(), { bounds: { maxDepth: 2 } })).toMatchObject({ stop: 'depth', depth: 2 });
  });
});
