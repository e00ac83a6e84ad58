import type { HashChoice } from '../check/result.js';
import { type Amount, byteCount, wholeNumber, wholeNumbers } from '../text/amounts.js';
import { DEFAULT_ALPHABET } from './alphabet-bounds.js';

/** What bounds a search, as people say it: on the command line of `dommu verify`, and in the page that searches. */
export interface VerifySettings {
  readonly pages: number;
  readonly levels: readonly number[];
  readonly refs: number;
  readonly handles: number;
  readonly vaSlots: number;
  readonly entries: number;
  readonly hotplug: boolean;
  readonly selfGrants: boolean;
  readonly memory: boolean;
  readonly destroy: boolean;
  readonly steps: boolean;
  readonly failures: number;
  readonly failuresWithin: number | undefined;
  readonly deviceMappings: boolean;
  readonly partialUnmaps: boolean;
  readonly with: readonly string[];
  readonly only: boolean;
  readonly maxStates: number;
  readonly maxDepth: number;
  readonly maxMemory: number;
  readonly timeout: number;
  readonly deeper: number;
  readonly first: boolean;
  readonly hash: HashChoice;
  readonly fair: 'vcpus' | 'none';
  readonly symmetry: boolean;
  readonly merge: boolean;
}

export type SettingName = keyof VerifySettings;

/** Switches that are off unless they are given: who reads a command line may lack them. */
type Off = 'destroy' | 'steps' | 'deviceMappings' | 'partialUnmaps' | 'only' | 'first';

/** The settings as far as somebody has said them. */
export type SaidSettings = Omit<VerifySettings, Off | 'failuresWithin'> &
  Partial<Pick<VerifySettings, Off | 'failuresWithin'>>;

/** What a setting is about: what is tried, how far the search goes, how it goes about it. */
export type SettingGroup = 'tried' | 'bounds' | 'search';

interface Row {
  readonly name: SettingName;
  /** `--refs`. */
  readonly flag: string;
  /** What it means, in a few words that stand behind its flag. */
  readonly text: string;
  readonly group: SettingGroup;
}

/** A setting that takes a value: `--refs <n>`. */
export interface ValueSetting extends Row {
  /** What the value is called. */
  readonly value: string;
  readonly amount: Amount<unknown>;
  /** What it is where nobody says it; undefined where there is none then. */
  readonly default: unknown;
  /** The default for people, where it is not what one would write. */
  readonly defaultText?: string;
}

/** A setting that is given or not: `--destroy` makes it true, `--no-hotplug` false. */
export interface SwitchSetting extends Row {
  /** What it is where the flag is given. */
  readonly given: boolean;
}

/** A setting that takes one of a few words. */
export interface ChoiceSetting extends Row {
  readonly value: string;
  readonly words: readonly string[];
  readonly default: string;
}

export type Setting = ValueSetting | SwitchSetting | ChoiceSetting;

const MOST = 2 ** 31 - 1;

const counted = (
  name: SettingName,
  flag: string,
  text: string,
  [least, most]: readonly [number, number],
  byDefault: number,
  group: SettingGroup = 'tried',
): ValueSetting => {
  const amount = wholeNumber(least, most);
  return { name, flag, value: 'n', text, amount, default: byDefault, group };
};

const given = (
  name: SettingName,
  flag: string,
  text: string,
  group: SettingGroup = 'tried',
): SwitchSetting => ({
  ...{ name, flag, text, group },
  given: !flag.startsWith('--no-'),
});

/** Names with commas between. */
const names: Amount<readonly string[]> = {
  read: (text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  expected: 'operations with commas between',
};

/** All settings of a search, in the order in which they are explained. */
export const VERIFY_SETTINGS: readonly Setting[] = [
  counted('pages', '--pages', 'pages a guest may have', [1, 512], 2),
  {
    name: 'levels',
    flag: '--levels',
    value: 'list',
    text: 'page-table levels guests pin',
    amount: wholeNumbers(1, 4),
    default: DEFAULT_ALPHABET.levels,
    defaultText: DEFAULT_ALPHABET.levels.join(','),
    group: 'tried',
  },
  counted('refs', '--refs', 'grant references guests use', [0, 16], DEFAULT_ALPHABET.refs),
  counted('handles', '--handles', 'grant handles a mapper uses', [1, 16], DEFAULT_ALPHABET.handles),
  counted('vaSlots', '--va-slots', 'virtual pages guests map', [1, 8], DEFAULT_ALPHABET.vaSlots),
  counted('entries', '--entries', 'entries of a page guests write', [0, 16], DEFAULT_ALPHABET.entries),
  given('hotplug', '--no-hotplug', 'devices stay where they were assigned'),
  given('selfGrants', '--no-self-grants', 'guests do not grant pages to themselves'),
  given('memory', '--no-memory', 'guests neither get pages nor give them back'),
  given('destroy', '--destroy', 'the toolstack destroys guests'),
  given('steps', '--steps', 'hypercalls also run step by step, others in between'),
  counted(
    'failures',
    '--failures',
    'allocations, maps, unmaps, flushes and device accesses that fail',
    [0, 16],
    0,
  ),
  {
    name: 'failuresWithin',
    flag: '--failures-within',
    value: 'n',
    text: 'which try of its kind, at the latest, fails',
    amount: wholeNumber(1, 64),
    default: undefined,
    group: 'tried',
  },
  given('deviceMappings', '--device-mappings', 'PV guests and dom0 map grants for their devices, too'),
  given('partialUnmaps', '--partial-unmaps', 'grant mappings are also unmapped by halves'),
  {
    name: 'with',
    flag: '--with',
    value: 'operations',
    text: 'operations that are tried besides, with all arguments the machine has',
    amount: names,
    default: [],
    defaultText: 'none',
    group: 'tried',
  },
  given('only', '--only', 'nothing but the operations of --with, and failures, is tried'),
  counted('maxStates', '--max-states', 'states to keep', [1, MOST], 10_000_000, 'bounds'),
  {
    name: 'maxDepth',
    flag: '--max-depth',
    value: 'n',
    text: 'actions in a row',
    amount: wholeNumber(1, MOST),
    default: Number.POSITIVE_INFINITY,
    defaultText: 'any',
    group: 'bounds',
  },
  {
    name: 'maxMemory',
    flag: '--max-memory',
    value: 'size',
    text: 'memory for the search’s tables, such as 512M or 2G',
    amount: byteCount,
    default: 2 ** 30,
    defaultText: '1G',
    group: 'bounds',
  },
  { ...counted('timeout', '--timeout', 'time', [1, MOST], 600, 'bounds'), value: 'seconds' },
  counted(
    'deeper',
    '--deeper',
    'after a violation, look so many actions deeper for others',
    [0, 100],
    3,
    'bounds',
  ),
  given('first', '--first', 'stop at the first violation', 'bounds'),
  {
    name: 'hash',
    flag: '--hash',
    value: 'how',
    text: 'tell states apart exactly, by 64-bit fingerprints, or exactly while that is cheap',
    words: ['exact', '64', 'auto'],
    default: 'auto',
    group: 'search',
  },
  {
    name: 'fair',
    flag: '--fair',
    value: 'to',
    text: 'a loop that never ends lets every vCPU in a hypercall go on, or need not',
    words: ['vcpus', 'none'],
    default: 'vcpus',
    group: 'search',
  },
  given('symmetry', '--no-symmetry', 'keep states apart that are the same but for names', 'search'),
  given('merge', '--no-merge', 'also stop behind steps that nobody else can see', 'search'),
];

/** All settings as they are where nobody says them. */
export const DEFAULT_SETTINGS = Object.fromEntries(
  VERIFY_SETTINGS.map((setting) => [setting.name, 'given' in setting ? !setting.given : setting.default]),
) as unknown as VerifySettings;

/** The setting of that name. */
export const settingNamed = (name: SettingName): Setting =>
  VERIFY_SETTINGS.find((setting) => setting.name === name)!;
