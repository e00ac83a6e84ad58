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

/** The fault status register. */
export const VTD_FAULT_STATUS: EntryLayout = {
  name: 'VT-d fault status',
  manual: 'Intel VT-d spec 5.10 §11.4.7.1 (FSTS_REG)',
  words: 1,
  fields: [
    {
      name: 'PFO',
      lo: 0,
      hi: 0,
      doc: 'primary fault overflow: all records were full, later faults are lost',
    },
    { name: 'PPF', lo: 1, hi: 1, doc: 'primary pending fault: a fault record waits to be read' },
    { name: 'AFO', lo: 2, hi: 2, doc: 'advanced fault overflow: the log in memory was full' },
    { name: 'APF', lo: 3, hi: 3, doc: 'advanced pending fault: the log in memory has records' },
    {
      name: 'IQE',
      lo: 4,
      hi: 4,
      doc: 'invalidation queue error: the unit refused a descriptor, or could not fetch it',
    },
    {
      name: 'ICE',
      lo: 5,
      hi: 5,
      doc: 'invalidation completion error: a device answered an invalidation of its TLB wrongly',
    },
    {
      name: 'ITE',
      lo: 6,
      hi: 6,
      doc: 'invalidation time-out error: a device did not answer an invalidation of its TLB',
    },
    { name: 'PRO', lo: 7, hi: 7, doc: 'page request overflow (units before spec 3.0)' },
    { name: 'FRI', lo: 8, hi: 15, doc: 'index of the first pending fault record', kind: 'number' },
    { name: 'reserved16', lo: 16, hi: 31, doc: 'reserved', kind: 'reserved' },
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

/** Scalable mode: root, context, PASID directory and PASID table, first and second stage, and the rest. */
const SCALABLE: readonly Row[] = [
  [0x30, 'RTA.1', false, 'the root-table register has a mode that the unit cannot use'],
  [0x31, 'RTA.2', false, 'a request with a PASID while the unit is in legacy mode'],
  [0x32, 'RTA.3', false, 'a response to page requests while the unit is in legacy mode'],
  [0x38, 'SRT.1', false, 'the unit could not read the root table'],
  [0x39, 'SRT.2', false, 'the half of the root entry for the device is not present'],
  [0x3a, 'SRT.3', false, 'a reserved bit of a present root entry is set'],
  [0x40, 'SCT.1', false, 'the unit could not read the context table'],
  [0x41, 'SCT.2', true, 'the context entry of the device is not present'],
  [0x42, 'SCT.3', true, 'a reserved bit of a present context entry is set'],
  [0x43, 'SCT.4', true, 'the context entry holds values that the unit cannot use'],
  [0x44, 'SCT.5', true, 'the context entry lets the device keep no translations (DTE), and it asked for one'],
  [0x45, 'SCT.6', true, 'the context entry admits no requests with a PASID (PASIDE)'],
  [0x46, 'SCT.7', true, 'the PASID lies beyond the directory that the context entry names'],
  [0x47, 'SCT.8', true, 'the context entry admits no page requests (PRE)'],
  [0x48, 'SCT.9', true, 'the PASID for requests without one is wrong in the context entry (RID_PASID)'],
  [0x50, 'SPD.1', false, 'the unit could not read the PASID directory'],
  [0x51, 'SPD.2', true, 'the PASID directory entry is not present'],
  [0x52, 'SPD.3', true, 'a reserved bit of a present PASID directory entry is set'],
  [0x58, 'SPT.1', false, 'the unit could not read the PASID table'],
  [0x59, 'SPT.2', true, 'the PASID table entry is not present'],
  [0x5a, 'SPT.3', true, 'a reserved bit of a present PASID table entry is set'],
  [0x5b, 'SPT.4', true, 'the PASID table entry holds a width or type that the unit cannot use'],
  [0x5c, 'SPT.5', true, 'an execute request, which the PASID table entry does not admit (ERE)'],
  [0x5d, 'SPT.6', true, 'a supervisor request, which the PASID table entry does not admit (SRE)'],
  [0x70, 'SFS.1', true, 'the unit could not read the next first-stage table'],
  [0x71, 'SFS.2', true, 'a first-stage entry is not present'],
  [0x72, 'SFS.3', true, 'a reserved bit of a present first-stage entry is set'],
  [0x73, 'SFS.4', true, 'the unit could not read the first-stage root table'],
  [0x74, 'SFS.5', true, 'nested: a first-stage entry points beyond the width of the second stage'],
  [0x75, 'SFS.6', true, 'nested: the second stage does not let the unit read the first-stage root table'],
  [0x76, 'SFS.7', true, 'nested: the second stage does not let the unit read a first-stage table'],
  [0x77, 'SFS.8', true, 'nested: the second stage does not let the unit write a first-stage table'],
  [0x78, 'SSS.1', true, 'the unit could not read the next second-stage table'],
  [0x79, 'SSS.2', true, 'the entries on the path give together neither read nor write permission'],
  [0x7a, 'SSS.3', true, 'a reserved bit of a present second-stage entry is set'],
  [0x7b, 'SSS.4', true, 'the unit could not read the second-stage root table'],
  [
    0x7c,
    'SSS.5',
    true,
    'an accessed or dirty bit is due in a second-stage table that the unit reads without snooping',
  ],
  [0x7d, 'SSS.6', true, 'the unit could not set an accessed or dirty bit in a second-stage table'],
  [0x80, 'SGN.1', true, 'the address of a first-stage translation is not canonical'],
  [0x81, 'SGN.2', true, 'a user request where a first-stage entry on the path is for supervisors'],
  [0x82, 'SGN.3', true, 'an execute request where an entry on the path gives no execute permission'],
  [0x83, 'SGN.4', true, 'the untranslated address lies beyond the host address width'],
  [0x84, 'SGN.5', true, 'the address lies beyond the width that the second stage or the unit translates'],
  [0x85, 'SGN.6', true, 'a write where an entry on the path gives no write permission'],
  [0x86, 'SGN.7', true, 'a read where an entry on the path gives no read permission'],
  [0x87, 'SGN.8', true, 'the translated address lies in the interrupt address range'],
  [
    0x90,
    'SFS.9',
    true,
    'an accessed or dirty bit is due in a first-stage table that the unit reads without snooping',
  ],
  [0x91, 'SFS.10', true, 'the unit could not set an accessed or dirty bit in a first-stage table'],
];

function reasons(rows: readonly Row[], unit: FaultReason['unit'], section: string): FaultReason[] {
  return rows.map(([code, condition, qualified, meaning]) => {
    return { code, condition, qualified, meaning, unit, section };
  });
}

/** The fault reasons of DMA in legacy mode, of interrupts, and of DMA in scalable mode, in the order of their codes. */
export const VTD_FAULT_REASONS: readonly FaultReason[] = [
  ...reasons(DMA, 'dma', 'Intel VT-d spec 5.10 §7.1.3, table 30'),
  ...reasons(INTERRUPT, 'interrupt', 'Intel VT-d spec 5.10 §5.1.4.1'),
  ...reasons(SCALABLE, 'dma', 'Intel VT-d spec 5.10 §7.1.3'),
];

const byCode = new Map(VTD_FAULT_REASONS.map((reason) => [reason.code, reason]));

/** The row of a fault reason, or undefined for a code that the manual does not have. */
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
