import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { inputError, quote, type Span } from './refuse.js';

/** Where a JSON value stands, and where its parts do. */
export interface Located {
  readonly start: number;
  readonly end: number;
  /** Where its name stands, for a field of an object. */
  readonly key?: { readonly start: number; readonly end: number };
  readonly fields?: ReadonlyMap<string, Located>;
  readonly items?: readonly Located[];
}

/** Values in values: far more than a program needs, far less than the stack holds. */
const MAX_DEPTH = 100;

const BLANKS = /[ \t\r\n]*/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null/y;
const STRAY = /[A-Za-z0-9_$.'-]+|./sy;

/**
 * Finds the places of all values of a JSON text. What it passes, JSON.parse takes.
 * @throws InputError where the text is no JSON, nests too deeply or names a field twice.
 */
export function locateJson(source: SourceText): Located {
  const locator = new Locator(source);
  const root = locator.value(0);
  locator.expectEnd();
  return root;
}

export function spanOf(source: SourceText, { start, end }: Pick<Located, 'start' | 'end'>): Span {
  const { line, column } = source.position(start);
  const lineEnd = source.text.indexOf('\n', start);
  return { line, column, length: Math.max(1, (lineEnd < 0 ? end : Math.min(end, lineEnd)) - start) };
}

class Locator {
  private readonly source: SourceText;
  private readonly text: string;
  private at = 0;

  constructor(source: SourceText) {
    this.source = source;
    this.text = source.text;
    // A byte order mark is no part of the text; JSON.parse would not take it.
    if (this.text.charCodeAt(0) === 0xfeff) this.at = 1;
  }

  value(depth: number): Located {
    const character = this.peek();
    if (depth > MAX_DEPTH) throw this.refuse(`values are nested more than ${MAX_DEPTH} deep`);
    if (character === '{') return this.object(depth);
    if (character === '[') return this.array(depth);
    if (character === '"') return this.string();
    const start = this.at;
    const end = this.match(SCALAR);
    if (end === start) throw this.unexpected('a value');
    return { start, end };
  }

  expectEnd(): void {
    if (this.peek() !== undefined) throw this.unexpected('the end of the text');
  }

  private object(depth: number): Located {
    const start = this.at++;
    const fields = new Map<string, Located>();
    this.list('}', () => {
      if (this.peek() !== '"') throw this.unexpected('the name of a field in quotes');
      const key = this.string();
      const name = key.text;
      if (fields.has(name)) throw this.refuse(`${quote(name)} is given twice`, key, 'duplicate-key');
      this.take(':');
      fields.set(name, { ...this.value(depth + 1), key });
    });
    return { start, end: this.at, fields };
  }

  private array(depth: number): Located {
    const start = this.at++;
    const items: Located[] = [];
    this.list(']', () => items.push(this.value(depth + 1)));
    return { start, end: this.at, items };
  }

  /** Elements with commas between them, up to the closing bracket. */
  private list(close: string, element: () => void): void {
    if (this.peek() !== close) {
      for (element(); this.peek() === ','; element()) this.at++;
    }
    this.take(close);
  }

  private string(): Located & { readonly text: string } {
    const start = this.at;
    for (this.at++; this.text[this.at] !== '"'; this.at++) {
      const character = this.text[this.at];
      if (character === undefined || character === '\n') {
        throw this.refuse(
          'the string has no closing quote on its line',
          { start, end: this.at },
          'unterminated-string',
        );
      }
      if (character === '\\') this.at++;
    }
    const end = ++this.at;
    try {
      return { start, end, text: JSON.parse(this.text.slice(start, end)) as string };
    } catch {
      throw this.refuse(
        'the string has a character or an escape that JSON does not',
        { start, end },
        'bad-string',
      );
    }
  }

  private take(character: string): void {
    if (this.peek() !== character) throw this.unexpected(quote(character));
    this.at++;
  }

  private peek(): string | undefined {
    this.match(BLANKS);
    return this.text[this.at];
  }

  private match(pattern: RegExp): number {
    pattern.lastIndex = this.at;
    if (pattern.test(this.text)) this.at = pattern.lastIndex;
    return this.at;
  }

  private unexpected(expected: string): InputError {
    const start = this.at;
    const end = this.match(STRAY);
    const found = start === end ? 'the end of the text' : quote(this.text.slice(start, end));
    return this.refuse(`expected ${expected}, found ${found}`, { start, end });
  }

  private refuse(
    message: string,
    where = { start: this.at, end: this.at + 1 },
    code = 'bad-json',
  ): InputError {
    return inputError(this.source, spanOf(this.source, where), { code, message });
  }
}
