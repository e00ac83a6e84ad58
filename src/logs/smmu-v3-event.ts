import { type EntryLayout, fieldOf, readField } from '../formats/layout.js';
import { type EventKindRow, eventKind } from '../formats/smmuv3-event-kinds.js';
import { hex } from '../text/hex.js';
import type { EventDraft, EventReason, FailedLevel, StatusBit } from './event.js';
import type { LogFacts } from './facts.js';
import { nameOnlyMaster, ofStream } from './smmu-unit.js';
import { statusBits } from './status-bits.js';

/** Doublewords of an event record. */
export const EVENT_DOUBLEWORDS = 4;

/** The structure that an event of configuration ends at; the address translations themselves do not tell their level. */
const STRUCTURES: Readonly<Record<string, string>> = {
  C_BAD_STREAMID: 'stream table',
  F_STE_FETCH: 'stream table entry',
  C_BAD_STE: 'stream table entry',
  F_STREAM_DISABLED: 'stream table entry',
  F_CFG_CONFLICT: 'stream table entry',
  C_BAD_SUBSTREAMID: 'context descriptor',
  F_CD_FETCH: 'context descriptor',
  C_BAD_CD: 'context descriptor',
  F_VMS_FETCH: 'virtual machine structure',
};

const reasonOf = ({ code, name, meaning, manual }: EventKindRow): EventReason => {
  return { code, name, meaning, manual };
};

function structureOf({ name, meaning }: EventKindRow): FailedLevel | null {
  const structure = STRUCTURES[name];
  return structure === undefined ? null : { name: structure, entry: null, problem: meaning };
}

/** Events of streams for which the unit has tables, so that the stream's master is known to it. */
const HAS_TABLES = new Set(['F_WALK_EABT', 'F_TRANSLATION', 'F_ADDR_SIZE', 'F_ACCESS', 'F_PERMISSION']);

/** What the type of an event says by itself: `event 0x10 received:`. */
export function readEventType(event: EventDraft, facts: LogFacts, type: number): void {
  const kind = eventKind(type);
  event.reason =
    kind === undefined
      ? {
          code: type,
          name: `event 0x${type.toString(16)}`,
          meaning: 'a type of event that the architecture does not define',
          manual: 'Arm SMMUv3 architecture, IHI 0070F §7.3',
        }
      : reasonOf(kind);
  event.level = kind === undefined ? null : structureOf(kind);
  if (HAS_TABLES.has(event.reason.name)) nameOnlyMaster(event, facts);
}

/** The type by its name, as Linux prints it. */
export function readEventKind(event: EventDraft, kind: EventKindRow): void {
  event.reason = reasonOf(kind);
  event.level = structureOf(kind);
}

const has = (layout: EntryLayout, name: string) => layout.fields.some((field) => field.name === name);

/** A field, or null where the record does not have it, or the words printed so far do not reach it. */
function fieldValue(layout: EntryLayout, name: string, words: readonly number[]): number | null {
  if (!has(layout, name)) return null;
  const field = fieldOf(layout, name);
  return field.hi >>> 5 < words.length ? readField(field, words) : null;
}

/** An address of which the record has both halves. */
function wideOf(layout: EntryLayout, name: string, words: readonly number[]): bigint | null {
  const low = fieldValue(layout, `${name}Low`, words);
  const high = fieldValue(layout, `${name}High`, words);
  return low === null || high === null ? null : (BigInt(high) << 32n) | BigInt(low);
}

/** Fields that are told in words of their own, not as bits. */
const TOLD = new Set(['StreamID', 'SubstreamID', 'InputAddr', 'IPA', 'FetchAddr', 'event number']);

/**
 * An event record, or as much of it as was printed.
 * @param words 32-bit words, the first the lowest: two for each doubleword of the log.
 */
export function readEventRecord(event: EventDraft, facts: LogFacts, words: readonly number[]): void {
  const type = words[0]! & 0xff;
  readEventType(event, facts, type);
  const kind = eventKind(type);
  if (kind === undefined) return;
  const { layout } = kind;
  const value = (name: string) => fieldValue(layout, name, words);
  const stream = value('stream');
  if (stream !== null) ofStream(event, facts, stream);
  if (value('substreamValid') === 1) event.details.substream = hex(value('substream') ?? 0);
  const read = value('read');
  if (read !== null) event.access = read === 1 ? 'read' : 'write';
  const stage2 = value('stage2');
  if (stage2 !== null) event.details.stage = stage2 === 1 ? '2' : '1';
  const page = value('inputPage');
  event.address = wideOf(layout, 'input', words) ?? (page === null ? null : BigInt(page) << 12n);
  const bits = statusBits(layout, words, ['class', 'read']).filter(({ name }) => !TOLD.has(name));
  // The IPA is stage 2's input, and means nothing where stage 1 refused.
  const ipa = stage2 === 1 ? value('ipa') : null;
  const fetch = value('fetch');
  if (ipa !== null) bits.push(addressBit('IPA', ipa * 2 ** 12));
  if (fetch !== null) bits.push(addressBit('FetchAddr', fetch * 2 ** 3));
  event.bits.splice(0, event.bits.length, ...bits);
}

/** An address besides that of the event, by its name in the manual. */
export function addressBit(name: 'IPA' | 'FetchAddr', value: number): StatusBit {
  const what = name === 'IPA' ? 'what stage 1 made of the address, to its page' : 'where the SMMU read';
  return { name, value, meaning: `${what}: ${hex(value)}` };
}

/** A doubleword of the log as two 32-bit words, the low one first. */
export function doubleword(digits: string): [low: number, high: number] | undefined {
  const bare = digits.replace(/^0x/i, '');
  if (!/^[0-9a-f]{16}$/i.test(bare)) return undefined;
  return [Number.parseInt(bare.slice(8), 16), Number.parseInt(bare.slice(0, 8), 16)];
}

/** The doublewords among an event's further lines, as 32-bit words. */
export function printedWords(event: EventDraft): number[] {
  return event.more.flatMap((text) => doubleword(text) ?? []);
}
