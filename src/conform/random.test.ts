import { expect, it } from 'vitest';
import { Random } from './random.js';

const many = (seed: number, count = 10_000) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next());
};

it('the same seed makes the same choices, another one others', () => {
  expect(many(7, 50)).toEqual(many(7, 50));
  expect(many(7, 50)).not.toEqual(many(8, 50));
  expect(many(2 ** 31 - 1, 3)).toEqual(many(2 ** 31 - 1, 3));
});

it('numbers lie between 0 and 1, evenly', () => {
  for (const seed of [0, 1, -1, 2 ** 31]) {
    const numbers = many(seed);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    const tenths = Array(10).fill(0) as number[];
    for (const number of numbers) tenths[Math.floor(number * 10)]!++;
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  }
});

it('an item comes up as often as its weight says, one without weight never', () => {
  const random = new Random(1);
  const items = [
    { name: 'often', weight: 3 },
    { name: 'never', weight: 0 },
    { name: 'seldom', weight: 1 },
  ];
  const names = Array.from({ length: 8000 }, () => random.weighted(items).name);
  const times = (name: string) => names.filter((one) => one === name).length;
  expect(times('never')).toBe(0);
  expect(times('often') / times('seldom')).toBeCloseTo(3, 0);
});

it('what is picked is one of the items', () => {
  const random = new Random(3);
  const picked = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])));
  expect([...picked].sort()).toEqual(['a', 'b', 'c']);
  expect(new Set(Array.from({ length: 200 }, () => random.below(2)))).toEqual(new Set([0, 1]));
  expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
});
