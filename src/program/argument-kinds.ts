import { sbdfText } from '../formats/requester.js';
import { parseSbdf } from '../xen/machine.js';
import type { Parameter, ParameterKind } from './operations.js';
import type { Argument, Range } from './program.js';

/** What only declarations take. */
export type DeclarationKind =
  /** Frames from first to last: `0x100..0x10f`. */
  | 'range'
  | 'edition'
  /** Where a node of the device tree stands. */
  | 'treePath'
  /** Names with commas between: `nic,disk`. */
  | 'names'
  /** A PCI address or a device-tree path. */
  | 'deviceAddress'
  /** A file's name, in quotes. */
  | 'file';

export type ValueKind = Exclude<ParameterKind, 'flags'> | DeclarationKind;
export type Value = Exclude<Argument, readonly string[]> | Range;

/** How one kind of argument is written. */
export interface ArgumentKind {
  /** Completes “expected …”. */
  readonly expected: string;
  /** The argument that a word means, in the one way in which programs hold it; undefined when the word is none. */
  read(text: string): Value | undefined;
  /** The whole pattern of the word, for the published schema. */
  readonly pattern: RegExp;
}

export const PAGE_SIZE = 0x1000;
export const TABLE_ENTRIES = 512;

const NAME = /[A-Za-z_][A-Za-z0-9_-]*/;
const NUMBER = /0[xX][0-9a-fA-F]+|0|[1-9][0-9]*/;
const PAGE = new RegExp(`${NAME.source}|${NUMBER.source}`);

const whole = (pattern: RegExp): RegExp => new RegExp(`^(?:${pattern.source})$`);
const WHOLE_NAME = whole(NAME);
const WHOLE_NUMBER = whole(NUMBER);
const ENTRY = new RegExp(`^(${PAGE.source})\\[(${NUMBER.source})\\]$`);
const ADDRESS = new RegExp(`^(${PAGE.source})(?:\\+(${NUMBER.source}))?$`);
const RANGE = new RegExp(`^(${NUMBER.source})\\.\\.(${NUMBER.source})$`);

export const hexText = (value: number): string => `0x${value.toString(16)}`;
export const rangeText = ({ first, last }: Range): string => `${hexText(first)}..${hexText(last)}`;
const pageText = (page: string | number): string => (typeof page === 'number' ? hexText(page) : page);

/** Decimal or 0x hexadecimal, below 2^53. */
export function readNumber(text: string): number | undefined {
  const value = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

const readName = (text: string): string | undefined => (WHOLE_NAME.test(text) ? text : undefined);
const readPage = (text: string): string | number | undefined => readName(text) ?? readNumber(text);

/** The parts of an entry `T[3]`, or undefined. */
export function readEntry(text: string): { page: string | number; index: number } | undefined {
  const match = ENTRY.exec(text);
  const page = match === null ? undefined : readPage(match[1]!);
  const index = match === null ? undefined : readNumber(match[2]!);
  if (page === undefined || index === undefined || index >= TABLE_ENTRIES) return undefined;
  return { page, index };
}

/** The page and the offset of an address `P+0x148`; a number alone is a whole address and names no page. */
export function readAddress(
  text: string,
): { page: string | number; offset: number } | { address: number } | undefined {
  const match = ADDRESS.exec(text);
  const page = match === null ? undefined : readPage(match[1]!);
  if (page === undefined) return undefined;
  if (match![2] === undefined) return typeof page === 'number' ? { address: page } : { page, offset: 0 };
  const offset = readNumber(match![2]);
  return offset === undefined || offset >= PAGE_SIZE ? undefined : { page, offset };
}

function canonicalEntry(text: string): string | undefined {
  const entry = readEntry(text);
  return entry && `${pageText(entry.page)}[${entry.index}]`;
}

function canonicalAddress(text: string): string | number | undefined {
  const read = readAddress(text);
  if (read === undefined || 'address' in read) return read?.address;
  const { page, offset } = read;
  return typeof page === 'string' && offset === 0 ? page : `${pageText(page)}+${hexText(offset)}`;
}

export function readRange(text: string): Range | undefined {
  const match = RANGE.exec(text);
  const first = match === null ? undefined : readNumber(match[1]!);
  const last = match === null ? undefined : readNumber(match[2]!);
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

const TREE_PATH = /^\/[^\s"#]*$/;

/** `0000:03:00.0`, from a PCI address with or without its segment; a device-tree path as it is. */
export function readDeviceAddress(text: string): string | undefined {
  if (TREE_PATH.test(text)) return text;
  const requester = parseSbdf(text);
  return requester === undefined ? undefined : sbdfText(requester);
}

const name = (expected: string): ArgumentKind => ({ expected, read: readName, pattern: WHOLE_NAME });

export const ARGUMENT_KINDS: Readonly<Record<ValueKind, ArgumentKind>> = {
  domain: name('the name of a domain'),
  newDomain: name('a name for the domain: letters, digits, _ and -'),
  page: { expected: 'the name of a page or a frame number', read: readPage, pattern: whole(PAGE) },
  newPage: {
    expected: 'a name for the page (letters, digits, _ and -) or the number of the frame it must get',
    read: readPage,
    pattern: whole(PAGE),
  },
  address: {
    expected: 'an address: PAGE+OFFSET with an offset below 0x1000, or a number of bytes',
    read: canonicalAddress,
    pattern: ADDRESS,
  },
  entry: {
    expected: 'an entry of a page table: PAGE[INDEX], with an index from 0 to 511',
    read: canonicalEntry,
    pattern: ENTRY,
  },
  device: name('the name of a device'),
  anyDevice: name('the name of a device'),
  handle: name('the name of a handle'),
  newHandle: name('a name for the handle: letters, digits, _ and -'),
  number: {
    expected: 'a number, decimal or 0x hexadecimal, below 2^53',
    read: readNumber,
    pattern: WHOLE_NUMBER,
  },
  name: name('a name: letters, digits, _ and -'),
  word: name('a word'),
  mark: name('the name of a mark'),
  newMark: name('a name for the mark: letters, digits, _ and -'),
  range: {
    expected: 'frames from first to last, such as 0x100..0x10f',
    read: readRange,
    pattern: RANGE,
  },
  edition: {
    expected: 'a release such as 4.12, or the name of a design',
    read: (text) => text,
    pattern: /^\S+$/,
  },
  treePath: {
    expected: 'a device-tree path such as /smmu@fd800000',
    read: (text) => (TREE_PATH.test(text) ? text : undefined),
    pattern: TREE_PATH,
  },
  names: {
    expected: 'names with commas between, such as nic,disk',
    read: (text) => (text.split(',').every((part) => WHOLE_NAME.test(part)) ? text : undefined),
    pattern: new RegExp(`^${NAME.source}(?:,${NAME.source})*$`),
  },
  deviceAddress: {
    expected:
      'a PCI address [0000:]BB:DD.F in hexadecimal, such as 0000:03:00.0, or a device-tree path such as ' +
      '/amba/ethernet@ff0e0000',
    read: readDeviceAddress,
    pattern: /^\S+$/,
  },
  file: { expected: 'a file name in quotes', read: (text) => text || undefined, pattern: /./s },
};

/** An argument as it is written in a program. */
export function writeArgument(
  { kind, hex }: Pick<Parameter, 'hex'> & { kind: string },
  value: Argument,
): string {
  if (typeof value === 'object') return value.join(' ');
  if (typeof value === 'string') return value;
  const inHex = hex === true || kind === 'page' || kind === 'newPage' || kind === 'address';
  return inHex ? hexText(value) : String(value);
}
