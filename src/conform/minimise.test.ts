import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { minimise } from './minimise.js';

const needs =
  (wanted: readonly number[]) =>
  async (candidate: readonly number[]): Promise<boolean> =>
    wanted.every((item) => candidate.includes(item));

describe('a minimised list', () => {
  it('is just what the failure needs, in the order it stood', async () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(49), { minLength: 1, maxLength: 6 }), async (wanted) => {
        const sorted = [...wanted].sort((a, b) => a - b);
        expect(await minimise(items, needs(wanted), 10_000)).toEqual(sorted);
      }),
    );
  });

  it('still fails when the budget ends first', async () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    for (let budget = 0; budget < 30; budget++) {
      let asked = 0;
      const fails = async (candidate: readonly number[]) => {
        asked++;
        return needs([7, 31])(candidate);
      };
      expect(await minimise(items, fails, budget)).toEqual(expect.arrayContaining([7, 31]));
      expect(asked).toBeLessThanOrEqual(budget);
    }
  });
});
