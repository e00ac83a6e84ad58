import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Diagnostic, InputError, PLAIN, printable, renderDiagnostic } from './diagnostic.js';
import { SourceText } from './source.js';

const at = (line: number, column: number, rest: Partial<Diagnostic> = {}): Diagnostic => ({
  severity: 'error',
  code: 'c',
  message: 'wrong',
  file: 'f.cfg',
  line,
  column,
  ...rest,
});

const render = (text: string, diagnostic: Diagnostic): string[] =>
  renderDiagnostic(diagnostic, new SourceText('f.cfg', text)).split('\n');

/** What the caret line underlines of the line above it. */
function underlined(text: string, diagnostic: Diagnostic): string {
  const [, quoted, carets] = render(text, diagnostic) as [string, string, string];
  const start = carets.indexOf('^');
  return quoted.slice(start, carets.lastIndexOf('^') + 1);
}

describe('a diagnostic', () => {
  it('shows the place, the line, a caret under it, and the hint', () => {
    expect(render('a = 1\nb == 2\n', at(2, 3, { length: 2, hint: 'try =' }))).toEqual([
      'f.cfg:2:3: error: wrong',
      '  2 | b == 2',
      '    |   ^^',
      '  hint: try =',
    ]);
  });

  it('has no line to show without a text, beyond its end, or where the line is empty', () => {
    expect(renderDiagnostic(at(1, 1), undefined)).toBe('f.cfg:1:1: error: wrong');
    expect(render('a', at(7, 1))).toEqual(['f.cfg:7:1: error: wrong']);
    expect(render('\n', at(1, 1))).toEqual(['f.cfg:1:1: error: wrong']);
  });

  it('keeps the caret in its column however wide the line number is', () => {
    const text = `${'\n'.repeat(999)}  key = 1`;
    expect(underlined(text, at(1000, 3, { length: 3 }))).toBe('key');
  });

  it('keeps the caret in its column after tabs', () => {
    expect(underlined('\t\tkey\t= 1', at(1, 3, { length: 3 }))).toBe('key');
    expect(render('\tkey', at(1, 2))[1]).toBe('  1 |  key');
  });

  it('underlines no more than the line has, and something at its end', () => {
    expect(underlined('key', at(1, 1, { length: 99 }))).toBe('key');
    expect(render('key', at(1, 4))[2]).toBe('    |    ^');
    expect(underlined('key', at(1, 1, { length: 0 }))).toBe('k');
  });

  it('shows a window of a long line, with the place in it', () => {
    const text = `${'x'.repeat(5000)}here${'y'.repeat(5000)}`;
    const diagnostic = at(1, 5001, { length: 4 });
    expect(underlined(text, diagnostic)).toBe('here');
    for (const line of render(text, diagnostic)) expect(line.length).toBeLessThan(120);
  });

  it('underlines what it points at, wherever that stands', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.integer({ min: 1, max: 20 }), fc.nat(300), (before, length, after) => {
        const text = `${'-'.repeat(before)}${'#'.repeat(length)}${'-'.repeat(after)}`;
        const shown = underlined(text, at(1, before + 1, { length }));
        expect(shown).toMatch(/^#+$/);
        if (before <= 80) expect(shown).toHaveLength(length);
      }),
    );
  });

  it('says the same as an error', () => {
    const error = new InputError(at(2, 3));
    expect(error).toMatchObject({ name: 'InputError', message: 'f.cfg:2:3: wrong' });
  });

  it('uses colours for the severity and the caret only', () => {
    const paint = { ...PLAIN, error: (text: string) => `<${text}>`, bold: (text: string) => `*${text}*` };
    expect(renderDiagnostic(at(1, 1), new SourceText('f', 'x'), paint)).toBe(
      '*f.cfg:1:1:* <error>: wrong\n  1 | x\n    | <^>',
    );
  });
});

describe('control characters', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

  it('reach the terminal from no part of a diagnostic', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\u001b[2J', '\u009b2J', '\r', '\u0007', '\u202e', '\u007f'),
        (text, bad) => {
          const nasty = `${bad}${text}${bad}`;
          const diagnostic = at(1, 1, { message: nasty, hint: nasty, file: nasty });
          expect(renderDiagnostic(diagnostic, new SourceText('f', nasty))).not.toMatch(CONTROL);
        },
      ),
    );
  });

  it('keep their place', () => {
    expect(printable('a\u001b[31mb\tc\nd')).toBe('a?[31mb\tc\nd');
  });
});
