import type { Command } from 'commander';
import { type Bug, sceneOf as bugScene } from '../bugs/bug.js';
import { type ConfigMachine, programOfConfigs } from '../program/configs-program.js';
import { parseProgramText, readProgram, withConfigTexts } from '../program/load.js';
import type { MachineDeclaration, Program } from '../program/program.js';
import type { VerifyBounds } from '../program/verify.js';
import { settingNamed } from '../program/verify-options.js';
import { InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { describeHost } from '../toolstack/host.js';
import { toolstackRelease } from '../toolstack/release.js';
import { parseXenCommandLine } from '../toolstack/xen-cmdline.js';
import { DEFAULT_EDITION, type Edition, resolveEdition, withBehaviours } from '../xen/editions/edition.js';
import { choice, settingOption, usageError } from './options.js';

/** What the command line says of a machine and its domains beside files. */
export interface SceneOptions {
  readonly xen?: string;
  readonly bug?: string;
  readonly arch?: string;
  readonly iommu?: string;
  readonly cmdline?: string;
  readonly pages: number;
}

/** Options of every command that takes programs, configs and bugs alike. */
export function registerSceneOptions(command: Command): Command {
  return command
    .option('--bug <id>', 'a bug of Xen’s history is put into the release (`dommu bugs` lists them)')
    .option('--xen <release>', `release or design (default: the program's, or ${DEFAULT_EDITION})`)
    .option('--arch <arch>', 'architecture of the host for configs: x86 or arm')
    .option('--iommu <kind>', 'IOMMU of the host for configs: vtd, amdvi, smmu or none')
    .option('--cmdline <text>', 'command line of Xen for configs, such as "dom0-iommu=strict"')
    .addOption(settingOption(settingNamed('pages')));
}

/** What a search, or a look around, starts from. */
export interface Scene {
  readonly program: Program;
  readonly edition: Edition;
  /** The file of the program; undefined where it was made, of configs or by a bug. */
  readonly source: SourceText | undefined;
  /** What it is, for people. */
  readonly title: string;
}

/** Where to start: the program given, or what starting the configs' domains comes to, or a bug's own scene. */
export function sceneOf(
  files: readonly string[],
  options: SceneOptions,
  bounds: VerifyBounds,
  bug: Bug | undefined,
): Scene {
  if (files.some(isProgram)) return programScene(files, options, bug);
  if (files.length > 0) return configScene(files, options, bounds, bug);
  if (bug === undefined) throw usageError('FILE', 'what shall it be? Give xl configs, a program, or --bug');
  refuseMachineOptions(bug.id, options);
  const edition = editionFor(options.xen ?? bug.on ?? DEFAULT_EDITION, bug);
  return { program: bugScene(bug), edition, source: undefined, title: `${bug.id} on Xen ${edition.name}` };
}

/** The edition that is asked for, with the bug if there is one. */
function editionFor(name: string, bug: Bug | undefined): Edition {
  const edition = resolveEdition(name);
  return bug === undefined ? edition : withBehaviours(edition, bug.behaviours);
}

function programScene(files: readonly string[], options: SceneOptions, bug: Bug | undefined): Scene {
  const [file] = files as [string];
  if (files.length > 1) {
    const message = 'a program stands alone; give one program, or any number of xl configs';
    throw usageError(files.find(isProgram)!, message);
  }
  refuseMachineOptions(file, options);
  const source = readProgram(file);
  const program = withConfigTexts(parseProgramText(source));
  const edition = editionFor(options.xen ?? program.edition ?? bug?.on ?? DEFAULT_EDITION, bug);
  return { program, edition, source, title: `${file} on Xen ${edition.name}` };
}

function configScene(
  files: readonly string[],
  options: SceneOptions,
  bounds: VerifyBounds,
  bug: Bug | undefined,
): Scene {
  const edition = editionFor(options.xen ?? bug?.on ?? DEFAULT_EDITION, bug);
  const machine = configMachine(options, edition);
  const { program, configs } = programOfConfigs(files, machine, bounds, edition);
  const domains = configs.map(({ config, resolution }) => {
    const context =
      resolution.lateContext === null ? resolution.context : `${resolution.lateContext}, built late`;
    return `${config.name} (${resolution.type}, IOMMU context ${context})`;
  });
  const title = `${files.join(' ')} on Xen ${edition.name}, ${machine.iommu}, dom0 ${machine.dom0Mode}: ${domains.join(', ')}`;
  return { program, edition, source: undefined, title };
}

export const isProgram = (file: string): boolean => /\.(dommu|json)$/.test(file);

/** A program says itself what its machine is. */
function refuseMachineOptions(what: string, options: SceneOptions): void {
  const given = (['arch', 'iommu', 'cmdline'] as const).find((option) => options[option] !== undefined);
  if (given === undefined) return;
  throw usageError(
    `--${given}`,
    `${what} is a program and declares its machine itself; this option is for xl configs`,
  );
}

function configMachine(options: SceneOptions, edition: Edition): ConfigMachine {
  const iommu = choice('--iommu', options.iommu, ['vtd', 'amdvi', 'smmu', 'none'] as const);
  const host = describeHost({
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    ...(iommu === undefined ? {} : { iommu }),
  });
  const cmdline = parseXenCommandLine(options.cmdline ?? '', {
    release: toolstackRelease(edition),
    arch: host.arch,
    vendor: host.iommu === 'unknown' ? 'none' : host.iommu,
  });
  // What Xen would overlook, a verdict must not: it would be one about another machine than the one that was meant.
  const wrong = cmdline.diagnostics.find(({ severity }) => severity !== 'info');
  if (wrong !== undefined) throw new InputError({ ...wrong, severity: 'error', file: '--cmdline' });
  const { mode } = cmdline.dom0Iommu;
  return {
    arch: host.arch,
    iommu: cmdline.iommu.enabled ? (host.iommu as MachineDeclaration['iommu']) : 'none',
    dom0Mode: mode === 'off' ? 'relaxed' : mode,
    sharept: cmdline.iommu.hapPtShare,
    quarantine: cmdline.iommu.quarantine !== 'none',
    scratchPage: cmdline.iommu.quarantine === 'scratch-page',
  };
}
