import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Visited } from './visited.js';

const WORD = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.nat(3));
const IDENTITY = fc.tuple(WORD, WORD).map((words) => Int32Array.from(words));

describe('the states seen', () => {
  it('are numbered, found by their identities, and told apart, while the table grows from the smallest', () => {
    fc.assert(
      fc.property(fc.array(IDENTITY, { maxLength: 300 }), (identities) => {
        const plain = new Map<string, number>();
        const visited = new Visited(2, 100, 4);
        for (const identity of identities) {
          const known = plain.get(identity.join()) ?? -1;
          expect(visited.find(identity, 0)).toBe(known);
          expect(visited.add(identity, 0, 7, 9)).toBe(known < 0 ? plain.size : -1);
          if (known < 0) plain.set(identity.join(), plain.size);
          expect(visited.size).toBe(plain.size);
        }
        for (const identity of identities) {
          const state = plain.get(identity.join())!;
          expect(visited.find(identity, 0)).toBe(state);
          expect(visited.equals(state, identity, 0)).toBe(true);
        }
      }),
    );
  });

  it('keep where they were found from, over the pieces of the arena', () => {
    for (const actions of [10, 1 << 20]) {
      const visited = new Visited(1, actions);
      const identity = new Int32Array(1);
      for (let state = 0; state < 40_000; state++) {
        identity[0] = state;
        expect(visited.add(identity, 0, state - 1, state % actions)).toBe(state);
      }
      for (const state of [0, 1, 16_383, 16_384, 39_999]) expect(visited.parentOf(state)).toBe(state - 1);
      for (const state of [1, 16_383, 16_384, 39_999]) expect(visited.actionOf(state)).toBe(state % actions);
    }
  });

  it('tell what they need before they grow, and no less', () => {
    const visited = new Visited(2, 100, 4);
    const identity = new Int32Array(2);
    for (let n = 0; n < 20_000; n++) {
      identity[1] = n;
      const [before, foreseen] = [visited.bytes, visited.bytesToAdd];
      visited.add(identity, 0, -1, 0);
      expect(visited.bytes).toBeLessThanOrEqual(foreseen);
      if (visited.bytes === before) expect(foreseen).toBe(before);
    }
  });

  it('cost at most 32 bytes each where an identity takes two words', () => {
    const visited = new Visited(2, 100);
    const identity = new Int32Array(2);
    for (let n = 0; n < 400_000; n++) {
      identity[0] = n;
      visited.add(identity, 0, 0, 0);
      if (n > 50_000) expect(visited.bytes / visited.size).toBeLessThan(32);
    }
  });

  it('stay what they are when their identities are written anew', () => {
    const visited = new Visited(1, 10, 4);
    for (let n = 0; n < 20_000; n++) visited.add(Int32Array.of(n), 0, n - 1, 3);
    visited.rewrite(2, (from, at, to, there) => {
      to[there + 1] = from[at]! ^ 0x55;
    });
    expect(visited.find(Int32Array.of(0, 5 ^ 0x55), 0)).toBe(5);
    expect(visited.find(Int32Array.of(0, 19_999 ^ 0x55), 0)).toBe(19_999);
    expect(visited.find(Int32Array.of(5, 0), 0)).toBe(-1);
    expect(visited.parentOf(19_999)).toBe(19_998);
  });

  it('refuse a table whose slots are no power of two', () => {
    for (const slots of [0, 1, 2, 3, 100]) expect(() => new Visited(2, 1, slots)).toThrow(RangeError);
  });
});
