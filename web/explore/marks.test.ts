import { describe, expect, it } from 'vitest';
import { isMarked, nearest } from './marks.js';

describe('marks of steps', () => {
  const steps = [2, 3, 7, 7000];

  it('are found behind a step and before it, not at it', () => {
    expect([0, 2, 3, 6, 7, 7000].map((step) => nearest(steps, step, 1))).toEqual([
      2,
      3,
      7,
      7,
      7000,
      undefined,
    ]);
    expect([0, 2, 3, 6, 7, 9999].map((step) => nearest(steps, step, -1))).toEqual([
      undefined,
      undefined,
      2,
      3,
      3,
      7000,
    ]);
    expect(nearest([], 5, 1)).toBeUndefined();
  });

  it('are those of exactly these steps', () => {
    expect(Array.from({ length: 9 }, (_, step) => step).filter((step) => isMarked(steps, step))).toEqual([
      2, 3, 7,
    ]);
    expect(isMarked(undefined, 2)).toBe(false);
  });
});
