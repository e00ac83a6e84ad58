import { R, type Rights, W } from './address.js';
import type { BitField, EntryLayout } from './layout.js';
import type { EntryWords, RadixFormat } from './radix.js';
import type { WordSink } from './words.js';

/** Root-table entry, legacy mode: one a bus. 128 bits. */
export const VTD_ROOT_ENTRY: EntryLayout = {
  name: 'VT-d root entry',
  manual: 'Intel VT-d spec 5.10 §9.1',
  words: 4,
  fields: [
    { name: 'present', lo: 0, hi: 0, doc: 'P' },
    { name: 'reserved1', lo: 1, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'contextTable', lo: 12, hi: 63, doc: 'CTP: frame of the bus’s context table', kind: 'frame' },
    { name: 'reserved64', lo: 64, hi: 95, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved96', lo: 96, hi: 127, doc: 'reserved', kind: 'reserved' },
  ],
};

/** Context entry, legacy mode: one a device and function. 128 bits. */
export const VTD_CONTEXT_ENTRY: EntryLayout = {
  name: 'VT-d context entry',
  manual: 'Intel VT-d spec 5.10 §9.3',
  words: 4,
  fields: [
    { name: 'present', lo: 0, hi: 0, doc: 'P' },
    { name: 'faultDisable', lo: 1, hi: 1, doc: 'FPD: qualified faults are not recorded' },
    {
      name: 'type',
      lo: 2,
      hi: 3,
      doc: 'TT: translation type',
      kind: 'enum',
      values: { 0: 'multi-level', 1: 'device-IOTLB', 2: 'pass-through' },
    },
    { name: 'reserved4', lo: 4, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'root', lo: 12, hi: 63, doc: 'SSPTPTR: frame of the second-level root table', kind: 'frame' },
    {
      name: 'width',
      lo: 64,
      hi: 66,
      doc: 'AW: adjusted guest address width, hence the number of levels',
      kind: 'enum',
      values: { 1: '39-bit', 2: '48-bit', 3: '57-bit' },
    },
    { name: 'ignored67', lo: 67, hi: 70, doc: 'ignored', kind: 'ignored' },
    { name: 'reserved71', lo: 71, hi: 71, doc: 'reserved', kind: 'reserved' },
    { name: 'did', lo: 72, hi: 87, doc: 'DID: domain id that tags the IOTLB', kind: 'number' },
    { name: 'reserved88', lo: 88, hi: 127, doc: 'reserved', kind: 'reserved' },
  ],
};

/** Translation types of a context entry. */
export const ContextType = { MULTI_LEVEL: 0, DEVICE_IOTLB: 1, PASS_THROUGH: 2 } as const;

/** Bytes of a root or context entry; a table has 256 of them. */
export const VTD_ENTRY_BYTES = 16;

/** Levels of a context entry's width field; 0 for a reserved value. */
export function levelsOfWidth(width: number): number {
  return width >= 1 && width <= 3 ? width + 2 : 0;
}

/** The width field for a number of levels. */
export function widthOfLevels(levels: number): number {
  return levels - 2;
}

/** Guest address bits that a number of levels translates. */
export function bitsOfLevels(levels: number): number {
  return 12 + 9 * levels;
}

/**
 * The levels Xen uses on a unit: the highest of 3 (SAGAW bit 1) and 4 (bit 2) it supports; 0 when neither. Xen
 * ignores bit 3, five levels, with a warning. (§7.1; Intel VT-d spec 5.10 §11.4.2, CAP_REG.SAGAW.)
 */
export function levelsOfSagaw(sagaw: number): number {
  return sagaw & 4 ? 4 : sagaw & 2 ? 3 : 0;
}

// Reading root and context entries: `w0` to `w3` are the entry's words.

/** P of a root or context entry. */
export const entryPresent = (w0: number): boolean => (w0 & 1) !== 0;
/** Frame of a root entry's context table, or of a context entry's second-level root. */
export const entryFrame = (w0: number, w1: number): number => (w0 >>> 12) + (w1 >>> 0) * 0x10_0000;
/** FPD; it counts even when the entry is not present. */
export const contextFaultDisable = (w0: number): boolean => (w0 & 2) !== 0;
export const contextType = (w0: number): number => (w0 >>> 2) & 3;
export const contextWidth = (w2: number): number => w2 & 7;
export const contextDid = (w2: number): number => (w2 >>> 8) & 0xffff;

/**
 * Whether a root entry has a reserved bit set: fault reason 0xa. Frame bits from the host address width up are
 * reserved too; whoever knows the width checks {@link entryFrame}.
 */
export const rootReserved = (w0: number, w2: number, w3: number): boolean =>
  (w0 & 0xffe) !== 0 || (w2 | w3) !== 0;

/** Whether a context entry has a reserved bit set below or above its frame: fault reason 0xb. */
export const contextReserved = (w0: number, w2: number, w3: number): boolean =>
  (w0 & 0xff0) !== 0 || (w2 & 0xff00_0080) !== 0 || w3 !== 0;

// Making them.

/** First word of a present root entry. */
export const rootWord0 = (contextTable: number): number => (contextTable << 12) | 1;
/** First word of a present context entry. */
export const contextWord0 = (type: number, root: number): number => (root << 12) | (type << 2) | 1;
/** Second word of a root or context entry. */
export const entryWord1 = (frame: number): number => (frame / 0x10_0000) | 0;
/** Third word of a context entry. */
export const contextWord2 = (levels: number, did: number): number =>
  ((did & 0xffff) << 8) | widthOfLevels(levels);

/** Writes a present root entry at `pa`. */
export function writeRootEntry(sink: WordSink, pa: number, contextTable: number): void {
  sink.write32(pa + 12, 0);
  sink.write32(pa + 8, 0);
  sink.write32(pa + 4, entryWord1(contextTable));
  sink.write32(pa, rootWord0(contextTable));
}

/** Writes a present context entry at `pa`. Pass-through entries still name the widest width the unit supports. */
export function writeContextEntry(
  sink: WordSink,
  pa: number,
  type: number,
  root: number,
  levels: number,
  did: number,
): void {
  sink.write32(pa + 12, 0);
  sink.write32(pa + 8, contextWord2(levels, did));
  sink.write32(pa + 4, entryWord1(root));
  sink.write32(pa, contextWord0(type, root));
}

/** Writes zeros over the root or context entry at `pa`, the present bit first. */
export function clearEntry(sink: WordSink, pa: number): void {
  for (let offset = 0; offset < VTD_ENTRY_BYTES; offset += 4) sink.write32(pa + offset, 0);
}

const SECOND_LEVEL = 'Intel VT-d spec 5.10 §9.8';

const READ: BitField = { name: 'read', lo: 0, hi: 0, doc: 'R: reads pass' };
const WRITE: BitField = { name: 'write', lo: 1, hi: 1, doc: 'W: writes pass' };
const SOFTWARE: readonly BitField[] = [
  {
    name: 'contiguity',
    lo: 52,
    hi: 55,
    doc: 'ignored; Xen keeps its contiguity marker here',
    kind: 'number',
  },
  {
    name: 'ignored56',
    lo: 56,
    hi: 63,
    doc: 'ignored (62: transient mapping, with device-TLBs)',
    kind: 'ignored',
  },
];

/** An entry that points to the next table (SS-PML4E, SS-PDPE, SS-PDE). */
export const VTD_TABLE_ENTRY: EntryLayout = {
  name: 'VT-d second-level table entry',
  manual: SECOND_LEVEL,
  words: 2,
  fields: [
    READ,
    WRITE,
    { name: 'ignored2', lo: 2, hi: 6, doc: 'ignored (2: execute, in shared EPT tables)', kind: 'ignored' },
    { name: 'superpage', lo: 7, hi: 7, doc: 'PS: 0, points to a table' },
    { name: 'accessed', lo: 8, hi: 8, doc: 'A: ignored in legacy mode' },
    { name: 'ignored9', lo: 9, hi: 11, doc: 'ignored', kind: 'ignored' },
    { name: 'address', lo: 12, hi: 51, doc: 'ADDR: frame of the next table', kind: 'frame' },
    ...SOFTWARE,
  ],
};

/** An entry that maps a page: a 4 KiB one (SS-PTE), or 2 MiB and 1 GiB ones with the superpage bit. */
export const VTD_LEAF_ENTRY: EntryLayout = {
  name: 'VT-d second-level leaf entry',
  manual: SECOND_LEVEL,
  words: 2,
  fields: [
    READ,
    WRITE,
    { name: 'ignored2', lo: 2, hi: 2, doc: 'ignored (execute, in shared EPT tables)', kind: 'ignored' },
    { name: 'memoryType', lo: 3, hi: 5, doc: 'EMT: ignored in legacy mode', kind: 'number' },
    { name: 'ignorePat', lo: 6, hi: 6, doc: 'IPAT: ignored in legacy mode' },
    { name: 'superpage', lo: 7, hi: 7, doc: 'PS: maps a large page; ignored at the 4 KiB level' },
    { name: 'accessed', lo: 8, hi: 8, doc: 'A: ignored in legacy mode' },
    { name: 'dirty', lo: 9, hi: 9, doc: 'D: ignored in legacy mode' },
    { name: 'ignored10', lo: 10, hi: 10, doc: 'ignored', kind: 'ignored' },
    { name: 'snoop', lo: 11, hi: 11, doc: 'SNP: accesses snoop the caches; reserved without snoop control' },
    { name: 'address', lo: 12, hi: 51, doc: 'ADDR: frame of the page, aligned to its size', kind: 'frame' },
    ...SOFTWARE,
  ],
};

const SUPERPAGE = 1 << 7;
const SNOOP = 1 << 11;

/** What a unit's capabilities say about the entries it accepts. */
export interface VtdEntryCapabilities {
  /** Host address width: address bits from here to 51 are reserved. */
  readonly hostAddressWidth: number;
  /** Highest level with superpages: 1 none, 2 for 2 MiB, 3 for 1 GiB too (CAP.SLLPS). */
  readonly superpageLevel: number;
  /** Snoop control (ECAP.SC); without it bit 11 of a leaf is reserved. */
  readonly snoopControl: boolean;
}

/** Address bits 12 to 20 or 29 of a superpage's low word, which must be zero. */
const SUPERPAGE_OFFSET: readonly number[] = [0, 0, 0x001f_f000, 0x3fff_f000];

/** Address bits of a low word. */
const FRAME_BITS = 0xffff_f000 | 0;

/** The second-level format as a unit with these capabilities reads it. */
export function vtdSecondLevel(capabilities: VtdEntryCapabilities): RadixFormat {
  const { hostAddressWidth, superpageLevel, snoopControl } = capabilities;
  if (hostAddressWidth < 32 || hostAddressWidth > 52) {
    throw new RangeError(`host address width ${hostAddressWidth} is not between 32 and 52`);
  }
  const beyondWidth = 0xf_ffff & ~(2 ** (hostAddressWidth - 32) - 1);
  const leafReserved = snoopControl ? 0 : SNOOP;
  return {
    name: 'vtd-second-level',
    layout: VTD_LEAF_ENTRY,
    layoutAt: (level, leaf) => (leaf || level === 1 ? VTD_LEAF_ENTRY : VTD_TABLE_ENTRY),
    present: (lo) => (lo & 3) !== 0,
    leaf: (lo, _hi, level) => level === 1 || (lo & SUPERPAGE) !== 0,
    frame: (lo, hi) => (lo >>> 12) + (hi & 0xf_ffff) * 0x10_0000,
    rights: (lo): Rights => lo & (R | W),
    reserved(lo, hi, level) {
      if ((hi & beyondWidth) !== 0) return true;
      if (level === 1) return (lo & leafReserved) !== 0;
      if ((lo & SUPERPAGE) === 0) return false;
      return level > superpageLevel || (lo & (SUPERPAGE_OFFSET[level]! | leafReserved)) !== 0;
    },
    leafMask: { lo: FRAME_BITS | R | W | leafReserved, hi: 0xf_ffff },
    levelName: (level) => `L${level}`,
    tableEntry(frame: number, _level: number, out: EntryWords) {
      out.lo = (frame << 12) | R | W;
      out.hi = (frame / 0x10_0000) & 0xf_ffff;
    },
    leafEntry(frame: number, rights: Rights, level: number, out: EntryWords) {
      out.lo = (frame << 12) | (rights & (R | W)) | (level > 1 ? SUPERPAGE : 0);
      out.hi = (frame / 0x10_0000) & 0xf_ffff;
    },
  };
}

/** The second-level format of a unit with every capability. */
export const VTD_SECOND_LEVEL: RadixFormat = vtdSecondLevel({
  hostAddressWidth: 52,
  superpageLevel: 3,
  snoopControl: true,
});
