import { R, type Rights, W, X } from './address.js';
import type { BitField, EntryLayout } from './layout.js';
import type { EntryWords, RadixFormat } from './radix.js';

const MANUAL = 'Intel SDM volume 3A §4.5 (4-level paging)';

/** User-mode accesses pass. A right of x86 entries only; PV guests, their kernels included, need it. */
export const U: Rights = 8;

const LOW: readonly BitField[] = [
  { name: 'present', lo: 0, hi: 0, doc: 'P' },
  { name: 'writable', lo: 1, hi: 1, doc: 'R/W: writes pass' },
  { name: 'user', lo: 2, hi: 2, doc: 'U/S: user-mode accesses pass' },
  { name: 'writeThrough', lo: 3, hi: 3, doc: 'PWT' },
  { name: 'cacheDisable', lo: 4, hi: 4, doc: 'PCD' },
  { name: 'accessed', lo: 5, hi: 5, doc: 'A' },
];
const AVAILABLE: BitField = { name: 'available', lo: 9, hi: 11, doc: 'AVL: for software', kind: 'number' };
const HIGH: readonly BitField[] = [
  { name: 'available52', lo: 52, hi: 58, doc: 'for software', kind: 'number' },
  {
    name: 'protectionKey',
    lo: 59,
    hi: 62,
    doc: 'protection key of a leaf; ignored elsewhere',
    kind: 'number',
  },
  { name: 'noExecute', lo: 63, hi: 63, doc: 'XD (NX): no instruction fetches' },
];

/** An entry that points to the next table (PML4E, PDPTE, PDE). */
export const X86_TABLE_ENTRY: EntryLayout = {
  name: 'x86-64 table entry',
  manual: MANUAL,
  words: 2,
  fields: [
    ...LOW,
    { name: 'ignored6', lo: 6, hi: 6, doc: 'ignored', kind: 'ignored' },
    { name: 'pageSize', lo: 7, hi: 7, doc: 'PS: 0, points to a table; reserved in a PML4E' },
    { name: 'ignored8', lo: 8, hi: 8, doc: 'ignored', kind: 'ignored' },
    AVAILABLE,
    { name: 'address', lo: 12, hi: 51, doc: 'frame of the next table', kind: 'frame' },
    ...HIGH,
  ],
};

/** An entry that maps a 4 KiB page (PTE). */
export const X86_PAGE_ENTRY: EntryLayout = {
  name: 'x86-64 page entry',
  manual: MANUAL,
  words: 2,
  fields: [
    ...LOW,
    { name: 'dirty', lo: 6, hi: 6, doc: 'D' },
    { name: 'pat', lo: 7, hi: 7, doc: 'PAT' },
    { name: 'global', lo: 8, hi: 8, doc: 'G' },
    AVAILABLE,
    { name: 'address', lo: 12, hi: 51, doc: 'frame of the page', kind: 'frame' },
    ...HIGH,
  ],
};

/** An entry that maps a 2 MiB or 1 GiB page (PDE, PDPTE with PS). */
export const X86_SUPERPAGE_ENTRY: EntryLayout = {
  name: 'x86-64 superpage entry',
  manual: MANUAL,
  words: 2,
  fields: [
    ...LOW,
    { name: 'dirty', lo: 6, hi: 6, doc: 'D' },
    { name: 'pageSize', lo: 7, hi: 7, doc: 'PS: 1, maps a page' },
    { name: 'global', lo: 8, hi: 8, doc: 'G' },
    AVAILABLE,
    { name: 'pat', lo: 12, hi: 12, doc: 'PAT' },
    {
      name: 'offset',
      lo: 13,
      hi: 20,
      doc: 'reserved, zero: below the alignment of a 2 MiB page',
      kind: 'reserved',
    },
    {
      name: 'address',
      lo: 21,
      hi: 51,
      doc: 'number of the page in units of 2 MiB; even multiples of 512 for 1 GiB',
      kind: 'number',
    },
    ...HIGH,
  ],
};

const P = 1;
const RW = 2;
const US = 4;
const A = 0x20;
const PS = 0x80;
const NX = 1 << 31;

/** Bits that must be zero in the low word of a 2 MiB and a 1 GiB page; bit 12 is PAT. */
const SUPERPAGE_RESERVED: readonly number[] = [0, 0, 0x001f_e000, 0x3fff_e000];

/** The format on a processor with this physical address width (MAXPHYADDR). */
export function x86PageTables(physicalWidth: number): RadixFormat {
  if (physicalWidth < 32 || physicalWidth > 52) {
    throw new RangeError(`physical address width ${physicalWidth} is not between 32 and 52`);
  }
  const beyondWidth = 0xf_ffff & ~(2 ** (physicalWidth - 32) - 1);
  return {
    name: 'x86-64',
    layout: X86_PAGE_ENTRY,
    layoutAt: (level, leaf) => (level === 1 ? X86_PAGE_ENTRY : leaf ? X86_SUPERPAGE_ENTRY : X86_TABLE_ENTRY),
    present: (lo) => (lo & P) !== 0,
    leaf: (lo, _hi, level) => level === 1 || (lo & PS) !== 0,
    frame: (lo, hi) => (lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000,
    rights: (lo, hi) => R | (lo & RW) | (hi < 0 ? 0 : X) | ((lo & US) << 1),
    reserved(lo, hi, level) {
      if ((hi & beyondWidth) !== 0) return true;
      if (level === 1 || (lo & PS) === 0) return false;
      return level > 3 || (lo & SUPERPAGE_RESERVED[level]!) !== 0;
    },
    leafMask: { lo: 0xffff_f000 | P | RW | US, hi: 0xf_ffff | NX },
    levelName: (level) => `L${level}`,
    tableEntry(frame: number, _level: number, out: EntryWords) {
      out.lo = (frame << 12) | P | RW | US | A;
      out.hi = (frame / 0x10_0000) & 0xf_ffff;
    },
    leafEntry(frame: number, rights: Rights, level: number, out: EntryWords) {
      out.lo = (frame << 12) | P | (rights & W) | ((rights & U) >> 1) | (level > 1 ? PS : 0);
      out.hi = ((frame / 0x10_0000) & 0xf_ffff) | (rights & X ? 0 : NX);
    },
  };
}

/** x86-64 page tables of a processor with 52 physical address bits. */
export const X86_64: RadixFormat = x86PageTables(52);
