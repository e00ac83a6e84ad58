import type { Diagnostic, Severity } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';

/** A string or a number of a config: xl keeps both as text and converts when a key is read. */
export interface XlAtom {
  readonly kind: 'atom';
  /** The text after escapes. */
  readonly text: string;
  readonly quoted: boolean;
  /** Where the token starts, its quote included, and where it ends. */
  readonly offset: number;
  readonly end: number;
  /** Source offset of each character of `text`, when they do not simply follow each other. */
  readonly origins: readonly number[] | undefined;
}

export interface XlList {
  readonly kind: 'list';
  readonly items: readonly XlValue[];
  readonly offset: number;
  readonly end: number;
}

export type XlValue = XlAtom | XlList;

/** `key = value`, with all its `+=` applied. */
export interface XlSetting {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: XlValue;
  /** `+=` was used; xl then refuses to read the value as a number. */
  readonly added: boolean;
}

/** Where in the source the character at `index` of the atom's text stands; the end of the text is a place too. */
export function originOf(atom: XlAtom, index: number): number {
  if (atom.origins === undefined) return atom.offset + (atom.quoted ? 1 : 0) + index;
  return atom.origins[index] ?? (atom.quoted ? atom.end - 1 : atom.end);
}

/** A diagnostic about `length` characters of `source` from `offset` on. */
export function at(
  source: SourceText,
  offset: number,
  length: number,
  severity: Severity,
  code: string,
  message: string,
  hint?: string,
): Diagnostic {
  const { line, column } = source.position(offset);
  const base = { severity, code, message, file: source.name, line, column, length: Math.max(1, length) };
  return hint === undefined ? base : { ...base, hint };
}

/** A diagnostic about a whole value; a list is underlined by its bracket only. */
export function atValue(
  source: SourceText,
  value: XlValue,
  severity: Severity,
  code: string,
  message: string,
  hint?: string,
): Diagnostic {
  const length = value.kind === 'list' ? 1 : value.end - value.offset;
  return at(source, value.offset, length, severity, code, message, hint);
}

const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

/**
 * The number an atom stands for, as xl reads it: C's strtol with base 0, so that `0x10` is 16 and `010` is 8.
 * Undefined when something else follows, or when it does not fit a long.
 */
export function numberOf(text: string): number | undefined {
  const match = /^[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]*)|([1-9][0-9]*))$/.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, octal, decimal] = match;
  const digits = hex !== undefined ? `0x${hex}` : octal !== undefined ? `0o${octal || '0'}` : decimal!;
  if (digits.length > 30) return undefined;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return value > LONG_MAX || value < LONG_MIN ? undefined : Number(value);
}
