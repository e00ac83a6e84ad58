import type { EntryLayout } from './layout.js';

/** Bytes of a version 1 grant entry; 512 entries stand in a frame. */
export const GRANT_V1_BYTES = 8;

/** Types of a grant entry, bits 0 and 1 of its flags. (§5.1; Xen public/grant_table.h, GTF_*) */
export const GrantType = { INVALID: 0, PERMIT_ACCESS: 1, ACCEPT_TRANSFER: 2, TRANSITIVE: 3 } as const;

/** Flags of a grant entry beyond its type. (§5.1; Xen public/grant_table.h, GTF_*) */
export const GTF_TYPE_MASK = 3;
export const GTF_READONLY = 1 << 2;
export const GTF_READING = 1 << 3;
export const GTF_WRITING = 1 << 4;
export const GTF_PWT = 1 << 5;
export const GTF_PCD = 1 << 6;
export const GTF_PAT = 1 << 7;
export const GTF_SUB_PAGE = 1 << 8;
/** With the type accept_transfer, bits 2 and 3 mean these. */
export const GTF_TRANSFER_COMMITTED = 1 << 2;
export const GTF_TRANSFER_COMPLETED = 1 << 3;

/** Flags of a map request, which Xen keeps with the handle; bits 16 and up are the guest's. (public/grant_table.h) */
export const GNTMAP = { device: 1, host: 2, readonly: 4, application: 8, containsPte: 16 } as const;

/** The flags that Xen keeps with a handle. (§5.2; Xen public/grant_table.h, GNTMAP_*) */
export const GRANT_MAP_FLAGS: EntryLayout = {
  name: 'grant map flags',
  manual: 'Xen public/grant_table.h, GNTMAP_* (dossier §5.2)',
  words: 1,
  fields: [
    { name: 'device', lo: 0, hi: 0, doc: 'GNTMAP_device_map: for its devices' },
    { name: 'host', lo: 1, hi: 1, doc: 'GNTMAP_host_map: for its CPUs' },
    { name: 'readonly', lo: 2, hi: 2, doc: 'GNTMAP_readonly' },
    { name: 'application', lo: 3, hi: 3, doc: 'GNTMAP_application_map: for user mode, too' },
    { name: 'containsPte', lo: 4, hi: 4, doc: 'GNTMAP_contains_pte: mapped by an entry that was named' },
    { name: 'other', lo: 5, hi: 15, doc: 'not defined', kind: 'reserved' },
    { name: 'guestBits', lo: 16, hi: 31, doc: 'GNTMAP_guest_avail0 and up: the guest’s', kind: 'number' },
  ],
};

/** An entry of a version 1 grant table: flags and domid share the first word, the frame is the second. */
export const GRANT_V1_ENTRY: EntryLayout = {
  name: 'grant entry v1',
  manual: 'Xen public/grant_table.h, struct grant_entry_v1 (dossier §5.1)',
  words: 2,
  fields: [
    {
      name: 'type',
      lo: 0,
      hi: 1,
      doc: 'GTF_type_mask',
      kind: 'enum',
      values: { 0: 'invalid', 1: 'permit_access', 2: 'accept_transfer', 3: 'transitive' },
    },
    { name: 'readonly', lo: 2, hi: 2, doc: 'GTF_readonly (accept_transfer: committed)' },
    { name: 'reading', lo: 3, hi: 3, doc: 'GTF_reading: mapped for reading (accept_transfer: completed)' },
    { name: 'writing', lo: 4, hi: 4, doc: 'GTF_writing: mapped for writing' },
    { name: 'pwt', lo: 5, hi: 5, doc: 'GTF_PWT' },
    { name: 'pcd', lo: 6, hi: 6, doc: 'GTF_PCD' },
    { name: 'pat', lo: 7, hi: 7, doc: 'GTF_PAT' },
    { name: 'subPage', lo: 8, hi: 8, doc: 'GTF_sub_page: a part of the page, for copies only' },
    { name: 'ignored9', lo: 9, hi: 15, doc: 'unused', kind: 'ignored' },
    { name: 'domid', lo: 16, hi: 31, doc: 'the domain that may use the grant', kind: 'number' },
    { name: 'frame', lo: 32, hi: 63, doc: 'the granted frame, a GFN', kind: 'frame' },
  ],
};

export const grantFlags = (w0: number): number => w0 & 0xffff;
export const grantDomid = (w0: number): number => w0 >>> 16;
export const grantFrame = (w1: number): number => w1 >>> 0;
/** First word of an entry. */
export const grantWord0 = (flags: number, domid: number): number => (domid << 16) | (flags & 0xffff);

/** The pin word of an active entry: four counters of mappings. (§5.1; Xen common/grant_table.c, GNTPIN_*) */
export const GRANT_PINS: EntryLayout = {
  name: 'grant pin counters',
  manual: 'Xen common/grant_table.c, GNTPIN_* (dossier §5.1)',
  words: 1,
  fields: [
    { name: 'hostWrite', lo: 0, hi: 7, doc: 'host mappings for writing', kind: 'number' },
    { name: 'hostRead', lo: 8, hi: 15, doc: 'host mappings for reading only', kind: 'number' },
    { name: 'deviceWrite', lo: 16, hi: 23, doc: 'device mappings for writing', kind: 'number' },
    { name: 'deviceRead', lo: 24, hi: 31, doc: 'device mappings for reading only', kind: 'number' },
  ],
};

/** One more of each counter. */
export const PIN_HOST_WRITE = 1;
export const PIN_HOST_READ = 1 << 8;
export const PIN_DEVICE_WRITE = 1 << 16;
export const PIN_DEVICE_READ = 1 << 24;
export const PIN_HOST_WRITE_MASK = 0xff;
export const PIN_HOST_READ_MASK = 0xff00;
export const PIN_DEVICE_WRITE_MASK = 0xff_0000;
export const PIN_DEVICE_READ_MASK = -0x100_0000;
export const PIN_WRITE_MASK = PIN_HOST_WRITE_MASK | PIN_DEVICE_WRITE_MASK;

/**
 * Whether adding `increment` (a sum of different PIN_ constants) must be refused: Xen does so when the top bit of a
 * counter that would grow is set, that is from 128 on. (§5.2, step 7)
 */
export function pinWouldOverflow(pins: number, increment: number): boolean {
  return (pins & (increment << 7)) !== 0;
}
