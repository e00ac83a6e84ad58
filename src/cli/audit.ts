import type { Command } from 'commander';
import { readAcpiFile } from '../audit/acpi/read-input.js';
import { compareSurveys } from '../audit/compare.js';
import { parseGroups, rangeOption } from '../audit/expectations.js';
import { type Expectations, FINDING_CODES, type Finding } from '../audit/findings/finding.js';
import { isWrong, judge } from '../audit/findings/judge.js';
import { regionsOfTable } from '../audit/firmware-regions.js';
import { knowledgeOfLog } from '../audit/log-knowledge.js';
import type { Survey } from '../audit/survey.js';
import { sbdfOf } from '../logs/values.js';
import { auditCsv, auditJson, changesJson } from '../report/audit-json.js';
import { auditPage } from '../report/audit-page.js';
import { auditText, changesText } from '../report/audit-text.js';
import { findingsSarif } from '../report/findings-sarif.js';
import { type Diagnostic, printable } from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import { didYouMean } from '../text/suggest.js';
import { acpiRefusal, auditAcpi } from './audit-acpi.js';
import { auditMachine, type MachineOptions, registerMachineOptions } from './audit-machine.js';
import { writePieces } from './audit-output.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { count, usageError } from './options.js';
import { version } from './version.js';

export interface AuditOptions extends MachineOptions {
  readonly diff?: boolean;
  readonly acpi?: readonly string[];
  readonly e820?: string;
  readonly log?: string;
  readonly hypervisorRange?: readonly string[];
  readonly protect?: readonly string[];
  readonly groups?: string;
  readonly device?: readonly string[];
  readonly ranges: number;
  readonly all?: boolean;
  readonly json?: boolean;
  readonly csv?: string;
  readonly html?: string;
  readonly sarif?: string;
}

/** Ranges of a device that people are shown unless they ask for more. */
const RANGES_SHOWN = 12;

const EXAMPLES = `
Examples:
  $ dommu audit qmp:/run/qemu/qmp.sock
  $ dommu audit lab:lab --html reach.html
  $ dommu audit memory.raw --rtaddr 0x7f9f0000 --protect 0x100000000+4K=secret
  $ dommu audit core.elf --log xl-dmesg.txt --json
  $ dommu audit --diff before.raw after.raw --rtaddr 0x7f9f0000
  $ dommu audit --acpi dmar.dat

Exit codes: 0 nothing wrong, 1 a finding is a warning or an error (--diff: the images differ), 2 a source cannot be
read, no IOMMU was found in it, or the usage is wrong.`;

export function registerAudit(program: Command, io: Io = standardIo()): void {
  const command = program
    .command('audit')
    .summary('tell what each device of a machine can reach, and what is wrong with it')
    .description(
      'Reads the IOMMU tables in the memory of a machine - an image, a core dump, a QEMU that runs, this host - and tells ' +
        'for each device which memory it reaches; or decodes and verifies the ACPI tables that describe IOMMUs.',
    )
    .argument(
      '[source...]',
      'raw:FILE, elf:FILE, qmp:SOCKET, lab:NAME, /dev/mem, or a file whose kind is found out; two with --diff',
    );
  registerMachineOptions(command);
  command
    .option('--diff', 'tell what changed between two sources')
    .option('--log <file>', 'a log of the machine: tells roots, where Xen lies, reserved regions')
    .option(
      '--acpi <file...>',
      'ACPI tables DMAR, IVRS, IORT: without a source decoded and verified, with one the regions that they reserve',
    )
    .option('--e820 <file>', 'a log with the memory map, for --acpi without a source')
    .option(
      '--hypervisor-range <range...>',
      'memory of the hypervisor: START-END or START+SIZE, perhaps =NAME',
    )
    .option('--protect <range...>', 'memory that no device should write; spelled likewise')
    .option('--groups <file>', 'devices that must be in one domain, a group a line')
    .option('--device <sbdf...>', 'only these devices are listed (all are judged)')
    .option('--ranges <n>', 'ranges of a device that are shown', count(0, 1e9), RANGES_SHOWN)
    .option('--all', 'show all ranges')
    .option('--json', 'print one JSON object')
    .option('--csv <file>', 'write a row a range; - for the standard output')
    .option('--html <file>', 'write a page with a picture of who reaches what')
    .option('--sarif <file>', 'write the findings as SARIF 2.1.0')
    .addHelpText('after', EXAMPLES)
    .action((sources: string[], options: AuditOptions) => {
      const asJson =
        options.acpi !== undefined && sources.length === 0
          ? acpiRefusal
          : (diagnostics: readonly Diagnostic[]) => ({ devices: [], findings: [], diagnostics });
      return runCommandAsync(io, options.json === true, asJson, () => audit(sources, options, io));
    });
}

/**
 * Audits a source, compares two, or verifies ACPI tables, and prints what was found.
 * @throws InputError when a source or an option cannot be used.
 */
export async function audit(sources: readonly string[], options: AuditOptions, io: Io): Promise<ExitCode> {
  if (options.acpi !== undefined && sources.length === 0) return auditAcpi(options.acpi, options, io);
  const expected = options.diff === true ? 2 : 1;
  if (sources.length !== expected) {
    const what = options.diff === true ? '--diff compares two sources' : 'audit takes one source';
    throw usageError('SOURCE', `${what}; here ${sources.length === 1 ? 'is one' : `are ${sources.length}`}`);
  }
  refuseTwoOutputs(options);
  if (options.diff === true) return auditDiff(sources[0]!, sources[1]!, options, io);
  const given = givenExpectations(options);
  const log = options.log === undefined ? undefined : knowledgeOfLog(readTextFile(options.log, 'a log'));
  const firmware = (options.acpi ?? [])
    .flatMap((file) => readAcpiFile(file).tables)
    .map(({ table }) => table);
  const { survey, found } = await auditMachine(sources[0]!, options, log?.roots);
  const tables = firmware.length > 0 ? firmware : found.tables.map(({ table }) => table);
  const findings = judge(survey, {
    ...given,
    hypervisor: [...given.hypervisor, ...(log?.hypervisor ?? [])],
    reserved: [...tables.flatMap(regionsOfTable), ...(log?.reserved ?? [])],
  });
  const listed = onlyDevices(survey, options.device);
  writeReports(survey, findings, options);
  if (options.json === true) writePieces('--json', '-', auditJson(listed, findings, found.notes));
  else {
    for (const note of found.notes) io.err(`${sources[0]}: ${printable(note)}`);
    if (REPORTS.every((report) => options[report] !== '-'))
      for (const line of auditText(listed, findings, rangesShown(options), io.paintOut)) io.out(line);
  }
  return findings.some(isWrong) ? EXIT.findings : EXIT.ok;
}

const REPORTS = ['csv', 'html', 'sarif'] as const;
/** What a comparison does not judge or write. */
const OF_ONE_SOURCE = [...REPORTS, 'log', 'acpi', 'protect', 'groups', 'device', 'hypervisorRange'] as const;

/** @throws InputError when two reports would be mixed, or a comparison is asked for what it does not do. */
function refuseTwoOutputs(options: AuditOptions): void {
  const printed = REPORTS.filter((report) => options[report] === '-').map((report) => `--${report} -`);
  if (options.json === true) printed.push('--json');
  if (printed.length > 1) {
    throw usageError(
      printed[0]!,
      `${printed.join(' and ')} would be mixed on the standard output; give a file`,
    );
  }
  const given = OF_ONE_SOURCE.find((option) => options.diff === true && options[option] !== undefined);
  if (given === undefined) return;
  const name = given === 'hypervisorRange' ? '--hypervisor-range' : `--${given}`;
  throw usageError(
    name,
    `--diff compares what devices reach and has no ${name}; audit each source by itself`,
  );
}

const rangesShown = ({ all, ranges }: AuditOptions): number =>
  all === true ? Number.POSITIVE_INFINITY : ranges;

/** What the command line says of memory and devices. */
function givenExpectations({ hypervisorRange = [], protect = [], groups }: AuditOptions): Expectations {
  return {
    hypervisor: hypervisorRange.map((text) =>
      rangeOption('--hypervisor-range', text, 'the hypervisor’s memory'),
    ),
    protected: protect.map((text) => rangeOption('--protect', text, 'the protected range')),
    reserved: [],
    groups: groups === undefined ? undefined : parseGroups(readTextFile(groups, 'groups of devices')),
  };
}

/** The survey with some of its devices. @throws InputError when one of them is not there. */
function onlyDevices(survey: Survey, names: readonly string[] | undefined): Survey {
  if (names === undefined) return survey;
  const wanted = new Set(names.map((name) => sbdfOf(name) ?? name));
  const devices = survey.devices.filter(({ sbdf }) => wanted.has(sbdf));
  const known = new Set(survey.devices.map(({ sbdf }) => sbdf));
  const missing = [...wanted].find((name) => !known.has(name));
  if (missing === undefined) return { ...survey, devices };
  const others = known.size === 0 ? 'nor for any other' : didYouMean(missing, [...known]);
  throw usageError('--device', `the tables have no entry for ${missing}; ${others}`);
}

function writeReports(
  survey: Survey,
  findings: readonly Finding[],
  { csv, html, sarif }: AuditOptions,
): void {
  if (html !== undefined) writePieces('--html', html, auditPage(survey, findings));
  if (csv !== undefined) writePieces('--csv', csv, auditCsv(survey));
  if (sarif === undefined) return;
  const found = findings.map(({ severity, code, message, devices, start }) => {
    const identity = `${devices.join(' ')} ${start ?? ''}`;
    return { severity, code, message, file: survey.image.name, line: 1, identity };
  });
  writePieces('--sarif', sarif, [
    `${JSON.stringify(findingsSarif(found, FINDING_CODES, version()), null, 2)}\n`,
  ]);
}

async function auditDiff(before: string, after: string, options: AuditOptions, io: Io): Promise<ExitCode> {
  const one = await auditMachine(before, options);
  const other = await auditMachine(after, options);
  const changes = compareSurveys(one.survey, other.survey);
  if (options.json === true)
    io.out(JSON.stringify({ before, after, changes: changesJson(changes) }, null, 2));
  else for (const line of changesText(changes, rangesShown(options), io.paintOut)) io.out(line);
  return changes.length > 0 ? EXIT.findings : EXIT.ok;
}
