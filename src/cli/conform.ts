import { closeSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { ARTEFACTS } from '../conform/artefacts.js';
import {
  type ConformHooks,
  type ConformPlan,
  type ConformReport,
  conform,
  conformHere,
  DOM0_MODES,
  type Dom0Mode,
} from '../conform/conformance.js';
import { dom0ModeOf } from '../conform/judge.js';
import { junitReport } from '../conform/junit.js';
import { differenceLines, divergenceProgram, skipCounts } from '../conform/report.js';
import { RULES } from '../conform/rules.js';
import { LAB_RELEASES } from '../lab/image/recipe.js';
import { requireDom0, startLocalAgent } from '../lab/local-agent.js';
import { LabError, type LabMachine } from '../lab/machine-api.js';
import { attachLab, findLab, startLab } from '../lab/qemu/lab.js';
import { loadProgram } from '../program/load.js';
import { printStatement } from '../program/print.js';
import type { Program } from '../program/program.js';
import { InputError, type Paint } from '../text/diagnostic.js';
import { didYouMean } from '../text/suggest.js';
import { DEFAULT_EDITION, type Edition, resolveEdition } from '../xen/editions/edition.js';
import { parseSbdf, sbdfText } from '../xen/machine.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { choice, count } from './options.js';

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
    .option('--length <n>', 'operations a random program', count(1, 1000), 40)
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
    .option('--max-divergences <n>', 'stop after so many divergences', count(1, 1000), 5)
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

/** Names of the suites: the programs in `suites/`. */
function suiteNames(): string[] {
  return readdirSync(SUITES)
    .filter((name) => name.endsWith('.dommu'))
    .map((name) => basename(name, '.dommu'))
    .sort();
}

async function conformCommand(files: readonly string[], options: ConformOptions, io: Io): Promise<ExitCode> {
  refuseContradictions(files, options);
  checkOutputs(options);
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
      ? here(plan, options, hooks)
      : conform(plan, (mode) => openMachine(mode, options), hooks));
    progress.clear();
    const seconds = (performance.now() - started) / 1000;
    if (options.json === true) io.out(JSON.stringify(jsonOf(report, plan, options, seconds), null, 2));
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
    throw usage(option, `${running} names a machine that runs already; leave out ${option}`);
  }
  if (files.length > 0 && options.suite !== undefined)
    throw usage('--suite', 'suites run in place of files, files in place of suites: say one of them');
  if (options.here === true && options.lab !== undefined)
    throw usage('--lab', '--here is this host, --lab another machine: say one of them');
  for (const name of ['device', 'yes'] as const) {
    if (options[name] !== undefined && options.here !== true)
      throw usage(`--${name}`, `--${name} goes with --here`);
  }
}

const usage = (option: string, message: string): InputError =>
  new InputError({ severity: 'error', code: 'usage', message, file: option, line: 1, column: 1 });

/** Says what would be done to this host, and does nothing. */
function describeHere(plan: ConformPlan, { device = [] }: ConformOptions, io: Io): ExitCode {
  requireDom0();
  const devices = devicesOf(device);
  io.out('On this host, with --yes:');
  io.out(
    `  - ${plan.programs.length} programs and ${plan.randomPrograms} random ones of ${plan.length} operations`,
  );
  io.out(
    '  - each makes up to a few PV domains of at most 64 pages, which never run a kernel, and destroys them',
  );
  io.out('  - dom0 maps their pages, and they grant pages to dom0 and to each other');
  if (devices.length === 0)
    io.out('  - no device is touched: programs that need one are left out (--device)');
  for (const sbdf of devices)
    io.out(`  - ${sbdfText(sbdf)} is taken from dom0 again and again: its driver there must not use it`);
  io.out('  - other domains are left alone; a mistake in Xen can take the host down all the same');
  io.out('Nothing has been done. --yes does it.');
  return EXIT.ok;
}

async function here(
  plan: ConformPlan,
  { device = [] }: ConformOptions,
  hooks: ConformHooks,
): Promise<ConformReport> {
  requireDom0();
  const devices = devicesOf(device);
  const agent = await startLocalAgent();
  try {
    return await conformHere(plan, agent, devices, hooks);
  } finally {
    await agent.close();
  }
}

/** @throws InputError for what is no PCI address, or no device of this host. */
function devicesOf(texts: readonly string[]): number[] {
  return texts.map((text) => {
    const requester = parseSbdf(text);
    if (requester === undefined)
      throw usage('--device', `\`${text}\` is no PCI address; expected one such as 0000:03:00.0`);
    if (!existsSync(`/sys/bus/pci/devices/${sbdfText(requester)}`))
      throw usage('--device', `this host has no device ${sbdfText(requester)}`);
    return requester;
  });
}

/** What the command line asks for. @throws InputError */
function planOf(files: readonly string[], options: ConformOptions): ConformPlan {
  const mode = choice('--dom0-iommu', options.dom0Iommu, DOM0_MODES) ?? runningMode(options);
  const suites = options.suite ?? [...suiteNames(), XL_SUITE];
  const unknown = suites.find((name) => name !== XL_SUITE && !suiteNames().includes(name));
  if (unknown !== undefined) {
    const names = [...suiteNames(), XL_SUITE];
    throw usage('--suite', `there is no suite \`${unknown}\`; ${didYouMean(unknown, names)}`);
  }
  const everything = files.length === 0 && options.suite === undefined;
  const paths =
    files.length > 0
      ? files
      : [
          ...suites.filter((name) => name !== XL_SUITE).map((name) => join(SUITES, `${name}.dommu`)),
          ...(everything ? examplePaths() : []),
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

const examplePaths = (): string[] =>
  readdirSync(EXAMPLE_PROGRAMS)
    .filter((name) => name.endsWith('.dommu'))
    .sort()
    .map((name) => join(EXAMPLE_PROGRAMS, name));

const iommuOf = ({ iommu, lab }: ConformOptions): 'vtd' | 'amdvi' | 'none' =>
  lab === undefined
    ? (choice('--iommu', iommu, ['vtd', 'amdvi'] as const) ?? 'vtd')
    : findLab(lab).shape.iommu;

async function openMachine(mode: Dom0Mode, options: ConformOptions): Promise<LabMachine> {
  if (options.lab !== undefined) return attachLab(options.lab);
  const release = choice('--release', options.release, LAB_RELEASES);
  const iommu = choice('--iommu', options.iommu, ['vtd', 'amdvi'] as const) ?? 'vtd';
  return startLab({
    iommu,
    dom0Iommu: mode,
    ...(release === undefined ? {} : { release }),
    xen: options.xen,
    xenArgs: options.xenArgs,
    cold: options.cold === true,
  });
}

/** The mode that a machine which runs already was booted in; undefined where it is still to be booted. */
function runningMode({ lab, edition }: ConformOptions): Dom0Mode | undefined {
  if (lab === undefined) return undefined;
  const { xenArguments, iommu } = findLab(lab).shape;
  return dom0ModeOf({ xenArguments, iommu }, resolveEdition(edition ?? DEFAULT_EDITION));
}

/** A second signal within this time is the first one, delivered twice. */
const SIGNAL_ECHO_MS = 1000;

/**
 * Ctrl-C, the end asked for by SIGTERM, or the time that was given: the campaign ends after the programs under way and is
 * reported. Ctrl-C once more ends the process; its machines end with it.
 */
function watchInterrupts(timeout: number | undefined): { isOver: () => boolean; end: () => void } {
  let interrupted: number | undefined;
  const onSignal = () => {
    if (interrupted !== undefined && performance.now() - interrupted > SIGNAL_ECHO_MS) process.exit(130);
    interrupted ??= performance.now();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout * 1000;
  return {
    isOver: () => interrupted !== undefined || performance.now() > deadline,
    end: () => {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}

/** One line on a terminal that says how a campaign is getting on; nothing elsewhere. */
class CampaignLine {
  private readonly stream: NodeJS.WriteStream;
  private readonly started = performance.now();
  private shown = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.stream = stream;
  }

  show(operations: number, divergences: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    if (!this.stream.isTTY || seconds - this.shown < 0.2) return;
    this.shown = seconds;
    const found = divergences === 0 ? '' : `, ${divergences} divergences`;
    this.stream.write(
      `\r${operations.toLocaleString('en-US')} operations${found}, ${seconds.toFixed(0)} s\u001b[K`,
    );
  }

  clear(): void {
    if (this.shown > 0) this.stream.write('\r\u001b[K');
    this.shown = 0;
  }
}

const isClean = ({ divergences, xl, dom0Tables }: ConformReport): boolean =>
  divergences.length === 0 &&
  xl.every(({ agrees }) => agrees) &&
  dom0Tables.every(({ asExpected }) => asExpected);

/** Refuses what could not be written when all is done. @throws InputError */
function checkOutputs({ out, junit }: ConformOptions): void {
  const attempt = (option: string, what: string, body: () => void): void => {
    try {
      body();
    } catch (error) {
      throw usage(option, `${what} cannot be written: ${(error as Error).message}`);
    }
  };
  if (junit !== undefined) attempt('--junit', junit, () => closeSync(openSync(junit, 'a')));
  if (out !== undefined) attempt('--out', out, () => mkdirSync(out, { recursive: true }));
}

/** Writes what was asked for: divergences as programs, JUnit's report. */
function save(report: ConformReport, { out, junit }: ConformOptions, io: Io): void {
  if (junit !== undefined) writeFileSync(junit, junitReport('dommu conform', report));
  if (out === undefined || report.divergences.length === 0) return;
  report.divergences.forEach((found, i) => {
    const path = join(out, `divergence-${i + 1}.dommu`);
    writeFileSync(path, divergenceProgram(found, report.xen));
    io.err(`saved ${path}`);
  });
}

/** Where the Xen comes from: a file, a lab, this host, or a release of Debian. */
const sourceOf = ({ xen, lab, here, release }: ConformOptions): string =>
  here === true ? 'this host' : (xen ?? lab ?? release ?? LAB_RELEASES[0]);

/** The object of --json (docs/conform.md). */
function jsonOf(report: ConformReport, plan: ConformPlan, options: ConformOptions, seconds: number): unknown {
  const divergences = [
    ...report.divergences.map((found) => ({
      program: divergenceProgram(found, report.xen),
      step: found.divergence.step,
      op: found.divergence.op,
      model: found.divergence.differences.map(({ what, model }) => `${what}: ${model}`).join('; '),
      real: found.divergence.differences.map(({ what, real }) => `${what}: ${real}`).join('; '),
      rule: found.rule,
      found: found.found,
      log: found.divergence.log,
    })),
    ...report.xl
      .filter(({ agrees }) => !agrees)
      .map(({ config, predicted, real }) => ({
        program: config,
        step: 0,
        op: 'xl create',
        model: `exit code ${predicted.code}: ${predicted.message}`,
        real: `exit code ${real.code}: ${real.stderr}`,
        rule: '§2.6',
      })),
    ...report.dom0Tables
      .filter(({ asExpected }) => !asExpected)
      .map(({ mode, tables, readable, writable }) => ({
        program: `dom0-iommu=${mode}`,
        step: 0,
        op: 'page tables of dom0',
        model: mode === 'strict' ? 'none in reach' : `all ${tables} in reach`,
        real: `${readable} readable, ${writable} writable of ${tables}`,
        rule: '§2.4',
      })),
  ];
  const iommu = options.here === true ? 'none' : iommuOf(options);
  return {
    xen: { version: report.xen, source: sourceOf(options) },
    edition: report.edition,
    iommu,
    programs: report.programs.length,
    operations: report.operations,
    skipped: skipCounts(report.programs),
    divergences,
    xl: { configs: report.xl.length, agree: report.xl.filter(({ agrees }) => agrees).length },
    dom0Tables: report.dom0Tables,
    coverage: { rules: RULES.length, reached: report.reached.size, missing: report.reached.missing },
    artefacts: ARTEFACTS.filter((artefact) => artefact.iommu.some((one) => one === iommu)).map(
      ({ id, why }) => ({ id, why }),
    ),
    seconds,
    seed: plan.seed,
    interrupted: report.interrupted,
    ...(report.broken === undefined ? {} : { broken: report.broken.message }),
  };
}

function* reportLines(report: ConformReport, { paintOut }: Io, seconds: number): Generator<string> {
  const { programs, operations, divergences, xl, dom0Tables, reached } = report;
  const rate = operations / Math.max(report.seconds, 0.001);
  yield paintOut.bold(`Xen ${report.xen}, held against the model of ${report.edition}`);
  yield `  programs    ${programs.length}, ${operations.toLocaleString('en-US')} operations compared, ${rate.toFixed(0)} a second`;
  for (const { reason, count: times } of skipCounts(programs))
    yield paintOut.dim(`  left out    ${times} × ${reason}`);
  yield `  rules       ${reached.size} of ${RULES.length} met`;
  for (const { mode, tables, readable, asExpected } of dom0Tables) {
    const text = `  dom0 ${mode.padEnd(12)} ${readable} of its ${tables} page tables in reach of its devices`;
    yield asExpected ? text : paintOut.error(text);
  }
  if (xl.length > 0)
    yield `  xl create   ${xl.filter(({ agrees }) => agrees).length} of ${xl.length} configs as dommu check says`;
  for (const { config, predicted, real } of xl.filter(({ agrees }) => !agrees)) {
    yield paintOut.error(`  ✗ xl create: ${config.trim().split('\n').slice(2).join('; ')}`);
    yield `      dommu check: exit code ${predicted.code} ${predicted.message}`;
    yield `      xl: exit code ${real.code} ${real.stderr.trim().split('\n').join(' | ')}`;
  }
  for (const found of divergences) {
    yield '';
    for (const line of differenceLines(found)) yield paintOut.error(`✗ ${line}`);
    yield* printProgramSteps(found.program);
  }
  yield '';
  yield `${verdictOf(report, paintOut)}, in ${seconds.toFixed(1)} s`;
}

function verdictOf(report: ConformReport, paint: Paint): string {
  if (!isClean(report)) return paint.error('model and Xen differ');
  if (report.operations === 0 && report.xl.length === 0) return 'nothing was compared';
  const early = report.interrupted || report.broken !== undefined;
  return early ? 'ended early; no difference as far as it went' : 'model and Xen agree';
}

function* printProgramSteps({ steps }: Program): Generator<string> {
  for (const step of steps) if ('op' in step) yield `      ${printStatement(step)}`;
}
