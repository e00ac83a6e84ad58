import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import {
  type Account,
  accountFor,
  missingOf,
  programsIn,
  type RuleAccount,
  type Source,
  staleOf,
} from '../coverage/account.js';
import type { Diagnostic, Paint } from '../text/diagnostic.js';
import { printable } from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import { EXIT, type ExitCode, type Io, runCommand, standardIo } from './io.js';
import { usageError } from './options.js';

const EXAMPLES = `
Examples:
  $ dommu coverage                               examples, errnos, traces and suites, in the releases they name
  $ dommu coverage --missing                     and every rule that none of them reaches, with the reason
  $ dommu coverage my-test.dommu                 what one program reaches
  $ dommu coverage --conform report.json         with what \`dommu conform --json\` has reached on a real Xen

Exit codes: 0 every rule is reached or has a reason why not, 1 one is not, a reason is out of date, or a program is
answered otherwise than the table of rules says, 2 a program cannot be read.`;

interface Options {
  readonly missing?: boolean;
  readonly conform?: readonly string[];
  readonly json?: boolean;
}

const EXAMPLES_FOLDER = fileURLToPath(new URL('../../examples/', import.meta.url));
const SUITES_FOLDER = fileURLToPath(new URL('../../suites/', import.meta.url));

/** The programs that come with dommu. */
const OWN_SOURCES = (): Source[] => [
  { kind: 'examples', files: programsIn(EXAMPLES_FOLDER) },
  { kind: 'errnos', files: programsIn(join(EXAMPLES_FOLDER, 'errnos')) },
  { kind: 'traces', files: programsIn(join(EXAMPLES_FOLDER, 'traces')) },
  { kind: 'suites', files: programsIn(SUITES_FOLDER) },
];

export function registerCoverage(program: Command, io: Io = standardIo()): void {
  program
    .command('coverage')
    .summary('tell which rules the examples, tests and conformance runs have reached')
    .description(
      'Runs programs on the model, each in the releases it names, and tells which rules of the dossier they reach: the ' +
        'rungs of its ladders, with function and status, and the situations that conformance programs seek. Without files: ' +
        'the examples, the programs for each errno, the traces and the suites.',
    )
    .argument('[file...]', 'programs to run in place of those that come with dommu')
    .option('--missing', 'list the rules that nothing reaches, with the reasons')
    .option('--conform <file...>', 'add what reports of `dommu conform --json` have reached')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((files: readonly string[], options: Options) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ rules: [], diagnostics });
      runCommand(io, options.json === true, asJson, () => coverage(files, options, io));
    });
}

function coverage(files: readonly string[], options: Options, io: Io): ExitCode {
  const sources = files.length === 0 ? OWN_SOURCES() : [{ kind: 'programs', files }];
  const conform = new Set((options.conform ?? []).flatMap(metIn));
  const account = accountFor(sources, new Map(conform.size > 0 ? [['conform', conform]] : []));
  if (options.json === true) io.out(JSON.stringify(jsonOf(account), null, 2));
  else for (const line of lines(account, options.missing === true, io.paintOut)) io.out(line);
  // What a few programs leave out is no finding.
  const left = files.length === 0 && (missingOf(account).length > 0 || staleOf(account).length > 0);
  return left || account.contradictions.length > 0 ? EXIT.findings : EXIT.ok;
}

/** Keys of the rules that a report of conform says were met. @throws InputError for any other file. */
function metIn(file: string): readonly string[] {
  const { text } = readTextFile(file, 'a report of dommu conform --json');
  try {
    const { coverage: found } = JSON.parse(text) as { coverage?: { met?: unknown } };
    if (Array.isArray(found?.met)) return found.met.map(String);
  } catch {
    // Not JSON at all: the same complaint.
  }
  throw usageError('--conform', `${file} is no report of \`dommu conform --json\``);
}

function jsonOf(account: Account): unknown {
  const { rules, programs, runs, contradictions } = account;
  return {
    programs,
    runs,
    rules,
    missing: missingOf(account).map(({ id }) => id),
    stale: staleOf(account).map(({ id }) => id),
    contradictions,
  };
}

/** Sections in the dossier’s order: §2.2 before §10.1. */
function sectionsOf(rules: readonly RuleAccount[]): string[] {
  const key = (section: string) => section.slice(1).split('.').map(Number);
  return [...new Set(rules.map(({ section }) => section))].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x[0]! - y[0]! || (x[1] ?? 0) - (y[1] ?? 0);
  });
}

function* lines(account: Account, all: boolean, paint: Paint): Generator<string> {
  const { rules, programs, runs, contradictions } = account;
  const kinds = [...new Set(rules.flatMap(({ by }) => by))];
  const cells = (name: string, of: readonly RuleAccount[]): string => {
    const reached = of.filter(({ by }) => by.length > 0).length;
    const excused = of.filter(({ by, excuse }) => by.length === 0 && excuse !== null).length;
    const missing = of.length - reached - excused;
    const byKind = kinds.map((kind) => of.filter(({ by }) => by.includes(kind)).length);
    const numbers = [of.length, reached, excused, missing, ...byKind];
    return `  ${name.padEnd(8)} ${numbers.map((value) => String(value).padStart(8)).join(' ')}`;
  };
  yield `${programs} programs, run ${runs} times on the model`;
  yield '';
  const heads = ['rules', 'reached', 'excused', 'missing', ...kinds];
  yield paint.bold(`  ${'section'.padEnd(8)} ${heads.map((head) => head.padStart(8)).join(' ')}`);
  for (const section of sectionsOf(rules)) {
    yield cells(
      section,
      rules.filter((one) => one.section === section),
    );
  }
  yield paint.bold(cells('all', rules));
  yield* ruleLines('neither reached nor excused', missingOf(account), paint);
  yield* ruleLines('reached, and yet there is a reason why it cannot be', staleOf(account), paint);
  if (all) {
    const excused = rules.filter(({ by, excuse }) => by.length === 0 && excuse !== null);
    yield* ruleLines('cannot be reached, and why', excused, paint);
  }
  if (contradictions.length > 0) {
    yield '';
    yield paint.error('answered otherwise than the first rung that holds says');
    for (const { rule, expected, answered, program, line, edition } of contradictions) {
      yield `  ${printable(program)}:${line} on ${edition}: ${answered}, not ${expected} (${rule})`;
    }
  }
}

function* ruleLines(title: string, rules: readonly RuleAccount[], paint: Paint): Generator<string> {
  if (rules.length === 0) return;
  yield '';
  yield paint.bold(title);
  for (const { id, status, fn, releases, excuse } of rules) {
    const place = [status, fn, releases === 'all' ? '' : releases].filter(Boolean).join(', ');
    yield `  ${id}  ${paint.dim(place)}${excuse === null ? '' : `: ${excuse}`}`;
  }
}
