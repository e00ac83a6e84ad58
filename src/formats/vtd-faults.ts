import type { EntryLayout } from './layout.js';

/** A fault recording register (primary fault logging). 128 bits. */
export const VTD_FAULT_RECORD: EntryLayout = {
  name: 'VT-d fault record',
  manual: 'Intel VT-d spec 5.10 §11.4.7.6 (FRCD_REG)',
  words: 4,
  fields: [
    { name: 'reserved0', lo: 0, hi: 11, doc: 'reserved', kind: 'reserved' },
    {
      name: 'page',
      lo: 12,
      hi: 63,
      doc: 'FI: page of the faulted address; interrupt faults: index in bits 48-63',
      kind: 'frame',
    },
    {
      name: 'source',
      lo: 64,
      hi: 79,
      doc: 'SID: requester id, bus 8 bits, device 5, function 3',
      kind: 'frame',
    },
    { name: 'reserved80', lo: 80, hi: 91, doc: 'reserved', kind: 'reserved' },
    { name: 'type2', lo: 92, hi: 92, doc: 'T2: with T, page request or atomic; older units: reserved' },
    { name: 'privileged', lo: 93, hi: 93, doc: 'PRIV: a supervisor request (requests with PASID)' },
    { name: 'execute', lo: 94, hi: 94, doc: 'EXE: an execute request (requests with PASID)' },
    { name: 'pasidPresent', lo: 95, hi: 95, doc: 'PP: the request had a PASID' },
    { name: 'reason', lo: 96, hi: 103, doc: 'FR: fault reason', kind: 'frame' },
    { name: 'pasid', lo: 104, hi: 123, doc: 'PV: the PASID', kind: 'number' },
    {
      name: 'addressType',
      lo: 124,
      hi: 125,
      doc: 'AT of the request',
      kind: 'enum',
      values: { 0: 'untranslated', 1: 'translation request', 2: 'translated' },
    },
    {
      name: 'type',
      lo: 126,
      hi: 126,
      doc: 'T: the request',
      kind: 'enum',
      values: { 0: 'write', 1: 'read' },
    },
    { name: 'fault', lo: 127, hi: 127, doc: 'F: the record holds a fault; written 1 to clear' },
  ],
};

/** Fault reasons that a unit in legacy mode records for DMA. */
export const VtdReason = {
  ROOT_NOT_PRESENT: 0x1,
  CONTEXT_NOT_PRESENT: 0x2,
  CONTEXT_INVALID: 0x3,
  BEYOND_WIDTH: 0x4,
  WRITE_DENIED: 0x5,
  READ_DENIED: 0x6,
  NEXT_TABLE_ACCESS: 0x7,
  ROOT_TABLE_ACCESS: 0x8,
  CONTEXT_TABLE_ACCESS: 0x9,
  ROOT_RESERVED: 0xa,
  CONTEXT_RESERVED: 0xb,
  ENTRY_RESERVED: 0xc,
  TYPE_BLOCKED: 0xd,
  INTERRUPT_RANGE: 0xe,
} as const;

/** One row of the manual's tables of fault reasons. */
export interface FaultReason {
  readonly code: number;
  /** The manual's condition code, or empty where it has none. */
  readonly condition: string;
  /** Whether fault processing disable (FPD) in the context or interrupt entry keeps it from being recorded. */
  readonly qualified: boolean;
  /** What went wrong, in our words. */
  readonly meaning: string;
  /** DMA remapping or interrupt remapping. */
  readonly unit: 'dma' | 'interrupt';
  readonly section: string;
}

type Row = readonly [code: number, condition: string, qualified: boolean, meaning: string];

const DMA: readonly Row[] = [
  [0x0, '', false, 'reserved for software; hardware never records it'],
  [0x1, 'LRT.2', false, 'the root entry of the bus is not present'],
  [0x2, 'LCT.2', true, 'the context entry of the device is not present'],
  [0x3, 'LCT.4', true, 'the context entry has a width, type or root table that the unit cannot use'],
  [0x4, 'LGN.1', true, 'the address lies beyond the width that the context entry or the unit translates'],
  [0x5, 'LGN.2', true, 'a write where an entry on the path gives no write permission'],
  [0x6, 'LGN.3', true, 'a read where an entry on the path gives no read permission'],
  [0x7, 'LSS.1', true, 'the unit could not read the next second-level table'],
  [0x8, 'LRT.1', false, 'the unit could not read the root table'],
  [0x9, 'LCT.1', false, 'the unit could not read the context table'],
  [0xa, 'LRT.3', false, 'a reserved bit of a present root entry is set'],
  [0xb, 'LCT.3', true, 'a reserved bit of a present context entry is set'],
  [0xc, 'LSS.2', true, 'a reserved bit of a present second-level entry is set'],
  [0xd, 'LCT.5', true, 'the context entry blocks translation requests and translated requests'],
  [0xe, 'LGN.4', true, 'the translated address lies in the interrupt address range'],
];

const INTERRUPT: readonly Row[] = [
  [0x20, '', false, 'a reserved field of the interrupt request is set'],
  [0x21, '', false, 'the interrupt index lies beyond the table'],
  [0x22, '', true, 'the interrupt entry is not present'],
  [0x23, '', false, 'the unit could not read the interrupt table'],
  [0x24, '', true, 'a reserved bit of a present interrupt entry is set'],
  [0x25, '', false, 'an interrupt in compatibility format while those are blocked'],
  [0x26, '', true, 'the interrupt entry does not admit this requester'],
];

function reasons(rows: readonly Row[], unit: FaultReason['unit'], section: string): FaultReason[] {
  return rows.map(([code, condition, qualified, meaning]) => {
    return { code, condition, qualified, meaning, unit, section };
  });
}

/** The fault reasons of legacy mode, in the order of their codes. */
export const VTD_FAULT_REASONS: readonly FaultReason[] = [
  ...reasons(DMA, 'dma', 'Intel VT-d spec 5.10 §7.1.3, table 30'),
  ...reasons(INTERRUPT, 'interrupt', 'Intel VT-d spec 5.10 §5.1.4.1'),
];

const byCode = new Map(VTD_FAULT_REASONS.map((reason) => [reason.code, reason]));

/** The row of a fault reason, or undefined for a code that legacy mode does not have. */
export function vtdFaultReason(code: number): FaultReason | undefined {
  return byCode.get(code);
}

// The words of a record, made and read without allocation.

/** First word: the low part of the page's address. */
export const faultWord0 = (page: number): number => page << 12;
/** Second word: the high part of the page's address. */
export const faultWord1 = (page: number): number => (page / 0x10_0000) | 0;
/** Third word: the requester. */
export const faultWord2 = (source: number): number => source & 0xffff;
/** Fourth word: the reason and the direction, with F set. */
export const faultWord3 = (reason: number, read: boolean): number =>
  (1 << 31) | (read ? 1 << 30 : 0) | (reason & 0xff);

export const faultPage = (w0: number, w1: number): number => (w0 >>> 12) + (w1 >>> 0) * 0x10_0000;
export const faultSource = (w2: number): number => w2 & 0xffff;
export const faultReasonCode = (w3: number): number => w3 & 0xff;
export const faultIsRead = (w3: number): boolean => (w3 & (1 << 30)) !== 0;
export const faultPending = (w3: number): boolean => w3 < 0;
