import type { BitField, EntryLayout } from './layout.js';

const MANUAL = 'Arm SMMUv3 architecture, IHI 0070F';

/** Types of event records. (§7.3) */
export const SmmuV3Event = {
  F_UUT: 0x01,
  C_BAD_STREAMID: 0x02,
  F_STE_FETCH: 0x03,
  C_BAD_STE: 0x04,
  F_BAD_ATS_TREQ: 0x05,
  F_STREAM_DISABLED: 0x06,
  F_TRANSL_FORBIDDEN: 0x07,
  C_BAD_SUBSTREAMID: 0x08,
  F_CD_FETCH: 0x09,
  C_BAD_CD: 0x0a,
  F_WALK_EABT: 0x0b,
  F_TRANSLATION: 0x10,
  F_ADDR_SIZE: 0x11,
  F_ACCESS: 0x12,
  F_PERMISSION: 0x13,
  F_TLB_CONFLICT: 0x20,
  F_CFG_CONFLICT: 0x21,
  E_PAGE_REQUEST: 0x24,
  F_VMS_FETCH: 0x25,
} as const;

/** Implementation-defined events: the first and the last type. (§7.3.21) */
export const SMMUV3_IMPDEF_EVENTS = { first: 0xe0, last: 0xef } as const;

const names = Object.fromEntries(Object.entries(SmmuV3Event).map(([name, code]) => [code, name]));

/** The name of an event by its type, or undefined for one that the architecture does not define. */
export function eventName(type: number): string | undefined {
  const { first, last } = SMMUV3_IMPDEF_EVENTS;
  return type >= first && type <= last ? `IMPDEF_EVENT${type - first}` : names[type];
}

const reserved = (lo: number, hi: number): BitField => ({
  name: `reserved${lo}`,
  lo,
  hi,
  doc: 'reserved',
  kind: 'reserved',
});

/** The first doubleword, the same in every record. */
const HEAD: readonly BitField[] = [
  { name: 'type', lo: 0, hi: 7, doc: 'event number', kind: 'enum', values: names },
  reserved(8, 10),
  { name: 'substreamValid', lo: 11, hi: 11, doc: 'SSV: the transaction had a substream id' },
  { name: 'substream', lo: 12, hi: 31, doc: 'SubstreamID', kind: 'number' },
  { name: 'stream', lo: 32, hi: 63, doc: 'StreamID', kind: 'frame' },
];

/** Bits 64 to 95 of records that say why in a code of the implementation. */
const REASON: readonly BitField[] = [
  { name: 'reason', lo: 64, hi: 79, doc: 'Reason: defined by the implementation', kind: 'number' },
  reserved(80, 95),
];

/** What an access looked like, in the second doubleword. */
const ACCESS: readonly BitField[] = [
  reserved(96, 96),
  { name: 'privileged', lo: 97, hi: 97, doc: 'PnU: a privileged access' },
  { name: 'instruction', lo: 98, hi: 98, doc: 'InD: an instruction fetch' },
  { name: 'read', lo: 99, hi: 99, doc: 'RnW: a read' },
];

const STAGE2: BitField = { name: 'stage2', lo: 103, hi: 103, doc: 'S2: stage 2 refused' };

/** The third doubleword: the address that the device sent. */
const INPUT: readonly BitField[] = [
  { name: 'inputLow', lo: 128, hi: 159, doc: 'InputAddr, low half', kind: 'frame' },
  { name: 'inputHigh', lo: 160, hi: 191, doc: 'InputAddr, high half', kind: 'frame' },
];

/** The fourth doubleword of records of stage 2: the address that stage 1 gave it. */
const IPA: readonly BitField[] = [
  reserved(192, 203),
  { name: 'ipa', lo: 204, hi: 243, doc: 'IPA, bits 51 to 12', kind: 'frame' },
  reserved(244, 255),
];

/** The fourth doubleword of records of a fetch: where the SMMU read. */
const FETCH: readonly BitField[] = [
  reserved(192, 194),
  { name: 'fetch', lo: 195, hi: 243, doc: 'FetchAddr, bits 51 to 3', kind: 'frame' },
  reserved(244, 255),
];

const CLASS: BitField = {
  name: 'class',
  lo: 104,
  hi: 105,
  doc: 'CLASS: what the access was for',
  kind: 'enum',
  values: { 0: 'context descriptor', 1: 'table', 2: 'input' },
};

const rest = (from: number): BitField[] =>
  Array.from({ length: (256 - from) / 32 }, (_, word) => reserved(from + 32 * word, from + 31 + 32 * word));

const record = (name: string, sections: string, fields: readonly BitField[]): EntryLayout => ({
  name: `SMMUv3 ${name}`,
  manual: `${MANUAL} ${sections}`,
  words: 8,
  fields: [...HEAD, ...fields],
});

/** A record of a fault in translation: F_TRANSLATION, F_ADDR_SIZE, F_ACCESS, F_PERMISSION. 256 bits. */
export const SMMUV3_TRANSLATION_EVENT = record('translation event', '§7.3.13 to §7.3.16', [
  { name: 'stallTag', lo: 64, hi: 79, doc: 'STAG: names the stalled transaction', kind: 'number' },
  reserved(80, 94),
  { name: 'stalled', lo: 95, hi: 95, doc: 'Stall: the transaction is stalled' },
  ...ACCESS,
  reserved(100, 101),
  { name: 'nonSecureIpa', lo: 102, hi: 102, doc: 'NSIPA: the IPA is non-secure' },
  STAGE2,
  CLASS,
  reserved(106, 107),
  { name: 'tableRead', lo: 108, hi: 108, doc: 'TTRnW: with CLASS table, the table was read' },
  reserved(109, 127),
  ...INPUT,
  ...IPA,
]);

/** A record that names a stream only: C_BAD_STREAMID, F_STREAM_DISABLED, C_BAD_SUBSTREAMID. 256 bits. */
export const SMMUV3_STREAM_EVENT = record('stream event', '§7.3.3, §7.3.7, §7.3.9', rest(64));

/** A record of a wrong configuration: C_BAD_STE, C_BAD_CD, F_CFG_CONFLICT. 256 bits. */
export const SMMUV3_CONFIGURATION_EVENT = record('configuration event', '§7.3.5, §7.3.11, §7.3.18', [
  ...REASON,
  ...rest(96),
]);

/** A record of a structure that could not be read: F_STE_FETCH, F_CD_FETCH, F_VMS_FETCH. 256 bits. */
export const SMMUV3_FETCH_EVENT = record('fetch event', '§7.3.4, §7.3.10, §7.3.20', [
  ...REASON,
  ...rest(96).slice(0, 3),
  ...FETCH,
]);

/** F_WALK_EABT: a table that could not be read or updated. 256 bits. */
export const SMMUV3_WALK_EVENT = record('walk event', '§7.3.12', [
  ...REASON,
  ...ACCESS,
  reserved(100, 102),
  STAGE2,
  CLASS,
  reserved(106, 127),
  ...INPUT,
  ...FETCH,
]);

/** F_UUT: a transaction of a kind that the SMMU does not know. 256 bits. */
export const SMMUV3_UNSUPPORTED_EVENT = record('unsupported transaction', '§7.3.2', [
  ...REASON,
  ...ACCESS,
  reserved(100, 127),
  ...INPUT,
  ...rest(192),
]);

/** F_TRANSL_FORBIDDEN: a translated (ATS) transaction from a stream that may send none. 256 bits. */
export const SMMUV3_FORBIDDEN_EVENT = record('forbidden transaction', '§7.3.8', [
  reserved(64, 95),
  reserved(96, 98),
  { name: 'read', lo: 99, hi: 99, doc: 'RnW: a read' },
  reserved(100, 127),
  ...INPUT,
  ...rest(192),
]);

/** F_TLB_CONFLICT: several cached translations fit. 256 bits. */
export const SMMUV3_TLB_CONFLICT_EVENT = record('TLB conflict', '§7.3.17', [
  ...REASON,
  ...ACCESS,
  reserved(100, 102),
  STAGE2,
  reserved(104, 127),
  ...INPUT,
  ...IPA,
]);

/**
 * F_BAD_ATS_TREQ and E_PAGE_REQUEST: what a device asks of pages. Their permissions and span (in the second doubleword)
 * are kept as one number.
 */
export const SMMUV3_REQUEST_EVENT = record('request for pages', '§7.3.6, §7.3.19', [
  { name: 'requestLow', lo: 64, hi: 95, doc: 'Span and permissions, low half', kind: 'frame' },
  { name: 'requestHigh', lo: 96, hi: 127, doc: 'Span and permissions, high half', kind: 'frame' },
  reserved(128, 139),
  { name: 'inputPage', lo: 140, hi: 191, doc: 'InputAddr, bits 63 to 12', kind: 'frame' },
  ...rest(192),
]);

/** IMPDEF_EVENTn: all but the head is the implementation's. 256 bits. */
export const SMMUV3_IMPDEF_EVENT = record('implementation-defined event', '§7.3.21', [
  { name: 'implementation64', lo: 64, hi: 95, doc: 'implementation defined', kind: 'frame' },
  { name: 'implementation96', lo: 96, hi: 127, doc: 'implementation defined', kind: 'frame' },
  { name: 'implementation128', lo: 128, hi: 159, doc: 'implementation defined', kind: 'frame' },
  { name: 'implementation160', lo: 160, hi: 191, doc: 'implementation defined', kind: 'frame' },
  { name: 'implementation192', lo: 192, hi: 223, doc: 'implementation defined', kind: 'frame' },
  { name: 'implementation224', lo: 224, hi: 255, doc: 'implementation defined', kind: 'frame' },
]);

/** An access that stage 2 refused. */
export interface RefusedAccess {
  /** A {@link SmmuV3Event}. */
  readonly type: number;
  readonly stream: number;
  readonly write: boolean;
  /** Byte address. */
  readonly address: number;
}

const CLASS_INPUT = 2;

/** The eight words of the record of an access that stage 2 refused; nothing of stage 1, so its input is the IPA. */
export function translationEvent({ type, stream, write, address }: RefusedAccess): number[] {
  const access = (write ? 0 : 1 << 3) | (1 << 7) | (CLASS_INPUT << 8);
  const low = address % 2 ** 32;
  const high = Math.floor(address / 2 ** 32);
  return [type, stream, 0, access, low, high, low - (low % 4096), high & 0xf_ffff].map((word) => word >>> 0);
}

/** The eight words of a record that only names a stream. */
export const streamEvent = (type: number, stream: number): number[] => [type, stream >>> 0, 0, 0, 0, 0, 0, 0];
