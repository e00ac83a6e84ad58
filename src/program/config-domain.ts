import { type Diagnostic, InputError } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { renderBdf } from '../toolstack/bdf.js';
import { type DomainConfig, loadDomainConfig } from '../toolstack/domain-config.js';
import { describeHost } from '../toolstack/host.js';
import { type Resolution, resolvePassthrough } from '../toolstack/passthrough.js';
import { toolstackRelease } from '../toolstack/release.js';
import type { Edition } from '../xen/editions/edition.js';
import {
  CONFIG_PAGES,
  type ConfigDomain,
  configPageName,
  type DeviceDeclaration,
  type MachineDeclaration,
  type Program,
  type Statement,
} from './program.js';

/** A domain config as xl reads it and libxl completes it. */
export interface ResolvedConfig {
  readonly config: DomainConfig;
  readonly resolution: Resolution;
  readonly source: SourceText;
}

/** What of a machine a config's defaults depend on. */
export type ConfigHost = Pick<MachineDeclaration, 'arch' | 'iommu' | 'sharept'>;

/** A config that is well-formed, and whose domain libxl or Xen refuses to start: a finding, not bad input. */
export class WouldNotStart extends InputError {}

/**
 * Takes the text of a config for a machine, through all of libxl's defaulting.
 * @throws InputError for the first thing that is wrong with it; {@link WouldNotStart} for what keeps it from starting.
 */
export function resolveConfig(source: SourceText, machine: ConfigHost, edition: Edition): ResolvedConfig {
  const release = toolstackRelease(edition);
  const { config, diagnostics } = loadDomainConfig(source, release);
  const wrong = firstError(diagnostics);
  if (wrong !== undefined) throw new InputError(wrong, source);
  const host = describeHost({ arch: machine.arch, iommu: machine.iommu });
  const seen = { ...host, share: host.share && machine.sharept };
  const resolution = resolvePassthrough(config, seen, release);
  const refusal = firstError(resolution.diagnostics);
  if (refusal !== undefined) throw new WouldNotStart(refusal, source);
  return { config, resolution, source };
}

const firstError = (diagnostics: readonly Diagnostic[]): Diagnostic | undefined =>
  diagnostics.find(({ severity }) => severity === 'error');

/** Memory that a domain from a config has in a model: `pages` in all, `populated` of them from the start. */
export interface DomainMemory {
  readonly pages: number;
  readonly populated: number;
}

/**
 * What xl, libxl and Xen do to start a domain, as statements: createdomain, its memory, then its devices, all before it
 * runs.
 */
export function startDomain(
  name: string,
  { config, resolution }: ResolvedConfig,
  { pages, populated }: DomainMemory,
  devices: readonly DeviceDeclaration[],
  place: { readonly line: number; readonly column: number },
): Statement[] {
  const statement = (op: string, args: Statement['args']): Statement => ({
    ...place,
    op,
    args,
    expect: [{ ...place, kind: 'status', status: 'ok' }],
  });
  const create = statement('createdomain', {
    domain: name,
    ...(resolution.flags.length > 0 ? { flags: resolution.flags } : {}),
    ...(resolution.iommuOpts.includes('no_sharept') ? { iommu_opts: 1 } : {}),
    max_vcpus: config.maxvcpus,
    max_pages: pages,
  });
  const memory = Array.from({ length: populated }, (_, gfn) =>
    statement('populate_physmap', { domain: name, page: configPageName(name, gfn), gfn }),
  );
  const listed = new Set(deviceAddresses(config));
  const assigned = devices.filter(({ address }) => listed.has(address));
  return [
    create,
    ...memory,
    ...assigned.map((device) => statement('assign_device', { domain: name, device: device.name })),
  ];
}

/** Addresses of the devices a config lists; `BB:DD.*` stands for function 0. */
export function deviceAddresses(config: DomainConfig): string[] {
  const pci = config.pci.flatMap(({ bdf }) =>
    bdf === undefined ? [] : [renderBdf({ ...bdf, fn: bdf.fn === '*' ? 0 : bdf.fn })],
  );
  return [...pci, ...config.dtdev];
}

/** A config's name as a name of the program language. */
export function domainName({ config }: ResolvedConfig, taken: ReadonlySet<string>): string {
  const plain = config.name.replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z_]/, '_');
  if (!taken.has(plain) && plain !== '') return plain;
  for (let n = 1; ; n++) if (!taken.has(`guest${n}`)) return `guest${n}`;
}

/**
 * The statements of a domain that a program takes from a config.
 * @throws InputError where the program did not come with the config's text, which `loadProgram` reads.
 */
export function expandConfig(domain: ConfigDomain, program: Program, edition: Edition): Statement[] {
  const resolved = resolveConfig(textOf(domain, program), program.machine, edition);
  const pages = domain.pages ?? CONFIG_PAGES;
  return startDomain(domain.name, resolved, { pages, populated: pages }, program.machine.devices, domain);
}

function textOf({ file, text, line, column }: ConfigDomain, program: Program): SourceText {
  if (text !== undefined) return new SourceText(text.name, text.content);
  throw new InputError({
    severity: 'error',
    code: 'config-not-at-hand',
    message: `the config ${file} is not at hand: this program was not read from a file`,
    file: program.file,
    line,
    column,
    hint: 'run the program from its file, or write what the config stands for: createdomain and what follows it',
  });
}
