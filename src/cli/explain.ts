import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { EVENT_KINDS, type EventKind } from '../logs/event.js';
import { type ExplainedEvent, type Explanation, explain } from '../logs/explain.js';
import type { LogFacts } from '../logs/facts.js';
import type { ProgramAnswer } from '../logs/programs.js';
import { sbdfOf } from '../logs/values.js';
import { eventJson, machineJson } from '../report/explanation.js';
import { explanationSarif } from '../report/explanation-sarif.js';
import { type Diagnostic, InputError } from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import { didYouMean } from '../text/suggest.js';
import { type DomainConfig, loadDomainConfig } from '../toolstack/domain-config.js';
import { DEFAULT_RELEASE, toolstackRelease } from '../toolstack/release.js';
import { type Edition, resolveEdition } from '../xen/editions/edition.js';
import { eventLines, headLines, sumLine } from './explain-text.js';
import { watchInterrupts } from './interrupts.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { openLogs } from './log-files.js';
import { count, usageError } from './options.js';
import { ReadingLine } from './progress.js';
import { version } from './version.js';

export interface ExplainCommandOptions {
  readonly json?: boolean;
  readonly xen?: string;
  readonly config?: string;
  readonly acpi?: readonly string[];
  readonly kind?: readonly EventKind[];
  readonly device?: string;
  readonly program?: boolean;
  readonly all?: boolean;
  readonly limit?: number;
  readonly sarif?: string;
}

/** Events that are shown to people unless more are asked for. */
const LIMIT = 50;

const EXAMPLES = `
Examples:
  $ xl dmesg | dommu explain
  $ dommu explain /var/log/xen/console/hypervisor.log /var/log/kern.log.1.gz
  $ journalctl -k | dommu explain --device 01:00.0 --config guest.cfg -
  $ dommu explain --xen 4.13 --json serial.log

Logs may be captures of serial consoles, syslog, journals, mails; their size does not matter.
Exit codes: 0 nothing wrong found, 1 faults or errors were found, 2 a log cannot be read or the usage is wrong.`;

export function registerExplain(program: Command, io: Io = standardIo()): void {
  program
    .command('explain')
    .summary('tell what the faults and complaints in a log mean, and what is behind them')
    .description(
      'Reads logs of Xen, Linux and the toolstack, finds what they tell of IOMMUs, devices and their memory, and explains ' +
        'each event: who did what, why it was refused, what is probably behind it and what to look at next.',
    )
    .argument('[file...]', 'logs; - or nothing for the standard input')
    .option('--xen <edition>', 'the release of Xen (default: what the log says)')
    .option('--config <file>', 'the config of the guest (xl.cfg(5)) that has the device')
    .option('--program', 'show for each fault the shortest program in which the model ends in it')
    .option(
      '--acpi <file...>',
      'the machine’s ACPI tables DMAR, IVRS, IORT: binaries, acpidump, listings of iasl',
    )
    .option('--device <address>', 'only events of this device: 01:00.0, or its device-tree path')
    .option('--kind <kinds>', `only events of these kinds: ${EVENT_KINDS.join(', ')}`, kinds)
    .option('--all', 'show how things were set up, too')
    .option('--limit <n>', `show at most so many events (default: ${LIMIT}; with --json all)`, count(1, 1e6))
    .option('--sarif <file>', 'write what is wrong as SARIF 2.1.0, too')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: ExplainCommandOptions) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ events: [], diagnostics });
      return runCommandAsync(io, options.json === true, asJson, () => explainLogs(files, options, io));
    });
}

/** A commander parser for a list of kinds. */
function kinds(text: string): EventKind[] {
  return text.split(',').map((word) => {
    const kind = EVENT_KINDS.find((one) => one === word.trim());
    if (kind !== undefined) return kind;
    throw new InvalidArgumentError(`\`${word}\` is no kind; ${didYouMean(word, EVENT_KINDS)}.`);
  });
}

/**
 * Reads the logs and prints what they tell.
 * @throws InputError when a log or an option cannot be used.
 */
export async function explainLogs(
  files: readonly string[],
  options: ExplainCommandOptions,
  io: Io,
): Promise<ExitCode> {
  const edition = options.xen === undefined ? undefined : resolveEdition(options.xen);
  const amend = await firmware(options.acpi ?? []);
  const config = options.config === undefined ? undefined : guestConfig(options.config, edition);
  const line = new ReadingLine(process.stderr);
  const interrupts = watchInterrupts(undefined);
  try {
    const logs = openLogs(files.length === 0 ? ['-'] : files, interrupts.isOver);
    if (files.length === 0 && process.stdin.isTTY === true)
      io.err('reading from the terminal; Ctrl-D ends it');
    const explanation = await explain(logs, {
      edition,
      config,
      amend,
      isOver: interrupts.isOver,
      progress: ({ file, bytes, events }) => line.show(file, bytes, events),
    });
    line.clear();
    const events = explanation.events.filter(wanted(options));
    if (options.sarif !== undefined) writeSarif(options.sarif, explanation, events);
    const programs = programsOf(explanation, options, interrupts.isOver);
    if (options.json === true) await printJson(explanation, events, programs, options, io);
    else await print(explanation, events, programs, options, io);
    return events.some(({ wrong }) => wrong) ? EXIT.findings : EXIT.ok;
  } finally {
    line.clear();
    interrupts.end();
  }
}

/** What ACPI tables add to what the logs say. @throws InputError where a file cannot be read. */
async function firmware(files: readonly string[]): Promise<(facts: LogFacts) => void> {
  if (files.length === 0) return () => {};
  const { addFirmwareFacts } = await import('../audit/acpi/firmware-facts.js');
  const { readAcpiFile } = await import('../audit/acpi/read-input.js');
  const tables = files.flatMap((file) => readAcpiFile(file).tables);
  return (facts) => addFirmwareFacts(tables, facts);
}

/** @throws InputError where xl would not read it. */
function guestConfig(file: string, edition: Edition | undefined): DomainConfig {
  const release = edition === undefined ? DEFAULT_RELEASE : toolstackRelease(edition);
  const source = readTextFile(file, 'an xl config');
  const { config, diagnostics } = loadDomainConfig(source, release);
  const error = diagnostics.find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new InputError(error, source);
  return config;
}

/** Which events were asked for. */
function wanted({ kind, device }: ExplainCommandOptions): (event: ExplainedEvent) => boolean {
  const name = device === undefined ? undefined : (sbdfOf(device) ?? device);
  return (event) =>
    (kind === undefined || kind.includes(event.kind)) && (name === undefined || event.device === name);
}

/** @throws InputError where the file cannot be written. */
function writeSarif(file: string, explanation: Explanation, events: readonly ExplainedEvent[]): void {
  try {
    writeFileSync(file, `${JSON.stringify(explanationSarif(explanation, events, version()), null, 2)}\n`);
  } catch (error) {
    throw usageError('--sarif', `${file} cannot be written: ${(error as Error).message}`);
  }
}

type Programs = (event: ExplainedEvent) => Promise<ProgramAnswer | undefined>;

/** Looks for programs where they were asked for, until the command is interrupted. */
function programsOf(
  { world }: Explanation,
  { program }: ExplainCommandOptions,
  isOver: () => boolean,
): Programs {
  if (program !== true) return async () => undefined;
  // The model and its search are most of dommu: they are loaded when they are asked.
  const searching = import('../logs/programs.js');
  return async (event) => (event.wrong && !isOver() ? (await searching).programFor(event, world) : undefined);
}

async function printJson(
  explanation: Explanation,
  events: readonly ExplainedEvent[],
  programs: Programs,
  { limit = events.length }: ExplainCommandOptions,
  io: Io,
): Promise<void> {
  const { files, notes, complete } = explanation;
  const shown: unknown[] = [];
  for (const event of events.slice(0, limit)) shown.push(eventJson(event, await programs(event)));
  io.out(
    JSON.stringify({ events: shown, machine: machineJson(explanation), files, notes, complete }, null, 2),
  );
}

async function print(
  explanation: Explanation,
  events: readonly ExplainedEvent[],
  programs: Programs,
  { all, kind, limit = LIMIT }: ExplainCommandOptions,
  io: Io,
): Promise<void> {
  const paint = io.paintOut;
  for (const line of headLines(explanation, paint)) io.out(line);
  const told = all === true || kind !== undefined ? events : events.filter(({ wrong }) => wrong);
  const several = explanation.files.length > 1;
  for (const [i, event] of told.slice(0, limit).entries()) {
    io.out('');
    for (const line of eventLines(event, i + 1, several, await programs(event), paint)) io.out(line);
  }
  io.out('');
  io.out(sumLine(events, Math.min(told.length, limit), events.length - told.length, paint));
}
