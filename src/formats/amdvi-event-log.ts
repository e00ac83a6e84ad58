import { AmdviEvent } from './amdvi-events.js';
import type { BitField, EntryLayout } from './layout.js';

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08';

const kinds = Object.fromEntries(Object.entries(AmdviEvent).map(([name, code]) => [code, name]));

/** How a unit's own access to memory failed: Type of the hardware errors. */
export const HARDWARE_ERRORS: Readonly<Record<number, string>> = {
  0: 'reserved',
  1: 'master abort',
  2: 'target abort',
  3: 'data error',
};

const reserved = (lo: number, hi = lo): BitField => ({
  name: `reserved${lo}`,
  lo,
  hi,
  doc: 'reserved',
  kind: 'reserved',
});

const DEVICE: BitField = { name: 'device', lo: 0, hi: 15, doc: 'DeviceID: requester id', kind: 'frame' };
const PASID_HIGH: BitField = { name: 'pasidHigh', lo: 16, hi: 19, doc: 'PASID[19:16]', kind: 'number' };
const PASID: BitField = { name: 'pasid', lo: 32, hi: 47, doc: 'PASID[15:0], with GN', kind: 'number' };
const DOMAIN: BitField = {
  name: 'did',
  lo: 32,
  hi: 47,
  doc: 'DomainID, or with GN the PASID',
  kind: 'number',
};
const GUEST: BitField = { name: 'guest', lo: 48, hi: 48, doc: 'GN' };
const INTERRUPT: BitField = { name: 'interrupt', lo: 51, hi: 51, doc: 'I' };
const WRITE: BitField = { name: 'write', lo: 53, hi: 53, doc: 'RW' };
const RESERVED_BITS: BitField = { name: 'reservedBits', lo: 55, hi: 55, doc: 'RZ' };
const TRANSLATION: BitField = { name: 'translation', lo: 56, hi: 56, doc: 'TR' };
const ERROR: BitField = {
  name: 'error',
  lo: 57,
  hi: 58,
  doc: 'Type: how the unit’s access failed',
  kind: 'enum',
  values: HARDWARE_ERRORS,
};
const CODE: BitField = { name: 'event', lo: 60, hi: 63, doc: 'EventCode', kind: 'enum', values: kinds };

/** The address in the third and fourth word, of which `lowest` is the first bit that counts. */
const address = (doc: string, lowest = 64): readonly BitField[] => [
  ...(lowest > 64 ? [reserved(64, lowest - 1)] : []),
  { name: 'addressLow', lo: lowest, hi: 95, doc: `Address: ${doc}, low half`, kind: 'frame' },
  { name: 'addressHigh', lo: 96, hi: 127, doc: 'Address, high half', kind: 'frame' },
];

const layout = (name: string, section: string, ...fields: readonly BitField[]): EntryLayout => ({
  name: `AMD-Vi ${name}`,
  manual: `${MANUAL} §${section}`,
  words: 4,
  fields,
});

/** The device table entry makes no sense. 128 bits, like every entry. */
export const AMDVI_ILLEGAL_DEVICE_ENTRY = layout(
  'illegal device table entry',
  '2.5.2',
  DEVICE,
  PASID_HIGH,
  reserved(20, 31),
  PASID,
  GUEST,
  reserved(49, 50),
  INTERRUPT,
  reserved(52),
  WRITE,
  reserved(54),
  RESERVED_BITS,
  TRANSLATION,
  reserved(57, 59),
  CODE,
  ...address('the device’s'),
);

/** The unit could not read the device table. */
export const AMDVI_DEVICE_TABLE_ERROR = layout(
  'device table hardware error',
  '2.5.4',
  DEVICE,
  reserved(16, 50),
  INTERRUPT,
  reserved(52),
  WRITE,
  reserved(54, 55),
  TRANSLATION,
  ERROR,
  reserved(59),
  CODE,
  ...address('of the entry in physical memory', 68),
);

/** The unit could not read a page table or an interrupt table. */
export const AMDVI_PAGE_TABLE_ERROR = layout(
  'page table hardware error',
  '2.5.5',
  DEVICE,
  PASID_HIGH,
  reserved(20, 31),
  DOMAIN,
  GUEST,
  reserved(49, 50),
  INTERRUPT,
  reserved(52),
  WRITE,
  reserved(54, 55),
  TRANSLATION,
  ERROR,
  reserved(59),
  CODE,
  ...address('of the entry in physical memory', 67),
);

/** A command that makes no sense. The unit stops fetching commands. */
export const AMDVI_ILLEGAL_COMMAND = layout(
  'illegal command',
  '2.5.6',
  reserved(0, 59),
  CODE,
  ...address('of the command in physical memory', 68),
);

/** The unit could not read a command. It stops fetching commands. */
export const AMDVI_COMMAND_ERROR = layout(
  'command hardware error',
  '2.5.7',
  reserved(0, 56),
  ERROR,
  reserved(59),
  CODE,
  ...address('of the access in physical memory', 68),
);

/** A device did not answer the invalidation of its TLB (ATS) in time. */
export const AMDVI_DEVICE_TLB_TIMEOUT = layout(
  'device TLB timeout',
  '2.5.8',
  DEVICE,
  reserved(16, 59),
  CODE,
  ...address('of the command in physical memory', 68),
);

/** A request that the device's entry does not admit. */
export const AMDVI_INVALID_REQUEST = layout(
  'invalid device request',
  '2.5.9',
  DEVICE,
  PASID_HIGH,
  reserved(20, 31),
  PASID,
  GUEST,
  reserved(49, 55),
  TRANSLATION,
  { name: 'type', lo: 57, hi: 59, doc: 'Type: which rule was broken', kind: 'number' },
  CODE,
  ...address('the device’s'),
);

/** A page request (PRI) that makes no sense. */
export const AMDVI_INVALID_PAGE_REQUEST = layout(
  'invalid page request',
  '2.5.10',
  DEVICE,
  { name: 'pasid', lo: 16, hi: 31, doc: 'PASID[15:0]', kind: 'number' },
  { name: 'tag', lo: 32, hi: 41, doc: 'Tag: page request group', kind: 'number' },
  { name: 'pasidHigh', lo: 42, hi: 45, doc: 'PASID[19:16]', kind: 'number' },
  reserved(46, 47),
  { name: 'answered', lo: 48, hi: 48, doc: 'RX: the unit answered the device itself' },
  { name: 'request', lo: 49, hi: 59, doc: 'the flags of the page request', kind: 'number' },
  CODE,
  ...address('the device’s', 76),
);

/** A performance counter wrapped. */
export const AMDVI_COUNTER_ZERO = layout(
  'event counter zero',
  '2.5.11',
  reserved(0, 59),
  CODE,
  { name: 'noteHigh', lo: 64, hi: 83, doc: 'CounterNote, high part', kind: 'number' },
  reserved(84, 95),
  { name: 'noteLow', lo: 96, hi: 127, doc: 'CounterNote, low part', kind: 'number' },
);

/** A write that the reverse map table (SEV-SNP) forbids. */
export const AMDVI_RMP_FAULT = layout(
  'RMP page fault',
  '2.5.14',
  DEVICE,
  { name: 'rmpFlags', lo: 16, hi: 23, doc: 'which check of the reverse map table failed', kind: 'number' },
  reserved(24, 31),
  { name: 'vmg', lo: 32, hi: 47, doc: 'VMGuard tag', kind: 'number' },
  { name: 'flags', lo: 48, hi: 59, doc: 'the flags of the access', kind: 'number' },
  CODE,
  ...address('guest physical'),
);

/** The unit could not read the reverse map table (SEV-SNP). */
export const AMDVI_RMP_ERROR = layout(
  'RMP hardware error',
  '2.5.15',
  DEVICE,
  reserved(16, 31),
  { name: 'vmg', lo: 32, hi: 47, doc: 'VMGuard tag', kind: 'number' },
  { name: 'flags', lo: 48, hi: 59, doc: 'the flags of the access', kind: 'number' },
  CODE,
  ...address('system physical', 67),
);
