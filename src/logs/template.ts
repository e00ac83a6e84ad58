/**
 * What a line looks like, written as the one who prints it writes it, with fields in braces:
 *
 *     [VT-D]DMAR:[DMA {access:word}] Request device [{device:bdf}] fault addr {address:hex}<, iommu reg = {base:hex}>
 *
 * `{name:type}` is a field, `<…>` a part that may be missing, and a blank any run of blanks. `\` before `{`, `}`, `<`, `>`
 * or `\` is that character. A template begins with a literal, for which lines are searched.
 *
 * Matching takes time linear in the line: a field takes all the characters of its type, and nothing is tried twice but a
 * missing part, which is tried once.
 */

/** Types of fields: the characters that they take, always as many as there are. */
const FIELD_TYPES = {
  /** A number in hexadecimal with or without 0x. */
  hex: /[0-9a-fA-FxX]/,
  /** A decimal number, perhaps negative. */
  dec: /[-0-9]/,
  /** A PCI address in any of its spellings: `0000:00:02.0`, `00:02.0`, `0x00:0x02.0`. */
  bdf: /[0-9a-fA-FxX:.]/,
  /** Letters, digits and underscores. */
  word: /[\w]/,
  /** A device-tree path, a device's or a domain's name, a file: up to a blank or one of `: , ; ( ) [ ] ' " =`. */
  name: /[^\s:,;()[\]'"=]/,
  /** The same with colons and equals signs: a PCI address or a path, whichever it is. */
  place: /[^\s,;()[\]'"]/,
  /** A domain as Xen prints it: `d1`, `d1v0`, `d[IO]`, `NULL`. */
  domain: /[\w[\]]/,
  /** Up to the next literal of the template, or to the end of the line. */
  text: /./,
} as const;

export type FieldType = keyof typeof FIELD_TYPES;

/** For each type, which of the first 256 characters it takes; others are taken by what takes `ÿ`. */
const TAKES: Readonly<Record<FieldType, Uint8Array>> = Object.fromEntries(
  Object.entries(FIELD_TYPES).map(([type, pattern]) => [
    type,
    Uint8Array.from({ length: 256 }, (_, code) => (pattern.test(String.fromCharCode(code)) ? 1 : 0)),
  ]),
) as Record<FieldType, Uint8Array>;

export type Fields = Readonly<Record<string, string>>;

type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'field';
      readonly name: string;
      readonly type: FieldType;
      /** For a text: the literal it reaches to, empty for the end of the line. */
      readonly until: string;
      /** Whether that literal may be missing, and the text then reaches to the end of the line. */
      readonly orEnd: boolean;
    }
  | { readonly kind: 'optional'; readonly parts: readonly Part[] };

/** How a line compares with a template. */
export type Matched =
  | {
      readonly fields: Record<string, string>;
      readonly end: number;
      /** Whether the line ends where a part that may be missing could begin or go on: it may stand on the next line. */
      readonly open: boolean;
    }
  /** The line ends before the template does, and all of it fits: its rest may have been wrapped into the next line. */
  | 'cut-off'
  | undefined;

/** From so many characters on the first literal is what is searched for. */
const TELLING = 8;

const characters = (text: string): number => text.replaceAll(' ', '').length;

function anchorOf(parts: readonly Part[]): string {
  const literals = parts.flatMap((part) => (part.kind === 'literal' ? [part.text] : []));
  if (characters(literals[0]!) >= TELLING) return literals[0]!;
  return literals.reduce((longest, one) => (characters(one) > characters(longest) ? one : longest));
}

const BLANK = 32;
const TAB = 9;
const isBlank = (code: number) => code === BLANK || code === TAB;

/** A template ready to be compared with lines. */
export class Template {
  readonly text: string;
  /** The literal at its beginning. */
  readonly key: string;
  /**
   * The literal for which lines are searched: the first one, or where that says little (`d`, `ref `), the longest that never
   * is missing.
   */
  readonly anchor: string;
  /** Characters that were looked at by the last comparison. */
  looked = 0;
  private readonly parts: readonly Part[];
  // The state of a match.
  private line = '';
  private at = 0;
  private cutOff = false;
  private optionalCutOff = false;
  private fields: Record<string, string> = {};

  /** @throws SyntaxError when the template is none. */
  constructor(text: string) {
    this.text = text;
    this.parts = new TemplateReader(text).parts();
    const first = this.parts[0];
    if (first?.kind !== 'literal') throw new SyntaxError(`template "${text}" does not begin with a literal`);
    this.key = first.text;
    this.anchor = anchorOf(this.parts);
  }

  /** Compares `line` from `start`, where the key is, with the template. */
  match(line: string, start: number): Matched {
    this.line = line;
    this.at = start;
    this.looked = 0;
    this.cutOff = false;
    this.optionalCutOff = false;
    this.fields = Object.create(null) as Record<string, string>;
    if (this.all(this.parts)) return { fields: this.fields, end: this.at, open: this.optionalCutOff };
    return this.cutOff || this.optionalCutOff ? 'cut-off' : undefined;
  }

  private all(parts: readonly Part[]): boolean {
    for (const part of parts) if (!this.one(part)) return false;
    return true;
  }

  private one(part: Part): boolean {
    if (part.kind === 'literal') return this.literal(part.text);
    if (part.kind === 'field') return this.field(part.name, part.type, part.until, part.orEnd);
    const { at, fields, cutOff } = this;
    this.fields = { __proto__: null, ...fields } as unknown as Record<string, string>;
    if (this.all(part.parts)) return true;
    // A part that may be missing is no reason to refuse the line.
    this.optionalCutOff ||= this.cutOff;
    Object.assign(this, { at, fields, cutOff });
    return true;
  }

  private literal(text: string): boolean {
    const end = this.endOfLiteral(text);
    if (end < 0) return false;
    this.at = end;
    return true;
  }

  /** Where the line goes on behind the literal; -1 where it has something else. */
  private endOfLiteral(text: string): number {
    const { line } = this;
    let at = this.at;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      this.looked++;
      if (at >= line.length) {
        this.cutOff = true;
        return -1;
      }
      const here = line.charCodeAt(at);
      if (code !== BLANK) {
        if (here !== code) return -1;
        at++;
        continue;
      }
      if (!isBlank(here)) return -1;
      const from = at;
      while (at < line.length && isBlank(line.charCodeAt(at))) at++;
      this.looked += at - from;
    }
    return at;
  }

  private field(name: string, type: FieldType, until: string, orEnd: boolean): boolean {
    const { line } = this;
    const start = this.at;
    let at = start;
    if (type === 'text') {
      const next = until === '' ? -1 : line.indexOf(until, start);
      this.looked += (next < 0 ? line.length : next) - start;
      if (next < 0 && !orEnd) return this.ended(line.length);
      at = next < 0 ? line.length : next;
    } else {
      const takes = TAKES[type];
      while (at < line.length && takes[Math.min(line.charCodeAt(at), 255)] === 1) at++;
      this.looked += at - start;
    }
    if (at === start && type !== 'text') return at >= line.length && this.ended(at);
    this.fields[name] = line.slice(start, at).trim();
    this.at = at;
    return true;
  }

  private ended(at: number): false {
    this.cutOff = this.cutOff || at >= this.line.length;
    return false;
  }
}

class TemplateReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  parts(): Part[] {
    return this.sequence(false);
  }

  private sequence(inside: boolean): Part[] {
    const parts: Part[] = [];
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined) {
        if (inside) this.fail('a < without >');
        break;
      }
      if (char === '>') {
        if (!inside) this.fail('a > without <');
        this.at++;
        break;
      }
      if (char === '<') {
        this.at++;
        parts.push({ kind: 'optional', parts: this.sequence(true) });
      } else if (char === '{') parts.push(this.field());
      else parts.push({ kind: 'literal', text: this.literal() });
    }
    // A text reaches to the literal behind it.
    return parts.map((part, i) => {
      if (part.kind !== 'field') return part;
      const next = parts[i + 1];
      const literal = next?.kind === 'optional' ? next.parts[0] : next;
      if (literal?.kind !== 'literal') return part;
      return { ...part, until: literal.text, orEnd: next?.kind === 'optional' };
    });
  }

  private field(): Part {
    const end = this.text.indexOf('}', this.at);
    const [name, type, ...rest] = this.text.slice(this.at + 1, end < 0 ? undefined : end).split(':');
    if (end < 0 || !name || !type || rest.length > 0) this.fail('a field is {name:type}');
    if (!Object.hasOwn(FIELD_TYPES, type)) this.fail(`no type of field is called ${type}`);
    this.at = end + 1;
    return { kind: 'field', name, type: type as FieldType, until: '', orEnd: true };
  }

  private literal(): string {
    let literal = '';
    for (; this.at < this.text.length; this.at++) {
      let char = this.text[this.at]!;
      if (char === '{' || char === '<' || char === '>') break;
      if (char === '\\') char = this.text[++this.at] ?? this.fail('a \\ at the end');
      if (char === ' ' && literal.endsWith(' ')) continue;
      literal += char;
    }
    return literal;
  }

  private fail(what: string): never {
    throw new SyntaxError(`template "${this.text}", column ${this.at + 1}: ${what}`);
  }
}
