import { didYouMean } from '../text/suggest.js';
import type { SpecProblem } from './pci-spec.js';

/** One entry of `vif = [...]`: the options as they were written, and those that others ask for. */
export interface Vif {
  /** The domain that runs the back end; dom0 unless it is given. */
  readonly backend: string;
  readonly mac?: string;
  readonly bridge?: string;
  readonly options: Readonly<Record<string, string>>;
}

/** The shape of an option's value; `undefined` when any text will do. */
const OPTIONS: Readonly<Record<string, { readonly shape: RegExp; readonly expected: string } | undefined>> = {
  accel: undefined,
  backend: undefined,
  bridge: undefined,
  devid: { shape: /^(0[xX][0-9a-fA-F]+|\d+)$/, expected: 'a number' },
  forwarddev: undefined,
  gatewaydev: undefined,
  ip: undefined,
  mac: {
    shape: /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$/,
    expected: 'six hexadecimal numbers such as 00:16:3e:12:34:56',
  },
  model: undefined,
  mtu: { shape: /^(0[xX][0-9a-fA-F]+|\d+)$/, expected: 'a number of bytes' },
  netdev: undefined,
  rate: {
    shape: /^\d+[GMK]?[bB]\/s(@\d+[mu]?s?)?$/,
    expected: 'a rate such as 10Mb/s or 250KB/s@20ms',
  },
  script: undefined,
  type: { shape: /^(vif|ioemu)$/, expected: 'vif or ioemu' },
  vifname: undefined,
  vlan: undefined,
};

/** Options without a value. */
const FLAGS = ['trusted', 'untrusted'];

/** The options of the COLO proxy: there are dozens, none of which bears on memory. */
const COLO = /^colo_(sock|filter|compare|checkpoint)_[a-z0-9_]+$/;

export function parseVif(text: string): { vif: Vif; problems: SpecProblem[] } {
  const options: Record<string, string> = {};
  const problems: SpecProblem[] = [];
  let start = 0;
  for (const raw of text.split(',')) {
    const item = raw.replace(/^ +/, '');
    const index = start + raw.length - item.length;
    start += raw.length + 1;
    if (item === '') continue;
    const equals = item.indexOf('=');
    const key = equals < 0 ? item : item.slice(0, equals);
    const value = equals < 0 ? '' : item.slice(equals + 1);
    const known = equals < 0 ? FLAGS.includes(key) : key in OPTIONS || COLO.test(key);
    if (!known) {
      const candidates = [...Object.keys(OPTIONS), ...FLAGS];
      const message =
        equals < 0 && key in OPTIONS
          ? `option \`${key}\` of a network interface needs a value: ${key}=…`
          : `unknown option \`${key}\` of a network interface, ${didYouMean(key, candidates)}`;
      problems.push({ severity: 'error', code: 'vif-option', message, index, length: key.length });
      continue;
    }
    const rule = OPTIONS[key];
    if (rule !== undefined && !rule.shape.test(value)) {
      const message = `\`${key}\` of a network interface: expected ${rule.expected}, found \`${value}\``;
      const place = { index: index + equals + 1, length: value.length };
      problems.push({ severity: 'error', code: 'vif-option-value', message, ...place });
    }
    options[key] = value;
  }
  const { backend = '0', mac, bridge } = options;
  const named = { ...(mac === undefined ? {} : { mac }), ...(bridge === undefined ? {} : { bridge }) };
  return { vif: { backend, ...named, options }, problems };
}
