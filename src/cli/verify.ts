import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { requireBug } from '../bugs/gallery.js';
import { Checkpoint, fileKeeper } from '../check/checkpoint.js';
import { processSeconds } from '../check/node-crew.js';
import type { HashChoice } from '../check/result.js';
import { DEFAULT_ALPHABET } from '../program/alphabet.js';
import { verifyProgram } from '../program/verify.js';
import { verifyThreads } from '../program/verify-threads.js';
import type { Diagnostic } from '../text/diagnostic.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { count, counts, size } from './options.js';
import { ProgressLine } from './progress.js';
import { isProgram, registerSceneOptions, type SceneOptions, sceneOf } from './scene.js';
import { boundsForBug, boundsJson, boundsOf, boundsText } from './verify-bounds.js';
import { madeOf } from './verify-checkpoint.js';
import { checkReports, writeCounterexamples, writeReports } from './verify-files.js';
import { verdictJson, verdictLines } from './verify-report.js';

export interface VerifyOptions extends SceneOptions {
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
  readonly memory: boolean;
  readonly failuresWithin?: number;
  readonly only?: boolean;
  readonly with: readonly string[];
  readonly maxStates: number;
  readonly maxDepth: number;
  readonly maxMemory: number;
  readonly timeout: number;
  readonly deeper: number;
  readonly first?: boolean;
  readonly hash: HashChoice;
  readonly fair: 'vcpus' | 'none';
  readonly symmetry: boolean;
  readonly merge: boolean;
  readonly memo: boolean;
  readonly workers: number;
  readonly checkpoint?: string;
  readonly checkpointEvery: number;
  readonly resume?: string;
  readonly out: string;
  readonly write: boolean;
  readonly report: readonly string[];
  readonly itf?: boolean;
  readonly json?: boolean;
}

/** Threads beyond which they would only wait for one another. */
const MAX_WORKERS = 64;

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

Exit codes: 0 safe, or bounded with nothing found; 1 unsafe, a livelock, or the domain would not start; 2 bad input.`;

export function registerVerify(program: Command, io: Io = standardIo()): void {
  const command = program
    .command('verify')
    .summary('search every behaviour of a guest and its device for a way round the rule')
    .description(
      'Reads xl domain configs (or a program that sets the scene), builds the machine and the domains as the toolstack ' +
        'and Xen would, and searches every behaviour of guests, devices, the backend in dom0 and the toolstack.',
    )
    .argument('[file...]', 'xl configs, or one program (.dommu, .json); with --bug it may be left out');
  registerSceneOptions(command)
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
    .option('--no-memory', 'guests neither get pages nor give them back')
    .option('--destroy', 'the toolstack destroys guests')
    .option('--steps', 'hypercalls also run step by step, others in between')
    .option(
      '--failures <n>',
      'allocations, maps, unmaps, flushes and device accesses that fail',
      count(0, 16),
      0,
    )
    .option('--failures-within <n>', 'which try of its kind, at the latest, fails', count(1, 64))
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
    .option('--only', 'nothing but the operations of --with, and failures, is tried')
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
    .addOption(
      new Option('--fair <to>', 'a loop that never ends lets every vCPU in a hypercall go on, or need not')
        .choices(['vcpus', 'none'])
        .default('vcpus'),
    )
    .option('--no-symmetry', 'keep states apart that are the same but for names')
    .option('--no-merge', 'also stop behind steps that nobody else can see')
    .addOption(
      new Option('--workers <n>', 'threads that search, once there are many states')
        .argParser(count(1, MAX_WORKERS))
        .default(Math.min(availableParallelism(), MAX_WORKERS), 'all cores'),
    )
    .option('--checkpoint <file>', 'keep what was found so far in a file, now and then and on Ctrl-C')
    .option('--checkpoint-every <seconds>', 'how often', count(1, 2 ** 31 - 1), 60)
    .option('--resume <file>', 'go on from a checkpoint')
    .option('--no-memo', 'do not remember what actions did: the same verdict, later')
    .option('--out <folder>', 'where counterexamples are written', '.')
    .option('--no-write', 'do not write counterexamples')
    .option('--itf', 'write each counterexample as an ITF trace, too')
    .addOption(
      new Option(
        '--report <file...>',
        'write the verdict to files: SARIF (.sarif) or Markdown (.md)',
      ).default([], 'none'),
    )
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
  options: VerifyOptions,
  isGiven: (option: string) => boolean,
  io: Io,
): Promise<ExitCode> {
  checkReports(options.report);
  const bug = options.bug === undefined ? undefined : requireBug(options.bug, '--bug');
  const ofBugAlone = bug !== undefined && files.length === 0;
  const bounds = ofBugAlone ? boundsForBug(bug, options, isGiven) : boundsOf(options);
  const { program, edition, title } = sceneOf(files, options, bounds, bug);
  const { checkpoint, resume } = options;
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const progress = new ProgressLine(process.stderr);
  const result = await verifyProgram(program, edition, bounds, {
    hash: options.hash,
    symmetries: options.symmetry,
    threads: verifyThreads(options.workers),
    cpuClock: processSeconds,
    fairness: options.fair === 'none' ? 'none' : 'weak',
    keeper: checkpoint === undefined ? undefined : fileKeeper(checkpoint, options.checkpointEvery),
    resume: resume === undefined ? undefined : (made) => new Checkpoint(resume, made),
    made: madeOf(program, edition, bounds),
    signal: interrupt.signal,
    onProgress: (now) => progress.show(now),
  }).finally(() => {
    process.off('SIGINT', onInterrupt);
    progress.clear();
  });
  const subject = files[0] ?? bug!.id;
  const written = writeCounterexamples(result.counterexamples, edition, subject, options);
  const text = boundsText(bounds, files.length > 0 && !files.some(isProgram));
  const report = { title, subject, edition, result, written, bounds: text };
  writeReports(options.report, report);
  const json = { bug: bug?.id ?? null, bounds: boundsJson(bounds, options) };
  if (options.json === true) io.out(JSON.stringify(verdictJson(report, json), null, 2));
  else for (const line of verdictLines(report, io.paintOut)) io.out(line);
  return result.counterexamples.length > 0 ? EXIT.findings : EXIT.ok;
}
