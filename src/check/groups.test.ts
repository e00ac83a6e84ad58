import { describe, expect, it } from 'vitest';
import { Groups } from './groups.js';

function begin(count: number, size: number): { groups: Groups; ranges: () => number[][] } {
  let functions = 0;
  const groups = new Groups(count, size, () => functions++);
  return { groups, ranges: () => groups.groups.map(({ first, end }) => [first, end]) };
}

describe('groups of functions', () => {
  it('are of the size asked for, but for the last', () => {
    const { groups, ranges } = begin(5, 2);
    expect(ranges()).toEqual([
      [0, 2],
      [2, 4],
      [4, 5],
    ]);
    expect([0, 1, 2, 3, 4].map((n) => groups.of(n).of)).toEqual([0, 0, 1, 1, 2]);
  });

  it('are split in order when they learn too often for how often they are asked', () => {
    const { groups, ranges } = begin(3, 8);
    const whole = groups.of(0);
    for (let n = 0; n < 100; n++) groups.noteLearnt(whole);
    expect(ranges()).toEqual([
      [0, 1],
      [1, 3],
    ]);
    expect([0, 1, 2].map((n) => groups.of(n).of)).toEqual([1, 2, 2]);
  });

  it('stay whole while they are asked often enough', () => {
    const { groups, ranges } = begin(3, 8);
    const whole = groups.of(0);
    whole.asked = 100_000;
    for (let n = 0; n < 1000; n++) groups.noteLearnt(whole);
    expect(ranges()).toEqual([[0, 3]]);
  });

  it('of one function are never split', () => {
    const { groups, ranges } = begin(1, 8);
    groups.split(groups.of(0));
    expect(ranges()).toEqual([[0, 1]]);
  });
});
