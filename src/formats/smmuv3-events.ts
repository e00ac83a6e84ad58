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

const names = Object.fromEntries(Object.entries(SmmuV3Event).map(([name, code]) => [code, name]));

/** The name of an event by its type, or undefined for one that the architecture does not define. */
export const eventName = (type: number): string | undefined => names[type];

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
  { name: 'substreamValid', lo: 11, hi: 11, doc: 'SSV' },
  { name: 'substream', lo: 12, hi: 31, doc: 'SubstreamID', kind: 'number' },
  { name: 'stream', lo: 32, hi: 63, doc: 'StreamID', kind: 'frame' },
];

/** What an access looked like, in the second doubleword. */
const ACCESS: readonly BitField[] = [
  reserved(96, 96),
  { name: 'privileged', lo: 97, hi: 97, doc: 'PnU' },
  { name: 'instruction', lo: 98, hi: 98, doc: 'InD' },
  { name: 'read', lo: 99, hi: 99, doc: 'RnW' },
];

/** A record of a fault in translation: F_TRANSLATION, F_ADDR_SIZE, F_ACCESS, F_PERMISSION. 256 bits. */
export const SMMUV3_TRANSLATION_EVENT: EntryLayout = {
  name: 'SMMUv3 translation event',
  manual: `${MANUAL} §7.3.12 to §7.3.15`,
  words: 8,
  fields: [
    ...HEAD,
    { name: 'stallTag', lo: 64, hi: 79, doc: 'STAG', kind: 'number' },
    reserved(80, 94),
    { name: 'stalled', lo: 95, hi: 95, doc: 'Stall' },
    ...ACCESS,
    reserved(100, 101),
    { name: 'nonSecureIpa', lo: 102, hi: 102, doc: 'NSIPA' },
    { name: 'stage2', lo: 103, hi: 103, doc: 'S2: stage 2 refused' },
    {
      name: 'class',
      lo: 104,
      hi: 105,
      doc: 'CLASS: what the access was for',
      kind: 'enum',
      values: { 0: 'context descriptor', 1: 'table', 2: 'input' },
    },
    reserved(106, 107),
    { name: 'tableRead', lo: 108, hi: 108, doc: 'TTRnW' },
    reserved(109, 127),
    { name: 'inputLow', lo: 128, hi: 159, doc: 'InputAddr, low half', kind: 'frame' },
    { name: 'inputHigh', lo: 160, hi: 191, doc: 'InputAddr, high half', kind: 'frame' },
    reserved(192, 203),
    { name: 'ipa', lo: 204, hi: 243, doc: 'IPA, bits 51 to 12', kind: 'frame' },
    reserved(244, 255),
  ],
};

/**
 * A record that names a stream only: C_BAD_STREAMID, C_BAD_STE, F_STREAM_DISABLED, F_BAD_ATS_TREQ and the other
 * configuration errors, whose further fields Xen prints as they are. 256 bits.
 */
export const SMMUV3_STREAM_EVENT: EntryLayout = {
  name: 'SMMUv3 stream event',
  manual: `${MANUAL} §7.3.3, §7.3.5, §7.3.7`,
  words: 8,
  fields: [...HEAD, ...Array.from({ length: 6 }, (_, word) => reserved(64 + 32 * word, 95 + 32 * word))],
};

/** A record of a fetch that was aborted: F_STE_FETCH, F_CD_FETCH, F_VMS_FETCH, F_WALK_EABT. 256 bits. */
export const SMMUV3_FETCH_EVENT: EntryLayout = {
  name: 'SMMUv3 fetch event',
  manual: `${MANUAL} §7.3.4, §7.3.10, §7.3.12`,
  words: 8,
  fields: [
    ...HEAD,
    { name: 'reason', lo: 64, hi: 79, doc: 'Reason, implementation defined', kind: 'number' },
    reserved(80, 95),
    ...ACCESS,
    reserved(100, 102),
    { name: 'stage2', lo: 103, hi: 103, doc: 'S2' },
    { name: 'class', lo: 104, hi: 105, doc: 'CLASS', kind: 'number' },
    reserved(106, 127),
    { name: 'inputLow', lo: 128, hi: 159, doc: 'InputAddr, low half', kind: 'frame' },
    { name: 'inputHigh', lo: 160, hi: 191, doc: 'InputAddr, high half', kind: 'frame' },
    { name: 'fetchLow', lo: 192, hi: 223, doc: 'FetchAddr, low half', kind: 'frame' },
    { name: 'fetchHigh', lo: 224, hi: 255, doc: 'FetchAddr, high half', kind: 'frame' },
  ],
};

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
