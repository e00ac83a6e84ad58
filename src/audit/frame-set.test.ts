import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameSet } from './frame-set.js';
import { type RangeRow, rangeList } from './range-list.fixture.js';

const intervals = (set: FrameSet) =>
  Array.from({ length: set.length }, (_, i) => [set.start(i), set.end(i), set.rights(i)]);

describe('the frames that ranges lead to', () => {
  it('are in the order of frames, whatever the order of inputs', () => {
    const set = FrameSet.of(
      rangeList([
        [0, 2, 100, 3],
        [5, 1, 7, 1],
        [6, 3, 102, 3],
      ]),
      3,
    );
    expect(intervals(set)).toEqual([
      [7, 8, 1],
      [100, 105, 3],
    ]);
  });

  it('have all the rights of the ranges that lead to them together', () => {
    const set = FrameSet.of(
      rangeList([
        [0, 10, 100, 1],
        [20, 2, 104, 2],
      ]),
      3,
    );
    expect(intervals(set)).toEqual([
      [100, 104, 1],
      [104, 106, 3],
      [106, 110, 1],
    ]);
  });

  it('leave out what the mask takes and repeats', () => {
    expect(
      intervals(
        FrameSet.of(
          rangeList([
            [0, 1, 5, 2],
            [1, 1, 6, 1],
            [2, 9, -1, 3, 0],
          ]),
          1,
        ),
      ),
    ).toEqual([[6, 7, 1]]);
  });

  it('are those of each range, frame by frame, for any ranges', () => {
    const row: fc.Arbitrary<RangeRow> = fc.tuple(
      fc.nat(50),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(40),
      fc.integer({ min: 0, max: 7 }),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), (rows) => {
        const set = FrameSet.of(rangeList(rows), 3);
        for (let frame = 0; frame < 60; frame++) {
          let expected = 0;
          for (const [, count, first, rights] of rows) {
            if (frame >= first && frame < first + count) expected |= rights & 3;
          }
          expect(set.rightsTo(frame)).toBe(expected);
        }
        for (let i = 1; i < set.length; i++) {
          expect(set.start(i)).toBeGreaterThanOrEqual(set.end(i - 1));
          if (set.start(i) === set.end(i - 1)) expect(set.rights(i)).not.toBe(set.rights(i - 1));
        }
      }),
    );
  });
});

describe('what lies within an interval', () => {
  it('is cut to it', () => {
    const set = FrameSet.of(
      rangeList([
        [0, 10, 0, 1],
        [10, 10, 20, 3],
      ]),
      3,
    );
    const seen: number[][] = [];
    set.within(5, 22, (start, end, rights) => seen.push([start, end, rights]) > 0);
    expect(seen).toEqual([
      [5, 10, 1],
      [20, 22, 3],
    ]);
    expect(set.rightsTo(9)).toBe(1);
    expect(set.rightsTo(15)).toBe(0);
  });
});
