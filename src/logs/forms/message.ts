import { domainInWords, domainOf, SPECIAL_DOMAINS } from '../domids.js';
import { errnoInWords, errnoSpelled } from '../errnos.js';
import type { EventDraft, EventReason } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine, LineForm } from '../form.js';
import { libxlErrorInWords } from '../libxl-errors.js';
import { decimal, hexValue, lastSbdf, sbdfOf } from '../values.js';
import { speakerOf } from './speaker.js';

/**
 * A message that is one line and an event by itself. Fields of these names mean the same in every message:
 *
 * | field | becomes |
 * |---|---|
 * | `device` | the device, `ssss:bb:dd.f` or a path |
 * | `domain` | the domain, a number; without it, the domain that the prefix of the line names |
 * | `frame`, `dfn` | the address, from a frame number of 4 KiB |
 * | `address` | the address |
 * | `errno` | the reason's code, a number |
 * | `rc` | the reason's code, a libxl error |
 *
 * What differs from one page or grant to the next (`pfn`, `pte`, `reference`, …) is noted beside the event, so that repeats
 * of one message stay one event; all others become details, hexadecimal numbers with 0x. What strerror says behind the message is its errno, and a PCI
 * address before it the device where no field is.
 */
export interface Message {
  /** Templates, the newest wording first. */
  readonly texts: readonly string[];
  readonly printedBy: string;
  /** Kebab case and stable, or the name of INIT_REASONS. */
  readonly name: string;
  /** In our words, without a full stop. */
  readonly meaning: string;
  readonly manual?: string;
  readonly opens?: string;
  /** What it says besides. False: no such line. */
  readonly also?: (line: FormLine, event: EventDraft, facts: LogFacts) => false | undefined;
}

/** How long a prefix is looked at for a device. */
const PREFIX = 256;

/** Forms of messages that are alike in source, unit and kind. */
export function messageForms(
  { source, unit, kind }: Pick<EventForm, 'source' | 'unit' | 'kind'>,
  messages: readonly Message[],
): LineForm[] {
  return messages.map(({ texts, printedBy, opens, ...message }) => ({
    role: 'event',
    source,
    unit,
    kind,
    texts,
    printedBy,
    ...(opens === undefined ? {} : { opens }),
    read: (line, event, facts) => readMessage(message, line, event, facts),
  }));
}

type Reading = Pick<Message, 'name' | 'meaning' | 'manual' | 'also'>;

function readMessage(
  message: Reading,
  line: FormLine,
  event: EventDraft,
  facts: LogFacts,
): false | undefined {
  event.reason = reasonOf(message);
  takeFields(line, event);
  return message.also?.(line, event, facts);
}

/** A reason without a code yet. */
export function reasonOf({
  name,
  meaning,
  manual,
}: Pick<Message, 'name' | 'meaning' | 'manual'>): EventReason {
  return { code: null, name, meaning, manual: manual ?? null };
}

/** Puts a line's fields where the table above says. */
export function takeFields(line: FormLine, event: EventDraft): void {
  for (const name in line.fields) {
    const value = line.fields[name]!;
    const take = TAKERS[name];
    if (take !== undefined) take(event, value);
    else if (value !== '') event.details[name.replace(/_/g, ' ')] = value;
  }
  const spelled = errnoSpelled(line.after.slice(0, PREFIX));
  if (spelled !== undefined) setErrno(event, spelled.status);
  const { domain, by } = speakerOf(line.before);
  event.domain ??= domain;
  event.device ??= deviceBefore(line.before.slice(-PREFIX));
  if (by !== null) event.details.function ??= by;
  if (typeof event.domain === 'number' && Object.hasOwn(SPECIAL_DOMAINS, event.domain)) {
    event.details['domain is'] = domainInWords(event.domain);
  }
}

type Taker = (event: EventDraft, value: string) => void;

const frame: Taker = (event, value) => {
  const number = hexValue(value);
  if (number !== null && number < 1n << 52n) event.address = number << 12n;
};

const hexDetail =
  (name: string): Taker =>
  (event, value) => {
    const number = hexValue(value);
    event.details[name] = number === null ? value : `0x${number.toString(16)}`;
  };

/** What differs between repeats: noted, and no part of what the event is. */
const instance =
  (name: string): Taker =>
  (event, value) => {
    const number = hexValue(value);
    event.more.push(`${name} ${number === null ? value.slice(0, 64) : `0x${number.toString(16)}`}`);
  };

const takers = (names: readonly string[], make: (name: string) => Taker): Record<string, Taker> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));

const TAKERS: Readonly<Record<string, Taker>> = {
  __proto__: null as never,
  device: (event, value) => {
    event.device = deviceOf(value) ?? event.device;
  },
  domain: (event, value) => {
    event.domain = domainOf(value) ?? event.domain;
  },
  frame,
  dfn: frame,
  address: (event, value) => {
    event.address = hexValue(value) ?? event.address;
  },
  errno: (event, value) => setErrno(event, decimal(value)),
  rc: (event, value) => setLibxlError(event, decimal(value)),
  ...takers(['flags', 'range', 'wanted'], hexDetail),
  ...takers(
    ['mfn', 'gfn', 'pfn', 'pte', 'slot', 'start', 'end', 'reference', 'handle', 'pin', 'type'],
    instance,
  ),
  ...takers(['caf', 'taf', 'saw', 'expected_type', 'pages', 'kind'], () => () => {}),
};

/** The device that a prefix ends with, also in libxl's spelling without leading zeros, or the last one in it. */
function deviceBefore(before: string): string | null {
  const last = /(\S{5,20})\s{1,4}$/.exec(before)?.[1];
  return (last === undefined ? null : deviceOf(last)) ?? lastSbdf(before);
}

/** `0000:00:19.0` in any spelling, also with a full stop or colon behind it; a path as it is; null for nothing. */
export function deviceOf(text: string): string | null {
  const bare = text.replace(/[.:]{1,4}$/, '');
  return sbdfOf(bare) ?? (bare.startsWith('/') ? bare : null);
}

function setErrno(event: EventDraft, status: number | null): void {
  if (status === null || event.reason === null) return;
  event.reason = { ...event.reason, code: -Math.abs(status) };
  event.details.error = errnoInWords(status);
}

/** Notes what libxl returned. */
export function setLibxlError(event: EventDraft, rc: number | null): void {
  if (rc === null || event.reason === null) return;
  event.reason = { ...event.reason, code: rc };
  event.details.rc = libxlErrorInWords(rc);
}
