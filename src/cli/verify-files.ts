import { accessSync, constants, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { Counterexample } from '../program/verify.js';
import { counterexampleNames, counterexampleText } from '../report/counterexample-text.js';
import { itfTrace } from '../report/itf.js';
import { markdownReport } from '../report/markdown.js';
import { sarifLog } from '../report/sarif.js';
import type { VerdictReport, Written } from '../report/verdict.js';
import { InputError } from '../text/diagnostic.js';
import type { Edition } from '../xen/editions/edition.js';
import { usageError } from './options.js';
import { version } from './version.js';

/** Where counterexamples go. */
export interface CounterexampleFiles {
  readonly out: string;
  readonly write: boolean;
  /** Whether each is written as an ITF trace, too. */
  readonly itf?: boolean;
}

/**
 * Writes the counterexamples, if they are to be written, as `SUBJECT-RELEASE-INVARIANT.dommu`; a second one of the same
 * invariant has a number behind it.
 * @param subject a file or a bug.
 */
export function writeCounterexamples(
  counterexamples: readonly Counterexample[],
  edition: Edition,
  subject: string,
  files: CounterexampleFiles,
): Written[] {
  const names = counterexampleNames(counterexamples, edition, basename(subject, extname(subject)));
  return counterexamples.map((one, index) => {
    const stem = join(files.out, names[index]!);
    const text = counterexampleText(one, edition);
    if (files.write) writeFile(`${stem}.dommu`, text);
    if (files.itf === true) writeFile(`${stem}.itf.json`, itfText(one, edition, subject));
    return { ...one, text, file: files.write ? `${stem}.dommu` : null };
  });
}

function itfText({ program, steps, scene, loop }: Counterexample, edition: Edition, subject: string): string {
  // What boot itself breaks is a result, and no statement.
  const statements = steps.slice(0, scene).filter(({ op }) => op !== 'boot').length;
  return `${JSON.stringify(itfTrace(program, edition, statements, subject, loop === null ? undefined : [loop - scene, steps.length - 1 - loop]), null, 1)}\n`;
}

/** How a report is written, by the end of its file's name. */
const FORMATS: readonly (readonly [end: RegExp, text: (report: VerdictReport) => string])[] = [
  [/\.sarif(\.json)?$/, (report) => `${JSON.stringify(sarifLog(report, version()), null, 2)}\n`],
  [/\.md$/, markdownReport],
];

function formatOf(file: string): (report: VerdictReport) => string {
  const format = FORMATS.find(([end]) => end.test(file));
  if (format !== undefined) return format[1];
  throw usageError(
    '--report',
    `\`${file}\` is no report that can be written; its name ends in .sarif, .sarif.json or .md`,
  );
}

/** Refuses what no report and no counterexample can be written to, before hours are spent. @throws InputError */
export function checkOutputs(reports: readonly string[], { out, write, itf }: CounterexampleFiles): void {
  if (write || itf === true) requireFolder('--out', out);
  for (const file of reports) {
    formatOf(file);
    requireFolder('--report', dirname(file));
  }
}

function requireFolder(option: string, folder: string): void {
  try {
    // A path that ends in a slash is a folder's.
    accessSync(`${folder}/`, constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw usageError(option, `\`${folder}\` is no folder that can be written to (${code})`);
  }
}

/** Writes the verdict to each of the files, in the format that their names say. */
export function writeReports(files: readonly string[], report: VerdictReport): void {
  for (const file of files) writeFile(file, formatOf(file)(report));
}

function writeFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError({
      severity: 'error',
      code: 'cannot-write',
      message: `it cannot be written (${code}); name a folder with --out, or say --no-write`,
      file,
      line: 1,
      column: 1,
    });
  }
}
