import type { EventDraft, StatusBit } from './event.js';
import type { LogFacts } from './facts.js';
import { FOLLOW_LINES, type FormLine } from './form.js';
import { hexDetail, hexNumber, hexValue, sbdfOf } from './values.js';
import { setVtdReason } from './vtd-reasons.js';
import { isQueueError, statusBits, statusReason } from './vtd-status.js';

/*
 * A fault is told in several lines, and who prints them says first what the status register shows: "a fault is pending".
 * That line is an event by itself until the fault's own line joins it. Where a fault is open already, the status belongs
 * to the next one, and is kept for it.
 */

/** The status that waits for its fault, in {@link LogFacts.other}. */
const PENDING = 'vtd-status';

/** Whether no line has written into the event yet. */
const isNew = ({ device, reason, bits, address }: EventDraft): boolean =>
  device === null && reason === null && address === null && bits.length === 0;

/** Whether an event has only the status of a fault that is still to be told. */
const awaitsFault = ({ kind, device, address, bits }: EventDraft): boolean =>
  kind === 'dma-fault' && device === null && address === null && bits.length > 0;

/** A line that shows the fault status register, or one bit of it. */
export function readStatus(
  register: number,
  { line }: FormLine,
  event: EventDraft,
  facts: LogFacts,
): false | undefined {
  const bits = statusBits(register);
  if (isNew(event)) {
    event.bits.push(...bits);
    event.reason = statusReason(bits);
    if (isQueueError(bits)) event.kind = 'command-error';
    return undefined;
  }
  if (isQueueError(bits)) return false;
  if (awaitsFault(event)) return addBits(event, bits);
  const known = pendingStatus(line, facts) ?? 0;
  facts.other.set(PENDING, { value: String(known | register), line });
  return undefined;
}

/** Xen tells each bit in a line of its own; a bit that was told already is the status of another fault. */
function addBits(event: EventDraft, bits: readonly StatusBit[]): false | undefined {
  if (bits.some(({ name }) => event.bits.some((bit) => bit.name === name))) return false;
  event.bits.push(...bits);
  event.reason = statusReason(event.bits);
  return undefined;
}

function pendingStatus(line: number, facts: LogFacts): number | undefined {
  const status = facts.other.get(PENDING);
  if (status === undefined || line - status.line > FOLLOW_LINES || line < status.line) return undefined;
  return Number(status.value);
}

/** Whether a fault's line makes or joins this event; gives it the status that was told before. */
function beginsFault({ line }: FormLine, event: EventDraft, facts: LogFacts): boolean {
  if (awaitsFault(event)) {
    event.reason = null;
    return true;
  }
  if (!isNew(event)) return false;
  const status = pendingStatus(line, facts);
  if (status !== undefined) event.bits.push(...statusBits(status));
  facts.other.delete(PENDING);
  return true;
}

/**
 * The line of a fault: fields `access` (Read or Write), `device`, `address` or `index`, and where they are printed
 * `reason` and `pasid`.
 * @param code reads the reason, hexadecimal or decimal as the wording has it; null: not this wording.
 */
export function readFault(
  line: FormLine,
  event: EventDraft,
  facts: LogFacts,
  code: (text: string) => number | null,
): false | undefined {
  const { fields } = line;
  if (!beginsFault(line, event, facts)) return false;
  event.device = sbdfOf(fields.device);
  if (fields.index !== undefined) {
    event.kind = 'interrupt-fault';
    event.details.index = hexDetail(fields.index);
  } else {
    event.address = hexValue(fields.address);
    if (fields.access !== undefined) event.access = fields.access === 'Read' ? 'read' : 'write';
  }
  const pasid = hexNumber(fields.pasid);
  // All ones is what older kernels print for a request without one.
  if (pasid !== null && pasid !== 0xffff_ffff) event.details.PASID = `0x${pasid.toString(16)}`;
  if (fields.reason !== undefined) return readReason(fields.reason, event, code);
  return undefined;
}

/** The reason where it has a line of its own, or the end of the fault's. */
export function readReason(
  text: string,
  event: EventDraft,
  code: (text: string) => number | null,
): false | undefined {
  const number = code(text);
  if (event.reason !== null || number === null || number > 0xff) return false;
  setVtdReason(event, number);
  return undefined;
}
