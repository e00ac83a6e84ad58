import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { inputError, quote, type Span } from './refuse.js';

export interface Token extends Span {
  readonly kind: 'word' | 'string';
  /** A word as written, a string without its quotes and escapes. */
  readonly text: string;
}

export type Line = readonly [Token, ...Token[]];

const BLANKS = /[ \t\r]*/y;
/** Words run to the next blank, quote or comment. */
const WORD = /[^\s"#]+/y;

/** The tokens of each line that has any; `#` starts a comment. Linear in the length of the text. */
export function* lines(source: SourceText): Generator<Line> {
  const { text } = source;
  let start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (let line = 1; start <= text.length; line++) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const [first, ...rest] = tokens(source, line, text.slice(start, end));
    if (first !== undefined) yield [first, ...rest];
    start = end + 1;
  }
}

/** The tokens of a line that has some. */
export function lineTokens(source: SourceText, line: number): Line {
  const text = source.line(line);
  const [first, ...rest] = tokens(source, line, line === 1 ? text.replace(/^\ufeff/, ' ') : text);
  if (first === undefined) throw new RangeError(`line ${line} of ${source.name} is empty`);
  return [first, ...rest];
}

function tokens(source: SourceText, line: number, text: string): Token[] {
  const found: Token[] = [];
  const span = (from: number, to: number): Span => ({ line, column: from + 1, length: to - from });
  for (let at = 0; ; ) {
    at = skip(BLANKS, text, at);
    if (at === text.length || text[at] === '#') return found;
    let end = skip(WORD, text, at);
    if (end > at) {
      found.push({ kind: 'word', text: text.slice(at, end), line, column: at + 1, length: end - at });
    } else if (text[at] === '"') {
      end = stringEnd(text, at);
      if (end < 0) throw unterminated(source, span(at, text.trimEnd().length));
      found.push({
        kind: 'string',
        text: unquote(source, span(at, end), text.slice(at, end)),
        ...span(at, end),
      });
    } else {
      const code = text.charCodeAt(at).toString(16).padStart(4, '0');
      const message = `unexpected character U+${code} ${quote(text[at]!)}`;
      throw inputError(source, span(at, at + 1), { code: 'stray-character', message });
    }
    at = end;
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** The offset after the quote that closes the string at `start`, or -1. */
function stringEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return at + 1;
    if (text[at] === '\\') at++;
  }
  return -1;
}

/** Strings are those of JSON. */
function unquote(source: SourceText, span: Span, written: string): string {
  try {
    return JSON.parse(written) as string;
  } catch {
    throw inputError(source, span, {
      code: 'bad-string',
      message: 'a character or escape that strings do not have',
      hint: 'inside quotes write \\" for a quote, \\\\ for a backslash, \\t for a tab, \\u00e9 for any character',
    });
  }
}

function unterminated(source: SourceText, span: Span): InputError {
  const message = 'the string has no closing quote on its line';
  return inputError(source, span, { code: 'unterminated-string', message });
}
