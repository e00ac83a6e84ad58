import { didYouMean } from '../text/suggest.js';
import { BDF_SHAPE, type Bdf, parseBdf } from './bdf.js';
import type { ToolstackBehaviours } from './behaviours.js';

export type RdmPolicy = 'strict' | 'relaxed';

/** One entry of `pci = [...]`. */
export interface PciDevice {
  /** Absent when the device is given by the `name` under which `xl pci-assignable-add` knows it. */
  readonly bdf?: Bdf;
  readonly name?: string;
  /** The slot where the guest sees it. */
  readonly vslot?: number;
  readonly permissive: boolean;
  readonly msitranslate: boolean;
  readonly powerMgmt: boolean;
  readonly seize: boolean;
  readonly rdmPolicy: RdmPolicy;
}

/** What the keys `pci_permissive`, `pci_msitranslate`, … and `rdm` set for every device. */
export type PciDefaults = Pick<
  PciDevice,
  'permissive' | 'msitranslate' | 'powerMgmt' | 'seize' | 'rdmPolicy'
>;

export const PCI_DEFAULTS: PciDefaults = {
  permissive: false,
  msitranslate: false,
  powerMgmt: false,
  seize: false,
  rdmPolicy: 'strict',
};

/** A fault at `index` of the text of a device, network interface or other specification within a string. */
export interface SpecProblem {
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly index: number;
  readonly length: number;
  readonly hint?: string;
}

type Draft = { -readonly [K in keyof PciDevice]: PciDevice[K] };
type Problem = Omit<SpecProblem, 'severity' | 'index' | 'length'>;
type Setter = (device: Draft, value: string) => Problem | undefined;

const flag =
  (name: 'permissive' | 'msitranslate' | 'powerMgmt' | 'seize'): Setter =>
  (device, value) => {
    if (value !== '0' && value !== '1') {
      const message = `expected 0 or 1, found \`${value}\``;
      return { code: 'pci-option-value', message, hint: 'xl would take anything that is no number for 0' };
    }
    device[name] = value === '1';
    return undefined;
  };

const setVslot: Setter = (device, value) => {
  if (!/^[0-9a-fA-F]{1,8}$/.test(value) || Number.parseInt(value, 16) > 0x1f) {
    return { code: 'pci-vslot', message: `guest slot \`${value}\` is not a hexadecimal number from 0 to 1f` };
  }
  device.vslot = Number.parseInt(value, 16);
  return undefined;
};

/** The options of a PCI_SPEC_STRING (xl-pci-configuration(5)). */
const OPTIONS: Readonly<Record<string, Setter>> = {
  permissive: flag('permissive'),
  msitranslate: flag('msitranslate'),
  power_mgmt: flag('powerMgmt'),
  seize: flag('seize'),
  rdm_policy: (device, value) => {
    if (value !== 'strict' && value !== 'relaxed') {
      return { code: 'pci-rdm-policy', message: `expected strict or relaxed, found \`${value}\`` };
    }
    device.rdmPolicy = value;
    return undefined;
  },
};

/** What the releases with keywords know besides. `bdf` is handled where positions are known. */
const KEYWORDS: Readonly<Record<string, Setter>> = {
  vslot: setVslot,
  name: (device, value) => {
    if (value === '') return { code: 'pci-name', message: 'expected the name of an assignable device' };
    device.name = value;
    return undefined;
  },
};

/**
 * Parses `[DDDD:]BB:DD.F[@VSLOT][,option=value…]`, or options alone with `bdf=` or `name=` among them.
 * Stricter than xl where xl reads past garbage (`03:00.0x`).
 */
export function parsePciSpec(
  text: string,
  defaults: PciDefaults,
  { pciSpec }: Pick<ToolstackBehaviours, 'pciSpec'>,
): { device: PciDevice; problems: SpecProblem[] } {
  const device: Draft = { ...defaults };
  const problems: SpecProblem[] = [];
  const keywords = pciSpec === 'keywords';
  const problem = (index: number, length: number, what: Problem, severity: 'error' | 'warning' = 'error') =>
    problems.push({ severity, index, length, ...what });
  const setBdf = (start: number, terminators: RegExp): number => {
    const result = parseBdf(text, start);
    const error = result.ok
      ? { index: result.end, length: 1, message: `unexpected \`${text[result.end]}\` after the PCI address` }
      : result.error;
    if (!result.ok || (result.end < text.length && !terminators.test(text[result.end]!))) {
      const { index, length, message } = error;
      problem(index, length, {
        code: 'malformed-bdf',
        message: `malformed PCI address in \`${text}\`: ${message}`,
        hint: BDF_SHAPE,
      });
      return -1;
    }
    device.bdf = result.bdf;
    return result.end;
  };

  let next = 0;
  if (!(keywords && /^[a-z_]+=/.test(text))) {
    next = setBdf(0, /[@,]/);
    if (next < 0) return { device, problems };
    if (text[next] === '@') {
      const value = /^[^,]*/.exec(text.slice(next + 1))![0];
      const fault = setVslot(device, value);
      if (fault) problem(next + 1, value.length, fault);
      next += 1 + value.length;
    }
    next++;
  }

  while (next < text.length) {
    const item = /^[^,]*/.exec(text.slice(next))![0];
    const equals = item.indexOf('=');
    const key = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? '' : item.slice(equals + 1);
    const setter = OPTIONS[key] ?? (keywords ? KEYWORDS[key] : undefined);
    if (equals < 0) {
      problem(next, item.length, {
        code: 'pci-option',
        message: `expected option=value, found \`${item}\``,
        hint: 'for example permissive=1',
      });
    } else if (key === 'bdf' && keywords) {
      setBdf(next + equals + 1, /,/);
    } else if (setter !== undefined) {
      const fault = setter(device, value);
      if (fault) problem(next + equals + 1, value.length, fault);
    } else {
      const known = [...Object.keys(OPTIONS), ...(keywords ? ['bdf', ...Object.keys(KEYWORDS)] : [])];
      const message = `unknown option \`${key}\` of a PCI device, ${didYouMean(key, known)}`;
      problem(next, key.length, { code: 'pci-option', message });
    }
    next += item.length + 1;
  }

  if (problems.length === 0 && (device.bdf === undefined) === (device.name === undefined)) {
    const [message, hint] =
      device.bdf === undefined
        ? ['names no PCI device', `${BDF_SHAPE}; or give name=…`]
        : ['gives both an address and a name', 'a device is given by one of them'];
    problem(0, text.length, { code: 'pci-device', message: `\`${text}\` ${message}`, hint });
  }
  return { device, problems };
}
