import type { SourceText } from './source.js';

export type Severity = 'error' | 'warning' | 'info';

/** A finding about a text: what is wrong, where, and (in `hint`) what would be right. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable identifier for scripts, in kebab case. */
  readonly code: string;
  readonly message: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** How many characters the caret underlines; 1 when absent. */
  readonly length?: number;
  readonly hint?: string;
}

/** Input that cannot be used. The command line prints its diagnostic and exits with 2. */
export class InputError extends Error {
  readonly diagnostic: Diagnostic;
  /** The text the diagnostic points into, when there is one to quote. */
  readonly source: SourceText | undefined;

  constructor(diagnostic: Diagnostic, source?: SourceText) {
    super(`${diagnostic.file}:${diagnostic.line}:${diagnostic.column}: ${diagnostic.message}`);
    this.name = 'InputError';
    this.diagnostic = diagnostic;
    this.source = source;
  }
}

/** Paints text for a terminal, or leaves it as it is. */
export interface Paint {
  error(text: string): string;
  warning(text: string): string;
  info(text: string): string;
  bold(text: string): string;
  dim(text: string): string;
}

const same = (text: string): string => text;
export const PLAIN: Paint = { error: same, warning: same, info: same, bold: same, dim: same };

/** `file:line:column: error: message`, the line itself, a caret under the place, and the hint. */
export function renderDiagnostic(
  diagnostic: Diagnostic,
  source: SourceText | undefined,
  paint = PLAIN,
): string {
  const { severity, file, line, column, message, hint, length = 1 } = diagnostic;
  // A file may be called anything, and must not end the line to write one of its own.
  const name = printable(file).replaceAll('\n', '?');
  const head = `${paint.bold(`${name}:${line}:${column}:`)} ${paint[severity](severity)}: ${printable(message)}`;
  const lines = [head];
  const quoted = source?.line(line) ?? '';
  if (quoted !== '') {
    const { text, start } = excerpt(quoted, column - 1);
    const width = Math.max(1, Math.min(length, text.length - start));
    const indent = ' '.repeat(String(line).length);
    lines.push(`${paint.dim(`  ${line} | `)}${text}`);
    lines.push(`${paint.dim(`  ${indent} | `)}${' '.repeat(start)}${paint[severity]('^'.repeat(width))}`);
  }
  if (hint !== undefined) lines.push(`  ${paint.info('hint')}: ${printable(hint)}`);
  return lines.join('\n');
}

/** A window of at most 100 characters around `at`, with tabs and control characters shown as spaces and `?`. */
function excerpt(line: string, at: number): { text: string; start: number } {
  const from = at > 80 ? at - 40 : 0;
  return { text: printable(line.slice(from, from + 100).replace(/\t/g, ' ')), start: at - from };
}

/**
 * Control characters must not reach a terminal, nor those that make it show a text in another order than it has
 * (directional embeddings, overrides and isolates).
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '?');
}
