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

  it('is without neighbours that can only go together', async () => {
    // What 4 makes, 5 needs; the failure does not: neither goes alone.
    const fails = async (candidate: readonly number[]) =>
      candidate.includes(4) === candidate.includes(5) && candidate.includes(0) && candidate.includes(8);
    for (let length = 9; length < 30; length++) {
      const items = Array.from({ length }, (_, i) => i);
      expect(await minimise(items, fails, 10_000)).toEqual([0, 8]);
      expect(await minimise([-3, -2, -1, ...items], fails, 10_000)).toEqual([0, 8]);
    }
  });

  it('is found by asking some dozen times', async () => {
    let asked = 0;
    const fails = async (candidate: readonly number[]) => {
      asked++;
      return needs([3, 17, 38])(candidate);
    };
    expect(
      await minimise(
        Array.from({ length: 40 }, (_, i) => i),
        fails,
        120,
      ),
    ).toEqual([3, 17, 38]);
    expect(asked).toBeLessThan(80);
  });

  it('of nothing is nothing', async () => {
    expect(await minimise([], needs([]), 10)).toEqual([]);
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
