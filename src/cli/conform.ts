import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import {
  type ConformHooks,
  type ConformPlan,
  type ConformReport,
  conform,
  DOM0_MODES,
  type Dom0Mode,
} from '../conform/conformance.js';
import { dom0ModeOf } from '../conform/judge.js';
import { LAB_RELEASES } from '../lab/image/recipe.js';
import { LabError, type LabMachine } from '../lab/machine-api.js';
import { attachLab, findLab, startLab } from '../lab/qemu/lab.js';
import { loadProgram } from '../program/load.js';
import { InputError } from '../text/diagnostic.js';
import { didYouMean } from '../text/suggest.js';
import { DEFAULT_EDITION, type Edition, resolveEdition } from '../xen/editions/edition.js';
import { describeHere, runHere } from './conform-here.js';
import { checkOutputs, isClean, jsonOf, reportLines, save } from './conform-report.js';
import { watchInterrupts } from './interrupts.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { choice, count, usageError } from './options.js';
import { CampaignLine } from './progress.js';

const SUITES = fileURLToPath(new URL('../../suites/', import.meta.url));
const EXAMPLE_PROGRAMS = fileURLToPath(new URL('../../examples/', import.meta.url));

/** Random programs of a run that names nothing. */
const DEFAULT_PROGRAMS = 25;

/** One machine keeps one core busy, one thread of it after the other. */
const DEFAULT_JOBS = Math.min(2, availableParallelism());

/** The suite that is no folder of programs: configs through the real xl. */
const XL_SUITE = 'xl';

export interface ConformOptions {
  readonly suite?: string[];
  readonly programs?: number;
  readonly length: number;
  readonly seed?: number;
  readonly iommu?: string;
  readonly dom0Iommu?: string;
  readonly release?: string;
  readonly xen?: string;
  readonly xenArgs?: string;
  readonly edition?: string;
  readonly lab?: string;
  readonly cold?: boolean;
  readonly jobs: number;
  readonly maxDivergences: number;
  readonly timeout?: number;
  readonly out?: string;
  readonly junit?: string;
  readonly here?: boolean;
  readonly device?: string[];
  readonly yes?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ dommu conform
  $ dommu conform --xen xen/xen.gz --junit conform.xml --out divergences
  $ dommu conform --suite grants --suite dom0-strict
  $ dommu conform --programs 250 --seed 7 --dom0-iommu strict
  $ dommu conform --iommu amdvi --release trixie
  $ dommu conform my-program.dommu --json

Exit codes: 0 model and Xen agree, 1 they differ, 2 the input or the machine cannot be used, 3 the lab broke.`;

export function registerConform(program: Command, io: Io = standardIo()): void {
  program
    .command('conform')
    .summary('hold the model against a real Xen, operation by operation')
    .description(
      'Boots a real Xen under QEMU (dommu lab), runs programs on it and on the model, and compares answers, live IOMMU ' +
        'tables, DMA and fault lines after every operation. Without files: all suites, the examples, the xl matrix, and ' +
        'random programs.',
    )
    .argument('[file...]', 'programs to run in place of the suites')
    .option('--suite <name...>', `suites to run in place of all: ${[...suiteNames(), XL_SUITE].join(', ')}`)
    .option(
      '--programs <n>',
      `random programs besides (default: ${DEFAULT_PROGRAMS}, none with files or suites)`,
      count(0, 1_000_000),
    )
    .option('--length <n>', 'operations a random program', count(1, 1000), 80)
    .option('--seed <n>', 'seed of the random programs (default: a new one, printed)', count(0, 2 ** 31 - 1))
    .option('--iommu <kind>', 'IOMMU of the machine: vtd or amdvi (default: vtd)')
    .option('--dom0-iommu <mode>', 'only this mode of dom0: relaxed, strict or passthrough')
    .option('--release <debian>', 'Debian release whose Xen is used: bookworm (4.17) or trixie (4.20)')
    .option('--xen <file>', 'your own Xen: xen.gz or an ELF file')
    .option('--xen-args <text>', 'more options for Xen’s command line')
    .option('--edition <release>', 'release that Xen is to behave as (default: what it says it is)')
    .option('--lab <name>', 'use a running lab (dommu lab up)')
    .option('--cold', 'boot each machine anew instead of restoring a snapshot')
    .option('--jobs <n>', 'machines that work at the same time', count(1, 64), DEFAULT_JOBS)
    .option(
      '--max-divergences <n>',
      'stop after about so many divergences: each machine ends its program',
      count(1, 1000),
      5,
    )
    .option(
      '--timeout <seconds>',
      'stop after so long; what was found until then is reported',
      count(1, 86_400),
    )
    .option('--out <folder>', 'save each divergence as a program there')
    .option('--junit <file>', 'write a report in JUnit’s XML')
    .option('--here', 'run on the Xen of this host: this is its dom0')
    .option('--device <sbdf...>', '--here: devices that may be taken from dom0')
    .option('--yes', '--here: do it, instead of saying what would be done')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: ConformOptions) => {
      const asJson = (diagnostics: readonly unknown[]) => ({ divergences: [], diagnostics });
      await runCommandAsync(io, options.json === true, asJson, () => conformCommand(files, options, io));
    });
}

/** Names of the programs in a folder; none where the folder is missing. */
function programsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.dommu'))
    .map((name) => basename(name, '.dommu'))
    .sort();
}

const suiteNames = (): string[] => programsIn(SUITES);

async function conformCommand(files: readonly string[], options: ConformOptions, io: Io): Promise<ExitCode> {
  refuseContradictions(files, options);
  checkOutputs(options);
  const iommu = options.here === true ? 'none' : iommuOf(options);
  choice('--release', options.release, LAB_RELEASES);
  const plan = planOf(files, options);
  if (options.here === true && options.yes !== true) return describeHere(plan, options, io);
  if (options.json !== true) io.out(`seed ${plan.seed}`);
  const started = performance.now();
  const interruption = watchInterrupts(options.timeout);
  const progress = new CampaignLine(process.stderr);
  const hooks: ConformHooks = {
    isInterrupted: interruption.isOver,
    onProgress: (operations, divergences) => progress.show(operations, divergences),
  };
  try {
    const report = await (options.here === true
      ? runHere(plan, options, hooks)
      : conform(plan, (mode) => openMachine(mode, options), hooks));
    progress.clear();
    const seconds = (performance.now() - started) / 1000;
    if (options.json === true)
      io.out(JSON.stringify(jsonOf(report, plan, { iommu, source: sourceOf(options) }, seconds), null, 2));
    else for (const line of reportLines(report, io, seconds)) io.out(line);
    save(report, options, io);
    const failure = failureOf(report);
    if (failure === undefined) return isClean(report) ? EXIT.ok : EXIT.findings;
    // With --json the one object has said it.
    if (options.json === true) return failure.exitCode;
    throw failure;
  } finally {
    progress.clear();
    interruption.end();
  }
}

/** Why a run is no answer: the machine broke, or there was nothing to compare. */
function failureOf({ broken, operations, xl, interrupted }: ConformReport): LabError | undefined {
  if (broken !== undefined || operations > 0 || xl.length > 0 || interrupted) return broken;
  return new LabError('nothing could be compared', 2, 'the report says why programs were left out');
}

/** Options that say what machine to boot mean nothing to one that runs already. @throws InputError */
function refuseContradictions(files: readonly string[], options: ConformOptions): void {
  const running = options.here === true ? '--here' : options.lab === undefined ? undefined : '--lab';
  const boot = ['iommu', 'dom0Iommu', 'release', 'xen', 'xenArgs', 'cold'] as const;
  const said = running === undefined ? undefined : boot.find((name) => options[name] !== undefined);
  if (said !== undefined) {
    const option = `--${said.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    throw usageError(option, `${running} names a machine that runs already; leave out ${option}`);
  }
  if (files.length > 0 && options.suite !== undefined)
    throw usageError('--suite', 'suites run in place of files, files in place of suites: say one of them');
  if (options.here === true && options.lab !== undefined)
    throw usageError('--lab', '--here is this host, --lab another machine: say one of them');
  for (const name of ['device', 'yes'] as const) {
    if (options[name] !== undefined && options.here !== true)
      throw usageError(`--${name}`, `--${name} goes with --here`);
  }
}

/** What the command line asks for. @throws InputError */
function planOf(files: readonly string[], options: ConformOptions): ConformPlan {
  const mode = choice('--dom0-iommu', options.dom0Iommu, DOM0_MODES) ?? runningMode(options);
  const suites = options.suite ?? [...suiteNames(), XL_SUITE];
  const unknown = suites.find((name) => name !== XL_SUITE && !suiteNames().includes(name));
  if (unknown !== undefined) {
    const names = [...suiteNames(), XL_SUITE];
    throw usageError('--suite', `there is no suite \`${unknown}\`; ${didYouMean(unknown, names)}`);
  }
  const everything = files.length === 0 && options.suite === undefined;
  const paths =
    files.length > 0
      ? files
      : [
          ...suites.filter((name) => name !== XL_SUITE).map((name) => join(SUITES, `${name}.dommu`)),
          ...(everything
            ? programsIn(EXAMPLE_PROGRAMS).map((name) => join(EXAMPLE_PROGRAMS, `${name}.dommu`))
            : []),
        ];
  const programs = paths.map((path) => loadProgram(path));
  const modes = mode !== undefined ? [mode] : DOM0_MODES;
  return {
    programs,
    xl: files.length === 0 && suites.includes(XL_SUITE),
    dom0Tables: everything,
    randomPrograms: options.programs ?? (everything ? DEFAULT_PROGRAMS : 0),
    length: options.length,
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 31),
    modes,
    ...(options.edition === undefined ? {} : { edition: editionNamed(options.edition) }),
    maxDivergences: options.maxDivergences,
    jobs: options.lab === undefined ? options.jobs : 1,
    alwaysNew: options.lab === undefined,
  };
}

/** @throws InputError about `--edition`. */
function editionNamed(text: string): Edition {
  try {
    return resolveEdition(text);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError({ ...error.diagnostic, file: '--edition' });
  }
}

const iommuOf = ({ iommu, lab }: ConformOptions): 'vtd' | 'amdvi' | 'none' =>
  lab === undefined
    ? (choice('--iommu', iommu, ['vtd', 'amdvi'] as const) ?? 'vtd')
    : findLab(lab).shape.iommu;

async function openMachine(mode: Dom0Mode, options: ConformOptions): Promise<LabMachine> {
  if (options.lab !== undefined) return attachLab(options.lab);
  const release = choice('--release', options.release, LAB_RELEASES);
  return startLab({
    iommu: iommuOf(options),
    dom0Iommu: mode,
    ...(release === undefined ? {} : { release }),
    xen: options.xen,
    xenArgs: options.xenArgs,
    cold: options.cold === true,
  });
}

/** The mode that a machine which runs already was booted in; undefined where it is still to be booted. */
function runningMode({ lab }: ConformOptions): Dom0Mode | undefined {
  return lab === undefined ? undefined : dom0ModeOf(findLab(lab).shape, resolveEdition(DEFAULT_EDITION));
}

/** Where the Xen comes from: a file, a lab, this host, or a release of Debian. */
const sourceOf = ({ xen, lab, here, release }: ConformOptions): string =>
  here === true ? 'this host' : (xen ?? lab ?? release ?? LAB_RELEASES[0]);
