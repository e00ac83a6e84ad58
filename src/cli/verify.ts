import { writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { requireBug } from '../bugs/gallery.js';
import type { HashChoice } from '../check/result.js';
import { DEFAULT_ALPHABET } from '../program/alphabet.js';
import { printProgram } from '../program/print.js';
import { type Counterexample, type VerifyBounds, verifyProgram } from '../program/verify.js';
import { type Diagnostic, InputError } from '../text/diagnostic.js';
import { DEFAULT_EDITION, type Edition } from '../xen/editions/edition.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { count, counts, size } from './options.js';
import { ProgressLine } from './progress.js';
import { verdictJson, verdictLines } from './verify-report.js';
import { isProgram, verifyScene, withBoundsOf } from './verify-scene.js';

export interface VerifyOptions {
  readonly xen?: string;
  readonly bug?: string;
  readonly arch?: string;
  readonly iommu?: string;
  readonly cmdline?: string;
  readonly pages: number;
  readonly levels: readonly number[];
  readonly refs: number;
  readonly handles: number;
  readonly vaSlots: number;
  readonly entries: number;
  readonly hotplug: boolean;
  readonly selfGrants: boolean;
  readonly destroy?: boolean;
  readonly steps?: boolean;
  readonly failures: number;
  readonly deviceMappings?: boolean;
  readonly partialUnmaps?: boolean;
  readonly with: readonly string[];
  readonly maxStates: number;
  readonly maxDepth: number;
  readonly maxMemory: number;
  readonly timeout: number;
  readonly deeper: number;
  readonly first?: boolean;
  readonly hash: HashChoice;
  readonly symmetry: boolean;
  readonly memo: boolean;
  readonly out: string;
  readonly write: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ dommu verify examples/guest-pv-nic.cfg
  $ dommu verify examples/guest-pv-nic.cfg --xen 4.11 --out /tmp
  $ dommu verify examples/guest-hvm-share.cfg --pages 3 --max-states 5000000
  $ dommu verify --bug XSA-288a
  $ dommu verify examples/guest-pv-nic.cfg --cmdline "dom0-iommu=strict" --json

The verdict is "safe" only when every behaviour within the printed bounds was searched; a search that ran into
--max-states, --max-depth, --max-memory or --timeout says "bounded". Counterexamples are written as programs that
\`dommu run\` replays. Ctrl-C prints what is known so far.

Exit codes: 0 safe, or bounded with nothing found; 1 unsafe, or the domain would not start; 2 bad input.`;

export function registerVerify(program: Command, io: Io = standardIo()): void {
  program
    .command('verify')
    .summary('search every behaviour of a guest and its device for a way round the rule')
    .description(
      'Reads xl domain configs (or a program that sets the scene), builds the machine and the domains as the toolstack ' +
        'and Xen would, and searches every behaviour of guests, devices, the backend in dom0 and the toolstack.',
    )
    .argument('[file...]', 'xl configs, or one program (.dommu, .json); with --bug it may be left out')
    .option('--bug <id>', 'a bug of Xen’s history is put into the release (`dommu bugs` lists them)')
    .option('--xen <release>', `release or design (default: the program's, or ${DEFAULT_EDITION})`)
    .option('--arch <arch>', 'architecture of the host for configs: x86 or arm')
    .option('--iommu <kind>', 'IOMMU of the host for configs: vtd, amdvi, smmu or none')
    .option('--cmdline <text>', 'command line of Xen for configs, such as "dom0-iommu=strict"')
    .option('--pages <n>', 'pages a guest may have', count(1, 512), 2)
    .addOption(
      new Option('--levels <list>', 'page-table levels guests pin')
        .argParser(counts(1, 4))
        .default(DEFAULT_ALPHABET.levels, DEFAULT_ALPHABET.levels.join(',')),
    )
    .option('--refs <n>', 'grant references guests use', count(0, 16), DEFAULT_ALPHABET.refs)
    .option('--handles <n>', 'grant handles a mapper uses', count(1, 16), DEFAULT_ALPHABET.handles)
    .option('--va-slots <n>', 'virtual pages guests map', count(1, 8), DEFAULT_ALPHABET.vaSlots)
    .option('--entries <n>', 'entries of a page guests write', count(0, 16), DEFAULT_ALPHABET.entries)
    .option('--no-hotplug', 'devices stay where they were assigned')
    .option('--no-self-grants', 'guests do not grant pages to themselves')
    .option('--destroy', 'the toolstack destroys guests')
    .option('--steps', 'hypercalls also run step by step, others in between')
    .option(
      '--failures <n>',
      'allocations, maps, unmaps, flushes and device accesses that fail',
      count(0, 16),
      0,
    )
    .option('--device-mappings', 'PV guests and dom0 map grants for their devices, too')
    .option('--partial-unmaps', 'grant mappings are also unmapped by halves')
    .addOption(
      new Option(
        '--with <operations>',
        'operations that are tried besides, with all arguments the machine has',
      )
        .argParser((text: string) => text.split(',').filter((name) => name !== ''))
        .default([], 'none'),
    )
    .option('--max-states <n>', 'states to keep', count(1, 2 ** 31 - 1), 10_000_000)
    .addOption(
      new Option('--max-depth <n>', 'actions in a row')
        .argParser(count(1, 2 ** 31 - 1))
        .default(Number.POSITIVE_INFINITY, 'any'),
    )
    .addOption(
      new Option('--max-memory <size>', 'memory for the search’s tables, such as 512M or 2G')
        .argParser(size)
        .default(2 ** 30, '1G'),
    )
    .option('--timeout <seconds>', 'time', count(1, 2 ** 31 - 1), 600)
    .option('--deeper <n>', 'after a violation, look so many actions deeper for others', count(0, 100), 3)
    .option('--first', 'stop at the first violation')
    .addOption(
      new Option(
        '--hash <how>',
        'tell states apart exactly, by 64-bit fingerprints, or exactly while that is cheap',
      )
        .choices(['exact', '64', 'auto'])
        .default('auto'),
    )
    .option('--no-symmetry', 'keep states apart that are the same but for names')
    .option('--no-memo', 'do not remember what actions did: the same verdict, later')
    .option('--out <folder>', 'where counterexamples are written', '.')
    .option('--no-write', 'do not write counterexamples')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: VerifyOptions, command: Command) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ verdict: null, violations: [], diagnostics });
      await runCommandAsync(io, options.json === true, asJson, () =>
        verify(files, options, (name) => command.getOptionValueSource(name) === 'cli', io),
      );
    });
}

async function verify(
  files: readonly string[],
  asked: VerifyOptions,
  isGiven: (option: string) => boolean,
  io: Io,
): Promise<ExitCode> {
  const bug = asked.bug === undefined ? undefined : requireBug(asked.bug, '--bug');
  const ofBugAlone = bug !== undefined && files.length === 0;
  const options = ofBugAlone ? withBoundsOf(bug, asked, isGiven) : asked;
  const bounds = boundsOf(options);
  const { program, edition, title } = verifyScene(files, options, bounds, bug);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const progress = new ProgressLine(process.stderr);
  const result = await verifyProgram(program, edition, bounds, {
    hash: options.hash,
    symmetries: options.symmetry,
    signal: interrupt.signal,
    onProgress: (now) => progress.show(now),
  }).finally(() => {
    process.off('SIGINT', onInterrupt);
    progress.clear();
  });
  const written = result.counterexamples.map((one) => {
    const text = counterexampleText(one, edition);
    const stem = files[0] === undefined ? bug!.id : basename(files[0], extname(files[0]));
    const file = join(options.out, `${stem}-${fileName(edition.name)}-${one.invariant.id}.dommu`);
    if (options.write) writeFile(file, text);
    return { ...one, text, file: options.write ? file : null };
  });
  if (options.json === true) io.out(JSON.stringify(verdictJson(result, written, edition, options), null, 2));
  else
    for (const line of verdictLines(title, result, written, options, !files.some(isProgram), io.paintOut))
      io.out(line);
  return result.verdict === 'unsafe' ? EXIT.findings : EXIT.ok;
}

function boundsOf(options: VerifyOptions): VerifyBounds {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants, failures } = options;
  return {
    pages,
    levels,
    refs,
    handles,
    vaSlots,
    entries,
    hotplug,
    selfGrants,
    failures,
    operations: options.with,
    destroy: options.destroy === true,
    steps: options.steps === true,
    deviceMappings: options.deviceMappings === true,
    partialUnmaps: options.partialUnmaps === true,
    memo: options.memo,
    search: {
      maxStates: options.maxStates,
      maxDepth: options.maxDepth,
      maxMemory: options.maxMemory,
      maxSeconds: options.timeout,
      deeper: options.first === true ? 0 : options.deeper,
    },
  };
}

/** An edition's name where behaviours are replaced is too long for a file's. */
const fileName = (edition: string): string => edition.split('+')[0]!;

function writeFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new InputError({
      severity: 'error',
      code: 'cannot-write',
      message: `the counterexample cannot be written (${code}); name a folder with --out, or say --no-write`,
      file,
      line: 1,
      column: 1,
    });
  }
}

/** The counterexample as a program that reads like a story. */
function counterexampleText({ invariant, message, program }: Counterexample, edition: Edition): string {
  const head = [
    `${invariant.id}, ${invariant.title}, does not hold on Xen ${edition.name}:`,
    message,
    `Why it must hold: ${invariant.reason}.`,
    'Found by `dommu verify`; the shortest there is within its bounds.',
  ];
  return `${head.map((line) => `# ${line}\n`).join('')}\n${printProgram(program)}`;
}
