import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SourceText } from './source.js';

describe('a source text', () => {
  it('turns offsets into lines and columns, whatever ends the lines', () => {
    const source = new SourceText('t', 'ab\n\ncd\r\ne');
    expect([0, 2, 3, 4, 5, 8, 9].map((offset) => source.position(offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 3 },
      { line: 2, column: 1 },
      { line: 3, column: 1 },
      { line: 3, column: 2 },
      { line: 4, column: 1 },
      { line: 4, column: 2 },
    ]);
    expect([1, 2, 3, 4, 5].map((line) => source.line(line))).toEqual(['ab', '', 'cd', 'e', '']);
  });

  it('finds each character where its line has it', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', 'ü') }), (text) => {
        const source = new SourceText('t', text);
        for (let offset = 0; offset < text.length; offset++) {
          if (text[offset] === '\n') continue;
          const { line, column } = source.position(offset);
          expect(source.line(line)[column - 1]).toBe(text[offset]);
        }
      }),
    );
  });
});
