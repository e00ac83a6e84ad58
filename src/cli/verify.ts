import { availableParallelism } from 'node:os';
import { type Command, Option } from 'commander';
import { boundsForBug } from '../bugs/asked-bounds.js';
import { requireBug } from '../bugs/gallery.js';
import { Checkpoint, fileKeeper } from '../check/checkpoint.js';
import { processSeconds } from '../check/node-crew.js';
import { verifyProgram } from '../program/verify.js';
import { boundsOf, boundsText, searchOptionsOf } from '../program/verify-bounds.js';
import { type SaidSettings, VERIFY_SETTINGS } from '../program/verify-options.js';
import { verifyThreads } from '../program/verify-threads.js';
import type { Diagnostic } from '../text/diagnostic.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { count, settingOption } from './options.js';
import { ProgressLine } from './progress.js';
import { isProgram, registerSceneOptions, type SceneOptions, sceneOf } from './scene.js';
import { boundsJson } from './verify-bounds.js';
import { madeOf } from './verify-checkpoint.js';
import { checkOutputs, writeCounterexamples, writeReports } from './verify-files.js';
import { verdictJson, verdictLines } from './verify-report.js';

export interface VerifyOptions extends SceneOptions, Omit<SaidSettings, 'pages'> {
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
  registerSceneOptions(command);
  for (const setting of VERIFY_SETTINGS)
    if (setting.name !== 'pages') command.addOption(settingOption(setting));
  command
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
  checkOutputs(options.report, options);
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
    ...searchOptionsOf(options),
    threads: verifyThreads(options.workers),
    cpuClock: processSeconds,
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
