import type { Diagnostic, Severity } from '../text/diagnostic.js';
import type { SourceText } from '../text/source.js';
import { suggest } from '../text/suggest.js';
import { toolstackBehaviours } from './behaviours.js';
import type { Arch } from './host.js';
import {
  PCI_DEFAULTS,
  type PciDefaults,
  type PciDevice,
  parsePciSpec,
  type SpecProblem,
} from './pci-spec.js';
import { NO_RDM, parseRdm, type Rdm } from './rdm-spec.js';
import type { Release } from './release.js';
import { parseVif, type Vif } from './vif-spec.js';
import { parseXlConfig, type XlConfig } from './xl-cfg.js';
import { isReadBy, KIND_IN_WORDS, XL_KEY_NAMES, XL_KEYS, type XlKey } from './xl-keys.js';
import { at, atValue, numberOf, originOf, type XlAtom, type XlSetting, type XlValue } from './xl-value.js';

export type DomainType = 'pv' | 'hvm' | 'pvh';

/** The values of `passthrough=`; `default` is also what an absent key means. */
export const PASSTHROUGH_VALUES = ['default', 'disabled', 'enabled', 'sync_pt', 'share_pt'] as const;
export type PassthroughRequest = (typeof PASSTHROUGH_VALUES)[number];

/** What a config says about a domain's memory, devices and IOMMU context. Absent means: not said. */
export interface DomainConfig {
  readonly source: SourceText;
  /** Every setting of the file, for positions and for keys that have no field here. */
  readonly settings: ReadonlyMap<string, XlSetting>;
  /** Empty when missing, which is an error. */
  readonly name: string;
  /** What `type=` or `builder=` says; {@link domainType} knows the default. */
  readonly type?: DomainType;
  readonly memoryKib?: number;
  /** `maxmem=`, or the memory when it is not given. */
  readonly maxmemKib?: number;
  readonly shadowMemoryKib?: number;
  readonly vcpus: number;
  readonly maxvcpus: number;
  readonly hap?: boolean;
  readonly oos?: boolean;
  readonly nestedhvm?: boolean;
  readonly vpmu?: boolean;
  readonly trapUnmappedAccesses?: boolean;
  readonly passthrough: PassthroughRequest;
  readonly pci: readonly PciDevice[];
  /** The devices of `pci=`, each with the place of its entry. */
  readonly pciPlaces: readonly XlAtom[];
  readonly rdm: Rdm;
  readonly dtdev: readonly string[];
  readonly deviceTree?: string;
  readonly vif: readonly Vif[];
  readonly kernel?: string;
}

/** The type of the domain: xl takes PV on x86 and PVH on Arm by default, and makes every PV domain PVH on Arm. */
export function domainType(config: Pick<DomainConfig, 'type'>, arch: Arch): DomainType {
  if (arch === 'arm') return config.type === 'hvm' ? 'hvm' : 'pvh';
  return config.type ?? 'pv';
}

/**
 * Reads a config as the xl of `release` would, and reports what xl would refuse to parse (errors), ignore, or read
 * otherwise than it looks (warnings). What libxl thinks of it is for `resolvePassthrough`.
 *
 * A config with errors is returned with what could be read of it.
 * @throws InputError when the text is not in xl's grammar.
 */
export function loadDomainConfig(
  source: SourceText,
  release: Release,
): { config: DomainConfig; diagnostics: readonly Diagnostic[] } {
  const reader = new Reader(parseXlConfig(source), release);
  const config = reader.read();
  const found = reader.diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
  if (found.length <= MAX_DIAGNOSTICS) return { config, diagnostics: found };
  const message = `there are more than ${MAX_DIAGNOSTICS} problems; the rest is not shown`;
  const last = at(source, 0, 1, 'error', 'too-many-problems', message, 'is this an xl config?');
  return { config, diagnostics: [...found.slice(0, MAX_DIAGNOSTICS), last] };
}

/** A file with more problems than this is something else than a config. */
const MAX_DIAGNOSTICS = 100;

class Reader {
  readonly diagnostics: Diagnostic[];
  private readonly source: SourceText;
  private readonly settings: ReadonlyMap<string, XlSetting>;
  private readonly release: Release;

  constructor(config: XlConfig, release: Release) {
    this.source = config.source;
    this.settings = config.settings;
    this.diagnostics = [...config.diagnostics];
    this.release = release;
  }

  read(): DomainConfig {
    for (const setting of this.settings.values()) {
      if (this.diagnostics.length <= MAX_DIAGNOSTICS) this.checkKey(setting);
    }
    const behaviours = toolstackBehaviours(this.release);
    const rdm = this.specs(this.items('rdm'), (text) => parseRdm(text, behaviours))[0]?.rdm ?? NO_RDM;
    const defaults = this.pciDefaults(rdm);
    const pciPlaces = this.items('pci');
    const pci = this.specs(pciPlaces, (text) => parsePciSpec(text, defaults, behaviours));
    const memoryKib = this.mebibytes('memory');
    const vcpus = Math.max(1, this.integer('vcpus') ?? 1);
    const fields = {
      type: this.type(),
      memoryKib,
      maxmemKib: this.mebibytes('maxmem') ?? memoryKib,
      shadowMemoryKib: this.mebibytes('shadow_memory'),
      hap: this.boolean('hap'),
      oos: this.boolean('oos'),
      nestedhvm: this.boolean('nestedhvm'),
      vpmu: this.boolean('vpmu'),
      trapUnmappedAccesses: this.boolean('trap_unmapped_accesses'),
      deviceTree: this.string('device_tree'),
      kernel: this.string('kernel'),
    };
    this.checkKernel(fields.type);
    return {
      source: this.source,
      settings: this.settings,
      name: this.name(),
      vcpus,
      maxvcpus: this.maxvcpus(vcpus),
      passthrough: this.passthrough(),
      pci: pci.map(({ device }) => device),
      pciPlaces,
      rdm,
      dtdev: this.items('dtdev').map((atom) => atom.text),
      vif: this.specs(this.items('vif'), parseVif).map(({ vif }) => vif),
      ...given(fields),
    };
  }

  private checkKey(setting: XlSetting): void {
    const key = XL_KEYS.get(setting.key);
    const place = [this.source, setting.keyOffset, setting.key.length] as const;
    if (key === undefined) {
      const meant = suggest(setting.key, XL_KEY_NAMES);
      const message = `unknown key \`${setting.key}\`${meant === undefined ? '' : `, did you mean \`${meant}\`?`}`;
      const hint = 'xl ignores keys that it does not know without a word; xl.cfg(5) lists them';
      this.diagnostics.push(at(...place, 'error', 'unknown-key', message, hint));
      return;
    }
    if (!isReadBy(key, this.release)) {
      const message = `xl ${this.release.text} ignores \`${key.name}\`, which came with ${key.since}`;
      const code = key.name === 'passthrough' ? 'passthrough-not-in-release' : 'key-not-in-release';
      this.diagnostics.push(at(...place, 'warning', code, message));
    }
    this.checkKind(key, setting);
  }

  private checkKind(key: XlKey, setting: XlSetting): void {
    const { value } = setting;
    const wrong = (what: string): void => {
      const message = `\`${key.name}\` takes ${KIND_IN_WORDS[key.kind]}, found ${what}`;
      this.report(
        value,
        'error',
        'wrong-kind',
        message,
        'xl warns, and goes on as if the key were not there',
      );
    };
    if (value.kind === 'list') {
      if (!key.kind.endsWith('list')) wrong('a list');
      return;
    }
    if (key.kind === 'list') wrong('a single value');
    if (key.kind !== 'integer' && key.kind !== 'boolean') return;
    const number = numberOf(value.text);
    if (number === undefined) wrong(`\`${value.text}\``);
    else if (setting.added) wrong('a value made with +=');
    else if (/^0[0-7]/.test(value.text.trim())) {
      const message = `\`${value.text}\` is octal: ${number}`;
      this.report(
        value,
        'warning',
        'octal-number',
        message,
        'leave out the leading zero for a decimal number',
      );
    }
  }

  private name(): string {
    const name = this.string('name');
    if (name === undefined) {
      const hint = 'add name = "…"; xl says: Domain name must be specified.';
      this.diagnostics.push(at(this.source, 0, 1, 'error', 'no-name', '`name` is missing', hint));
    }
    return name ?? '';
  }

  /** `type=`, and the `builder=` that it replaced; xl is content with the first letters of either. */
  private type(): DomainType | undefined {
    const type = this.oneOf('type', { hvm: 'hvm', pv: 'pv', pvh: 'pvh' });
    const builder = this.oneOf('builder', { hvm: 'hvm', generic: 'pv' });
    if (type !== undefined && builder !== undefined && type !== builder) {
      const { value } = this.settings.get('builder')!;
      const message = `\`builder\` makes this ${builder}, but \`type\` makes it ${type}`;
      this.report(value, 'error', 'type-contradiction', message, 'keep type=; builder= is the old form');
    }
    return type ?? builder;
  }

  private oneOf(key: string, values: Readonly<Record<string, DomainType>>): DomainType | undefined {
    const atom = this.atom(key);
    if (atom === undefined) return undefined;
    const names = Object.keys(values);
    const exact = names.find((name) => name === atom.text);
    const prefixed = exact ?? names.find((name) => name.startsWith(atom.text));
    if (prefixed === undefined) {
      const message = `unknown domain ${key} \`${atom.text}\`; expected one of: ${names.join(', ')}`;
      this.report(atom, 'error', 'unknown-type', message);
      return undefined;
    }
    if (exact === undefined) {
      this.report(atom, 'warning', 'short-type', `xl takes \`${atom.text}\` for ${prefixed}`);
    }
    return values[prefixed];
  }

  private passthrough(): PassthroughRequest {
    const atom = this.atom('passthrough');
    if (atom === undefined || !isReadBy(XL_KEYS.get('passthrough')!, this.release)) return 'default';
    const value = PASSTHROUGH_VALUES.find((known) => known === atom.text.toLowerCase());
    if (value !== undefined) return value;
    const meant = suggest(atom.text, PASSTHROUGH_VALUES);
    const hint =
      meant === undefined ? `expected one of: ${PASSTHROUGH_VALUES.join(', ')}` : `did you mean "${meant}"?`;
    const message = `unknown passthrough option '${atom.text}'`;
    this.report(atom, 'error', 'unknown-passthrough', message, hint);
    return 'default';
  }

  private maxvcpus(vcpus: number): number {
    const maxvcpus = this.integer('maxvcpus') ?? 0;
    if (maxvcpus !== 0 && maxvcpus < vcpus) {
      const { value } = this.settings.get('maxvcpus')!;
      this.report(value, 'error', 'maxvcpus', `maxvcpus is ${maxvcpus}, but vcpus is ${vcpus}`);
    }
    return maxvcpus === 0 ? vcpus : maxvcpus;
  }

  /** A warning, because either may still be given on the command line of `xl create`. */
  private checkKernel(type: DomainType | undefined): void {
    if (type === 'hvm' || ['kernel', 'bootloader', 'firmware'].some((key) => this.settings.has(key))) return;
    const message =
      'neither `kernel` nor `bootloader` is given; xl create stops unless its command line adds one';
    this.diagnostics.push(at(this.source, 0, 1, 'warning', 'no-kernel', message));
  }

  private pciDefaults(rdm: Rdm): PciDefaults {
    const flags = {
      permissive: this.boolean('pci_permissive'),
      msitranslate: this.boolean('pci_msitranslate'),
      powerMgmt: this.boolean('pci_power_mgmt'),
      seize: this.boolean('pci_seize'),
    };
    return { ...PCI_DEFAULTS, ...given(flags), rdmPolicy: rdm.policy };
  }

  /** Parses each string, and reports its problems at their exact places. */
  private specs<Parsed extends { problems: SpecProblem[] }>(
    atoms: readonly XlAtom[],
    parse: (text: string) => Parsed,
  ): Parsed[] {
    return atoms.map((atom) => {
      const parsed = parse(atom.text);
      for (const { index, length, severity, code, message, hint } of parsed.problems) {
        const start = originOf(atom, index);
        const end = originOf(atom, Math.min(index + length, atom.text.length));
        this.diagnostics.push(at(this.source, start, end - start, severity, code, message, hint));
      }
      return parsed;
    });
  }

  /** The strings of a list, or the only string; xl stops reading at the first item that is a list itself, so that is an error. */
  private items(key: string): XlAtom[] {
    const value = this.settings.get(key)?.value;
    if (value === undefined) return [];
    if (value.kind === 'atom') return XL_KEYS.get(key)!.kind === 'list' ? [] : [value];
    const atoms: XlAtom[] = [];
    for (const item of value.items) {
      if (item.kind === 'atom') atoms.push(item);
      else this.report(item, 'error', 'wrong-kind', `items of \`${key}\` are strings, found a list`);
    }
    return atoms;
  }

  private atom(key: string): XlAtom | undefined {
    const value = this.settings.get(key)?.value;
    return value?.kind === 'atom' ? value : undefined;
  }

  private string(key: string): string | undefined {
    return this.atom(key)?.text;
  }

  private integer(key: string): number | undefined {
    const atom = this.atom(key);
    return atom === undefined || this.settings.get(key)!.added ? undefined : numberOf(atom.text);
  }

  private boolean(key: string): boolean | undefined {
    const value = this.integer(key);
    return value === undefined ? undefined : value !== 0;
  }

  private mebibytes(key: string): number | undefined {
    const value = this.integer(key);
    if (value === undefined) return undefined;
    if (value < 0 || value > Number.MAX_SAFE_INTEGER / 1024) {
      const message = `\`${key}\` is ${value} MiB; expected a positive amount`;
      this.report(this.atom(key)!, 'error', 'out-of-range', message);
      return undefined;
    }
    return value * 1024;
  }

  private report(value: XlValue, severity: Severity, code: string, message: string, hint?: string): void {
    this.diagnostics.push(atValue(this.source, value, severity, code, message, hint));
  }
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that have a value. */
function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}
