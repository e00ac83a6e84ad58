import { e820Of } from '../audit/acpi/e820.js';
import { type AcpiFinding, consequenceOf } from '../audit/acpi/finding.js';
import { type InputTable, noTable, readAcpiFile } from '../audit/acpi/read-input.js';
import { findingLines, summary, tableJson, tableLines } from '../audit/acpi/render.js';
import { isIommuTable, surroundingsOf, verifyAcpiTable } from '../audit/acpi/verify.js';
import { findingsSarif } from '../report/findings-sarif.js';
import type { Diagnostic } from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import { writePieces } from './audit-output.js';
import { EXIT, type ExitCode, type Io } from './io.js';
import { usageError } from './options.js';
import { version } from './version.js';

export interface AuditAcpiOptions {
  readonly json?: boolean;
  /** A log that prints the memory map. */
  readonly e820?: string;
  /** File that the findings are written to as SARIF. */
  readonly sarif?: string;
}

/** What `--json` prints when there is no answer. */
export const acpiRefusal = (diagnostics: readonly Diagnostic[]) => ({
  tables: [],
  findings: [],
  diagnostics,
});

/**
 * `dommu audit --acpi FILE…`: decodes the DMAR, IVRS and IORT tables of the files and tells what is wrong with them. A MADT
 * among them, and a memory map in a log, are used to tell more.
 * @throws InputError when a file cannot be read, none has such a table, or the log has no memory map.
 */
export function auditAcpi(files: readonly string[], options: AuditAcpiOptions, io: Io): ExitCode {
  const inputs = files.map(readAcpiFile);
  const all = inputs.flatMap(({ tables }) => tables);
  const tables = all.filter(({ table }) => isIommuTable(table));
  if (tables.length === 0) throw noTable(files, inputs);
  const around = surroundingsOf(all, options.e820 === undefined ? null : readE820(options.e820));
  const judged = tables.map((input) => {
    return { input, findings: verifyAcpiTable(input.table, around, input.trailing) };
  });
  const findings = judged.flatMap((one) => one.findings);
  if (options.sarif !== undefined) writeSarif(options.sarif, judged);
  if (options.json === true) {
    io.out(JSON.stringify({ tables: tables.map(tableJson), findings }, null, 2));
  } else {
    for (const one of judged) {
      for (const line of tableLines(one.input, io.paintOut)) io.out(line);
      io.out('');
      for (const line of findingLines(one.findings, io.paintOut)) io.out(line);
      if (one.findings.length > 0) io.out('');
    }
    io.out(summary(findings));
  }
  return findings.some(({ severity }) => severity === 'error') ? EXIT.findings : EXIT.ok;
}

interface Judged {
  readonly input: InputTable;
  readonly findings: readonly AcpiFinding[];
}

function writeSarif(path: string, judged: readonly Judged[]): void {
  const found = judged.flatMap(({ input, findings }) => {
    const { file, line } = input;
    return findings.map(({ severity, code, message, table, offset }) => {
      return { severity, code, message, file, line, identity: `${table} ${offset}` };
    });
  });
  const rules = Object.fromEntries(
    judged.flatMap(({ findings }) =>
      findings.map(({ table, code }) => [code, consequenceOf(table, code).about]),
    ),
  );
  writePieces('--sarif', path, [`${JSON.stringify(findingsSarif(found, rules, version()), null, 2)}\n`]);
}

function readE820(file: string) {
  const ranges = e820Of(readTextFile(file, 'a log of Xen or Linux').text);
  if (ranges.length > 0) return ranges;
  throw usageError(
    '--e820',
    `${file} has no memory map: no line as “BIOS-e820: [mem …] usable” or “[…, …] (usable)”`,
  );
}
