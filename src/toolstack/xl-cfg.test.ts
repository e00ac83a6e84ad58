import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { parseXlConfig } from './xl-cfg.js';
import { numberOf, originOf, type XlAtom, type XlValue } from './xl-value.js';

const parse = (text: string) => parseXlConfig(new SourceText('t.cfg', text));

/** A value as plain data. */
const plain = (value: XlValue): unknown => (value.kind === 'atom' ? value.text : value.items.map(plain));

const read = (text: string): Record<string, unknown> =>
  Object.fromEntries([...parse(text).settings].map(([key, { value }]) => [key, plain(value)]));

function refusal(text: string): { at: string; code: string; message: string; hint: string | undefined } {
  try {
    parse(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { line, column, code, message, hint } = error.diagnostic;
    return { at: `${line}:${column}`, code, message, hint };
  }
  throw new Error(`accepted: ${text}`);
}

describe('an xl config', () => {
  it.each<[string, Record<string, unknown>]>([
    ['a=1', { a: '1' }],
    ['a = 0x1f ; b=010\n', { a: '0x1f', b: '010' }],
    ['a="x";b=\'y\'', { a: 'x', b: 'y' }],
    ['\n;; # nothing\n', {}],
    ['a=12#c\n', { a: '12' }],
    ['a = [ # one\n1 # two\n, "2",\n\n]\n', { a: ['1', '2'] }],
    ['a=[]', { a: [] }],
    ['a=[\n]\n', { a: [] }],
    ['a=["x",["y",[]],]', { a: ['x', ['y', []]] }],
    ['a="it\\\'s \\"q\\" \\\\ \\t\\n"\n', { a: 'it\'s "q" \\ \t\n' }],
    ["a='#;=[],'", { a: '#;=[],' }],
    ['device.model_1 = 2', { 'device.model_1': '2' }],
    ['a+="x"\na+="y"\n', { a: 'xy' }],
    ['a=[1]\na+=[2, 3]\na+=[]\n', { a: ['1', '2', '3'] }],
    ['', {}],
  ])('%j is read as %j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  // Each of these was refused by the parser of libxlutil as well.
  it.each([
    ['a="x', '1:3', 'unterminated-string', /closed/],
    ["a='x\n'", '1:3', 'unterminated-string', /closed/],
    ['a="x\\', '1:3', 'unterminated-string', /closed/],
    ['a=[1,\n2', '1:3', 'unterminated-list', /closed/],
    ['pci = [ "a",\nname = "b"\n', '1:7', 'unterminated-list', /closed/],
    ['a=[1,,2]', '1:6', 'syntax', /expected a value or `\]`/],
    ['a=[\n,1]', '2:1', 'syntax', /expected a value or `\]`/],
    ['a=["x"\n"y"]\n', '2:1', 'syntax', /`,` or `\]`/],
    ['a=', '1:3', 'syntax', /a value for `a`, found the end of the file/],
    ['a=\n', '1:3', 'syntax', /found the end of the line/],
    ['a 1', '1:3', 'syntax', /`=` or `\+=` after the key `a`/],
    ['a\n=1', '1:2', 'syntax', /`=` or `\+=`/],
    ['a="x" b=1\n', '1:7', 'syntax', /a new line or `;`/],
    ['a=1 2', '1:5', 'syntax', /a new line or `;`/],
    ['a=9z', '1:4', 'syntax', /a new line or `;`/],
    ['= 1', '1:1', 'syntax', /expected a key/],
    ['"a" = 1', '1:1', 'syntax', /expected a key/],
    ['a = pv', '1:5', 'syntax', /a value for `a`/],
    ['A=1', '1:1', 'bad-token', /unexpected `A`/],
    ['a=-1', '1:3', 'bad-token', /unexpected `-1`/],
    ['a=(1)', '1:3', 'bad-token', /unexpected/],
    ['import os\nx=f()', '1:8', 'syntax', /`=`/],
    ['a=0xABC', '1:3', 'bad-number', /`0xABC`/],
    ['a=0X1F', '1:3', 'bad-number', /`0X1F`/],
    ['a="\\q"', '1:4', 'bad-escape', /not an escape/],
    ['a="z\\x41"', '1:5', 'bad-escape', /refuses every/],
    ['a="\\101"', '1:4', 'bad-escape', /octal/],
    ['a="1"\na+=["2"]', '2:4', 'mixed-addition', /single value/],
    ['a=\u0000', '1:3', 'bad-token', /unexpected/],
    ['a=1\rb=2', '1:4', 'bad-token', /unexpected/],
  ])('%j is refused at %s (%s)', (text, position, code, message) => {
    expect(refusal(text)).toMatchObject({ at: position, code, message: expect.stringMatching(message) });
  });

  it('that forgets quotes is told to add them', () => {
    expect(refusal('type = pv').hint).toBe('a string needs quotes: "pv"');
    expect(refusal('a=-1').hint).toContain('"-1"');
    expect(refusal('a=0xAB').hint).toContain('0xab');
  });

  it('that sets a key twice is an error that names both places, and keeps the first', () => {
    const { diagnostics, settings } = parse('memory = 1\nname = "a"\n  memory = 2\n');
    expect(diagnostics).toMatchObject([{ severity: 'error', code: 'duplicate-key', line: 3, column: 3 }]);
    expect(diagnostics[0]?.message).toContain('line 1, column 1');
    expect(plain(settings.get('memory')!.value)).toBe('1');
  });

  it.each([
    ['name="a"\r\nmemory=1\r\n', 'carriage-return', '1:9'],
    ['\ufeffname="a"\n', 'byte-order-mark', '1:1'],
    ['name="a" # end', 'comment-without-newline', '1:10'],
  ])('%j is read, with a warning that xl stops there', (text, code, at) => {
    const { diagnostics } = parse(text);
    expect(read(text)).toMatchObject({ name: 'a' });
    expect(diagnostics.map((d) => [d.severity, d.code, `${d.line}:${d.column}`])).toEqual([
      ['warning', code, at],
    ]);
  });

  it('knows where each character of a string came from, escapes and additions included', () => {
    const text = 'a = "x\\ty"\na += \'z\'\n';
    const atom = parse(text).settings.get('a')!.value as XlAtom;
    expect(atom.text).toBe('x\tyz');
    expect([...atom.text].map((_, i) => text[originOf(atom, i)])).toEqual(['x', '\\', 'y', 'z']);
  });

  it('that nests lists without end is refused and does not overflow the stack', () => {
    expect(refusal(`a=${'['.repeat(100_000)}`)).toMatchObject({ code: 'list-too-deep' });
  });
});

describe('a number', () => {
  it.each([
    ['0', 0],
    ['010', 8],
    ['0x1F', 31],
    ['-5', -5],
    [' 7', 7],
    ['08', undefined],
    ['', undefined],
    ['1x', undefined],
    ['0x', undefined],
    ['9223372036854775808', undefined],
    ['9'.repeat(1000), undefined],
  ])('%j is %s, as strtol says', (text, expected) => {
    expect(numberOf(text)).toBe(expected);
  });
});

describe('the grammar', () => {
  const key = fc.stringMatching(/^[a-z][._0-9a-z]{0,12}$/);
  const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((s) => !/[\r\n\0]/.test(s));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, text, fc.array(tie('value'), { maxLength: 4 })),
  }));
  const blank = fc.constantFrom('', ' ', '\t', '  ');
  const gap = fc.constantFrom('', ' ', '\n', ' # note\n', '\n\n\t');

  const quote = (s: string, mark: string): string =>
    mark + s.replace(/\\/g, '\\\\').replaceAll(mark, `\\${mark}`).replace(/\t/g, '\\t') + mark;

  it('reads back whatever was printed, however it was spaced', () => {
    const style = fc.record({
      mark: fc.constantFrom('"', "'"),
      blank,
      gap,
      comma: fc.boolean(),
      end: fc.constantFrom('\n', ';', ' ;\n'),
    });
    const config = fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 6 });
    fc.assert(
      fc.property(config, style, (settings, { mark, blank: b, gap: g, comma, end }) => {
        const print = (v: unknown): string =>
          typeof v === 'string'
            ? quote(v, mark)
            : `[${g}${(v as unknown[]).map((item) => print(item) + g).join(`,${g}`)}${comma && (v as unknown[]).length > 0 ? `,${g}` : ''}]`;
        const printed = settings.map(([name, v]) => `${b}${name}${b}=${b}${print(v)}${b}${end}`).join('');
        expect(read(printed)).toEqual(Object.fromEntries(settings));
      }),
    );
  });

  it('throws nothing but InputError, with a position inside the text', () => {
    const soup = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(
          fc.constantFrom('a', '=', '+=', '[', ']', ',', ';', '\n', '\r\n', '"', "'", '\\', '#', '1', '0x'),
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(soup, (input) => {
        try {
          parse(input);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          const { line, column } = (error as InputError).diagnostic;
          expect(line).toBeLessThanOrEqual(input.split('\n').length);
          expect(column).toBeLessThanOrEqual(input.length + 1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['one long list', (n: number) => `a=[${'"x",'.repeat(n)}]`],
    ['one long string', (n: number) => `a="${'\\n'.repeat(n)}"`],
    ['many additions', (n: number) => `a="x"\n${'a+="x"\n'.repeat(n)}`],
    ['many additions of lists', (n: number) => `a=[]\n${'a+=[1]\n'.repeat(n)}`],
    ['many keys', (n: number) => Array.from({ length: n }, (_, i) => `k${i}=1`).join('\n')],
    ['many comments', (n: number) => `${'# x\n'.repeat(n)}a=1`],
    ['many open quotes', (n: number) => `a=["${"'".repeat(n)}`],
  ])('reads or refuses texts of %s', (_, make) => {
    // A parser that looks at its text again and again would not come back within the limit of a test;
    // `npm run bench -- parse` prints how the time grows.
    const input = make(120_000);
    try {
      expect(parse(input).settings.size).toBeGreaterThan(0);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
    }
  });
});
