import { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { suggest } from '../text/suggest.js';
import type { Place } from './program.js';

/** A place and how many characters of its line belong to it. */
export interface Span extends Place {
  readonly length: number;
}

export interface Problem {
  /** In kebab case, for scripts. */
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The error of a program that cannot be used, at a place in its text. */
export function inputError(source: SourceText, span: Span, { code, message, hint }: Problem): InputError {
  const { line, column, length } = span;
  return new InputError(
    { severity: 'error', code, message, file: source.name, line, column, length, ...(hint && { hint }) },
    source,
  );
}

/** Makes the error for an object of a program, or for a part of it. */
export type Refuse = (node: object, part: string | undefined, problem: Problem) => InputError;

const MAX_QUOTED = 40;
/** Of shorter words everything is near to everything. */
const MIN_SUGGESTED = 3;
const MAX_OFFERED = 32;

/** A word of the text in backquotes, shortened where it is no word at all. */
export function quote(word: string): string {
  return `\`${word.length > MAX_QUOTED ? `${word.slice(0, MAX_QUOTED)}…` : word}\``;
}

/** ``did you mean `x`?``, or what would have been right. */
export function offer(word: string, candidates: readonly string[]): string {
  const isWord = word.length >= MIN_SUGGESTED && word.length <= MAX_QUOTED;
  const near = isWord ? suggest(word, candidates) : undefined;
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return `expected one of: ${listed(candidates)}`;
}

/** Names in a row, cut where they become too many to read. */
export function listed(names: readonly string[]): string {
  const more = names.length - MAX_OFFERED;
  return more <= 0 ? names.join(', ') : `${names.slice(0, MAX_OFFERED).join(', ')} and ${more} more`;
}
