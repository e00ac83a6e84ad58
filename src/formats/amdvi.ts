import { R, type Rights, W } from './address.js';
import type { BitField, EntryLayout } from './layout.js';
import { ENTRY_SPAN, type EntryWords, type RadixFormat, type RootShape } from './radix.js';
import type { WordSink } from './words.js';

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08';

const CONTROL = { 0: 'aborted', 1: 'forwarded', 2: 'translated' } as const;

/** Device table entry: one a requester id. 256 bits. With V = 0 the unit ignores the rest and lets everything pass. */
export const AMDVI_DEVICE_ENTRY: EntryLayout = {
  name: 'AMD-Vi device table entry',
  manual: `${MANUAL} §2.2.2.1`,
  words: 8,
  fields: [
    { name: 'valid', lo: 0, hi: 0, doc: 'V: bits 1 to 127 count' },
    { name: 'translationValid', lo: 1, hi: 1, doc: 'TV: mode, root and domain id count' },
    { name: 'reserved2', lo: 2, hi: 6, doc: 'reserved', kind: 'reserved' },
    {
      name: 'accessedDirty',
      lo: 7,
      hi: 8,
      doc: 'HAD: the unit keeps accessed and dirty bits',
      kind: 'number',
    },
    {
      name: 'mode',
      lo: 9,
      hi: 11,
      doc: 'Mode: levels of the page tables; 0 none, addresses pass untranslated',
      kind: 'number',
    },
    { name: 'root', lo: 12, hi: 51, doc: 'frame of the root table', kind: 'frame' },
    { name: 'peripheralPages', lo: 52, hi: 52, doc: 'PPR: peripheral page requests' },
    { name: 'guestPasid', lo: 53, hi: 53, doc: 'GPRP: guest responses carry the PASID' },
    { name: 'guestProtection', lo: 54, hi: 54, doc: 'GIoV: guest I/O protection' },
    { name: 'guestTranslation', lo: 55, hi: 55, doc: 'GV: guest (first-stage) translation' },
    { name: 'guestLevels', lo: 56, hi: 57, doc: 'GLX: levels of the guest CR3 table', kind: 'number' },
    { name: 'guestCr3a', lo: 58, hi: 60, doc: 'guest CR3 table, bits 12 to 14', kind: 'number' },
    { name: 'read', lo: 61, hi: 61, doc: 'IR: reads pass' },
    { name: 'write', lo: 62, hi: 62, doc: 'IW: writes pass' },
    { name: 'reserved63', lo: 63, hi: 63, doc: 'reserved', kind: 'reserved' },
    { name: 'did', lo: 64, hi: 79, doc: 'DomainID: tags the IOTLB', kind: 'number' },
    { name: 'guestCr3b', lo: 80, hi: 95, doc: 'guest CR3 table, bits 15 to 30', kind: 'number' },
    { name: 'deviceTlb', lo: 96, hi: 96, doc: 'I: the device may keep translations (ATS)' },
    {
      name: 'suppressEvents',
      lo: 97,
      hi: 97,
      doc: 'SE: one page fault an entry of the unit’s cache is logged',
    },
    { name: 'suppressAllEvents', lo: 98, hi: 98, doc: 'SA: no page fault is logged' },
    { name: 'ioControl', lo: 99, hi: 100, doc: 'IoCtl: port I/O', kind: 'enum', values: CONTROL },
    { name: 'cacheHint', lo: 101, hi: 101, doc: 'Cache: do not cache translations for ATS requests' },
    { name: 'snoopDisable', lo: 102, hi: 102, doc: 'SD' },
    { name: 'exclusion', lo: 103, hi: 103, doc: 'EX: the unit’s exclusion range passes untranslated' },
    {
      name: 'systemManagement',
      lo: 104,
      hi: 105,
      doc: 'SysMgt: system management messages',
      kind: 'number',
    },
    { name: 'reserved106', lo: 106, hi: 106, doc: 'reserved (secure ATS)', kind: 'reserved' },
    { name: 'guestCr3c', lo: 107, hi: 127, doc: 'guest CR3 table, bits 31 to 51', kind: 'number' },
    { name: 'interruptsValid', lo: 128, hi: 128, doc: 'IV: the interrupt fields count' },
    { name: 'interruptTableLength', lo: 129, hi: 132, doc: 'IntTabLen: log2 of the entries', kind: 'number' },
    { name: 'ignoreUnmapped', lo: 133, hi: 133, doc: 'IG: unmapped interrupts are not logged' },
    {
      name: 'interruptTable',
      lo: 134,
      hi: 179,
      doc: 'address of the interrupt table in units of 64 bytes',
      kind: 'frame',
    },
    { name: 'reserved180', lo: 180, hi: 183, doc: 'reserved', kind: 'reserved' },
    { name: 'initPass', lo: 184, hi: 184, doc: 'InitPass' },
    { name: 'externalPass', lo: 185, hi: 185, doc: 'EIntPass' },
    { name: 'nmiPass', lo: 186, hi: 186, doc: 'NMIPass' },
    { name: 'reserved187', lo: 187, hi: 187, doc: 'reserved (HPTMode)', kind: 'reserved' },
    { name: 'interruptControl', lo: 188, hi: 189, doc: 'IntCtl', kind: 'enum', values: CONTROL },
    { name: 'lint0Pass', lo: 190, hi: 190, doc: 'Lint0Pass' },
    { name: 'lint1Pass', lo: 191, hi: 191, doc: 'Lint1Pass' },
    { name: 'reserved192', lo: 192, hi: 223, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved224', lo: 224, hi: 245, doc: 'reserved (virtualised IOMMU)', kind: 'reserved' },
    { name: 'attributeOverride', lo: 246, hi: 246, doc: 'AttrV: the two next fields count' },
    { name: 'mode0ForceCoherent', lo: 247, hi: 247, doc: 'Mode0FC' },
    { name: 'snoopAttribute', lo: 248, hi: 255, doc: 'SnoopAttribute', kind: 'number' },
  ],
};

/** Device table base address register: where the device table is, and how long. */
export const AMDVI_DEVICE_TABLE_BASE: EntryLayout = {
  name: 'AMD-Vi device table base',
  manual: `${MANUAL} §3.4.1 (MMIO offset 0000h)`,
  words: 2,
  fields: [
    { name: 'size', lo: 0, hi: 8, doc: 'Size: length in units of 4 KiB, less 1', kind: 'number' },
    { name: 'reserved9', lo: 9, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'table', lo: 12, hi: 51, doc: 'DevTabBase: frame of the table', kind: 'frame' },
    { name: 'reserved52', lo: 52, hi: 63, doc: 'reserved', kind: 'reserved' },
  ],
};

/** Offsets of an AMD-Vi unit's registers (AMD IOMMU spec 3.08 §3.4). */
export const AmdviRegister = { DEVICE_TABLE: 0x00, CONTROL: 0x18 } as const;

/** Bytes of a device table entry. */
export const AMDVI_ENTRY_BYTES = 32;
/** Entries of a device table for every requester id, and the frames it takes. */
export const AMDVI_DEVICES = 0x1_0000;
export const AMDVI_DEVICE_TABLE_FRAMES = (AMDVI_DEVICES * AMDVI_ENTRY_BYTES) / 4096;

/** Roots by mode, the number of levels; none for 0, which translates nothing, and for the reserved 7. */
export const AMDVI_SHAPES: readonly (RootShape | undefined)[] = [
  undefined,
  ...[1, 2, 3, 4, 5].map((topLevel) => ({ topLevel, concatenated: 1 })),
  // Six levels could index 66 bits.
  { topLevel: 6, concatenated: 1, inputBits: 64 },
  undefined,
];

// Reading device table entries: `w0` to `w3` are the entry's words.

export const deviceValid = (w0: number): boolean => (w0 & 1) !== 0;
export const deviceTranslationValid = (w0: number): boolean => (w0 & 2) !== 0;
export const deviceMode = (w0: number): number => (w0 >>> 9) & 7;
/** Frame of the root table. */
export const deviceRoot = (w0: number, w1: number): number => (w0 >>> 12) + (w1 & 0xf_ffff) * 0x10_0000;
/** GV; it needs tables of another format. */
export const deviceGuestTranslation = (w1: number): boolean => (w1 & 0x80_0000) !== 0;
/** IR and IW. */
export const deviceRights = (w1: number): Rights => (w1 >>> 29) & (R | W);
export const deviceDid = (w2: number): number => w2 & 0xffff;
/** Whether a valid entry has a reserved bit set among those that count, 1 to 127. */
export const deviceReserved = (w0: number, w1: number, w3: number): boolean =>
  (w0 & 0x7c) !== 0 || w1 < 0 || (w3 & 0x400) !== 0;

// Making them.

const VALID = 1;
const TRANSLATION_VALID = 2;
const READ_WRITE = (R | W) << 29;

/** What a device table entry says of translation; the rest of it is Xen's choice for every entry. */
export interface DeviceEntry {
  readonly valid: boolean;
  readonly translationValid: boolean;
  /** Levels of the tables, 0 for none. */
  readonly mode: number;
  readonly root: number;
  readonly did: number;
}

/** Writes the first half of the entry at `pa`, reads and writes allowed. The second half, interrupts, is left alone. */
export function writeDeviceEntry(sink: WordSink, pa: number, entry: DeviceEntry): void {
  const { valid, translationValid, mode, root, did } = entry;
  sink.write32(pa + 12, 0);
  sink.write32(pa + 8, did & 0xffff);
  sink.write32(pa + 4, READ_WRITE | ((root / 0x10_0000) & 0xf_ffff));
  sink.write32(
    pa,
    (root << 12) | (mode << 9) | (translationValid ? TRANSLATION_VALID : 0) | (valid ? VALID : 0),
  );
}

/** Aborts what the device sends: V = 1 and TV = 0. Mode, root and domain id stay, as Xen leaves them. */
export function abortDevice(sink: WordSink, pa: number): void {
  sink.write32(pa, (sink.read32(pa) & ~TRANSLATION_VALID) | VALID);
}

const PAGE_TABLES = `${MANUAL} §2.2.3`;

const PRESENT: BitField = { name: 'present', lo: 0, hi: 0, doc: 'PR' };
const CONTIGUITY: BitField = {
  name: 'contiguity',
  lo: 1,
  hi: 4,
  doc: 'ignored; Xen keeps its contiguity marker here',
  kind: 'number',
};
const NEXT_LEVEL: BitField = {
  name: 'nextLevel',
  lo: 9,
  hi: 11,
  doc: 'Next Level: 0, a page of the level’s size; 7, a page whose size the address encodes; else the level of the table',
  kind: 'number',
};
const RIGHTS: readonly BitField[] = [
  { name: 'read', lo: 61, hi: 61, doc: 'IR: reads pass' },
  { name: 'write', lo: 62, hi: 62, doc: 'IW: writes pass' },
  { name: 'ignored63', lo: 63, hi: 63, doc: 'ignored', kind: 'ignored' },
];

/** An entry that points to the next table. */
export const AMDVI_TABLE_ENTRY: EntryLayout = {
  name: 'AMD-Vi I/O page table directory entry',
  manual: `${PAGE_TABLES}, PDE`,
  words: 2,
  fields: [
    PRESENT,
    CONTIGUITY,
    { name: 'accessed', lo: 5, hi: 5, doc: 'A' },
    { name: 'ignored6', lo: 6, hi: 8, doc: 'ignored', kind: 'ignored' },
    NEXT_LEVEL,
    { name: 'address', lo: 12, hi: 51, doc: 'frame of the next table', kind: 'frame' },
    { name: 'reserved52', lo: 52, hi: 60, doc: 'reserved', kind: 'reserved' },
    ...RIGHTS,
  ],
};

/** An entry that maps a page. */
export const AMDVI_LEAF_ENTRY: EntryLayout = {
  name: 'AMD-Vi I/O page table leaf entry',
  manual: `${PAGE_TABLES}, PTE`,
  words: 2,
  fields: [
    PRESENT,
    CONTIGUITY,
    { name: 'accessed', lo: 5, hi: 5, doc: 'A' },
    { name: 'dirty', lo: 6, hi: 6, doc: 'D' },
    { name: 'ignored7', lo: 7, hi: 8, doc: 'ignored', kind: 'ignored' },
    NEXT_LEVEL,
    {
      name: 'address',
      lo: 12,
      hi: 51,
      doc: 'frame of the page; with next level 7 the trailing ones encode its size',
      kind: 'frame',
    },
    { name: 'reserved52', lo: 52, hi: 58, doc: 'reserved', kind: 'reserved' },
    { name: 'untranslatedOnly', lo: 59, hi: 59, doc: 'U: for ATS, use untranslated requests' },
    { name: 'forceCoherent', lo: 60, hi: 60, doc: 'FC: accesses snoop the caches' },
    ...RIGHTS,
  ],
};

/** Values of the next-level field that make a leaf. */
export const NextLevel = { PAGE: 0, SIZED_PAGE: 7 } as const;

const nextLevelOf = (lo: number): number => (lo >>> 9) & 7;
/** FC, bit 60. */
const FORCE_COHERENT = 1 << 28;
const LEAF_RESERVED = 0x07f0_0000;
const TABLE_RESERVED = 0x1ff0_0000;

/**
 * Frames in a page whose address encodes its size: twice as many as the frame's trailing ones count to. A clear bit 12
 * is two frames, bits 13 and 12 as 01 are four, 19 to 12 all ones below a zero 512.
 */
export function sizedPageSpan(lo: number, hi: number): number {
  const low = ~(lo >>> 12) & 0xf_ffff;
  if (low !== 0) return 2 ** (32 - Math.clz32(low & -low));
  const high = ~(hi & 0xf_ffff);
  return 2 ** (52 - Math.clz32(high & -high));
}

/**
 * I/O page tables: the unit takes the level of each table from the entry that points to it, so levels may be skipped,
 * and pages may have any power of two as size. A page of a size of its own lies in as many equal entries as it covers
 * at its level, so it is larger than the level's and smaller than the level's above. The low address bits of a page
 * of the level's size are ignored. (Xen writes neither skipped levels nor sizes, §7.2.)
 */
export const AMDVI_TABLES: RadixFormat = {
  name: 'amdvi',
  layout: AMDVI_LEAF_ENTRY,
  layoutAt: (level, leaf) => (leaf || level === 1 ? AMDVI_LEAF_ENTRY : AMDVI_TABLE_ENTRY),
  present: (lo) => (lo & 1) !== 0,
  leaf(lo) {
    const next = nextLevelOf(lo);
    return next === NextLevel.PAGE || next === NextLevel.SIZED_PAGE;
  },
  frame: (lo, hi) => (lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000,
  rights: (_lo, hi): Rights => (hi >>> 29) & (R | W),
  reserved(lo, hi, level) {
    const next = nextLevelOf(lo);
    if (next === NextLevel.PAGE) return (hi & LEAF_RESERVED) !== 0;
    if (next !== NextLevel.SIZED_PAGE) return (hi & TABLE_RESERVED) !== 0 || next >= level;
    if ((hi & LEAF_RESERVED) !== 0) return true;
    const span = sizedPageSpan(lo, hi);
    return span <= ENTRY_SPAN[level]! || span >= ENTRY_SPAN[level + 1]!;
  },
  nextLevel: nextLevelOf,
  pageSpan: (lo, hi, level) =>
    nextLevelOf(lo) === NextLevel.PAGE ? ENTRY_SPAN[level]! : sizedPageSpan(lo, hi),
  leafMask: { lo: 0xffff_fe01 | 0, hi: 0xf_ffff | LEAF_RESERVED | READ_WRITE },
  levelName: (level) => `L${level}`,
  tableEntry(frame: number, level: number, out: EntryWords) {
    out.lo = (frame << 12) | ((level - 1) << 9) | 1;
    out.hi = READ_WRITE | ((frame / 0x10_0000) & 0xf_ffff);
  },
  leafEntry(frame: number, rights: Rights, _level: number, out: EntryWords) {
    out.lo = (frame << 12) | 1;
    out.hi = ((rights & (R | W)) << 29) | FORCE_COHERENT | ((frame / 0x10_0000) & 0xf_ffff);
  },
};
