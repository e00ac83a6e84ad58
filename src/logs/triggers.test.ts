import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Triggers } from './triggers.js';

const hits = (keys: readonly string[], text: string, from = 0) =>
  new Triggers(keys).hits(text, from, 1000).map(({ key, start }) => [keys[key], start]);

describe('the search for keys', () => {
  it('finds keys within keys and keys that overlap, in the order of their beginnings', () => {
    expect(hits(['DMAR:', '[VT-D]DMAR:[DMA ', 'MA'], 'x[VT-D]DMAR:[DMA Read')).toEqual([
      ['[VT-D]DMAR:[DMA ', 1],
      ['DMAR:', 7],
      ['MA', 8],
      ['MA', 14],
    ]);
  });

  it('takes any run of blanks for a blank of a key, and nothing else', () => {
    expect(hits(['a fault b'], 'a \t fault b')).toEqual([['a fault b', 0]]);
    expect(hits(['a fault b'], 'afault b')).toEqual([]);
    expect(hits([' fault'], 'xx   fault')).toEqual([[' fault', 4]]);
    expect(hits(['a fault'], 'fault')).toEqual([]);
  });

  it('looks at nothing before the place that it starts from', () => {
    expect(hits(['a fault'], 'a fault a fault', 2)).toEqual([['a fault', 8]]);
  });

  it('finds what a search for each key by itself finds', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 6 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'é', '\u{1f600}'), maxLength: 40 });
    fc.assert(
      fc.property(keys, text, (keys, text) => {
        const expected = keys.flatMap((key) =>
          Array.from({ length: text.length }, (_, i) => i).flatMap((i) =>
            text.startsWith(key, i) ? [`${i} ${key}`] : [],
          ),
        );
        expect(hits(keys, text).map(([key, start]) => `${start} ${key}`)).toHaveLength(expected.length);
        expect(new Set(hits(keys, text).map(([key, start]) => `${start} ${key}`))).toEqual(new Set(expected));
      }),
    );
  });

  it('refuses keys that cannot be searched for', () => {
    for (const key of ['', '  ', 'é', 'a\nb']) expect(() => new Triggers([key]), key).toThrow(SyntaxError);
  });
});
