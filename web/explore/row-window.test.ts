import { describe, expect, it } from 'vitest';
import { windowOfRows } from './row-window.js';

const ROW = 20;

describe('the rows of a long list that are drawn', () => {
  it('are all that can be seen, and four beyond on either side, wherever it is scrolled to', () => {
    for (let top = 0; top < 100 * ROW; top += 7) {
      for (const height of [0, 15, 300, 317]) {
        const { from, count } = windowOfRows(top, height, ROW);
        expect(from).toBeLessThanOrEqual(Math.max(0, Math.floor(top / ROW) - 4));
        expect(from + count).toBeGreaterThanOrEqual(Math.ceil((top + height) / ROW) + 4);
      }
    }
  });

  it('are the same ones until it is scrolled by four rows', () => {
    const starts = Array.from({ length: 40 }, (_, row) => windowOfRows(row * ROW, 300, ROW).from);
    expect([...new Set(starts)]).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32]);
  });

  it('are as many wherever it is scrolled to, so that an answer about them is as long', () => {
    const counts = Array.from({ length: 500 }, (_, top) => windowOfRows(top, 300, ROW).count);
    expect(new Set(counts).size).toBe(1);
  });
});
