import { R, type Rights, W, X } from './address.js';
import type { BitField, EntryLayout } from './layout.js';
import type { EntryWords, RadixFormat, RootShape } from './radix.js';

const MANUAL = 'Arm ARM DDI 0487 §D8.3 (VMSAv8-64 stage 2 descriptors, 4 KiB granule)';

const VALID: BitField = { name: 'valid', lo: 0, hi: 0, doc: 'bit 0: the descriptor is valid' };
const SOFTWARE: BitField = {
  name: 'p2mType',
  lo: 55,
  hi: 58,
  doc: 'for software; Xen keeps the p2m type here',
  kind: 'number',
};

/** A descriptor that points to the next table. Stage 2 has no attributes in table descriptors. */
export const STAGE2_TABLE: EntryLayout = {
  name: 'Arm stage-2 table descriptor',
  manual: MANUAL,
  words: 2,
  fields: [
    VALID,
    { name: 'table', lo: 1, hi: 1, doc: 'bit 1: 1, a table' },
    { name: 'ignored2', lo: 2, hi: 11, doc: 'ignored', kind: 'ignored' },
    { name: 'address', lo: 12, hi: 47, doc: 'frame of the next table', kind: 'frame' },
    { name: 'reserved48', lo: 48, hi: 51, doc: 'RES0 without 52-bit addresses', kind: 'reserved' },
    { name: 'ignored52', lo: 52, hi: 54, doc: 'ignored', kind: 'ignored' },
    SOFTWARE,
    { name: 'ignored59', lo: 59, hi: 63, doc: 'ignored or RES0 in stage 2', kind: 'ignored' },
  ],
};

/** A descriptor that maps a page (level 3, bit 1 set) or a block (levels 1 and 2, bit 1 clear). */
export const STAGE2_LEAF: EntryLayout = {
  name: 'Arm stage-2 page or block descriptor',
  manual: MANUAL,
  words: 2,
  fields: [
    VALID,
    { name: 'table', lo: 1, hi: 1, doc: 'bit 1: 1 for a page, 0 for a block' },
    {
      name: 'memAttr',
      lo: 2,
      hi: 5,
      doc: 'MemAttr: memory type and cacheability',
      kind: 'enum',
      values: { 0: 'device-nGnRnE', 1: 'device-nGnRE', 5: 'normal non-cacheable', 15: 'normal write-back' },
    },
    {
      name: 'access',
      lo: 6,
      hi: 7,
      doc: 'S2AP: bit 6 reads, bit 7 writes',
      kind: 'enum',
      values: { 0: 'none', 1: 'read-only', 2: 'write-only', 3: 'read-write' },
    },
    {
      name: 'shareability',
      lo: 8,
      hi: 9,
      doc: 'SH',
      kind: 'enum',
      values: { 0: 'non-shareable', 2: 'outer', 3: 'inner' },
    },
    { name: 'accessFlag', lo: 10, hi: 10, doc: 'AF: 0 faults on the first access' },
    { name: 'reserved11', lo: 11, hi: 11, doc: 'RES0 in stage 2 (FnXS with FEAT_XS)', kind: 'reserved' },
    { name: 'address', lo: 12, hi: 47, doc: 'frame of the page or block', kind: 'frame' },
    { name: 'reserved48', lo: 48, hi: 51, doc: 'RES0 without 52-bit addresses (51: DBM)', kind: 'reserved' },
    { name: 'contiguous', lo: 52, hi: 52, doc: 'Contiguous: one of 16 entries that may share a TLB entry' },
    { name: 'executeNever0', lo: 53, hi: 53, doc: 'XN[0] with FEAT_XNX; else RES0' },
    { name: 'executeNever', lo: 54, hi: 54, doc: 'XN[1], or XN without FEAT_XNX' },
    SOFTWARE,
    { name: 'ignored59', lo: 59, hi: 63, doc: 'ignored or for software', kind: 'ignored' },
  ],
};

const PAGE_OR_TABLE = 2;
const ACCESS_FLAG = 1 << 10;
/** Xen's attributes of ordinary memory: write-back, inner shareable. */
const NORMAL_MEMORY = (0xf << 2) | (3 << 8);
const XN = 1 << 22;

/**
 * Arm stage-2 tables, 4 KiB granule. Their level l stands at our level 4 - l. Encodings that the architecture calls
 * reserved (a page without bit 1, a block at level 0) count as RESERVED; the hardware treats them as invalid, that is
 * as a translation fault.
 */
export const ARM_STAGE2: RadixFormat = {
  name: 'arm-stage2',
  layout: STAGE2_LEAF,
  layoutAt: (level, leaf) => (leaf || level === 1 ? STAGE2_LEAF : STAGE2_TABLE),
  present: (lo) => (lo & 1) !== 0,
  leaf: (lo, _hi, level) => level === 1 || (lo & PAGE_OR_TABLE) === 0,
  frame: (lo, hi) => (lo >>> 12) + (hi & 0xffff) * 0x10_0000,
  rights(lo, hi, level): Rights {
    if (level > 1 && (lo & PAGE_OR_TABLE) !== 0) return R | W | X;
    return ((lo >>> 6) & 3) | (hi & XN ? 0 : X);
  },
  reserved: (lo, _hi, level) => (lo & PAGE_OR_TABLE) === 0 && (level === 1 || level > 3),
  leafMask: { lo: 0xffff_f0c3 | 0, hi: 0xffff | XN },
  levelName: (level) => `level ${4 - level}`,
  tableEntry(frame: number, _level: number, out: EntryWords) {
    out.lo = (frame << 12) | PAGE_OR_TABLE | 1;
    out.hi = (frame / 0x10_0000) & 0xffff;
  },
  leafEntry(frame: number, rights: Rights, level: number, out: EntryWords) {
    out.lo =
      (frame << 12) |
      ACCESS_FLAG |
      NORMAL_MEMORY |
      ((rights & (R | W)) << 6) |
      (level === 1 ? PAGE_OR_TABLE : 0) |
      1;
    out.hi = ((frame / 0x10_0000) & 0xffff) | (rights & X ? 0 : XN);
  },
};

/** What a stream table entry or VTCR_EL2 says about the descriptors below it. */
export interface Stage2Control {
  /** Bits of output addresses (S2PS): 32, 36, 40, 42, 44, 48 or 52. What leads beyond them is an address size fault. */
  readonly outputBits: number;
  /** Whether a clear access flag faults: neither S2AFFD nor S2HA is set. */
  readonly accessFlagFaults: boolean;
  /** S2HD: the hardware makes a page dirty, so that one with DBM can be written whatever S2AP[1] says. */
  readonly hardwareDirty: boolean;
}

/** DBM, bit 51, in the high word. */
const DIRTY_BIT_MODIFIER = 1 << 19;

/** Stage-2 tables with what can be reached under a control: a page with a clear access flag gives no right then. */
export function stage2Under({ outputBits, accessFlagFaults, hardwareDirty }: Stage2Control): RadixFormat {
  const limit = 2 ** (outputBits - 12);
  const flags = `${accessFlagFaults ? '' : ', no access flag faults'}${hardwareDirty ? ', dirty by hardware' : ''}`;
  return {
    ...ARM_STAGE2,
    name: `${ARM_STAGE2.name}, ${outputBits}-bit${flags}`,
    rights(lo, hi, level): Rights {
      if (ARM_STAGE2.frame(lo, hi) >= limit) return 0;
      const rights = ARM_STAGE2.rights(lo, hi, level);
      if (!ARM_STAGE2.leaf(lo, hi, level)) return rights;
      if (accessFlagFaults && (lo & ACCESS_FLAG) === 0) return 0;
      return hardwareDirty && (hi & DIRTY_BIT_MODIFIER) !== 0 ? rights | W : rights;
    },
    leafMask: { lo: ARM_STAGE2.leafMask!.lo | ACCESS_FLAG, hi: ARM_STAGE2.leafMask!.hi | DIRTY_BIT_MODIFIER },
  };
}

/**
 * The same as Xen reads its own p2m: an entry that says something is there although its valid bit may be cleared for the
 * time being (p2m_is_valid, which is not lpae_is_valid).
 */
export const P2M_STAGE2: RadixFormat = { ...ARM_STAGE2, present: (lo, hi) => (lo | hi) !== 0 };

/** Bits 55 to 58, in the high word. */
const TYPE_SHIFT = 23;

/** The p2m type that Xen keeps in the software bits of a leaf's high word. */
export function stage2Type(hi: number): number {
  return (hi >>> TYPE_SHIFT) & 15;
}

/** The high word with the p2m type put into its software bits. */
export function withStage2Type(hi: number, type: number): number {
  return (hi & ~(15 << TYPE_SHIFT)) | ((type & 15) << TYPE_SHIFT);
}

/** A root as the architecture's registers describe it. */
export interface Stage2Shape extends RootShape {
  readonly inputBits: number;
  /** Start level in Arm's counting. */
  readonly rootLevel: number;
  /** VTCR.T0SZ. */
  readonly t0sz: number;
  /** VTCR.SL0. */
  readonly sl0: number;
}

function shape(inputBits: number, rootLevel: number, concatenated: number): Stage2Shape {
  return {
    topLevel: 4 - rootLevel,
    concatenated,
    inputBits,
    rootLevel,
    t0sz: 64 - inputBits,
    sl0: 2 - rootLevel,
  };
}

/**
 * Start level and concatenation that Xen programs for each IPA width: as many tables at level 1 as it takes, up to
 * 16, then level 0. (arch/arm/mmu/p2m.c; Arm ARM DDI 0487 §D8.2, concatenated translation tables.) Xen's table also
 * has 52 bits with 16 tables at level 0, which it refuses to boot with: level 0 cannot be concatenated.
 */
export const STAGE2_SHAPES: readonly Stage2Shape[] = [
  shape(32, 1, 1),
  shape(36, 1, 1),
  shape(40, 1, 2),
  shape(42, 1, 8),
  shape(44, 0, 1),
  shape(48, 0, 1),
];

/** The root of a p2m with `ipaBits` input bits. @throws RangeError for a width Xen does not support. */
export function stage2Shape(ipaBits: number): Stage2Shape {
  const found = STAGE2_SHAPES.find((candidate) => candidate.inputBits === ipaBits);
  if (found !== undefined) return found;
  const widths = STAGE2_SHAPES.map((candidate) => candidate.inputBits).join(', ');
  throw new RangeError(`${ipaBits}-bit IPA is not supported; supported are ${widths}`);
}
