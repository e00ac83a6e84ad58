import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, foreignOverlaps, type Interval, overlaps, united } from './intervals.js';

const interval = fc.tuple(fc.nat(60), fc.nat(8), fc.nat(3)).map(
  ([start, length, owner]): Interval<number> => ({
    start: BigInt(start),
    end: BigInt(start + length),
    owner,
  }),
);
const many = fc.array(interval, { maxLength: 20 });
const meet = (a: Interval<number>, b: Interval<number>) => a.start <= b.end && b.start <= a.end;

describe('intervals', () => {
  it('overlap exactly when some pair of them does', () => {
    fc.assert(
      fc.property(many, (list) => {
        const pairs = list.flatMap((a, i) => list.slice(i + 1).filter((b) => meet(a, b)));
        const found = overlaps(list);
        expect(found.length > 0).toBe(pairs.length > 0);
        for (const { first, second } of found) expect(meet(first, second)).toBe(true);
      }),
    );
  });

  it('of different owners overlap exactly when some pair of them does', () => {
    fc.assert(
      fc.property(many, (list) => {
        const pairs = list.flatMap((a) => list.filter((b) => a.owner !== b.owner && meet(a, b)));
        const found = foreignOverlaps(list).filter(({ first, second }) => first.owner !== second.owner);
        expect(found.length > 0).toBe(pairs.length > 0);
      }),
    );
  });

  it('united cover the same numbers', () => {
    fc.assert(
      fc.property(many, (list) => {
        const all = united(list);
        for (let value = 0n; value < 70n; value++) {
          expect(covers(all, value)).toBe(list.some(({ start, end }) => start <= value && value <= end));
        }
      }),
    );
  });
});
