import { domainOf } from '../domids.js';
import { errnoInWords } from '../errnos.js';
import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine, LineForm } from '../form.js';
import { decimal, hexDetail, hexValue, lastSbdf, sbdfOf } from '../values.js';
import type { InitReasonName } from './init-reasons.js';

/**
 * A message of the hypervisor or kernel that is one line and an event by itself. Fields of these names mean the same in
 * every message:
 *
 * | field | becomes |
 * |---|---|
 * | `device` | the device |
 * | `domain` | the domain; without it, the one that stands before, as in `[VT-D]d1: ` |
 * | `address` | the address |
 * | `errno` | the reason's code |
 * | `start`, `end`, `mfn`, `registers` | details, with 0x |
 *
 * All others become details as they were printed. Without a field for the device, it is the last PCI address that stands
 * before the message.
 */
export interface Said<Name extends string = InitReasonName> {
  /** Templates, the newest wording first. */
  readonly texts: readonly string[];
  readonly printedBy: string;
  readonly name: Name;
  /** In our words, without a full stop. */
  readonly meaning: string;
  readonly manual?: string;
  readonly opens?: string;
  /** What it says besides. False: no such line. */
  readonly also?: Also;
}

export type Also = (line: FormLine, event: EventDraft, facts: LogFacts) => false | undefined;

/** How much of what stands before a message is looked at: prefixes are short, and lines may be long. */
const PREFIX = 256;

const HEX: ReadonlySet<string> = new Set(['start', 'end', 'mfn', 'registers']);

const DOMAIN = /(?:^|[\s:\]])(d(?:\d{1,5}|\[\w{1,8}\])):?\s{0,4}$/;

/** Forms of messages that are alike in source, unit and kind. */
export function saidForms<Name extends string>(
  { source, unit, kind }: Pick<EventForm, 'source' | 'unit' | 'kind'>,
  messages: readonly Said<Name>[],
): LineForm[] {
  return messages.map(({ texts, printedBy, opens, name, meaning, manual, also }) => ({
    role: 'event',
    source,
    unit,
    kind,
    texts,
    printedBy,
    ...(opens === undefined ? {} : { opens }),
    read(line, event, facts) {
      event.reason = { code: null, name, meaning, manual: manual ?? null };
      for (const field in line.fields) take(event, field, line.fields[field]!);
      const near = line.before.slice(-PREFIX);
      event.domain ??= domainOf(DOMAIN.exec(near)?.[1]);
      event.device ??= lastSbdf(near);
      return also?.(line, event, facts);
    },
  }));
}

function take(event: EventDraft, field: string, text: string): void {
  if (field === 'device') event.device = sbdfOf(text.replace(/[.:]{1,4}$/, ''));
  else if (field === 'domain') event.domain = domainOf(text);
  else if (field === 'address') event.address = hexValue(text);
  else if (field === 'errno') noteErrno(event, decimal(text));
  else if (HEX.has(field)) event.details[field] = hexDetail(text);
  // Where in the source a debug build prints it.
  else if (field !== 'at') event.details[field] = text;
}

/** The errno that a message gives as the reason's code, negative, and in words. */
export function noteErrno(event: EventDraft, status: number | null): void {
  if (status === null || event.reason === null) return;
  event.reason = { ...event.reason, code: -Math.abs(status) };
  event.details.error = errnoInWords(status);
}
