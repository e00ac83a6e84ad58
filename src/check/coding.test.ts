import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExactCoding, FingerprintCoding, omissionProbability } from './coding.js';

const FACT = fc.record({ name: fc.nat(20), value: fc.integer({ min: -9, max: 30 }) });
/** States as what each word holds; a word that is not named holds 0, as in the beginning. */
const STATES = fc.array(
  fc.array(FACT, { maxLength: 8 }).map((facts) => new Map(facts.map(({ name, value }) => [name, value]))),
  { maxLength: 60 },
);

describe('the exact coding', () => {
  it('gives different states different identities, which never change, and reads them back', () => {
    fc.assert(
      fc.property(STATES, (states) => {
        const coding = new ExactCoding();
        const kept = new Map<string, { vector: Int32Array; state: string }>();
        for (const facts of states) {
          const state = describeFacts([...facts].map(([name, value]) => ({ name, value })));
          const vector = encode(coding, facts);
          kept.set(state, { vector, state });
        }
        const identities = new Set<string>();
        for (const { vector, state } of kept.values()) {
          const wide = new Int32Array(coding.words);
          wide.set(vector);
          identities.add(wide.join());
          expect(describeFacts(coding.decode(wide, 0))).toBe(state);
        }
        expect(identities.size).toBe(kept.size);
      }),
    );
  });

  it('takes one bit for two values, two for up to four, and a word more when the bits are used up', () => {
    const coding = new ExactCoding();
    for (let name = 0; name < 32; name++) encode(coding, new Map([[name, 1]]));
    expect(coding.words).toBe(1);
    encode(coding, new Map([[3, 2]]));
    expect(coding.words).toBe(2);
    for (let name = 4; name < 32; name++) encode(coding, new Map([[name, 2]]));
    for (let name = 4; name < 32; name++) encode(coding, new Map([[name, 3]]));
    expect(coding.words).toBe(2);
  });

  it('gives the same codes to who learns the same facts in the same order', () => {
    const coding = new ExactCoding();
    for (const name of [5, 1, 5, 9, 1]) encode(coding, new Map([[name, coding.facts.length + 1]]));
    const other = new ExactCoding();
    for (const { name, value } of coding.facts) encode(other, new Map([[name, value]]));
    expect(other.facts).toEqual(coding.facts);
    const both = new Map([
      [5, 1],
      [9, 4],
    ]);
    expect(encode(other, both)).toEqual(encode(coding, both));
  });

  it('knows what it coded, and nothing else', () => {
    const coding = new ExactCoding();
    encode(coding, new Map([[7, 4]]));
    expect([coding.knows(7, 4), coding.knows(7, 5), coding.knows(8, 4)]).toEqual([true, false, false]);
  });
});

function encode(coding: ExactCoding, facts: ReadonlyMap<number, number>): Int32Array {
  for (;;) {
    const row = new Int32Array(coding.words);
    if ([...facts].every(([name, value]) => coding.contribute(name, value, 0, row, 0))) return row;
    coding.widen();
  }
}

function describeFacts(facts: readonly { name: number; value: number }[]): string {
  return facts
    .filter(({ value }) => value !== 0)
    .map(({ name, value }) => `${name}=${value}`)
    .sort()
    .join(' ');
}

describe('fingerprints', () => {
  it('of a state are those of its facts, whatever way they were met', () => {
    const coding = new FingerprintCoding();
    const row = new Int32Array(2);
    coding.contribute(1025, 7, 3, row, 0);
    expect(row).not.toEqual(new Int32Array(2));
    coding.contribute(1025, 3, 3, row, 0);
    coding.contribute(1025, 7, 3, row, 0);
    expect(row).toEqual(new Int32Array(2));
  });

  it('are the same in both lanes for no two of many facts', () => {
    const coding = new FingerprintCoding();
    const seen = new Set<string>();
    for (let name = 0; name < 200; name++) {
      for (let value = 1; value < 50; value++) {
        const row = new Int32Array(2);
        coding.contribute(name * 512, value, 0, row, 0);
        seen.add(row.join());
      }
    }
    expect(seen.size).toBe(200 * 49);
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
