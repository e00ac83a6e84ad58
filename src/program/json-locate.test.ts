import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { type Located, locateJson } from './json-locate.js';

describe('locating JSON', () => {
  it('finds each value where it stands', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(3), (json, indent) => {
        const text = JSON.stringify(JSON.parse(json), undefined, indent);
        const agrees = ({ start, end, fields, items }: Located, value: unknown): void => {
          expect(JSON.parse(text.slice(start, end))).toEqual(value);
          if (Array.isArray(value)) for (const [index, item] of value.entries()) agrees(items![index]!, item);
          else if (value !== null && typeof value === 'object') {
            for (const [name, field] of Object.entries(value)) agrees(fields!.get(name)!, field);
          }
        };
        agrees(locateJson(new SourceText('t', text)), JSON.parse(text));
      }),
    );
  });

  it('takes just what JSON.parse takes', () => {
    const piece = fc.constantFrom(
      ...'{}[],:"\\ \n\t01.-+eEnulltrue',
      '"a"',
      '"a":',
      '1',
      '\\u00e9',
      'true',
      'null',
      '\ufeff',
    );
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const takes = (read: () => unknown): boolean => {
      try {
        read();
        return true;
      } catch (error) {
        expect(error instanceof InputError || error instanceof SyntaxError).toBe(true);
        // JSON.parse keeps the last of two fields with the same name.
        return error instanceof InputError && error.diagnostic.code === 'duplicate-key';
      }
    };
    fc.assert(
      fc.property(text, (text) => {
        const parsed = takes(() => JSON.parse(text.replace(/^\ufeff/, '')));
        expect(takes(() => locateJson(new SourceText('t', text)))).toBe(parsed);
      }),
      { numRuns: 10_000 },
    );
  });
});
