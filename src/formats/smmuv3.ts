import type { BitField, EntryLayout } from './layout.js';

const MANUAL = 'Arm SMMUv3 architecture, IHI 0070F';

const reserved = (lo: number, hi: number): BitField => ({
  name: `reserved${lo}`,
  lo,
  hi,
  doc: 'reserved',
  kind: 'reserved',
});

/** STE.Config: what becomes of a stream. Values without bit 2 abort. */
export const SteConfig = { ABORT: 0, BYPASS: 4, STAGE1: 5, STAGE2: 6, NESTED: 7 } as const;

/** A descriptor of the first level of a two-level stream table. 64 bits. */
export const STREAM_L1_DESCRIPTOR: EntryLayout = {
  name: 'SMMUv3 level 1 stream table descriptor',
  manual: `${MANUAL} §5.1`,
  words: 2,
  fields: [
    { name: 'span', lo: 0, hi: 4, doc: 'Span: 2^(span-1) entries below; 0: none, the descriptor is invalid' },
    reserved(5, 5),
    { name: 'table', lo: 6, hi: 51, doc: 'L2Ptr: bits 51 to 6 of the table’s address', kind: 'frame' },
    reserved(52, 63),
  ],
};

/** Stream table entry. 512 bits. */
export const STREAM_TABLE_ENTRY: EntryLayout = {
  name: 'SMMUv3 stream table entry',
  manual: `${MANUAL} §5.2`,
  words: 16,
  fields: [
    { name: 'valid', lo: 0, hi: 0, doc: 'V' },
    {
      name: 'config',
      lo: 1,
      hi: 3,
      doc: 'Config: stages that translate',
      kind: 'enum',
      values: { 0: 'abort', 4: 'bypass', 5: 'stage 1', 6: 'stage 2', 7: 'stage 1 and 2' },
    },
    { name: 's1Format', lo: 4, hi: 5, doc: 'S1Fmt', kind: 'number' },
    { name: 's1Context', lo: 6, hi: 51, doc: 'S1ContextPtr, bits 51 to 6', kind: 'frame' },
    reserved(52, 58),
    { name: 's1ContextMax', lo: 59, hi: 63, doc: 'S1CDMax', kind: 'number' },
    { name: 's1Default', lo: 64, hi: 65, doc: 'S1DSS', kind: 'number' },
    { name: 's1Inner', lo: 66, hi: 67, doc: 'S1CIR', kind: 'number' },
    { name: 's1Outer', lo: 68, hi: 69, doc: 'S1COR', kind: 'number' },
    { name: 's1Shareability', lo: 70, hi: 71, doc: 'S1CSH', kind: 'number' },
    { name: 's2HardwareUse', lo: 72, hi: 75, doc: 'S2HWU59 to S2HWU62', kind: 'number' },
    { name: 'destructiveReads', lo: 76, hi: 76, doc: 'DRE' },
    { name: 'contiguous', lo: 77, hi: 80, doc: 'CONT: identical entries that follow, as a power of two' },
    { name: 'directedPrefetch', lo: 81, hi: 81, doc: 'DCP' },
    { name: 'pageAccess', lo: 82, hi: 82, doc: 'PPAR' },
    { name: 'mergeEvents', lo: 83, hi: 83, doc: 'MEV: similar events may be merged' },
    { name: 'software', lo: 84, hi: 87, doc: 'for software', kind: 'ignored' },
    reserved(88, 88),
    { name: 's2ForceWriteBack', lo: 89, hi: 89, doc: 'S2FWB' },
    { name: 's1Mpam', lo: 90, hi: 90, doc: 'S1MPAM' },
    { name: 's1StallDisable', lo: 91, hi: 91, doc: 'S1STALLD' },
    { name: 'ats', lo: 92, hi: 93, doc: 'EATS', kind: 'number' },
    { name: 'privilege', lo: 94, hi: 95, doc: 'STRW', kind: 'number' },
    { name: 'memAttr', lo: 96, hi: 99, doc: 'MemAttr', kind: 'number' },
    { name: 'memTypeOverride', lo: 100, hi: 100, doc: 'MTCFG' },
    { name: 'allocation', lo: 101, hi: 104, doc: 'ALLOCCFG', kind: 'number' },
    reserved(105, 107),
    {
      name: 'shareability',
      lo: 108,
      hi: 109,
      doc: 'SHCFG',
      kind: 'enum',
      values: { 1: 'incoming', 2: 'outer', 3: 'inner' },
    },
    { name: 'nonSecure', lo: 110, hi: 111, doc: 'NSCFG', kind: 'number' },
    { name: 'privileged', lo: 112, hi: 113, doc: 'PRIVCFG', kind: 'number' },
    { name: 'instruction', lo: 114, hi: 115, doc: 'INSTCFG', kind: 'number' },
    { name: 'implementation116', lo: 116, hi: 127, doc: 'implementation defined', kind: 'ignored' },
    { name: 'vmid', lo: 128, hi: 143, doc: 'S2VMID', kind: 'number' },
    { name: 'implementation144', lo: 144, hi: 159, doc: 'implementation defined', kind: 'ignored' },
    { name: 't0sz', lo: 160, hi: 165, doc: 'S2T0SZ: 64 less the input bits', kind: 'number' },
    { name: 'startLevel', lo: 166, hi: 167, doc: 'S2SL0: 2 less the start level', kind: 'number' },
    { name: 'inner', lo: 168, hi: 169, doc: 'S2IR0', kind: 'number' },
    { name: 'outer', lo: 170, hi: 171, doc: 'S2OR0', kind: 'number' },
    { name: 'tableShareability', lo: 172, hi: 173, doc: 'S2SH0', kind: 'number' },
    { name: 'granule', lo: 174, hi: 175, doc: 'S2TG', kind: 'enum', values: { 0: '4K', 1: '64K', 2: '16K' } },
    { name: 'outputSize', lo: 176, hi: 178, doc: 'S2PS: width of output addresses', kind: 'number' },
    { name: 'aarch64', lo: 179, hi: 179, doc: 'S2AA64: tables of VMSAv8-64' },
    { name: 'bigEndian', lo: 180, hi: 180, doc: 'S2ENDI' },
    { name: 'accessFlagDisable', lo: 181, hi: 181, doc: 'S2AFFD: no access flag faults' },
    { name: 'protectedWalk', lo: 182, hi: 182, doc: 'S2PTW: no walk of stage 1 through device memory' },
    { name: 'hardwareDirty', lo: 183, hi: 183, doc: 'S2HD' },
    { name: 'hardwareAccess', lo: 184, hi: 184, doc: 'S2HA' },
    { name: 'stall', lo: 185, hi: 185, doc: 'S2S: faults stall' },
    { name: 'record', lo: 186, hi: 186, doc: 'S2R: faults are recorded' },
    reserved(187, 195),
    { name: 'root', lo: 196, hi: 243, doc: 'S2TTB: bits 51 to 4 of the root’s address', kind: 'frame' },
    reserved(244, 255),
    ...Array.from({ length: 8 }, (_, word) => reserved(256 + 32 * word, 287 + 32 * word)),
  ],
};

/** SMMU_STRTAB_BASE: where the stream table is. */
export const SMMU_STREAM_TABLE_BASE: EntryLayout = {
  name: 'SMMUv3 stream table base',
  manual: `${MANUAL} §6.3.23 (SMMU_STRTAB_BASE)`,
  words: 2,
  fields: [
    reserved(0, 5),
    { name: 'table', lo: 6, hi: 51, doc: 'ADDR: bits 51 to 6 of the table’s address', kind: 'frame' },
    reserved(52, 61),
    { name: 'readAllocate', lo: 62, hi: 62, doc: 'RA' },
    reserved(63, 63),
  ],
};

/** SMMU_STRTAB_BASE_CFG: how large the stream table is, and whether it has two levels. */
export const SMMU_STREAM_TABLE_CONFIG: EntryLayout = {
  name: 'SMMUv3 stream table configuration',
  manual: `${MANUAL} §6.3.24 (SMMU_STRTAB_BASE_CFG)`,
  words: 1,
  fields: [
    { name: 'size', lo: 0, hi: 5, doc: 'LOG2SIZE: bits of the stream ids', kind: 'number' },
    { name: 'split', lo: 6, hi: 10, doc: 'SPLIT: bits that index a second-level table', kind: 'number' },
    reserved(11, 15),
    {
      name: 'format',
      lo: 16,
      hi: 17,
      doc: 'FMT',
      kind: 'enum',
      values: { 0: 'linear', 1: 'two-level' },
    },
    reserved(18, 31),
  ],
};

/** Offsets of an SMMUv3's registers (IHI 0070F §6.2). */
export const SmmuRegister = { CR0: 0x20, GBPA: 0x44, STRTAB_BASE: 0x80, STRTAB_BASE_CFG: 0x88 } as const;

/** Bytes of a stream table entry. */
export const STE_BYTES = 64;
/** Bits of a stream id that index a second-level table, as Xen splits them: 256 entries in four frames. */
export const STREAM_SPLIT = 8;

/** S2PS by its value: the width of output addresses. */
export const OUTPUT_BITS: readonly number[] = [32, 36, 40, 42, 44, 48, 52];

/** A stream that is stopped, without an event. SHCFG "incoming" as Xen writes it. (drivers/passthrough/arm/smmu-v3.c) */
export const STE_ABORT: readonly number[] = [1 | (SteConfig.ABORT << 1), 0, 0, 1 << 12, 0, 0, 0, 0];

/** The parts of an entry that translates by stage 2. */
export interface Stage2Entry {
  readonly vmid: number;
  /** Frame of the root. */
  readonly root: number;
  readonly t0sz: number;
  readonly sl0: number;
  /** S2PS. */
  readonly outputSize: number;
}

/** S2IR0, S2OR0 write-back write-allocate; S2SH0 inner; granule 4K. */
const CACHEABLE_INNER = (1 << 8) | (1 << 10) | (3 << 12);
/** S2AA64, S2PTW, S2R. */
const STAGE2_FLAGS = (1 << 19) | (1 << 22) | (1 << 26);

/**
 * The first eight words of an entry as Xen writes it for a domain's device, into `out`; the others are zero. What the
 * entry had in its second doubleword before, `shareability`, stays: Xen rewrites the others only.
 */
export function stage2Entry({ vmid, root, t0sz, sl0, outputSize }: Stage2Entry, out: Int32Array): void {
  out[0] = 1 | (SteConfig.STAGE2 << 1);
  out[1] = 0;
  out[2] = 0;
  out[3] = 1 << 12;
  out[4] = vmid;
  out[5] = t0sz | (sl0 << 6) | CACHEABLE_INNER | (outputSize << 16) | STAGE2_FLAGS;
  out[6] = (root << 12) | 0;
  out[7] = (root / 0x10_0000) & 0xf_ffff;
}
