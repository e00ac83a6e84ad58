import type { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { ARGUMENT_KINDS, type Value, type ValueKind } from './argument-kinds.js';
import type { Shape, ShapeParameter } from './declarations.js';
import type { Line, Token } from './lexer.js';
import { usage } from './operations.js';
import { inputError, offer, type Problem, quote, type Span } from './refuse.js';

/** The arguments of a statement by parameter, and where each stands. */
export interface ReadArguments {
  readonly args: Record<string, Value | string[]>;
  readonly spans: Record<string, Span>;
}

const KEYED = /^([A-Za-z_][A-Za-z0-9_-]*)=/;

/** Reads what follows the first word of a line as the arguments of `shape`. */
export function readArguments(source: SourceText, shape: Shape, [head, ...tokens]: Line): ReadArguments {
  return new ArgumentReader(source, shape, head).read(tokens);
}

class ArgumentReader {
  private readonly source: SourceText;
  private readonly shape: Shape;
  private readonly head: Token;
  private readonly positional: readonly ShapeParameter[];
  private readonly flags: ShapeParameter | undefined;
  private readonly args: Record<string, Value | string[]> = {};
  private readonly spans: Record<string, Span> = {};
  private next = 0;

  constructor(source: SourceText, shape: Shape, head: Token) {
    this.source = source;
    this.shape = shape;
    this.head = head;
    this.positional = shape.parameters.filter(({ keyed, kind }) => !keyed && kind !== 'flags');
    this.flags = shape.parameters.find(({ kind }) => kind === 'flags');
  }

  read(tokens: readonly Token[]): ReadArguments {
    for (const token of tokens) this.take(token);
    const missing = this.shape.parameters.find(
      ({ name, optional }) => !optional && !Object.hasOwn(this.args, name),
    );
    if (missing !== undefined) {
      const message = `${quote(this.shape.name)} lacks ${missing.keyed ? `${missing.name}=` : this.named(missing)}`;
      throw this.refuse(this.head, { code: 'too-few-arguments', message });
    }
    return { args: this.args, spans: this.spans };
  }

  private take(token: Token): void {
    const key = token.kind === 'word' ? KEYED.exec(token.text)?.[1] : undefined;
    if (key === undefined) this.takePositional(token);
    else this.takeKeyed(token, key);
  }

  private takePositional(token: Token): void {
    const parameter = this.positional[this.next];
    const isFlag = token.kind === 'word' && this.flags?.words?.includes(token.text);
    if (parameter !== undefined && !(isFlag && parameter.optional)) {
      this.next++;
      this.put(parameter, token, token.text, token);
    } else if (this.flags !== undefined) {
      this.takeFlag(this.flags, token);
    } else {
      throw this.refuse(token, {
        code: 'too-many-arguments',
        message: `${quote(this.shape.name)} takes no more arguments, found ${quote(token.text)}`,
      });
    }
  }

  private takeKeyed(token: Token, key: string): void {
    const parameter = this.shape.parameters.find(({ name, keyed }) => keyed && name === key);
    const from = key.length + 1;
    const { line, column, length } = token;
    const span = { line, column: column + from, length: Math.max(1, length - from) };
    if (parameter === undefined) throw this.refuse({ ...token, length: key.length }, this.unknownKey(key));
    this.put(parameter, token, token.text.slice(from), span);
  }

  private unknownKey(key: string): Problem {
    const keys = this.shape.parameters.filter(({ keyed }) => keyed).map(({ name }) => name);
    const rest = keys.length === 0 ? 'it takes none' : offer(key, keys);
    return { code: 'unknown-key', message: `${quote(this.shape.name)} has no ${quote(`${key}=`)}; ${rest}` };
  }

  private takeFlag({ name, words = [] }: ShapeParameter, token: Token): void {
    const { text } = token;
    if (token.kind !== 'word' || !words.includes(text)) {
      const message = `${quote(this.shape.name)} has no flag ${quote(text)}; ${offer(text, words)}`;
      throw this.refuse(token, { code: 'unknown-flag', message });
    }
    const given = (this.args[name] ?? []) as string[];
    if (given.includes(text)) {
      throw this.refuse(token, { code: 'duplicate-flag', message: `flag ${quote(text)} is given twice` });
    }
    this.args[name] = [...given, text];
    this.spans[name] ??= token;
  }

  private put(parameter: ShapeParameter, token: Token, text: string, span: Span): void {
    const { name, kind, words } = parameter;
    if (Object.hasOwn(this.args, name)) {
      throw this.refuse(token, { code: 'duplicate-key', message: `${quote(`${name}=`)} is given twice` });
    }
    if (kind === 'word' && words !== undefined && !words.includes(text)) {
      const message = `${this.named(parameter)} cannot be ${quote(text)}; ${offer(text, words)}`;
      throw this.refuse(span, { code: 'unknown-word', message });
    }
    const { expected, read } = ARGUMENT_KINDS[kind as ValueKind];
    const value = token.kind === 'string' && kind !== 'file' ? undefined : read(text);
    if (value === undefined) {
      const found = token.kind === 'string' ? 'a string' : text === '' ? 'nothing' : quote(text);
      const message = `expected ${expected}; found ${found}`;
      throw this.refuse(span, { code: 'bad-argument', message });
    }
    this.args[name] = value;
    this.spans[name] = span;
  }

  private named({ name, doc }: ShapeParameter): string {
    return `${name.toUpperCase()} (${doc})`;
  }

  private refuse({ line, column, length }: Span, problem: Problem): InputError {
    const hint = `usage: ${usage(this.shape)}`;
    return inputError(this.source, { line, column, length }, { hint, ...problem });
  }
}
