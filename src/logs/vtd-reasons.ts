import { vtdFaultReason } from '../formats/vtd-faults.js';
import type { EventDraft, EventKind, EventReason, FailedLevel } from './event.js';

/** Names of ours for reasons of interrupt remapping, for which the manual has numbers only. */
const INTERRUPT_NAMES: Readonly<Record<number, string>> = {
  32: 'interrupt-request-reserved',
  33: 'interrupt-index-beyond-table',
  34: 'interrupt-entry-not-present',
  35: 'interrupt-table-unreadable',
  36: 'interrupt-entry-reserved',
  37: 'compatibility-format-blocked',
  38: 'interrupt-requester-refused',
};

/** A fault reason as the manual's tables have it; a code that they do not have is named `unknown-reason`. */
export function vtdReason(code: number): EventReason {
  const row = vtdFaultReason(code);
  if (row === undefined) {
    return { code, name: 'unknown-reason', meaning: 'a reason that the manual does not list', manual: null };
  }
  const name = row.condition || INTERRUPT_NAMES[code] || 'software';
  return { code, name, meaning: row.meaning, manual: row.section };
}

/** Whether a fault reason is one of DMA or of interrupts; Linux and Xen call those they do not know unknown, which is DMA. */
export function vtdReasonKind(code: number): EventKind {
  return vtdFaultReason(code)?.unit === 'interrupt' ? 'interrupt-fault' : 'dma-fault';
}

export const NOT_PRESENT = 'not present';
export const RESERVED_SET = 'a reserved bit is set';
export const NO_WRITE = 'no write permission';
export const NO_READ = 'no read permission';
const UNUSABLE = 'holds values that the unit cannot use';
const UNREADABLE = 'cannot be read by the unit';

type Rows = Readonly<Record<number, readonly [name: string, problem: string]>>;

/**
 * The entry at which the walk ended, where the reason alone says it. Reasons that concern the address, the request or
 * the translation's result name no entry. (Intel VT-d spec 5.10 §7.1.3)
 */
const FAILED: Rows = {
  1: ['root entry', NOT_PRESENT],
  2: ['context entry', NOT_PRESENT],
  3: ['context entry', UNUSABLE],
  5: ['second-level entry', NO_WRITE],
  6: ['second-level entry', NO_READ],
  7: ['second-level table', UNREADABLE],
  8: ['root table', UNREADABLE],
  9: ['context table', UNREADABLE],
  10: ['root entry', RESERVED_SET],
  11: ['context entry', RESERVED_SET],
  12: ['second-level entry', RESERVED_SET],
  13: ['context entry', 'blocks translation requests and translated requests'],
  34: ['interrupt entry', NOT_PRESENT],
  35: ['interrupt table', UNREADABLE],
  36: ['interrupt entry', RESERVED_SET],
  38: ['interrupt entry', 'is for another requester'],
  56: ['root table', UNREADABLE],
  57: ['root entry', NOT_PRESENT],
  58: ['root entry', RESERVED_SET],
  64: ['context table', UNREADABLE],
  65: ['context entry', NOT_PRESENT],
  66: ['context entry', RESERVED_SET],
  67: ['context entry', UNUSABLE],
  68: ['context entry', 'DTE is clear'],
  69: ['context entry', 'PASIDE is clear'],
  70: ['context entry', 'names a smaller PASID directory'],
  71: ['context entry', 'PRE is clear'],
  72: ['context entry', 'RID_PASID is wrong'],
  80: ['PASID directory', UNREADABLE],
  81: ['PASID directory entry', NOT_PRESENT],
  82: ['PASID directory entry', RESERVED_SET],
  88: ['PASID table', UNREADABLE],
  89: ['PASID table entry', NOT_PRESENT],
  90: ['PASID table entry', RESERVED_SET],
  91: ['PASID table entry', UNUSABLE],
  92: ['PASID table entry', 'ERE is clear'],
  93: ['PASID table entry', 'SRE is clear'],
  112: ['first-stage table', UNREADABLE],
  113: ['first-stage entry', NOT_PRESENT],
  114: ['first-stage entry', RESERVED_SET],
  115: ['first-stage root table', UNREADABLE],
  120: ['second-stage table', UNREADABLE],
  121: ['second-stage entry', NOT_PRESENT],
  122: ['second-stage entry', RESERVED_SET],
  123: ['second-stage root table', UNREADABLE],
  133: ['paging entry', NO_WRITE],
  134: ['paging entry', NO_READ],
};

/** The entry that a fault reason blames, or null where it blames none. */
export function failedEntry(code: number): FailedLevel | null {
  const row = FAILED[code];
  return row === undefined ? null : { name: row[0], entry: null, problem: row[1] };
}

/** Writes a reason into an event: its kind, and the entry that it blames unless a dump of the tables named one. */
export function setVtdReason(event: EventDraft, code: number): void {
  event.reason = vtdReason(code);
  event.kind = vtdReasonKind(code);
  event.level ??= failedEntry(code);
}
