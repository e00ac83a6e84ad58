import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Triggers } from './triggers.js';

const hits = (keys: readonly string[], text: string, from = 0) =>
  new Triggers(keys).hits(text, from, 1000).map(({ key, start }) => [keys[key], start]);

describe('the search for keys', () => {
  it('finds keys within keys and keys that overlap, in the order of their ends', () => {
    expect(hits(['DMAR:', '[VT-D]DMAR:[DMA ', 'MA'], 'x[VT-D]DMAR:[DMA Read')).toEqual([
      ['MA', 8],
      ['DMAR:', 7],
      ['MA', 14],
      ['[VT-D]DMAR:[DMA ', 1],
    ]);
  });

  it('finds keys that the end of the text breaks off, from eight characters on', () => {
    const broken = (text: string) =>
      new Triggers(['a long key', 'long keys', 'ong kex'])
        .hits(text, 0, 10)
        .map(({ key, start, broken }) => [key, start, broken]);
    expect(broken('x a long ke')).toEqual([[0, 2, true]]);
    expect(broken('x a  long \t k')).toEqual([[0, 2, true]]);
    expect(broken('x a lon')).toEqual([]);
    expect(broken('x a long key')).toEqual([
      [0, 2, false],
      [1, 4, true],
    ]);
    expect(broken('x a long ke y')).toEqual([]);
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

  it('finds the same however many blanks stand for one', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 6 });
    const key = word.map((text) => text.replace(/ +/g, ' ')).filter((text) => text.trim() !== '');
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 30 });
    fc.assert(
      fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 4 }), text, (keys, text) => {
        const single = text.replace(/ +/g, ' ');
        const many = text.replace(/ +/g, ' \t ');
        expect(hits(keys, many).map(([key]) => key)).toEqual(hits(keys, single).map(([key]) => key));
        for (const [key, start] of hits(keys, many)) {
          expect(
            many
              .slice(start as number)
              .replace(/[ \t]+/g, ' ')
              .startsWith((key as string).trimStart()) ||
              many
                .slice(start as number)
                .replace(/[ \t]+/g, ' ')
                .startsWith(key as string),
          ).toBe(true);
        }
      }),
    );
  });

  it('refuses keys that cannot be searched for', () => {
    for (const key of ['', ' ', 'a  b', 'é', 'a\nb'])
      expect(() => new Triggers([key]), key).toThrow(SyntaxError);
  });
});
