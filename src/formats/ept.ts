import { R, type Rights, W, X } from './address.js';
import type { BitField, EntryLayout } from './layout.js';
import type { EntryWords, RadixFormat } from './radix.js';

const MANUAL = 'Intel SDM volume 3C §29.3.2 (EPT translation)';

const RIGHTS: readonly BitField[] = [
  { name: 'read', lo: 0, hi: 0, doc: 'R' },
  { name: 'write', lo: 1, hi: 1, doc: 'W' },
  { name: 'execute', lo: 2, hi: 2, doc: 'X (supervisor-mode, with mode-based execute control)' },
];
const XEN: readonly BitField[] = [
  {
    name: 'recalculate',
    lo: 10,
    hi: 10,
    doc: 'ignored (execute for user mode); Xen: type must be recalculated',
  },
  { name: 'snoop', lo: 11, hi: 11, doc: 'ignored by EPT; SNP of VT-d when the table is shared' },
];

/** An entry that points to the next table. */
export const EPT_TABLE_ENTRY: EntryLayout = {
  name: 'EPT table entry',
  manual: MANUAL,
  words: 2,
  fields: [
    ...RIGHTS,
    { name: 'reserved3', lo: 3, hi: 6, doc: 'reserved, must be zero', kind: 'reserved' },
    { name: 'superpage', lo: 7, hi: 7, doc: '0, points to a table; reserved in a PML4E' },
    { name: 'accessed', lo: 8, hi: 8, doc: 'A, when enabled' },
    { name: 'ignored9', lo: 9, hi: 9, doc: 'ignored', kind: 'ignored' },
    ...XEN,
    { name: 'address', lo: 12, hi: 51, doc: 'frame of the next table', kind: 'frame' },
    { name: 'ignored52', lo: 52, hi: 63, doc: 'ignored', kind: 'ignored' },
  ],
};

/** An entry that maps a page of 4 KiB, or with bit 7 of 2 MiB or 1 GiB. */
export const EPT_LEAF_ENTRY: EntryLayout = {
  name: 'EPT leaf entry',
  manual: MANUAL,
  words: 2,
  fields: [
    ...RIGHTS,
    {
      name: 'memoryType',
      lo: 3,
      hi: 5,
      doc: 'memory type; 2, 3 and 7 are reserved',
      kind: 'enum',
      values: { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB' },
    },
    { name: 'ignorePat', lo: 6, hi: 6, doc: 'IPAT: the guest’s PAT does not count' },
    { name: 'superpage', lo: 7, hi: 7, doc: 'maps a large page; ignored at the 4 KiB level' },
    { name: 'accessed', lo: 8, hi: 8, doc: 'A, when enabled' },
    { name: 'dirty', lo: 9, hi: 9, doc: 'D, when enabled' },
    ...XEN,
    { name: 'address', lo: 12, hi: 51, doc: 'frame of the page, aligned to its size', kind: 'frame' },
    { name: 'p2mType', lo: 52, hi: 57, doc: 'ignored; Xen keeps the p2m type here', kind: 'number' },
    { name: 'pagingWrite', lo: 58, hi: 58, doc: 'paging-write access (EPT paging-write control)' },
    {
      name: 'access',
      lo: 59,
      hi: 62,
      doc: 'ignored or feature bits; Xen keeps the p2m access here',
      kind: 'number',
    },
    { name: 'suppressVe', lo: 63, hi: 63, doc: 'violations do not become #VE' },
  ],
};

const SUPERPAGE = 1 << 7;
/** Write-back, bits 3 to 5. */
const WRITE_BACK = 6 << 3;
/** Bit n set: memory type n is reserved. */
const RESERVED_TYPES = (1 << 2) | (1 << 3) | (1 << 7);
const SUPERPAGE_OFFSET: readonly number[] = [0, 0, 0x001f_f000, 0x3fff_f000];

/** An entry that allows writes and not reads is misconfigured, and a reserved memory type or bit too. */
function misconfigured(lo: number, level: number): boolean {
  if ((lo & (R | W)) === W) return true;
  const leaf = level === 1 || (lo & SUPERPAGE) !== 0;
  if (!leaf) return (lo & 0x78) !== 0;
  if (((RESERVED_TYPES >>> ((lo >>> 3) & 7)) & 1) !== 0) return true;
  return level > 1 && (level > 3 || (lo & SUPERPAGE_OFFSET[level]!) !== 0);
}

/**
 * Extended page tables of a processor with this physical address width. A VT-d unit that shares them walks them as
 * second-level tables: R, W and bit 7 stand at the same places, X and the memory type are ignored there, and an
 * entry with X alone is not present to the unit.
 */
export function eptTables(physicalWidth: number): RadixFormat {
  if (physicalWidth < 32 || physicalWidth > 52) {
    throw new RangeError(`physical address width ${physicalWidth} is not between 32 and 52`);
  }
  const beyondWidth = 0xf_ffff & ~(2 ** (physicalWidth - 32) - 1);
  return {
    name: 'ept',
    layout: EPT_LEAF_ENTRY,
    layoutAt: (level, leaf) => (leaf || level === 1 ? EPT_LEAF_ENTRY : EPT_TABLE_ENTRY),
    present: (lo) => (lo & 7) !== 0,
    leaf: (lo, _hi, level) => level === 1 || (lo & SUPERPAGE) !== 0,
    frame: (lo, hi) => (lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000,
    rights: (lo): Rights => lo & (R | W | X),
    reserved: (lo, hi, level) => (hi & beyondWidth) !== 0 || misconfigured(lo, level),
    leafMask: { lo: 0xffff_f03f | 0, hi: 0xf_ffff },
    levelName: (level) => `L${level}`,
    tableEntry(frame: number, _level: number, out: EntryWords) {
      out.lo = (frame << 12) | R | W | X;
      out.hi = (frame / 0x10_0000) & 0xf_ffff;
    },
    leafEntry(frame: number, rights: Rights, level: number, out: EntryWords) {
      out.lo = (frame << 12) | (rights & (R | W | X)) | WRITE_BACK | (level > 1 ? SUPERPAGE : 0);
      out.hi = (frame / 0x10_0000) & 0xf_ffff;
    },
  };
}

/** EPT of a processor with 52 physical address bits. */
export const EPT: RadixFormat = eptTables(52);
