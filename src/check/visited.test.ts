import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { omissionProbability, VisitedSet } from './visited.js';

const WORD = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.nat(3));
const FINGERPRINT = fc.tuple(WORD, WORD);

describe('the set of states seen', () => {
  it('holds what a plain set holds, while it grows from the smallest table', () => {
    fc.assert(
      fc.property(fc.array(FINGERPRINT, { maxLength: 300 }), (fingerprints) => {
        const plain = new Set<string>();
        const set = new VisitedSet(4);
        for (const [low, high] of fingerprints) {
          // The one pair that cannot be told from another.
          const key = `${low},${low === 0 && high === 0 ? 1 : high}`;
          expect(set.has(low, high)).toBe(plain.has(key));
          expect(set.add(low, high)).toBe(!plain.has(key));
          plain.add(key);
          expect(set.has(low, high)).toBe(true);
          expect(set.size).toBe(plain.size);
        }
        for (const [low, high] of fingerprints) expect(set.add(low, high)).toBe(false);
      }),
    );
  });

  it('takes the fingerprint of zeros for 0, 1', () => {
    const set = new VisitedSet();
    expect(set.has(0, 0)).toBe(false);
    expect(set.add(0, 0)).toBe(true);
    expect(set.add(0, 0)).toBe(false);
    expect(set.add(0, 1)).toBe(false);
    expect(set.add(1, 0)).toBe(true);
    expect(set.size).toBe(2);
  });

  it('keeps fingerprints apart that begin in the same slot', () => {
    const set = new VisitedSet(8);
    for (const low of [8, 16, 24, 32]) expect(set.add(low, 0)).toBe(true);
    for (const low of [8, 16, 24, 32]) expect(set.has(low, 0)).toBe(true);
    expect(set.has(40, 0)).toBe(false);
  });

  it('tells what it needs before it grows, and no less', () => {
    const set = new VisitedSet(4);
    for (let n = 1; n < 100; n++) {
      const [before, foreseen] = [set.bytes, set.bytesToAdd];
      set.add(n, n);
      expect(set.bytes === before ? before : before + set.bytes).toBe(foreseen);
    }
  });

  it('refuses a capacity that is no power of two', () => {
    for (const capacity of [0, 1, 2, 3, 100]) expect(() => new VisitedSet(capacity)).toThrow(RangeError);
  });
});

describe('the probability that a state was overlooked', () => {
  it('grows with the square of their number', () => {
    expect(omissionProbability(0)).toBe(0);
    expect(omissionProbability(2 ** 32)).toBe(0.5);
    expect(omissionProbability(2e6) / omissionProbability(1e6)).toBeCloseTo(4);
    expect(omissionProbability(1e6)).toBeLessThan(1e-7);
  });
});
