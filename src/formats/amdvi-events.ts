import type { EntryLayout } from './layout.js';

/** What an event log entry tells of, by code. */
export const AmdviEvent = {
  ILLEGAL_DEV_TABLE_ENTRY: 0x1,
  IO_PAGE_FAULT: 0x2,
  DEV_TAB_HARDWARE_ERROR: 0x3,
  PAGE_TAB_HARDWARE_ERROR: 0x4,
  ILLEGAL_COMMAND_ERROR: 0x5,
  COMMAND_HARDWARE_ERROR: 0x6,
  IOTLB_INV_TIMEOUT: 0x7,
  INVALID_DEVICE_REQUEST: 0x8,
  INVALID_PPR_REQUEST: 0x9,
  EVENT_COUNTER_ZERO: 0xa,
  GUEST_EVENT_FAULT: 0xb,
  VIOMMU_HARDWARE_ERROR: 0xc,
  RMP_PAGE_FAULT: 0xd,
  RMP_HARDWARE_ERROR: 0xe,
} as const;

/** The flags of an I/O page fault, as bits of the 12-bit field. */
export const AmdviFault = {
  /** GN: a guest address. */
  GUEST: 0x001,
  /** NX: an instruction fetch. */
  EXECUTE: 0x002,
  /** US: a request with user privilege. */
  USER: 0x004,
  /** I: an interrupt request. */
  INTERRUPT: 0x008,
  /** PR: every entry up to the one that refuses was present. */
  PRESENT: 0x010,
  /** RW: a write. */
  WRITE: 0x020,
  /** PE: the entries do not permit the access. */
  PERMISSION: 0x040,
  /** RZ: a reserved bit or an illegal level. */
  RESERVED: 0x080,
  /** TR: a translation request (ATS). */
  TRANSLATION: 0x100,
} as const;

const kinds = Object.fromEntries(Object.entries(AmdviEvent).map(([name, code]) => [code, name]));

/** An entry of the event log that tells of an I/O page fault. 128 bits. */
export const AMDVI_PAGE_FAULT: EntryLayout = {
  name: 'AMD-Vi I/O page fault',
  manual: 'AMD I/O Virtualization Technology (IOMMU) spec 3.08 §2.5.3',
  words: 4,
  fields: [
    { name: 'device', lo: 0, hi: 15, doc: 'DeviceID: requester id', kind: 'frame' },
    { name: 'pasidHigh', lo: 16, hi: 19, doc: 'PASID[19:16]', kind: 'number' },
    { name: 'reserved20', lo: 20, hi: 31, doc: 'reserved', kind: 'reserved' },
    { name: 'did', lo: 32, hi: 47, doc: 'DomainID, or with GN the PASID', kind: 'number' },
    { name: 'guest', lo: 48, hi: 48, doc: 'GN' },
    { name: 'execute', lo: 49, hi: 49, doc: 'NX' },
    { name: 'user', lo: 50, hi: 50, doc: 'US' },
    { name: 'interrupt', lo: 51, hi: 51, doc: 'I' },
    { name: 'present', lo: 52, hi: 52, doc: 'PR' },
    { name: 'write', lo: 53, hi: 53, doc: 'RW' },
    { name: 'permission', lo: 54, hi: 54, doc: 'PE' },
    { name: 'reservedBits', lo: 55, hi: 55, doc: 'RZ' },
    { name: 'translation', lo: 56, hi: 56, doc: 'TR' },
    { name: 'reserved57', lo: 57, hi: 59, doc: 'reserved', kind: 'reserved' },
    { name: 'event', lo: 60, hi: 63, doc: 'EventCode', kind: 'enum', values: kinds },
    { name: 'addressLow', lo: 64, hi: 95, doc: 'Address: the device’s, low half', kind: 'frame' },
    { name: 'addressHigh', lo: 96, hi: 127, doc: 'Address, high half', kind: 'frame' },
  ],
};

/** Where the flags begin in the second word of an event log entry; they are twelve bits. */
export const AMDVI_EVENT_FLAGS_SHIFT = 16;

/** Second word of an event log entry: code, flags and domain id. */
export const eventWord1 = (code: number, flags: number, did: number): number =>
  (code << 28) | ((flags & 0xfff) << AMDVI_EVENT_FLAGS_SHIFT) | (did & 0xffff);
