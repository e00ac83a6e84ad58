import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { buildImage, findImage, type LabImage } from '../lab/image/build.js';
import { LAB_RELEASES, type LabRelease } from '../lab/image/recipe.js';
import { LabError } from '../lab/machine-api.js';
import { endLab, findLab, type LabOptions, listLabs, raiseLab } from '../lab/qemu/lab.js';
import { DEFAULTS, DOM0_IOMMU, DOM0_MIB } from '../lab/qemu/lab-options.js';
import { isAlive, type LabRecord, labFiles, labFolder } from '../lab/qemu/run-folder.js';
import { EXIT, type ExitCode, type Io, runCommandAsync, standardIo } from './io.js';
import { choice, count } from './options.js';

const IOMMUS = ['vtd', 'amdvi', 'none'] as const;
/** The name of a lab that nobody gave one. */
const DEFAULT_LAB = 'lab';
const LEAST_MEMORY = DOM0_MIB + 512;
const MOST_MEMORY = 65_536;
const LONGEST_LIFE = 7 * 86_400;
const FOLLOW_MS = 200;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

interface JsonOption {
  readonly json?: boolean;
}

interface BuildOptions extends JsonOption {
  readonly release?: string;
  readonly fresh?: boolean;
  readonly mirror?: string;
}

interface UpOptions extends JsonOption {
  readonly name: string;
  readonly iommu?: string;
  readonly release?: string;
  readonly xen?: string;
  readonly xenArgs?: string;
  readonly dom0Iommu?: string;
  readonly dom0Args?: string;
  readonly memory: number;
  readonly cold?: boolean;
  readonly lifetime: number;
}

const EXAMPLES = `
Examples:
  $ dommu lab build
  $ dommu lab up --iommu vtd --dom0-iommu strict
  $ dommu lab up --name mine --xen ../xen/xen/xen.gz
  $ dommu lab console --follow
  $ dommu lab down --all

docs/lab.md has more. Exit codes: 0 done, 2 something is missing or wrong that you can mend, 3 the lab broke.`;

/** @returns the command, for what else is done with a lab. */
export function registerLab(program: Command, io: Io = standardIo()): Command {
  const lab = program
    .command('lab')
    .summary('boot a real Xen with an IOMMU under QEMU')
    .description(
      'A real, unmodified Xen with a dom0, an IOMMU and devices to play with, under QEMU on this machine.',
    )
    .addHelpText('after', EXAMPLES);
  const asJson = (diagnostics: readonly unknown[]) => ({ diagnostics });
  const run = (options: JsonOption, body: () => Promise<ExitCode>): Promise<void> =>
    runCommandAsync(io, options.json === true, asJson, body);

  lab
    .command('build')
    .summary("make dom0's image")
    .description("Makes dom0's image from Debian's packages, unless it is in the cache already.")
    .option('--release <name>', `release of Debian: ${LAB_RELEASES.join(' or ')}`, DEFAULTS.release)
    .option('--fresh', 'make it again, from the packages of today')
    .option('--mirror <url>', "take the packages from there rather than from Debian's own servers")
    .option('--json', 'print one JSON object')
    .action((options: BuildOptions) => run(options, () => build(options, io)));

  lab
    .command('up')
    .summary('start a lab that stays up')
    .description(
      'Starts a lab: restores it from its snapshot, or boots it and saves a snapshot. It stays up until `dommu lab down` ' +
        'or the end of its lifetime.',
    )
    .option('--name <name>', 'what to call it', DEFAULT_LAB)
    .option('--iommu <kind>', `IOMMU: ${IOMMUS.join(', ')}`, DEFAULTS.iommu)
    .option('--release <name>', `release of Debian: ${LAB_RELEASES.join(' or ')}`, DEFAULTS.release)
    .option('--xen <file>', 'your own Xen for x86: xen.gz, or the ELF in it')
    .option('--xen-args <text>', "more for Xen's command line")
    .option('--dom0-iommu <mode>', `what dom0's devices reach: ${DOM0_IOMMU.join(', ')}`, DEFAULTS.dom0Iommu)
    .option('--dom0-args <text>', "more for the command line of dom0's kernel")
    .option('--memory <mib>', 'memory of the machine', count(LEAST_MEMORY, MOST_MEMORY), DEFAULTS.memoryMib)
    .option('--cold', 'boot, even when there is a snapshot')
    .option(
      '--lifetime <seconds>',
      'ends by itself after that',
      count(1, LONGEST_LIFE),
      DEFAULTS.lifetimeSeconds,
    )
    .option('--json', 'print one JSON object')
    .action((options: UpOptions) => run(options, () => up(options, io)));

  lab
    .command('down')
    .summary('end a lab and remove what it made')
    .argument('[name]', 'which one (default: the only one)')
    .option('--all', 'all that `dommu lab up` started')
    .option('--json', 'print one JSON object')
    .action((name: string | undefined, options: JsonOption & { readonly all?: boolean }) =>
      run(options, () => down(name, options, io)),
    );

  lab
    .command('console')
    .summary("print what Xen and dom0 said on a lab's console")
    .argument('[name]', 'which one (default: the only one)')
    .option('-f, --follow', 'go on until the lab ends')
    .action((name: string | undefined, options: { readonly follow?: boolean }) =>
      run({}, () => printConsole(name, options.follow === true)),
    );

  lab
    .command('list')
    .summary('list the labs that are up')
    .option('--json', 'print one JSON object')
    .action((options: JsonOption) => run(options, async () => list(options, io)));
  return lab;
}

async function build(options: BuildOptions, io: Io): Promise<ExitCode> {
  const release = choice('--release', options.release, LAB_RELEASES)!;
  const begun = performance.now();
  const known = options.fresh === true ? undefined : findImage(release);
  const image =
    known ?? (await buildImage(release, { progress: progressTo(io, options), mirror: options.mirror }));
  const seconds = (performance.now() - begun) / 1000;
  if (options.json === true) {
    io.out(JSON.stringify({ ...image, built: known === undefined, seconds }, null, 2));
  } else {
    io.out(describeImage(image));
    io.out(
      known === undefined
        ? `made in ${seconds.toFixed(1)} s`
        : 'it was there already; --fresh makes it again',
    );
  }
  return EXIT.ok;
}

function describeImage({ release, xenVersion, packages, bytes, compressedBytes, folder }: LabImage): string {
  const mib = (size: number) => `${(size / 2 ** 20).toFixed(0)} MiB`;
  return `Xen ${xenVersion} and dom0 of ${release}: ${packages.length} packages, ${mib(compressedBytes)} (${mib(bytes)} unpacked) in ${folder}`;
}

async function up(options: UpOptions, io: Io): Promise<ExitCode> {
  const begun = performance.now();
  // Whoever interrupts the start wants nothing left of it; what is removed at exit needs an exit.
  const interrupted = () => process.exit(130);
  for (const signal of ENDING_SIGNALS) process.on(signal, interrupted);
  const { machine, record, restored } = await raiseLab(labOptions(options, io), options.name);
  await machine.close();
  for (const signal of ENDING_SIGNALS) process.off(signal, interrupted);
  const seconds = (performance.now() - begun) / 1000;
  const { xen } = machine.agent.hello;
  const version = `${xen.major}.${xen.minor}${xen.extra}`;
  if (options.json === true) {
    io.out(JSON.stringify({ ...publicRecord(record), xenVersion: version, restored, seconds }, null, 2));
  } else {
    const how = restored ? 'restored' : 'booted';
    io.out(`${record.name}: Xen ${version}, ${record.shape.iommu}, ${how} in ${seconds.toFixed(1)} s`);
    io.out(`it ends at ${record.endsAt}, or by \`dommu lab down ${record.name}\``);
  }
  return EXIT.ok;
}

function labOptions(options: UpOptions, io: Io): LabOptions {
  return {
    name: options.name,
    iommu: choice('--iommu', options.iommu, IOMMUS)!,
    release: choice<LabRelease>('--release', options.release, LAB_RELEASES)!,
    dom0Iommu: choice('--dom0-iommu', options.dom0Iommu, DOM0_IOMMU)!,
    xen: options.xen,
    xenArgs: options.xenArgs,
    dom0Args: options.dom0Args,
    memoryMib: options.memory,
    cold: options.cold === true,
    lifetimeSeconds: options.lifetime,
    progress: progressTo(io, options),
  };
}

async function down(
  name: string | undefined,
  options: JsonOption & { readonly all?: boolean },
  io: Io,
): Promise<ExitCode> {
  const labs = options.all === true ? listLabs().filter(({ ephemeral }) => !ephemeral) : [chosenLab(name)];
  for (const record of labs) await endLab(record);
  const ended = labs.map((record) => record.name);
  if (options.json === true) io.out(JSON.stringify({ ended }, null, 2));
  else io.out(ended.length === 0 ? 'no lab was up' : `ended ${ended.join(', ')}`);
  return EXIT.ok;
}

/** The lab of that name, or the only one. @throws LabError */
export function chosenLab(name: string | undefined): LabRecord {
  if (name !== undefined) return findLab(name);
  const labs = listLabs().filter(({ ephemeral }) => !ephemeral);
  if (labs.length === 1) return labs[0]!;
  if (labs.length === 0) throw new LabError('no lab is up', 2, 'dommu lab up starts one');
  throw new LabError(
    `there are ${labs.length} labs`,
    2,
    `say which: ${labs.map((lab) => lab.name).join(', ')}`,
  );
}

/** Prints the log as it is, as far as it goes or until the lab ends. */
async function printConsole(name: string | undefined, follow: boolean): Promise<ExitCode> {
  const record = chosenLab(name);
  const fd = openSync(labFiles(labFolder(record.name)).consoleLog, 'r');
  const buffer = Buffer.alloc(2 ** 16);
  try {
    for (;;) {
      const alive = isAlive(record);
      for (let length: number; (length = readSync(fd, buffer, 0, buffer.length, null)) > 0; ) {
        process.stdout.write(visible(buffer.toString('latin1', 0, length)));
      }
      if (!follow || !alive) return EXIT.ok;
      await sleep(FOLLOW_MS);
    }
  } finally {
    closeSync(fd);
  }
}

/** What a guest prints may not steer the terminal. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is left out
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}

function list(options: JsonOption, io: Io): ExitCode {
  const labs = listLabs();
  if (options.json === true) {
    io.out(JSON.stringify({ labs: labs.map(publicRecord) }, null, 2));
  } else if (labs.length === 0) {
    io.out('no lab is up');
  } else {
    for (const { name, state, shape, release, xen, endsAt, ephemeral } of labs) {
      const whose = ephemeral ? 'another dommu’s' : state;
      io.out(
        `${name.padEnd(16)} ${whose.padEnd(16)} ${shape.iommu.padEnd(6)} ${xen ?? release}  until ${endsAt}`,
      );
    }
  }
  return EXIT.ok;
}

function publicRecord({ name, state, ephemeral, pid, shape, release, xen, startedAt, endsAt }: LabRecord) {
  const folder = labFolder(name);
  return { name, state, ephemeral, pid, ...shape, release, xen: xen ?? null, startedAt, endsAt, folder };
}

function progressTo(io: Io, { json }: JsonOption): (text: string) => void {
  return json === true ? () => {} : (text) => io.err(io.paintErr.dim(text));
}
