import type { BitField, EntryLayout } from './layout.js';

/** Bytes of a version 2 grant entry; 256 entries stand in a frame. */
export const GRANT_V2_BYTES = 16;
/** Bytes of an entry's status; 2048 stand in a status frame. */
export const GRANT_STATUS_BYTES = 2;

const MANUAL = 'Xen public/grant_table.h, union grant_entry_v2';

/** struct grant_entry_header, the first word of every entry of version 2. Use flags are not here but in the status. */
const HEADER: readonly BitField[] = [
  {
    name: 'type',
    lo: 0,
    hi: 1,
    doc: 'GTF_type_mask',
    kind: 'enum',
    values: { 0: 'invalid', 1: 'permit_access', 2: 'accept_transfer', 3: 'transitive' },
  },
  { name: 'readonly', lo: 2, hi: 2, doc: 'GTF_readonly (accept_transfer: committed)' },
  { name: 'completed', lo: 3, hi: 3, doc: 'accept_transfer: GTF_transfer_completed; no GTF_reading here' },
  { name: 'ignored4', lo: 4, hi: 4, doc: 'no GTF_writing here', kind: 'ignored' },
  { name: 'pwt', lo: 5, hi: 5, doc: 'GTF_PWT' },
  { name: 'pcd', lo: 6, hi: 6, doc: 'GTF_PCD' },
  { name: 'pat', lo: 7, hi: 7, doc: 'GTF_PAT' },
  { name: 'subPage', lo: 8, hi: 8, doc: 'GTF_sub_page: a part of the page, for copies only' },
  { name: 'ignored9', lo: 9, hi: 15, doc: 'unused', kind: 'ignored' },
  { name: 'domid', lo: 16, hi: 31, doc: 'the domain that may use the grant', kind: 'number' },
];

/** The member full_page: accept_transfer, and permit_access without sub_page. */
export const GRANT_V2_FULL_PAGE: EntryLayout = {
  name: 'grant entry v2, full page',
  manual: `${MANUAL}, full_page`,
  words: 4,
  fields: [
    ...HEADER,
    { name: 'pad0', lo: 32, hi: 63, doc: 'pad0', kind: 'ignored' },
    { name: 'frame', lo: 64, hi: 127, doc: 'the granted frame, a GFN', kind: 'frame' },
  ],
};

/** The member sub_page: permit_access with sub_page. */
export const GRANT_V2_SUB_PAGE: EntryLayout = {
  name: 'grant entry v2, sub-page',
  manual: `${MANUAL}, sub_page`,
  words: 4,
  fields: [
    ...HEADER,
    { name: 'pageOff', lo: 32, hi: 47, doc: 'page_off: the first byte that may be copied', kind: 'number' },
    { name: 'length', lo: 48, hi: 63, doc: 'length: how many bytes may be', kind: 'number' },
    { name: 'frame', lo: 64, hi: 127, doc: 'the granted frame, a GFN', kind: 'frame' },
  ],
};

/** The member transitive: another domain's grant is passed on. */
export const GRANT_V2_TRANSITIVE: EntryLayout = {
  name: 'grant entry v2, transitive',
  manual: `${MANUAL}, transitive`,
  words: 4,
  fields: [
    ...HEADER,
    { name: 'transDomid', lo: 32, hi: 47, doc: 'trans_domid: the domain whose grant it is', kind: 'number' },
    { name: 'pad0', lo: 48, hi: 63, doc: 'pad0', kind: 'ignored' },
    { name: 'gref', lo: 64, hi: 95, doc: 'gref: the grant there', kind: 'number' },
    { name: 'ignored96', lo: 96, hi: 127, doc: '__spacer', kind: 'ignored' },
  ],
};

/** Two statuses in a word of a status frame, the even reference's in the lower half. (grant_status_t) */
export const GRANT_STATUS_PAIR: EntryLayout = {
  name: 'grant statuses',
  manual: 'Xen public/grant_table.h, grant_status_t',
  words: 1,
  fields: [
    { name: 'ignored0', lo: 0, hi: 2, doc: 'unused', kind: 'ignored' },
    { name: 'reading', lo: 3, hi: 3, doc: 'GTF_reading of the even reference' },
    { name: 'writing', lo: 4, hi: 4, doc: 'GTF_writing of the even reference' },
    { name: 'ignored5', lo: 5, hi: 18, doc: 'unused', kind: 'ignored' },
    { name: 'readingOdd', lo: 19, hi: 19, doc: 'GTF_reading of the odd reference' },
    { name: 'writingOdd', lo: 20, hi: 20, doc: 'GTF_writing of the odd reference' },
    { name: 'ignored21', lo: 21, hi: 31, doc: 'unused', kind: 'ignored' },
  ],
};

/** The layout that the first word of an entry asks for: by its type and GTF_sub_page. */
export function grantV2Layout(w0: number): EntryLayout {
  if ((w0 & 3) === 3) return GRANT_V2_TRANSITIVE;
  return (w0 & 3) === 1 && (w0 & 0x100) !== 0 ? GRANT_V2_SUB_PAGE : GRANT_V2_FULL_PAGE;
}

/** A frame of 64 bits from its two words; exact below 2^53. */
export const grantFrame64 = (lo: number, hi: number): number => (lo >>> 0) + (hi >>> 0) * 2 ** 32;
/** Second word of a sub-page entry. */
export const grantPart = (pageOff: number, length: number): number => (length << 16) | (pageOff & 0xffff);
