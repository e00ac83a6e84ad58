import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FULL, KNOWN, NO_ROOM, Visited } from './visited.js';

const WORD = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)), fc.nat(3));
const IDENTITY = fc.tuple(WORD, WORD).map((words) => Int32Array.from(words));

function add(visited: Visited, identity: Int32Array, parent: number, action: number): number {
  for (;;) {
    const added = visited.add(identity, 0, parent, action);
    if (added !== NO_ROOM) return added;
    expect(visited.grow(1, Number.POSITIVE_INFINITY)).toBe(true);
  }
}

describe('the states seen', () => {
  it('are numbered, found by their identities, and told apart, while the table grows from the smallest', () => {
    fc.assert(
      fc.property(fc.array(IDENTITY, { maxLength: 300 }), (identities) => {
        const plain = new Map<string, number>();
        const visited = new Visited(2, 100, 16);
        for (const identity of identities) {
          const known = plain.get(identity.join()) ?? -1;
          expect(visited.find(identity, 0)).toBe(known);
          expect(add(visited, identity, 7, 9)).toBe(known < 0 ? plain.size : KNOWN);
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
        expect(add(visited, identity, state - 1, state % actions)).toBe(state);
      }
      for (const state of [0, 1, 16_383, 16_384, 39_999]) expect(visited.parentOf(state)).toBe(state - 1);
      for (const state of [1, 16_383, 16_384, 39_999]) expect(visited.actionOf(state)).toBe(state % actions);
    }
  });

  it('are told when there is no room for one more, and how much memory they may grow to', () => {
    const visited = new Visited(2, 100, 16);
    const identity = new Int32Array(2);
    let growths = 0;
    for (let n = 0; n < 40_000; n++) {
      identity[1] = n;
      if (visited.add(identity, 0, -1, 0) !== NO_ROOM) continue;
      growths++;
      const { bytes } = visited;
      expect(visited.grow(1, bytes)).toBe(false);
      expect([visited.add(identity, 0, -1, 0), visited.bytes]).toEqual([NO_ROOM, bytes]);
      expect(visited.grow(1, 10 * bytes)).toBe(true);
      expect(visited.bytes).toBeGreaterThan(bytes);
      expect(visited.add(identity, 0, -1, 0)).toBe(n);
    }
    expect(growths).toBeGreaterThan(10);
  });

  it('are no more than were wanted, and those that are there are known', () => {
    const visited = new Visited(1, 1);
    visited.limit = 3;
    const answers = [5, 6, 7, 8, 6].map((n) => visited.add(Int32Array.of(n), 0, 0, 0));
    expect(answers).toEqual([0, 1, 2, FULL, KNOWN]);
    expect([visited.size, visited.find(Int32Array.of(8), 0)]).toEqual([3, -1]);
  });

  it('cost at most 32 bytes each where an identity takes two words', () => {
    const visited = new Visited(2, 100);
    const identity = new Int32Array(2);
    for (let n = 0; n < 400_000; n++) {
      identity[0] = n;
      add(visited, identity, 0, 0);
      if (n > 50_000) expect(visited.bytes / visited.size).toBeLessThan(32);
    }
  });

  it('stay what they are when their identities are written anew', () => {
    const visited = new Visited(1, 10, 16);
    for (let n = 0; n < 20_000; n++) add(visited, Int32Array.of(n), n - 1, 3);
    visited.rewrite(2, (from, at, to, there) => {
      to[there + 1] = from[at]! ^ 0x55;
    });
    expect(visited.find(Int32Array.of(0, 5 ^ 0x55), 0)).toBe(5);
    expect(visited.find(Int32Array.of(0, 19_999 ^ 0x55), 0)).toBe(19_999);
    expect(visited.find(Int32Array.of(5, 0), 0)).toBe(-1);
    expect(visited.parentOf(19_999)).toBe(19_998);
  });

  it('refuse a table whose slots are no power of two', () => {
    for (const slots of [0, 1, 8, 17, 100]) expect(() => new Visited(2, 1, slots)).toThrow(RangeError);
  });
});
