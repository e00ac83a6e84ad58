import { writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_ALPHABET } from '../program/alphabet.js';
import { toolstackRelease } from '../program/config-domain.js';
import { loadProgram } from '../program/load.js';
import { printProgram } from '../program/print.js';
import type { MachineDeclaration, Program } from '../program/program.js';
import type { StepResult } from '../program/runner.js';
import {
  type ConfigMachine,
  type Counterexample,
  programOfConfigs,
  type VerifyBounds,
  type VerifyResult,
  verifyProgram,
} from '../program/verify.js';
import { type Diagnostic, InputError, type Paint } from '../text/diagnostic.js';
import { describeHost } from '../toolstack/host.js';
import { parseXenCommandLine } from '../toolstack/xen-cmdline.js';
import { DEFAULT_EDITION, type Edition, resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS } from '../xen/invariants.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { choice, count, counts, size } from './options.js';
import { ProgressLine } from './progress.js';
import { stepLines } from './run.js';

interface VerifyOptions {
  readonly xen?: string;
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
  readonly maxStates: number;
  readonly maxDepth: number;
  readonly maxMemory: number;
  readonly timeout: number;
  readonly deeper: number;
  readonly first?: boolean;
  readonly out: string;
  readonly write: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ dommu verify examples/guest-pv-nic.cfg
  $ dommu verify examples/guest-pv-nic.cfg --xen 4.11 --out /tmp
  $ dommu verify examples/guest-hvm-share.cfg --pages 3 --max-states 5000000
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
    .argument('<file...>', 'xl configs, or one program (.dommu, .json)')
    .option('--xen <release>', `release or design (default: the program's, or ${DEFAULT_EDITION})`)
    .option('--arch <arch>', 'architecture of the host for configs: x86 or arm')
    .option('--iommu <kind>', 'IOMMU of the host for configs: vtd, smmu or none')
    .option('--cmdline <text>', 'command line of Xen for configs, such as "dom0-iommu=strict"')
    .option('--pages <n>', 'pages a guest may have', count(1, 512), 2)
    .option('--levels <list>', 'page-table levels guests pin', counts(1, 4), DEFAULT_ALPHABET.levels)
    .option('--refs <n>', 'grant references guests use', count(0, 16), DEFAULT_ALPHABET.refs)
    .option('--handles <n>', 'grant handles a mapper uses', count(1, 16), DEFAULT_ALPHABET.handles)
    .option('--va-slots <n>', 'virtual pages guests map', count(1, 8), DEFAULT_ALPHABET.vaSlots)
    .option('--entries <n>', 'entries of a page guests write', count(0, 16), DEFAULT_ALPHABET.entries)
    .option('--no-hotplug', 'devices stay where they were assigned')
    .option('--no-self-grants', 'guests do not grant pages to themselves')
    .option('--max-states <n>', 'states to keep', count(1, 2 ** 31 - 1), 3_000_000)
    .option('--max-depth <n>', 'actions in a row', count(1, 2 ** 31 - 1), 2 ** 31 - 1)
    .option('--max-memory <size>', 'memory for the search’s tables, such as 512M or 2G', size, 2 ** 30)
    .option('--timeout <seconds>', 'time', count(1, 2 ** 31 - 1), 600)
    .option('--deeper <n>', 'after a violation, look so many actions deeper for others', count(0, 100), 3)
    .option('--first', 'stop at the first violation')
    .option('--out <folder>', 'where counterexamples are written', '.')
    .option('--no-write', 'do not write counterexamples')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: VerifyOptions) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ verdict: null, violations: [], diagnostics });
      await runCommandAsync(io, options.json === true, asJson, () => verify(files, options, io));
    });
}

async function verify(files: readonly string[], options: VerifyOptions, io: Io): Promise<ExitCode> {
  const bounds = boundsOf(options);
  const { program, edition, title } = sceneOf(files, options, bounds);
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const progress = new ProgressLine(process.stderr);
  const result = await verifyProgram(program, edition, bounds, {
    signal: interrupt.signal,
    onProgress: (now) => progress.show(now),
  }).finally(() => {
    process.off('SIGINT', onInterrupt);
    progress.clear();
  });
  const written = result.counterexamples.map((one) => {
    const text = counterexampleText(one, edition);
    const stem = basename(files[0]!, extname(files[0]!));
    const file = join(options.out, `${stem}-${edition.name}-${one.invariant.id}.dommu`);
    if (options.write) writeFile(file, text);
    return { ...one, text, file: options.write ? file : null };
  });
  if (options.json === true) io.out(JSON.stringify(jsonOf(result, written, edition, options), null, 2));
  else for (const line of verdictLines(title, result, written, options, io.paintOut)) io.out(line);
  return result.verdict === 'unsafe' ? EXIT.findings : EXIT.ok;
}

interface Written extends Counterexample {
  readonly text: string;
  readonly file: string | null;
}

function boundsOf(options: VerifyOptions): VerifyBounds {
  const { pages, levels, refs, handles, vaSlots, entries, hotplug, selfGrants } = options;
  return {
    pages,
    levels,
    refs,
    handles,
    vaSlots,
    entries,
    hotplug,
    selfGrants,
    search: {
      maxStates: options.maxStates,
      maxDepth: options.maxDepth,
      maxMemory: options.maxMemory,
      maxSeconds: options.timeout,
      deeper: options.first === true ? 0 : options.deeper,
    },
  };
}

/** The program that the search starts from: the one given, or what starting the configs' domains comes to. */
function sceneOf(
  files: readonly string[],
  options: VerifyOptions,
  bounds: VerifyBounds,
): { program: Program; edition: Edition; title: string } {
  const [file] = files as [string];
  if (/\.(dommu|json)$/.test(file)) {
    if (files.length > 1) {
      throw new InputError({
        severity: 'error',
        code: 'usage',
        message: 'a program stands alone; give one program, or any number of xl configs',
        file: files[1]!,
        line: 1,
        column: 1,
      });
    }
    const program = loadProgram(file);
    const edition = resolveEdition(options.xen ?? program.edition ?? DEFAULT_EDITION);
    return { program, edition, title: `${file} on Xen ${edition.name}` };
  }
  const edition = resolveEdition(options.xen ?? DEFAULT_EDITION);
  const machine = configMachine(options, edition);
  const { program, configs } = programOfConfigs(files, machine, bounds, edition);
  const domains = configs.map(({ config, resolution }) => {
    const context =
      resolution.lateContext === null ? resolution.context : `${resolution.lateContext}, built late`;
    return `${config.name} (${resolution.type}, IOMMU context ${context})`;
  });
  const title = `${files.join(' ')} on Xen ${edition.name}, ${machine.iommu}, dom0 ${machine.dom0Mode}: ${domains.join(', ')}`;
  return { program, edition, title };
}

function configMachine(options: VerifyOptions, edition: Edition): ConfigMachine {
  const iommu = choice('--iommu', options.iommu, ['vtd', 'smmu', 'none'] as const);
  const host = describeHost({
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    ...(iommu === undefined ? {} : { iommu }),
  });
  const cmdline = parseXenCommandLine(options.cmdline ?? '', {
    release: toolstackRelease(edition),
    arch: host.arch,
    vendor: host.iommu === 'unknown' ? 'none' : host.iommu,
  });
  const wrong = cmdline.diagnostics.find(({ severity }) => severity === 'error');
  if (wrong !== undefined) throw new InputError({ ...wrong, file: '--cmdline' });
  const { mode } = cmdline.dom0Iommu;
  return {
    arch: host.arch,
    iommu: cmdline.iommu.enabled ? (host.iommu as MachineDeclaration['iommu']) : 'none',
    dom0Mode: mode === 'off' ? 'relaxed' : mode,
    sharept: cmdline.iommu.hapPtShare,
    quarantine: cmdline.iommu.quarantine !== 'none',
  };
}

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

function jsonOf(
  result: VerifyResult,
  written: readonly Written[],
  edition: Edition,
  options: VerifyOptions,
): unknown {
  const { states, transitions, depth, seconds, cpuSeconds, stop, omission } = result.search;
  return {
    verdict: result.verdict,
    edition: edition.name,
    bounds: boundsOf(options),
    stop,
    states,
    transitions,
    depth,
    seconds,
    cpuSeconds,
    omissionProbability: omission,
    operations: result.operations,
    idleOperations: result.idleOperations,
    invariants: INVARIANTS.map(({ id }) => id),
    violations: written.map(({ invariant, message, text, file, steps }) => ({
      invariant: invariant.id,
      title: invariant.title,
      harm: invariant.harm,
      message,
      program: text,
      file,
      steps,
    })),
  };
}

const number = (value: number): string => value.toLocaleString('en-US');

function* verdictLines(
  title: string,
  result: VerifyResult,
  written: readonly Written[],
  options: VerifyOptions,
  paint: Paint,
): Generator<string> {
  yield paint.bold(title);
  yield '';
  if (written[0] !== undefined) yield* sceneLines(written[0], paint);
  for (const one of written) yield* counterexampleLines(one, paint);
  const { search, verdict } = result;
  const head = { safe: paint.bold('safe'), unsafe: paint.error('UNSAFE'), bounded: paint.warning('bounded') }[
    verdict
  ];
  yield `${head}: ${verdictText(result)}`;
  const rate = Math.round(search.transitions / Math.max(search.cpuSeconds, 1e-6));
  yield `  searched    ${number(search.states)} states, ${number(search.transitions)} transitions, depth ${search.depth}, in ${search.seconds.toFixed(1)} s (${number(rate)} transitions per CPU second)`;
  for (const { op, status } of result.scene.filter((step) => isRefusal(step.status))) {
    yield `  ${paint.warning('note')}        before the search began, ${op} was refused: ${status}`;
  }
  if (!result.operations.includes('dma')) {
    yield `  ${paint.warning('note')}        no device could reach anything here: does the config list one (pci=, dtdev=)?`;
  }
  yield `  tried       ${result.operations.join(', ')}`;
  yield `  checked     ${INVARIANTS.map(({ id }) => id).join(', ')}`;
  yield `  bounds      ${boundsText(options)}`;
  yield `  identity    64-bit fingerprints; probability that a state was overlooked below ${search.omission.toExponential(0)}`;
  if (result.idleOperations.length > 0) yield `  never used  ${result.idleOperations.join(', ')}`;
}

const isRefusal = (status: string): boolean => /^E[A-Z0-9]+$/.test(status);

function verdictText({ verdict, search, counterexamples }: VerifyResult): string {
  if (verdict === 'unsafe') {
    const more = search.stop === 'exhausted' ? '' : '; the search did not go on to the end';
    return `${counterexamples.map(({ invariant }) => invariant.id).join(', ')} broken${more}`;
  }
  if (verdict === 'safe') return 'no behaviour within these bounds breaks an invariant';
  const why = {
    states: '--max-states',
    depth: '--max-depth',
    memory: '--max-memory',
    time: '--timeout',
    interrupted: 'Ctrl-C',
  };
  return `nothing found, but the search ended at ${why[search.stop as keyof typeof why]} and is not complete`;
}

function* counterexampleLines(
  { invariant, message, steps, scene, file }: Written,
  paint: Paint,
): Generator<string> {
  yield `${paint.error(`${invariant.id}: ${invariant.title}`)} — does not hold (${invariant.harm})`;
  yield paint.dim(`  ${invariant.reason}`);
  const own = ({ violations }: StepResult) => violations.filter((one) => one.invariant === invariant.id);
  for (const step of steps.slice(scene))
    yield* stepLines({ ...step, violations: own(step), unexpected: [] }, paint);
  if (scene === steps.length) yield `  from the start: ${message}`;
  if (file !== null) yield `  replay: dommu run ${file}`;
  yield '';
}

/** What was done before the search began, once for all counterexamples. */
function* sceneLines({ steps, scene }: Counterexample, paint: Paint): Generator<string> {
  yield paint.dim('the scene:');
  for (const { op } of steps.slice(0, scene)) yield paint.dim(`  ${op}`);
  yield '';
}

function boundsText(options: VerifyOptions): string {
  const limit = (value: number, otherwise: string) => (value === 2 ** 31 - 1 ? otherwise : number(value));
  return [
    `${options.pages} pages a guest`,
    `levels ${options.levels.join(' ')}`,
    `${options.refs} grant ref`,
    `${options.handles} handle`,
    `${options.vaSlots} va`,
    `${options.entries} entry a page`,
    options.hotplug ? 'hotplug' : 'no hotplug',
    `≤ ${number(options.maxStates)} states`,
    `depth ${limit(options.maxDepth, 'any')}`,
    `${number(options.timeout)} s`,
  ].join(', ');
}
