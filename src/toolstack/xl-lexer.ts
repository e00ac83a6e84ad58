import { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { at } from './xl-value.js';

export type TokenKind = 'word' | 'number' | 'string' | 'punctuation' | 'newline' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The text of a word, number or string (escapes resolved), or the punctuation itself. */
  readonly text: string;
  readonly offset: number;
  readonly end: number;
  /** For a string with escapes: the source offset of each character of `text`. */
  readonly origins: readonly number[] | undefined;
}

/** What a config has that xl's lexer refuses but a reader of text can see through. */
export type Roughness = 'byte-order-mark' | 'carriage-return' | 'comment-without-newline';

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  '\\': '\\',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** The alphabet of xl's lexer, libxlu_cfg_l.l: words and hexadecimal digits are in lower case only. */
const WORD = /[a-z][._0-9a-z]*/y;
const NUMBER = /[0-9][0-9a-fx]*/y;
const COMMENT = /#[^\n]*/y;
const WRONG_WORD = /[^\s=,;[\]#'"]+/y;

/** Splits a config into tokens, one call at a time. Linear in the length of the text. */
export class XlLexer {
  readonly source: SourceText;
  /** First place of each roughness met. */
  readonly roughness = new Map<Roughness, number>();
  private at = 0;

  constructor(source: SourceText) {
    this.source = source;
    if (source.text.charCodeAt(0) === 0xfeff) {
      this.roughness.set('byte-order-mark', 0);
      this.at = 1;
    }
  }

  next(): Token {
    const { text } = this.source;
    for (;;) {
      while (text[this.at] === ' ' || text[this.at] === '\t') this.at++;
      const offset = this.at;
      const character = text[offset];
      switch (character) {
        case undefined:
          return this.token('end', '', offset, offset);
        case '\n':
          return this.token('newline', '\n', offset, offset + 1);
        case '\r':
          if (text[offset + 1] !== '\n' && offset + 1 < text.length) this.refuse(offset);
          this.rough('carriage-return', offset);
          this.at++;
          continue;
        case '#':
          this.match(COMMENT);
          if (this.at >= text.length) this.rough('comment-without-newline', offset);
          continue;
        case "'":
        case '"':
          return this.string(offset, character);
        case ',':
        case ';':
        case '=':
        case '[':
        case ']':
          return this.token('punctuation', character, offset, offset + 1);
        case '+':
          if (text[offset + 1] === '=') return this.token('punctuation', '+=', offset, offset + 2);
          return this.refuse(offset);
        default:
          break;
      }
      const word = this.match(WORD);
      if (word !== undefined) return this.token('word', word, offset, this.at);
      const number = this.match(NUMBER);
      if (number === undefined) return this.refuse(offset);
      if (/[A-FX]/.test(text[this.at] ?? '')) this.refuseUpperCaseNumber(offset);
      return this.token('number', number, offset, this.at);
    }
  }

  private token(kind: TokenKind, text: string, offset: number, end: number): Token {
    this.at = end;
    return { kind, text, offset, end, origins: undefined };
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private rough(kind: Roughness, offset: number): void {
    if (!this.roughness.has(kind)) this.roughness.set(kind, offset);
  }

  /** A string ends at its own quote, on its own line; a backslash takes the next character with it. */
  private string(offset: number, quote: string): Token {
    const { text } = this.source;
    const end = this.closingQuote(offset, quote);
    const raw = text.slice(offset + 1, end);
    if (!raw.includes('\\')) return this.token('string', raw, offset, end + 1);
    this.at = end + 1;
    const characters: string[] = [];
    const origins: number[] = [];
    for (let i = offset + 1; i < end; ) {
      const width = text[i] === '\\' ? this.escape(i, characters) : 1;
      if (width === 1) characters.push(text[i]!);
      if (origins.length < characters.length) origins.push(i);
      i += width;
    }
    return { kind: 'string', text: characters.join(''), offset, end: end + 1, origins };
  }

  private closingQuote(offset: number, quote: string): number {
    const { text } = this.source;
    for (let i = offset + 1; i < text.length; i++) {
      const character = text[i];
      if (character === quote) return i;
      if (character === '\n') break;
      if (character === '\\' && text[i + 1] !== '\n') i++;
    }
    throw this.error(
      offset,
      1,
      'unterminated-string',
      `string is not closed on its line`,
      `end it with ${quote} on the same line; a string cannot span lines`,
    );
  }

  /** Resolves the escape at `i` as xl does, and returns how many characters of the source it takes. */
  private escape(i: number, into: string[]): number {
    const { text } = this.source;
    const letter = text[i + 1]!;
    const simple = SIMPLE_ESCAPES[letter];
    if (simple !== undefined) {
      into.push(simple);
      return 2;
    }
    const octal = /^[0-7]{1,3}/.exec(text.slice(i + 1, i + 4))?.[0];
    const [width, message] =
      letter === 'x'
        ? [4, 'xl refuses every `\\x` escape, although its parser mentions them']
        : octal !== undefined
          ? [1 + octal.length, 'xl drops or refuses octal escapes instead of reading them']
          : [2, `\`\\${letter}\` is not an escape of xl`];
    throw this.error(
      i,
      width,
      'bad-escape',
      message,
      'write the character itself; the escapes are \\\\ \\\' \\" \\n \\t \\r \\a \\b \\f \\v',
    );
  }

  private refuse(offset: number): never {
    const { text } = this.source;
    this.at = offset;
    const shown = this.match(WRONG_WORD) ?? text[offset]!;
    const quoted = `"${shown.replace(/["\\]/g, '')}"`;
    const hint = /^[+-]\d/.test(shown)
      ? `numbers have no sign here; quote it: ${quoted}`
      : /^[A-Z][._0-9A-Za-z]*$/.test(shown)
        ? `keys are in lower case, strings are quoted: \`${shown.toLowerCase()} = …\` or ${quoted}`
        : /[().:{}]/.test(shown)
          ? `xl configs are not Python; a value is a number, a "string" or a [list]; quote it: ${quoted}`
          : 'expected a key, a number, a "string", a [list] or a # comment';
    throw this.error(offset, shown.length, 'bad-token', `unexpected \`${shown}\``, hint);
  }

  private refuseUpperCaseNumber(offset: number): never {
    const shown = /^[0-9A-Za-z]+/.exec(this.source.text.slice(offset, offset + 40))![0];
    throw this.error(
      offset,
      shown.length,
      'bad-number',
      `unexpected capital letter in the number \`${shown}\``,
      `xl reads lower case only: ${shown.toLowerCase()}`,
    );
  }

  private error(offset: number, length: number, code: string, message: string, hint: string): InputError {
    return new InputError(at(this.source, offset, length, 'error', code, message, hint), this.source);
  }
}
