import type { Diagnostic, Severity } from '../text/diagnostic.js';
import { SourceText } from '../text/source.js';
import { suggest } from '../text/suggest.js';
import { type CommandLineBehaviours, commandLineBehaviours } from './cmdline-behaviours.js';
import type { Arch, Host, Iommu } from './host.js';
import { carries, type Release } from './release.js';
import { type PhantomFunction, parsePhantom, parseReserved, type ReservedRange } from './xen-devices.js';
import {
  DOM0_IOMMU_OPTIONS,
  defaultSwitches,
  IOMMU_OPTIONS,
  isBuiltIn,
  type Switches,
  type XenOption,
  xenBoolean,
} from './xen-options.js';
import { at } from './xl-value.js';

export interface XenContext {
  readonly release: Release;
  readonly arch: Arch;
  /** The IOMMU that the host has. */
  readonly vendor: Iommu;
}

/** What `iommu=` comes to, after the options have acted on each other. */
export interface IommuSettings extends Readonly<Omit<Switches, `dom0${string}`>> {
  /** The IOMMU is there and switched on. */
  readonly enabled: boolean;
  /** HAP guests may share their tables with it: never on AMD-Vi, always on Arm (dossier §2.4). */
  readonly hapPtShare: boolean;
}

/** What `dom0-iommu=` (and the old options of `iommu=`) come to. */
export interface Dom0IommuSettings {
  /** How dom0's devices reach memory. `off` when there is no IOMMU in use. */
  readonly mode: 'off' | 'relaxed' | 'strict' | 'passthrough';
  readonly passthrough: boolean;
  readonly strict: boolean;
  readonly mapInclusive: boolean;
  readonly mapReserved: boolean;
  /** Skips the checks of a PVH dom0. */
  readonly none: boolean;
}

export interface XenCommandLine {
  readonly iommu: IommuSettings;
  readonly dom0Iommu: Dom0IommuSettings;
  readonly dom0Type: 'pv' | 'pvh';
  readonly ats: boolean;
  /** `iommu_dev_iotlb_timeout`, in milliseconds. */
  readonly deviceIotlbTimeout: number;
  readonly phantomFunctions: readonly PhantomFunction[];
  /** What `rmrr=` and `ivmd=` add to the firmware's reserved ranges. */
  readonly reserved: readonly ReservedRange[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads what bears on the IOMMU in Xen's command line, as Xen of `release` would: dossier §2.7. Other parameters are
 * passed over. Items that Xen does not recognise are reported, and the rest still applies; later items win.
 */
export function parseXenCommandLine(text: string | SourceText, context: XenContext): XenCommandLine {
  const source = typeof text === 'string' ? new SourceText('xen_commandline', text) : text;
  return new CommandLineParser(source, context).parse();
}

/** The host as libxl sees it when Xen is started with this command line. */
export function applyCommandLine(host: Host, { iommu }: XenCommandLine): Host {
  const directio = host.directio && iommu.enabled;
  return { ...host, directio, share: host.share && directio && iommu.hapPtShare };
}

/** The IOMMU to assume for a host whose report does not tell which one it has. */
export function vendorOf({ iommu }: Pick<Host, 'iommu'>): Iommu {
  return iommu === 'unknown' ? 'vtd' : iommu;
}

/** Xen copies each parameter into a buffer of 128 bytes. */
const MAX_PARAMETER = 127;

interface Parameter {
  readonly name: string;
  readonly value: string;
  readonly negated: boolean;
  readonly offset: number;
  readonly valueOffset: number;
}

class CommandLineParser {
  private readonly source: SourceText;
  private readonly context: XenContext;
  private readonly behaviours: CommandLineBehaviours;
  private readonly switches: Switches;
  private readonly diagnostics: Diagnostic[] = [];
  private readonly phantomFunctions: PhantomFunction[] = [];
  private readonly reserved: ReservedRange[] = [];
  private dom0Type: 'pv' | 'pvh' = 'pv';
  private ats = false;
  private deviceIotlbTimeout = 1000;

  /** Parameters by name. Those for PCI exist in builds for x86 only. */
  private readonly parameters: Readonly<Record<string, (parameter: Parameter) => void>>;

  constructor(source: SourceText, context: XenContext) {
    this.source = source;
    this.context = context;
    const { release, arch } = context;
    this.behaviours = commandLineBehaviours(release);
    this.switches = defaultSwitches(release, arch);
    this.parameters = {
      iommu: (parameter) => this.list(parameter, (item, offset) => this.iommuItem(item, offset)),
      iommu_dev_iotlb_timeout: (parameter) => this.timeout(parameter),
      dom0: (parameter) => this.list(parameter, (item) => this.dom0Item(item)),
      ...(this.behaviours.dom0Iommu === 'known' && {
        'dom0-iommu': (parameter) => this.list(parameter, (item, offset) => this.dom0IommuItem(item, offset)),
      }),
      ...(arch === 'x86' && {
        iommu_inclusive_mapping: (parameter) => {
          this.switches.dom0MapInclusive = this.boolean(parameter) ?? this.switches.dom0MapInclusive;
        },
        ats: (parameter) => {
          this.ats = this.boolean(parameter) ?? this.ats;
        },
        'pci-phantom': (parameter) => this.phantom(parameter),
        rmrr: (parameter) => this.reserve('rmrr', parameter),
        ...(carries(release, ['4.16']) && { ivmd: (parameter) => this.reserve('ivmd', parameter) }),
      }),
    };
  }

  parse(): XenCommandLine {
    for (const match of this.source.text.matchAll(/[^ \t\r\n]+/g)) this.parameter(match[0], match.index);
    const { dom0Type, ats, deviceIotlbTimeout, phantomFunctions, reserved, diagnostics } = this;
    const iommu = this.iommuSettings();
    const dom0Iommu = this.dom0Settings(iommu);
    return { iommu, dom0Iommu, dom0Type, ats, deviceIotlbTimeout, phantomFunctions, reserved, diagnostics };
  }

  private parameter(text: string, offset: number): void {
    const kept = text.slice(0, MAX_PARAMETER);
    const equals = kept.indexOf('=');
    const key = equals < 0 ? kept : kept.slice(0, equals);
    const negated = key.startsWith('no-');
    const name = negated ? key.slice(3) : key;
    const handle = Object.hasOwn(this.parameters, name) ? this.parameters[name] : undefined;
    if (handle === undefined) {
      this.unknownParameter(name, offset + (negated ? 3 : 0));
      return;
    }
    if (kept.length < text.length) {
      const message = `Xen reads the first ${MAX_PARAMETER} characters of a parameter; the rest is lost`;
      this.report(
        'warning',
        'parameter-too-long',
        offset + MAX_PARAMETER,
        text.length - kept.length,
        message,
      );
    }
    const value = equals < 0 ? '' : kept.slice(equals + 1);
    handle({ name, value, negated, offset, valueOffset: offset + (equals < 0 ? text.length : equals + 1) });
  }

  private unknownParameter(name: string, offset: number): void {
    const known = Object.keys(this.parameters).filter((parameter) => parameter.length >= 5);
    const knownElsewhere = ['dom0-iommu', 'ivmd', 'rmrr', 'pci-phantom', 'iommu_inclusive_mapping'];
    const meant = suggest(name, known);
    if (knownElsewhere.includes(name)) {
      const { release, arch } = this.context;
      const message = `Xen ${release.text} for ${arch} does not know \`${name}\``;
      this.report('warning', 'unknown-parameter', offset, name.length, message);
    } else if (meant?.includes('iommu') && name.length >= 4) {
      const message = `Xen does not know \`${name}\`, did you mean \`${meant}\`?`;
      this.report('warning', 'unknown-parameter', offset, name.length, message);
    }
  }

  /** A comma list. `no-iommu` is read as `iommu=no`, and `no-iommu=…` as nothing. */
  private list(parameter: Parameter, read: (item: string, offset: number) => void): void {
    const { name, value, negated, offset, valueOffset } = parameter;
    if (negated && value !== '') {
      const message = `\`no-${name}=…\` is invalid, and Xen leaves it`;
      this.report('warning', 'invalid-parameter', offset, valueOffset + value.length - offset, message);
      return;
    }
    let start = negated ? offset : valueOffset;
    for (const item of (negated ? 'no' : value).split(',')) {
      read(item, start);
      start += item.length + 1;
    }
  }

  private iommuItem(item: string, offset: number): void {
    const { release, arch } = this.context;
    const options = IOMMU_OPTIONS.filter((option) => isBuiltIn(option, release, arch));
    const read = this.behaviours.itemMatch === 'whole' ? this.wholeItem : this.namedItem;
    const enable = this.switchItself(item);
    if (enable !== undefined) {
      this.switches.enable = enable;
    } else if (item === 'quarantine=scratch-page' && this.knowsScratchPage(options)) {
      this.switches.quarantine = 'scratch-page';
    } else if (!read.call(this, item, offset, options)) {
      this.unrecognised('iommu', item, offset, options);
    }
  }

  /** `iommu=on`, `iommu=off` … Up to 4.11 a `no-` before it is forgotten. */
  private switchItself(item: string): boolean | undefined {
    const { itemMatch, booleanMatch } = this.behaviours;
    const text = itemMatch !== 'whole' && item.startsWith('no-') ? item.slice(3) : item;
    return xenBoolean(text, booleanMatch);
  }

  private knowsScratchPage(options: readonly XenOption[]): boolean {
    return this.behaviours.scratchPage === 'known' && options.some(({ sets }) => sets === 'quarantine');
  }

  private dom0IommuItem(item: string, offset: number): void {
    // Xen compares up to a delimiter only, so that `none=0` is `none` as well (cmdline_strcmp).
    if (/^none(?:[=:;]|$)/.test(item)) {
      this.switches.dom0None = true;
      if (item !== 'none') {
        const message = `Xen takes \`${item}\` for \`none\`, which has no boolean form`;
        this.report('warning', 'none-with-value', offset, item.length, message);
      }
    } else if (!this.wholeItem(item, offset, DOM0_IOMMU_OPTIONS)) {
      this.unrecognised('dom0-iommu', item, offset, [...DOM0_IOMMU_OPTIONS, { name: 'none', sets: 'force' }]);
    }
  }

  private dom0Item(item: string): void {
    if (item === 'pv' || item === 'pvh') this.dom0Type = item;
  }

  /** NAME, no-NAME or NAME=BOOL (parse_boolean). */
  private wholeItem(item: string, offset: number, options: readonly XenOption[]): boolean {
    const negated = item.startsWith('no-');
    const text = negated ? item.slice(3) : item;
    for (const option of options) {
      if (text === option.name) return this.set(option, !negated, offset, item.length);
      if (!text.startsWith(`${option.name}=`)) continue;
      const value = xenBoolean(text.slice(option.name.length + 1), this.behaviours.booleanMatch);
      if (value === undefined || (negated && this.behaviours.negatedValue === 'invalid')) return false;
      if (negated) {
        const message = `Xen ${this.context.release.text} forgets the \`no-\` of \`${item}\``;
        this.report('warning', 'negation-lost', offset, item.length, message);
      }
      return this.set(option, value, offset, item.length);
    }
    return false;
  }

  /** Up to 4.11: NAME or no-NAME, but a name is found by its start alone, or with anything behind a delimiter. */
  private namedItem(item: string, offset: number, options: readonly XenOption[]): boolean {
    const negated = item.startsWith('no-');
    const text = negated ? item.slice(3) : item;
    const prefix = this.behaviours.itemMatch === 'prefix';
    const option = options.find(({ name }) =>
      prefix ? name.startsWith(text) : text.split(/[=:;]/, 1)[0] === name,
    );
    if (option === undefined) return false;
    if (option.name !== text) {
      const message = `Xen ${this.context.release.text} takes \`${text}\` for \`${option.name}\``;
      const code = prefix ? 'prefix-match' : 'value-unread';
      this.report('warning', code, offset, item.length, message, 'write NAME or no-NAME in full');
    }
    return this.set(option, !negated, offset, item.length);
  }

  private set(option: XenOption, value: boolean, offset: number, length: number): true {
    const { sets, implies, deprecatedSince, idleOnArmSince } = option;
    const { release, arch } = this.context;
    if (sets === 'quarantine') this.switches.quarantine = value ? 'basic' : 'none';
    else this.switches[sets] = value;
    if (implies !== undefined && value) this.switches[implies] = true;
    if (deprecatedSince !== undefined && carries(release, deprecatedSince)) {
      const message = `\`${option.name}\` is deprecated; write dom0-iommu=${option.name.slice('dom0-'.length)}`;
      this.report('warning', 'deprecated', offset, length, message);
    }
    if (arch === 'arm' && idleOnArmSince !== undefined && carries(release, idleOnArmSince)) {
      const message = `\`${option.name}\` has no effect on Arm`;
      this.report('warning', 'no-effect', offset, length, message);
    }
    return true;
  }

  private unrecognised(parameter: string, item: string, offset: number, options: readonly XenOption[]): void {
    const name = item.replace(/^no-/, '').replace(/=.*/s, '');
    const names = options.map((option) => option.name);
    const meant = suggest(name, names);
    const known = names.includes(name);
    const hint = known
      ? 'write NAME, no-NAME, or NAME= with 1, on, yes, true, enable, 0, off, no, false or disable'
      : meant !== undefined
        ? `did you mean \`${meant}\`?`
        : `expected one of: ${names.join(', ')}`;
    const message = `Xen does not recognise \`${item}\` in ${parameter}=; the other items apply`;
    this.report('warning', 'unrecognised-item', offset, item.length, message, hint);
  }

  private boolean({ value, negated, valueOffset, name }: Parameter): boolean | undefined {
    const set = value === '' ? true : xenBoolean(value, this.behaviours.booleanMatch);
    if (set === undefined) {
      const message = `\`${name}\` is a boolean; found \`${value}\``;
      this.report('warning', 'invalid-parameter', valueOffset, value.length, message);
    }
    return set === undefined ? undefined : set !== negated;
  }

  private timeout({ value, valueOffset }: Parameter): void {
    if (/^(0[xX][0-9a-fA-F]+|\d+)$/.test(value)) {
      this.deviceIotlbTimeout = Number(value);
      return;
    }
    const message = `iommu_dev_iotlb_timeout is a number of milliseconds; found \`${value}\``;
    this.report('warning', 'invalid-parameter', valueOffset, value.length, message);
  }

  private phantom({ value, valueOffset }: Parameter): void {
    const parsed = parsePhantom(value, this.phantomFunctions.length);
    if ('message' in parsed) this.report('warning', parsed.code, valueOffset, value.length, parsed.message);
    else this.phantomFunctions.push(parsed);
  }

  private reserve(kind: 'rmrr' | 'ivmd', { value, valueOffset }: Parameter): void {
    const { ranges, faults } = parseReserved(kind, value);
    this.reserved.push(...ranges);
    for (const { index, length, message } of faults) {
      this.report('warning', 'invalid-parameter', valueOffset + index, length, message);
    }
  }

  /** iommu_setup() */
  private iommuSettings(): IommuSettings {
    const { arch, vendor } = this.context;
    const s = this.switches;
    const enabled = s.enable && vendor !== 'none';
    const intremap = arch === 'x86' && enabled && s.intremap;
    if (s.force && !enabled) {
      const message = "Xen panics: Couldn't enable IOMMU and iommu=required/force";
      const hint = s.enable ? 'this host has no IOMMU' : 'iommu=off and iommu=force contradict each other';
      this.report('error', 'iommu-required', 0, this.source.text.length, message, hint);
    }
    const {
      dom0Passthrough: _1,
      dom0Strict: _2,
      dom0MapInclusive: _3,
      dom0MapReserved: _4,
      dom0None: _5,
      ...own
    } = s;
    const hapPtShare = enabled && (arch === 'arm' || (s.sharept && vendor !== 'amdvi'));
    return { ...own, enabled, intremap, intpost: intremap && s.intpost, hapPtShare };
  }

  /** iommu_setup(), check_hwdom_reqs() and the architectures' part of it */
  private dom0Settings({ enabled }: IommuSettings): Dom0IommuSettings {
    const { arch } = this.context;
    const s = this.switches;
    const translated = (arch === 'arm' || this.dom0Type === 'pvh') && !s.dom0None;
    const strict = enabled && (translated || s.dom0Strict);
    const passthrough = enabled && !translated && s.dom0Passthrough && !s.dom0Strict;
    const ignored = (option: string, why: string): void => {
      this.report('warning', 'no-effect', 0, this.source.text.length, `${option} is ignored: ${why}`);
    };
    if (enabled && s.dom0Passthrough && s.dom0Strict) ignored('passthrough', 'strict takes precedence');
    else if (enabled && translated && s.dom0Passthrough) ignored('passthrough', 'dom0 is translated');
    const pv = arch === 'x86' && this.dom0Type === 'pv';
    if (!pv && s.dom0MapInclusive) ignored('map-inclusive', 'it is for a PV dom0');
    if (arch === 'arm' && s.dom0MapReserved === true) ignored('map-reserved', 'Arm does not have it');
    return {
      mode: !enabled ? 'off' : passthrough ? 'passthrough' : strict ? 'strict' : 'relaxed',
      passthrough,
      strict,
      mapInclusive: pv && s.dom0MapInclusive,
      mapReserved: arch === 'x86' && (s.dom0MapReserved ?? true),
      none: s.dom0None,
    };
  }

  private report(
    severity: Severity,
    code: string,
    offset: number,
    length: number,
    message: string,
    hint?: string,
  ): void {
    this.diagnostics.push(at(this.source, offset, length, severity, code, message, hint));
  }
}
