import type { Command } from 'commander';
import { type Diagnostic, InputError, printable } from '../text/diagnostic.js';
import { readTextFile } from '../text/read-file.js';
import { SourceText } from '../text/source.js';
import type { IommuContext } from '../toolstack/createdomain.js';
import { type DomainType, domainType, loadDomainConfig } from '../toolstack/domain-config.js';
import { describeHost, type Host, parseXlInfo } from '../toolstack/host.js';
import { type Resolution, resolvePassthrough } from '../toolstack/passthrough.js';
import { DEFAULT_RELEASE, parseRelease, type Release } from '../toolstack/release.js';
import {
  applyCommandLine,
  type Dom0IommuSettings,
  parseXenCommandLine,
  vendorOf,
} from '../toolstack/xen-cmdline.js';
import { EXIT, type ExitCode, type Io, renderForTerminal, runCommand, standardIo } from './io.js';

export interface CheckOptions {
  readonly iommu?: string;
  readonly arch?: string;
  readonly host?: string;
  readonly xen?: string;
  readonly cmdline?: string;
  readonly json?: boolean;
}

/** What is said about one config; the fields of `--json`. Null where the config could not be read that far. */
export interface ConfigReport {
  readonly file: string;
  readonly name: string | null;
  readonly type: DomainType | null;
  readonly passthrough: {
    readonly requested: Resolution['requested'] | null;
    readonly effective: Resolution['effective'];
  };
  readonly declared: Resolution['declared'];
  readonly context: IommuContext;
  readonly lateContext: Resolution['lateContext'];
  readonly flags: Resolution['flags'];
  readonly iommuOpts: Resolution['iommuOpts'];
  readonly iommuMemoryKib: number;
  readonly why: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Circumstances {
  readonly host: Host;
  readonly release: Release;
  readonly dom0Mode: Dom0IommuSettings['mode'];
  /** About the host and its command line. */
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, SourceText>;
}

interface Checked {
  readonly report: ConfigReport;
  readonly source: SourceText | undefined;
  readonly exit: ExitCode;
}

const EXAMPLES = `
Examples:
  $ dommu check examples/guest-pv-nic.cfg
  $ dommu check --iommu amdvi examples/guest-*.cfg
  $ xl info > xl-info.txt && dommu check --host xl-info.txt /etc/xen/*.cfg
  $ dommu check --xen 4.12 --json examples/guest-pv-nic.cfg

Exit codes: 0 all configs would start, 1 one would not, 2 one cannot be read or the usage is wrong.`;

export function registerCheck(program: Command, io: Io = standardIo()): void {
  program
    .command('check')
    .summary('tell the IOMMU context that xl configs get, and whether they start')
    .description(
      'Reads xl domain configs as the xl, libxl and Xen of a release would, and tells for each domain which IOMMU ' +
        'context it gets, why, and whether it would start.',
    )
    .argument('<file...>', 'xl configs (xl.cfg(5))')
    .option('--iommu <kind>', 'IOMMU of the host: vtd, amdvi, smmu or none')
    .option('--arch <arch>', 'architecture of the host: x86 or arm')
    .option('--host <file>', 'describe the host by the saved output of `xl info`')
    .option('--xen <release>', `release of Xen (default: the host's, or ${DEFAULT_RELEASE.text})`)
    .option('--cmdline <text>', 'command line of Xen, such as "iommu=no-sharept"')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: CheckOptions) => {
      const asJson = (diagnostics: readonly Diagnostic[]) => ({ configs: [], diagnostics });
      runCommand(io, options.json === true, asJson, () => check(files, options, io));
    });
}

/**
 * Checks all files, whatever is wrong with some of them, and prints the report.
 * @throws InputError when the options cannot be used.
 */
export function check(files: readonly string[], options: CheckOptions, io: Io): ExitCode {
  const circumstances = circumstancesOf(options);
  const checked = files.map((file) => checkFile(file, circumstances));
  if (options.json === true) {
    const { host, release, dom0Mode, diagnostics } = circumstances;
    const configs = checked.map(({ report }) => report);
    io.out(JSON.stringify({ xen: release.text, host, dom0Mode, configs, diagnostics }, null, 2));
  } else {
    print(checked, circumstances, io);
  }
  const boots = circumstances.diagnostics.every(({ severity }) => severity !== 'error');
  return Math.max(boots ? EXIT.ok : EXIT.findings, ...checked.map(({ exit }) => exit)) as ExitCode;
}

function circumstancesOf(options: CheckOptions): Circumstances {
  const asked = options.xen === undefined ? undefined : parseRelease(options.xen);
  const sources = new Map<string, SourceText>();
  const diagnostics: Diagnostic[] = [];
  let host: Host;
  let found: Release | undefined;
  let commandLine = options.cmdline === undefined ? undefined : new SourceText('--cmdline', options.cmdline);
  if (options.host === undefined) {
    host = describeHost(options);
  } else {
    for (const option of ['iommu', 'arch'] as const) {
      if (options[option] === undefined) continue;
      const message = `--host describes the host already; leave out --${option}`;
      throw new InputError({
        severity: 'error',
        code: 'usage',
        message,
        file: `--${option}`,
        line: 1,
        column: 1,
      });
    }
    const source = readTextFile(options.host, 'the output of `xl info`');
    const info = parseXlInfo(source);
    sources.set(source.name, source);
    diagnostics.push(...info.diagnostics);
    ({ host, release: found } = info);
    if (info.commandLine !== undefined) commandLine ??= onlyThere(source, info.commandLine);
  }
  const release = asked ?? found ?? DEFAULT_RELEASE;
  const start = commandLine ?? new SourceText('--cmdline', '');
  const xen = parseXenCommandLine(start, { release, arch: host.arch, vendor: vendorOf(host) });
  if (!sources.has(start.name)) sources.set(start.name, start);
  diagnostics.push(...xen.diagnostics);
  return { host: applyCommandLine(host, xen), release, dom0Mode: xen.dom0Iommu.mode, diagnostics, sources };
}

/** The text with blanks before `part`, so that positions in what is left are positions in the file. */
function onlyThere(source: SourceText, part: { readonly text: string; readonly offset: number }): SourceText {
  const before = source.text.slice(0, part.offset).replace(/[^\n]/g, ' ');
  return new SourceText(source.name, before + part.text);
}

function checkFile(file: string, { host, release }: Circumstances): Checked {
  try {
    const source = readTextFile(file, 'an xl config');
    const { config, diagnostics } = loadDomainConfig(source, release);
    if (diagnostics.some(({ severity }) => severity === 'error')) {
      const type = domainType(config, host.arch);
      const name = config.name === '' ? null : config.name;
      const report = { ...unread(file, diagnostics), name, type };
      return {
        report: { ...report, passthrough: { requested: config.passthrough, effective: null } },
        source,
        exit: EXIT.badInput,
      };
    }
    const {
      requested,
      effective,
      diagnostics: findings,
      ...rest
    } = resolvePassthrough(config, host, release);
    const report: ConfigReport = {
      file,
      name: config.name,
      passthrough: { requested, effective },
      ...rest,
      diagnostics: [...diagnostics, ...findings],
    };
    return { report, source, exit: effective === null ? EXIT.findings : EXIT.ok };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { report: unread(file, [error.diagnostic]), source: error.source, exit: EXIT.badInput };
  }
}

function unread(file: string, diagnostics: readonly Diagnostic[]): ConfigReport {
  return {
    file,
    name: null,
    type: null,
    passthrough: { requested: null, effective: null },
    declared: 'default',
    context: 'none',
    lateContext: null,
    flags: [],
    iommuOpts: [],
    iommuMemoryKib: 0,
    why: [],
    diagnostics,
  };
}

function print(
  checked: readonly Checked[],
  { host, release, dom0Mode, diagnostics, sources }: Circumstances,
  io: Io,
): void {
  const on = `Xen ${release.text}, ${host.origin}, dom0 ${dom0Mode === 'off' ? 'without IOMMU' : dom0Mode}`;
  io.out(io.paintOut.dim(on));
  for (const diagnostic of diagnostics) {
    io.out(renderForTerminal(diagnostic, sources.get(diagnostic.file), io.paintOut));
  }
  for (const { report, source, exit } of checked) {
    io.out('');
    const bad = exit === EXIT.badInput;
    io.out(heading(report, bad, io));
    if (!bad) for (const line of summary(report)) io.out(`  ${line}`);
    for (const diagnostic of report.diagnostics) {
      if (bad) io.err(renderForTerminal(diagnostic, source, io.paintErr));
      else io.out(renderForTerminal(diagnostic, source, io.paintOut));
    }
  }
}

function heading({ file, name, type, passthrough }: ConfigReport, bad: boolean, { paintOut }: Io): string {
  const domain = printable(name === null || type === null ? file : `${file}: ${name} (${type})`);
  if (bad) return `${paintOut.bold(domain)}  ${paintOut.error('cannot be used')}`;
  return passthrough.effective === null
    ? `${paintOut.bold(domain)}  ${paintOut.error('would not start')}`
    : paintOut.bold(domain);
}

const DECLARED: Readonly<Record<Resolution['declared'], string>> = {
  passthrough: 'declared directly',
  devices: 'declared through its devices',
  default: 'by default',
};

function summary(report: ConfigReport): string[] {
  const { passthrough, declared, context, lateContext, flags, iommuOpts, iommuMemoryKib, why } = report;
  const rows: [string, string][] = [
    [
      'passthrough',
      `${passthrough.requested} -> ${passthrough.effective ?? 'refused'}, ${DECLARED[declared]}`,
    ],
    [
      'context',
      lateContext === null ? context : `${context} at creation, ${lateContext} once a device is assigned`,
    ],
  ];
  if (passthrough.effective !== null) {
    rows.push(['flags', flags.join(' ') || '-']);
    rows.push(['iommu_opts', iommuOpts.join(' ') || '-']);
  }
  if (iommuMemoryKib > 0) rows.push(['iommu_memory', `${iommuMemoryKib} KiB`]);
  const reasons = why.map((sentence, i): [string, string] => [i === 0 ? 'why' : '', sentence]);
  return [...rows, ...reasons].map(([label, text]) => `${label.padEnd(14)}${text}`);
}
