import { type Diagnostic, InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { type Roughness, type Token, XlLexer } from './xl-lexer.js';
import { at, originOf, type XlAtom, type XlList, type XlSetting, type XlValue } from './xl-value.js';

/** A config as text: its settings in the order of their first assignment, and what is wrong with how it is written. */
export interface XlConfig {
  readonly source: SourceText;
  readonly settings: ReadonlyMap<string, XlSetting>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Deeper than any key of xl (vnuma and vsnd use two); it keeps the parser's stack small. */
const MAX_LIST_DEPTH = 50;

/** More duplicates than anyone will read are not reported one by one. */
const MAX_DUPLICATES = 1000;

interface OpenSetting {
  readonly key: string;
  readonly keyOffset: number;
  readonly parts: XlValue[];
}

/**
 * Reads the language of xl.cfg(5): `key = value`, `key += value`, strings, numbers, nested lists, `;` and newlines
 * between settings, comments.
 *
 * xl lets a later assignment of the same key win without a word; here that is an error (`duplicate-key`), because one
 * of the two is not what its author believes. The first value is kept.
 * @throws InputError at the first thing that xl's grammar does not allow.
 */
export function parseXlConfig(source: SourceText): XlConfig {
  return new Parser(source).parse();
}

class Parser {
  private readonly source: SourceText;
  private readonly lexer: XlLexer;
  private readonly open = new Map<string, OpenSetting>();
  private readonly diagnostics: Diagnostic[] = [];
  private token: Token;

  constructor(source: SourceText) {
    this.source = source;
    this.lexer = new XlLexer(source);
    this.token = this.lexer.next();
  }

  parse(): XlConfig {
    while (!this.isEnd()) {
      if (this.token.kind === 'word') this.assignment();
      else if (!this.isSeparator()) this.refuse('a key', this.hintForStatement());
      if (!this.isEnd()) {
        if (!this.isSeparator())
          this.refuse('a new line or `;` before the next setting', this.hintForValue());
        this.advance();
      }
    }
    for (const [kind, offset] of this.lexer.roughness) this.diagnostics.push(this.roughness(kind, offset));
    const settings = new Map([...this.open].map(([key, setting]) => [key, close(setting)]));
    return { source: this.source, settings, diagnostics: this.diagnostics };
  }

  /** assignment: WORD ( '=' | '+=' ) value */
  private assignment(): void {
    const key = this.advance();
    const adds = this.isPunctuation('+=');
    if (!adds && !this.isPunctuation('=')) this.refuse(`\`=\` or \`+=\` after the key \`${key.text}\``);
    this.advance();
    const value = this.value(0, key.text);
    const earlier = this.open.get(key.text);
    if (earlier === undefined) {
      this.open.set(key.text, { key: key.text, keyOffset: key.offset, parts: [value] });
    } else if (adds) {
      this.add(earlier, value);
    } else if (this.diagnostics.length < MAX_DUPLICATES) {
      const { line, column } = this.source.position(earlier.keyOffset);
      this.diagnostics.push(
        at(
          this.source,
          key.offset,
          key.text.length,
          'error',
          'duplicate-key',
          `\`${key.text}\` is set twice; it was first set at line ${line}, column ${column}`,
          'remove one of them (xl would use the last), or write += to add to a list or a string',
        ),
      );
    }
  }

  private add(setting: OpenSetting, value: XlValue): void {
    if (setting.parts[0]!.kind === value.kind) {
      setting.parts.push(value);
      return;
    }
    const [have, got] = value.kind === 'list' ? ['a single value', 'a list'] : ['a list', 'a single value'];
    throw this.error(
      value.offset,
      1,
      'mixed-addition',
      `\`${setting.key}\` is ${have}; += cannot add ${got}`,
      'both sides of += must be lists, or both strings',
    );
  }

  /** value: STRING | NUMBER | '[' values ']' */
  private value(depth: number, key: string): XlValue {
    const token = this.token;
    if (token.kind === 'string' || token.kind === 'number') {
      this.advance();
      const { text, offset, end, origins } = token;
      return { kind: 'atom', text, quoted: token.kind === 'string', offset, end, origins };
    }
    if (this.isPunctuation('[')) return this.list(depth, key);
    const what = depth === 0 ? `a value for \`${key}\`` : 'a value or `]` in the list';
    return this.refuse(what, this.hintForValue());
  }

  /** values: ( value ( ',' value )* ','? )?, new lines anywhere between */
  private list(depth: number, key: string): XlList {
    const opening = this.advance();
    if (depth >= MAX_LIST_DEPTH) {
      const message = `lists are nested more than ${MAX_LIST_DEPTH} deep`;
      throw this.error(opening.offset, 1, 'list-too-deep', message, 'no key of xl takes such a list');
    }
    const items: XlValue[] = [];
    this.skipNewlines();
    while (!this.isPunctuation(']')) {
      if (this.isEnd() || this.isNextSetting()) this.unterminated(opening);
      items.push(this.value(depth + 1, key));
      this.skipNewlines();
      if (this.isPunctuation(',')) {
        this.advance();
        this.skipNewlines();
      } else if (this.isEnd() || this.isNextSetting()) {
        this.unterminated(opening);
      } else if (!this.isPunctuation(']')) {
        this.refuse('`,` or `]` after an item of the list', this.hintForValue());
      }
    }
    const closing = this.advance();
    return { kind: 'list', items, offset: opening.offset, end: closing.end };
  }

  private unterminated(opening: Token): never {
    throw this.error(
      opening.offset,
      1,
      'unterminated-list',
      'list is not closed',
      `end it with \`]\` before ${this.token.kind === 'end' ? 'the end of the file' : `line ${this.line()}`}`,
    );
  }

  private line(): number {
    return this.source.position(this.token.offset).line;
  }

  private advance(): Token {
    const token = this.token;
    this.token = this.lexer.next();
    return token;
  }

  private skipNewlines(): void {
    while (this.token.kind === 'newline') this.advance();
  }

  private isPunctuation(text: string): boolean {
    return this.token.kind === 'punctuation' && this.token.text === text;
  }

  private isEnd(): boolean {
    return this.token.kind === 'end';
  }

  /** A key with its `=`: where a list should have ended before. */
  private isNextSetting(): boolean {
    const rest = this.source.text.slice(this.token.end, this.token.end + 20);
    return this.token.kind === 'word' && /^[ \t]*\+?=/.test(rest);
  }

  private isSeparator(): boolean {
    return this.token.kind === 'newline' || this.isPunctuation(';');
  }

  private shown(): string {
    if (this.token.kind === 'end') return 'the end of the file';
    if (this.token.kind === 'newline') return 'the end of the line';
    return `\`${this.source.text.slice(this.token.offset, Math.min(this.token.end, this.token.offset + 40))}\``;
  }

  private hintForStatement(): string | undefined {
    return this.token.kind === 'string' ? 'a key is written without quotes' : undefined;
  }

  private hintForValue(): string | undefined {
    return this.token.kind === 'word' ? `a string needs quotes: "${this.token.text}"` : undefined;
  }

  private refuse(expected: string, hint?: string): never {
    const { offset, end } = this.token;
    const length = this.token.kind === 'newline' ? 1 : end - offset;
    const message = `expected ${expected}, found ${this.shown()}`;
    throw this.error(offset, length, 'syntax', message, hint);
  }

  private error(offset: number, length: number, code: string, message: string, hint?: string): InputError {
    return new InputError(at(this.source, offset, length, 'error', code, message, hint), this.source);
  }

  private roughness(kind: Roughness, offset: number): Diagnostic {
    const { code, message, hint } = ROUGHNESS[kind];
    return at(this.source, offset, 1, 'warning', code, message, hint);
  }
}

/** dommu reads these, so that the rest of the file can be judged; every release of xl stops at them. */
const ROUGHNESS: Readonly<Record<Roughness, { code: string; message: string; hint: string }>> = {
  'byte-order-mark': {
    code: 'byte-order-mark',
    message: 'the file starts with a byte order mark, at which xl reports a lexical error',
    hint: 'save it as UTF-8 without BOM',
  },
  'carriage-return': {
    code: 'carriage-return',
    message: 'lines end with a carriage return, at which xl reports a lexical error',
    hint: "save it with Unix line ends: sed -i 's/\\r$//' FILE",
  },
  'comment-without-newline': {
    code: 'comment-without-newline',
    message: 'the file ends within a comment, at which xl reports a lexical error',
    hint: 'end the last line with a new line',
  },
};

function close(setting: OpenSetting): XlSetting {
  const { key, keyOffset, parts } = setting;
  return { key, keyOffset, value: parts.length === 1 ? parts[0]! : joined(parts), added: parts.length > 1 };
}

/** The value that `=` and the `+=` after it give together: lists follow each other, strings are put together. */
function joined(parts: readonly XlValue[]): XlValue {
  const first = parts[0]!;
  const place = { offset: first.offset, end: parts[parts.length - 1]!.end };
  if (first.kind === 'list') {
    return { kind: 'list', items: parts.flatMap((part) => (part as XlList).items), ...place };
  }
  const atoms = parts as readonly XlAtom[];
  const text = atoms.map((atom) => atom.text).join('');
  const origins = atoms.flatMap((atom) =>
    Array.from({ length: atom.text.length }, (_, i) => originOf(atom, i)),
  );
  return { kind: 'atom', text, quoted: true, offset: first.offset, end: first.end, origins };
}
