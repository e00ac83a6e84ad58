import { type Diagnostic, InputError } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { didYouMean } from '../text/suggest.js';
import { carries, parseRelease, type Release } from './release.js';
import { at } from './xl-value.js';

export type Arch = 'x86' | 'arm';
export const ARCHES: readonly Arch[] = ['x86', 'arm'];

export type Iommu = 'vtd' | 'amdvi' | 'smmu' | 'none';
export const IOMMUS: readonly Iommu[] = ['vtd', 'amdvi', 'smmu', 'none'];

/** What libxl learns from the hypervisor about the host (libxl_physinfo), and what it is told nowhere else. */
export interface Host {
  readonly arch: Arch;
  /** `unknown` when the report of a real host does not tell VT-d from AMD-Vi. */
  readonly iommu: Iommu | 'unknown';
  /** PV guests can be run; no other than x86 builds can. */
  readonly pv: boolean;
  readonly hvm: boolean;
  readonly hap: boolean;
  readonly shadow: boolean;
  /** The IOMMU is on: `hvm_directio` or `pv_directio`. */
  readonly directio: boolean;
  /** The IOMMU can use the tables of HAP: `iommu_hap_pt_share`. */
  readonly share: boolean;
  /** Where this comes from, for explanations. */
  readonly origin: string;
}

const IOMMU_OF_ARCH: Readonly<Record<Arch, readonly Iommu[]>> = {
  x86: ['vtd', 'amdvi', 'none'],
  arm: ['smmu', 'none'],
};

/** Only Intel's IOMMU and Arm's can walk the CPU's second-level tables (dossier §2.4). */
const SHARES: Readonly<Record<Iommu, boolean>> = { vtd: true, amdvi: false, smmu: true, none: false };

/**
 * A usual host with this IOMMU: x86 with VT-d, Arm with an SMMU, unless something else is asked for.
 * @throws InputError (`usage`) for an unknown name, or an IOMMU that the architecture does not have.
 */
export function describeHost(options: { readonly iommu?: string; readonly arch?: string } = {}): Host {
  const arch = options.arch === undefined ? undefined : choice('--arch', options.arch, ARCHES);
  const named = options.iommu === undefined ? undefined : choice('--iommu', options.iommu, IOMMUS);
  const chosenArch = arch ?? (named === 'smmu' ? 'arm' : 'x86');
  const iommu = named ?? IOMMU_OF_ARCH[chosenArch][0]!;
  if (!IOMMU_OF_ARCH[chosenArch].includes(iommu)) {
    const expected = IOMMU_OF_ARCH[chosenArch].join(' or ');
    throw usage('--iommu', `no ${chosenArch} host has \`${iommu}\`; expected ${expected}`);
  }
  return {
    arch: chosenArch,
    iommu,
    pv: chosenArch === 'x86',
    hvm: true,
    hap: true,
    shadow: chosenArch === 'x86',
    directio: iommu !== 'none',
    share: SHARES[iommu],
    origin: `a usual ${chosenArch} host with ${iommu === 'none' ? 'no IOMMU' : iommu}`,
  };
}

export interface XlInfo {
  readonly host: Host;
  /** The release that the host runs, when dommu knows it. */
  readonly release?: Release;
  /** `xen_commandline`, with the column where it starts. */
  readonly commandLine?: { readonly text: string; readonly offset: number };
  readonly diagnostics: readonly Diagnostic[];
}

/** Releases whose `xl info` prints `hap`, `shadow` and `iommu_hap_pt_share`. */
const FULL_VIRT_CAPS = ['4.13'];

/**
 * Reads the saved output of `xl info`.
 * @throws InputError when it has no `virt_caps` line, without which nothing can be said about the IOMMU.
 */
export function parseXlInfo(source: SourceText): XlInfo {
  const fields = new Map<string, { text: string; offset: number }>();
  for (const match of source.text.matchAll(/^([a-z_]+)[ \t]*:[ \t]*(.*?)[ \t\r]*$/gm)) {
    const [line, key, text] = match as unknown as [string, string, string];
    if (!fields.has(key)) fields.set(key, { text, offset: match.index + line.indexOf(text, key.length + 1) });
  }
  const caps = fields.get('virt_caps');
  if (caps === undefined) {
    const message = 'has no `virt_caps` line; expected the output of `xl info`';
    const hint = 'save it on the host with: xl info > xl-info.txt';
    throw new InputError(at(source, 0, 1, 'error', 'no-virt-caps', message, hint), source);
  }
  const diagnostics: Diagnostic[] = [];
  const release = releaseOf(source, fields, diagnostics);
  const tokens = new Set(caps.text.split(/\s+/));
  const arch = archOf(fields);
  const directio = tokens.has('hvm_directio') || tokens.has('pv_directio');
  const full = release === undefined || carries(release, FULL_VIRT_CAPS);
  const hap = full ? tokens.has('hap') : tokens.has('hvm');
  const share = full ? tokens.has('iommu_hap_pt_share') : directio && hap;
  if (!full) {
    const message = `xl ${release?.text} does not print hap, shadow and iommu_hap_pt_share; they are taken as given`;
    diagnostics.push(at(source, caps.offset, caps.text.length, 'info', 'short-virt-caps', message));
  }
  const host: Host = {
    arch,
    iommu: !directio ? 'none' : arch === 'arm' ? 'smmu' : share && full ? 'vtd' : 'unknown',
    pv: tokens.has('pv') || (release !== undefined && !carries(release, PV_IN_VIRT_CAPS)),
    hvm: tokens.has('hvm'),
    hap,
    shadow: full ? tokens.has('shadow') : tokens.has('hvm'),
    directio,
    share,
    origin: source.name,
  };
  const line = fields.get('xen_commandline');
  return {
    host,
    diagnostics,
    ...(release === undefined ? {} : { release }),
    ...(line === undefined ? {} : { commandLine: line }),
  };
}

/** Before, every build could run PV guests. */
const PV_IN_VIRT_CAPS = ['4.12'];

type Fields = ReadonlyMap<string, { text: string; offset: number }>;

function releaseOf(source: SourceText, fields: Fields, diagnostics: Diagnostic[]): Release | undefined {
  const version = fields.get('xen_version');
  const major = fields.get('xen_major')?.text;
  const minor = fields.get('xen_minor')?.text;
  const extra = /^\.\d+/.exec(fields.get('xen_extra')?.text ?? '')?.[0] ?? '';
  const text = version?.text ?? (major && minor ? `${major}.${minor}${extra}` : undefined);
  const numbers = /^\d+\.\d+(\.\d+)?/.exec(text ?? '')?.[0];
  if (text === undefined || numbers === undefined) return undefined;
  try {
    return parseRelease(numbers, source.name);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const offset = version?.offset ?? 0;
    const { code, message } = error.diagnostic;
    diagnostics.push(at(source, offset, text.length, 'warning', code, message));
    return undefined;
  }
}

function archOf(fields: Fields): Arch {
  const machine = fields.get('machine')?.text ?? fields.get('xen_caps')?.text ?? '';
  return /aarch64|arm/.test(machine) ? 'arm' : 'x86';
}

function choice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((known) => known === text);
  if (found === undefined)
    throw usage(option, `\`${text}\` is not known to ${option}; ${didYouMean(text, choices)}`);
  return found;
}

function usage(option: string, message: string): InputError {
  return new InputError({ severity: 'error', code: 'usage', message, file: option, line: 1, column: 1 });
}
