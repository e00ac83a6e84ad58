import { type AmdviFlag, amdviFlagFields, amdviFlags } from '../formats/amdvi-event-flags.js';
import {
  AMDVI_EVENT_KINDS,
  type AmdviEventKind,
  amdviEventKind,
  hardwareError,
  invalidRequest,
  isInterruptRequest,
  specialAddress,
} from '../formats/amdvi-event-kinds.js';
import { AMDVI_EVENT_FLAGS_SHIFT, AmdviEvent } from '../formats/amdvi-events.js';
import { decode } from '../formats/layout.js';
import { sbdfText } from '../formats/requester.js';
import type { EventDraft, EventKind, FailedLevel, LogAccess } from './event.js';

/** What a log shows of an entry of AMD-Vi's event log. */
export interface AmdviEntry {
  readonly code: number;
  /** Bits 48 to 59 of the entry; null where they were not printed. */
  readonly flags: number | null;
  /** `ssss:bb:dd.f`. */
  readonly device: string | null;
  /** The domain id, or with GN the PASID; null where it was not printed. */
  readonly id: number | null;
  readonly address: bigint | null;
}

/** Flags by the names that the layouts give them. */
type FlagFields = Readonly<Record<string, number>>;

/** What events are that do not say so by their flags. */
const KINDS: ReadonlyMap<number, EventKind> = new Map([
  [AmdviEvent.ILLEGAL_COMMAND_ERROR, 'command-error'],
  [AmdviEvent.COMMAND_HARDWARE_ERROR, 'command-error'],
  [AmdviEvent.IOTLB_INV_TIMEOUT, 'command-error'],
  [AmdviEvent.EVENT_COUNTER_ZERO, 'command-error'],
  [AmdviEvent.GUEST_EVENT_FAULT, 'command-error'],
  [AmdviEvent.VIOMMU_HARDWARE_ERROR, 'command-error'],
]);

/** Events whose address is one of physical memory, and what lies there. */
const PHYSICAL: ReadonlyMap<number, string> = new Map([
  [AmdviEvent.DEV_TAB_HARDWARE_ERROR, 'physical, of the device table entry'],
  [AmdviEvent.PAGE_TAB_HARDWARE_ERROR, 'physical, of the table entry'],
  [AmdviEvent.ILLEGAL_COMMAND_ERROR, 'physical, of the command'],
  [AmdviEvent.COMMAND_HARDWARE_ERROR, 'physical, of the command'],
  [AmdviEvent.IOTLB_INV_TIMEOUT, 'physical, of the command'],
  [AmdviEvent.RMP_HARDWARE_ERROR, 'physical'],
]);

/** Writes what an entry of the event log says into an event. */
export function tellAmdviEntry(event: EventDraft, entry: AmdviEntry): void {
  const { code, flags, device, id, address } = entry;
  const kind = amdviEventKind(code);
  event.device = device;
  event.address = address;
  if (kind === undefined) {
    const meaning = 'the unit wrote an event that the manual does not name';
    event.reason = { code, name: 'EVENT_UNKNOWN', meaning, manual: null };
    return;
  }
  const fields = flags === null ? {} : amdviFlagFields(kind, flags);
  if (flags !== null) event.bits.push(...amdviFlags(kind, flags).map(statusBit));
  event.kind = kindOf(kind, fields);
  event.access = accessOf(fields);
  event.level = levelOf(kind, fields);
  event.reason = { code, name: kind.name, meaning: meaningOf(kind, fields, flags), manual: kind.manual };
  tellId(event, kind, fields, id);
  // Flags of which this program does not know the bits.
  const raw = fields.flags ?? fields.request;
  if (raw !== undefined) event.details.flags = `0x${raw.toString(16)}`;
  const physical = PHYSICAL.get(code);
  if (physical !== undefined && address !== null) event.details['address is'] = physical;
  const special = physical === undefined && address !== null ? specialAddress(address) : undefined;
  if (special !== undefined) event.details['address is'] = special;
}

const statusBit = ({ name, value, meaning }: AmdviFlag) => ({ name, value, meaning });

function kindOf({ code }: AmdviEventKind, fields: FlagFields): EventKind {
  if (fields.interrupt === 1) return 'interrupt-fault';
  if (fields.type !== undefined && isInterruptRequest(fields.type, fields.translation === 1)) {
    return 'interrupt-fault';
  }
  return KINDS.get(code) ?? 'dma-fault';
}

/**
 * RW tells nothing of interrupts and translation requests. Of absent pages it does, though the manual does not promise it
 * (Linux 9f78e446bde8).
 */
function accessOf({ write, interrupt, translation }: FlagFields): LogAccess | null {
  if (write === undefined || interrupt === 1 || translation === 1) return null;
  return write === 1 ? 'write' : 'read';
}

/** With GN the number is a PASID, else, where the event has one, the domain id of the device table entry. */
function tellId(event: EventDraft, { code }: AmdviEventKind, fields: FlagFields, id: number | null): void {
  if (id === null) return;
  const hasDomain = code === AmdviEvent.IO_PAGE_FAULT || code === AmdviEvent.PAGE_TAB_HARDWARE_ERROR;
  if (fields.guest !== 1 && hasDomain) event.domain = id & 0xffff;
  else if (fields.guest === 1 || id !== 0) event.details.PASID = `0x${id.toString(16)}`;
}

function levelOf({ code }: AmdviEventKind, fields: FlagFields): FailedLevel | null {
  const { present, interrupt, permission, reservedBits, error } = fields;
  const at = (name: string, problem: string): FailedLevel => ({ name, entry: null, problem });
  const table = interrupt === 1 ? 'interrupt table entry' : 'page table entry';
  const illegal = reservedBits === 1 ? 'a reserved bit is set' : 'a field has an illegal value';
  if (code === AmdviEvent.ILLEGAL_DEV_TABLE_ENTRY) {
    return at('device table entry', reservedBits === undefined ? 'makes no sense' : illegal);
  }
  if (error !== undefined && code === AmdviEvent.DEV_TAB_HARDWARE_ERROR) {
    return at('device table entry', `could not be read: ${hardwareError(error)}`);
  }
  if (error !== undefined && code === AmdviEvent.PAGE_TAB_HARDWARE_ERROR) {
    return at(table, `could not be read: ${hardwareError(error)}`);
  }
  if (code !== AmdviEvent.IO_PAGE_FAULT || present === undefined) return null;
  if (present === 0) return at(table, interrupt === 1 ? 'not switched on' : 'not present');
  if (permission === 1) return at(table, `gives no ${lacking(fields)} permission`);
  return at(table, illegal);
}

/** The permission that an access lacks. */
function lacking({ execute, write, interrupt, translation }: FlagFields): string {
  if (interrupt === 1 || translation === 1) return 'sufficient';
  if (execute === 1) return 'execute';
  return write === 1 ? 'write' : 'read';
}

/** What happened, as far as the flags tell. */
function meaningOf(kind: AmdviEventKind, fields: FlagFields, flags: number | null): string {
  if (flags === null) return kind.meaning;
  if (kind.code === AmdviEvent.IO_PAGE_FAULT) return pageFault(fields);
  if (fields.error !== undefined) return `${kind.meaning} (${hardwareError(fields.error)})`;
  if (fields.type !== undefined) {
    return invalidRequest(fields.type, fields.translation === 1) ?? kind.meaning;
  }
  if (fields.reservedBits !== undefined) {
    const why = fields.reservedBits === 1 ? 'a reserved bit is set' : 'a field has an illegal value';
    return `${kind.meaning}: ${why}`;
  }
  return kind.meaning;
}

function pageFault(fields: FlagFields): string {
  const { present, permission, reservedBits, interrupt, translation, write } = fields;
  if (interrupt === 1) {
    if (present === 0) return 'an interrupt that the interrupt table does not let through';
    if (permission === 1) return 'an interrupt that the device may not send';
    return 'an interrupt whose entry in the interrupt table makes no sense';
  }
  const request = write === 1 ? 'a write' : 'a read';
  const access = translation === 1 ? 'a translation request (ATS)' : request;
  if (present === 0) return `${access} of an address that is not mapped`;
  if (permission === 1) return `${access} without permission: the address is mapped, but not for that`;
  const why = reservedBits === 1 ? 'has a reserved bit set' : 'has an illegal level';
  return `${access} of an address whose table entry ${why}`;
}

/** Xen's names of events that differ from the manual's. */
const XEN_NAMES: ReadonlyMap<number, string> = new Map([
  [AmdviEvent.DEV_TAB_HARDWARE_ERROR, 'DEV_TABLE_HW_ERROR'],
  [AmdviEvent.PAGE_TAB_HARDWARE_ERROR, 'PAGE_TABLE_HW_ERROR'],
  [AmdviEvent.COMMAND_HARDWARE_ERROR, 'COMMAND_HW_ERROR'],
  [AmdviEvent.INVALID_DEVICE_REQUEST, 'INVALID_DEV_REQUEST'],
]);

/** The events to which Xen gives names: 1 to 8. Others it calls `event`. */
export const XEN_EVENT_NAMES: readonly (readonly [code: number, name: string])[] = AMDVI_EVENT_KINDS.filter(
  ({ code }) => code <= AmdviEvent.INVALID_DEVICE_REQUEST,
).map(({ code, name }) => [code, XEN_NAMES.get(code) ?? name]);

/** Four words of an entry. */
type Words = readonly [number, number, number, number];

/** The event code in the entry's second word. */
const codeOf = (words: Words): number => words[1] >>> 28;

/**
 * Writes what the words of an entry say into an event.
 * @param code what its name says; the words were printed the other way round where only that fits. Undefined: unnamed.
 * @returns false when the words are no such entry.
 */
export function tellAmdviWords(event: EventDraft, printed: Words, code: number | undefined): boolean {
  const [a, b, c, d] = printed;
  const turned: Words = [d, c, b, a];
  const words = [printed, turned].find((one) =>
    code === undefined ? codeOf(one) !== 0 : codeOf(one) === code,
  );
  if (words === undefined) return false;
  const kind = amdviEventKind(codeOf(words));
  const fields = kind?.layout === undefined ? {} : decode(kind.layout, words);
  const { device, pasid, pasidHigh = 0, did, tag, vmg, rmpFlags } = fields;
  const low = pasid ?? did ?? null;
  tellAmdviEntry(event, {
    code: codeOf(words),
    flags: (words[1] >>> AMDVI_EVENT_FLAGS_SHIFT) & 0xfff,
    device: device === undefined ? null : sbdfText(device),
    id: low === null ? null : pasidHigh * 0x1_0000 + low,
    address: (BigInt(words[3] >>> 0) << 32n) | BigInt(words[2] >>> 0),
  });
  if (tag !== undefined) event.details.tag = `0x${tag.toString(16)}`;
  if (vmg !== undefined) event.details['VMGuard tag'] = `0x${vmg.toString(16)}`;
  if (rmpFlags !== undefined) event.details['RMP flags'] = `0x${rmpFlags.toString(16)}`;
  if (kind?.layout === undefined) event.more.push(words.map(hexWord).join(' '));
  return true;
}

const hexWord = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
