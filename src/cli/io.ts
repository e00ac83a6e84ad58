import { statSync } from 'node:fs';
import pc from 'picocolors';
import { LabError } from '../lab/machine-api.js';
import { WouldNotStart } from '../program/config-domain.js';
import {
  type Diagnostic,
  InputError,
  type Paint,
  PLAIN,
  printable,
  renderDiagnostic,
} from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import type { SourceText } from '../text/source.js';

/** What the exit code of every command says. */
export const EXIT = {
  /** All is well. */
  ok: 0,
  /** The question was answered, and the answer is bad: unsafe, unmet, would not start. */
  findings: 1,
  /** The input or the usage is wrong, so there is no answer. */
  badInput: 2,
  /** dommu itself is at fault. */
  internal: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where a command prints: results to `out`, complaints about the input to `err`. */
export interface Io {
  out(line: string): void;
  err(line: string): void;
  readonly paintOut: Paint;
  readonly paintErr: Paint;
}

/** Colours for a terminal; none when the stream is a file or a pipe, or NO_COLOR is set (no-color.org). */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  env: { readonly NO_COLOR?: string | undefined; readonly TERM?: string | undefined },
): Paint {
  const plain = stream.isTTY !== true || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
  if (plain) return PLAIN;
  const { red, yellow, cyan, bold, dim } = pc.createColors(true);
  return { error: (text) => bold(red(text)), warning: yellow, info: cyan, bold, dim };
}

export function standardIo(): Io {
  return {
    out: (line) => void process.stdout.write(`${line}\n`),
    err: (line) => void process.stderr.write(`${line}\n`),
    paintOut: paintFor(process.stdout, process.env),
    paintErr: paintFor(process.stderr, process.env),
  };
}

/** What stands for an option or an argument of the command line where a file's name would. */
const ON_COMMAND_LINE = /^--|^[A-Z]+$/;

/** A diagnostic for people. One about the command line has no line to show. */
export function renderForTerminal(
  diagnostic: Diagnostic,
  source: SourceText | undefined,
  paint: Paint,
): string {
  if (source !== undefined || !ON_COMMAND_LINE.test(diagnostic.file)) {
    return renderDiagnostic(diagnostic, source, paint);
  }
  const head = `${paint.bold(diagnostic.file)}: ${paint[diagnostic.severity](diagnostic.severity)}: ${printable(diagnostic.message)}`;
  return diagnostic.hint === undefined
    ? head
    : `${head}\n  ${paint.info('hint')}: ${printable(diagnostic.hint)}`;
}

/**
 * Runs the body of a command and sets the process's exit code. Input that cannot be used is reported in the form that
 * was asked for: with `json` as one object on stdout, made by `jsonOf`.
 */
export function runCommand(
  io: Io,
  json: boolean,
  jsonOf: (diagnostics: readonly Diagnostic[]) => unknown,
  body: () => ExitCode,
): void {
  try {
    process.exitCode = body();
  } catch (error) {
    refuse(io, json, jsonOf, error);
  }
}

/** The same for a command that takes its time. */
export async function runCommandAsync(
  io: Io,
  json: boolean,
  jsonOf: (diagnostics: readonly Diagnostic[]) => unknown,
  body: () => Promise<ExitCode>,
): Promise<void> {
  try {
    process.exitCode = await body();
  } catch (error) {
    refuse(io, json, jsonOf, error);
  }
}

function refuse(
  io: Io,
  json: boolean,
  jsonOf: (diagnostics: readonly Diagnostic[]) => unknown,
  error: unknown,
): void {
  if (error instanceof LabError) {
    refuseForLab(io, json, jsonOf, error);
    return;
  }
  if (!(error instanceof InputError)) throw error;
  if (json) io.out(JSON.stringify(jsonOf([error.diagnostic]), null, 2));
  else io.err(renderForTerminal(error.diagnostic, error.source ?? quotable(error), io.paintErr));
  process.exitCode = error instanceof WouldNotStart ? EXIT.findings : EXIT.badInput;
}

/** A lab that cannot be had (2) or that broke (3): there is no text to point into. */
function refuseForLab(
  io: Io,
  json: boolean,
  jsonOf: (diagnostics: readonly Diagnostic[]) => unknown,
  { message, hint, exitCode }: LabError,
): void {
  const diagnostic: Diagnostic = {
    severity: 'error',
    code: 'lab',
    message,
    file: '--lab',
    line: 1,
    column: 1,
    ...(hint === undefined ? {} : { hint }),
  };
  if (json) io.out(JSON.stringify(jsonOf([diagnostic]), null, 2));
  else {
    io.err(`${io.paintErr.bold('lab')}: ${io.paintErr.error('error')}: ${printable(message)}`);
    if (hint !== undefined) io.err(`  ${io.paintErr.info('hint')}: ${printable(hint)}`);
  }
  process.exitCode = exitCode;
}

/** Codes of diagnostics about memory images, which are no texts and may hold secrets. */
const OF_MEMORY = /^(memory-|no-iommu$)/;

/** The text that a diagnostic points into, read again where whoever found the mistake no longer had it: files only. */
function quotable({ diagnostic }: InputError): SourceText | undefined {
  if (OF_MEMORY.test(diagnostic.code)) return undefined;
  try {
    return statSync(diagnostic.file).isFile() ? readTextFile(diagnostic.file, 'a text') : undefined;
  } catch {
    return undefined;
  }
}
