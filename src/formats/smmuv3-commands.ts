import type { BitField, EntryLayout } from './layout.js';

const MANUAL = 'Arm SMMUv3 architecture, IHI 0070F';

/** The commands that Xen issues. (§4; drivers/passthrough/arm/smmu-v3.c) */
export const SmmuV3Command = {
  PREFETCH_CONFIG: 0x01,
  CFGI_STE: 0x03,
  /** CFGI_STE_RANGE; with the largest range, CFGI_ALL. */
  CFGI_ALL: 0x04,
  TLBI_EL2_ALL: 0x20,
  TLBI_S12_VMALL: 0x28,
  TLBI_S2_IPA: 0x2a,
  TLBI_NSNH_ALL: 0x30,
  SYNC: 0x46,
} as const;

/** All commands of the manual by opcode, as it calls them without `CMD_`. (§4) */
export const SMMUV3_COMMAND_NAMES: Readonly<Record<number, string>> = {
  1: 'PREFETCH_CONFIG',
  2: 'PREFETCH_ADDR',
  3: 'CFGI_STE',
  // CFGI_STE_RANGE; with the largest range, CFGI_ALL.
  4: 'CFGI_ALL',
  5: 'CFGI_CD',
  6: 'CFGI_CD_ALL',
  7: 'CFGI_VMS_PIDM',
  16: 'TLBI_NH_ALL',
  17: 'TLBI_NH_ASID',
  18: 'TLBI_NH_VA',
  19: 'TLBI_NH_VAA',
  24: 'TLBI_EL3_ALL',
  26: 'TLBI_EL3_VA',
  32: 'TLBI_EL2_ALL',
  33: 'TLBI_EL2_ASID',
  34: 'TLBI_EL2_VA',
  35: 'TLBI_EL2_VAA',
  40: 'TLBI_S12_VMALL',
  42: 'TLBI_S2_IPA',
  48: 'TLBI_NSNH_ALL',
  64: 'ATC_INV',
  65: 'PRI_RESP',
  68: 'RESUME',
  69: 'STALL_TERM',
  70: 'SYNC',
};

const reserved = (lo: number, hi: number): BitField => ({
  name: `reserved${lo}`,
  lo,
  hi,
  doc: 'reserved',
  kind: 'reserved',
});

const OPCODE: BitField = {
  name: 'opcode',
  lo: 0,
  hi: 7,
  doc: 'command',
  kind: 'enum',
  values: SMMUV3_COMMAND_NAMES,
};

/** CMD_PREFETCH_CONFIG, CMD_CFGI_STE, CMD_CFGI_STE_RANGE: a stream's configuration. 128 bits. */
export const SMMUV3_STREAM_COMMAND: EntryLayout = {
  name: 'SMMUv3 stream command',
  manual: `${MANUAL} §4.2.1, §4.3.1, §4.3.2`,
  words: 4,
  fields: [
    OPCODE,
    reserved(8, 9),
    { name: 'secure', lo: 10, hi: 10, doc: 'SSec' },
    { name: 'substreamValid', lo: 11, hi: 11, doc: 'SSV' },
    { name: 'substream', lo: 12, hi: 31, doc: 'SubstreamID', kind: 'number' },
    { name: 'stream', lo: 32, hi: 63, doc: 'StreamID', kind: 'frame' },
    { name: 'leaf', lo: 64, hi: 64, doc: 'Leaf; in CFGI_STE_RANGE the lowest bit of Range' },
    { name: 'range', lo: 65, hi: 68, doc: 'Range, bits 4 to 1: 2^(range+1) streams', kind: 'number' },
    reserved(69, 95),
    reserved(96, 127),
  ],
};

/** CMD_TLBI_S12_VMALL, CMD_TLBI_S2_IPA, CMD_TLBI_NSNH_ALL, CMD_TLBI_EL2_ALL. 128 bits. */
export const SMMUV3_TLBI_COMMAND: EntryLayout = {
  name: 'SMMUv3 TLB invalidation',
  manual: `${MANUAL} §4.4`,
  words: 4,
  fields: [
    OPCODE,
    reserved(8, 11),
    { name: 'number', lo: 12, hi: 16, doc: 'NUM', kind: 'number' },
    reserved(17, 19),
    { name: 'scale', lo: 20, hi: 25, doc: 'SCALE', kind: 'number' },
    reserved(26, 31),
    { name: 'vmid', lo: 32, hi: 47, doc: 'VMID', kind: 'number' },
    { name: 'asid', lo: 48, hi: 63, doc: 'ASID', kind: 'number' },
    { name: 'leaf', lo: 64, hi: 64, doc: 'Leaf: last levels only' },
    reserved(65, 71),
    { name: 'tableLevel', lo: 72, hi: 73, doc: 'TTL', kind: 'number' },
    { name: 'granule', lo: 74, hi: 75, doc: 'TG', kind: 'number' },
    { name: 'address', lo: 76, hi: 115, doc: 'Address, bits 51 to 12', kind: 'frame' },
    reserved(116, 127),
  ],
};

/** CMD_SYNC: everything before it is complete once it is consumed. 128 bits. */
export const SMMUV3_SYNC_COMMAND: EntryLayout = {
  name: 'SMMUv3 sync',
  manual: `${MANUAL} §4.7.3`,
  words: 4,
  fields: [
    OPCODE,
    reserved(8, 11),
    { name: 'signal', lo: 12, hi: 13, doc: 'CS', kind: 'enum', values: { 0: 'none', 1: 'IRQ', 2: 'SEV' } },
    reserved(14, 21),
    { name: 'msiShareability', lo: 22, hi: 23, doc: 'MSH', kind: 'number' },
    { name: 'msiAttr', lo: 24, hi: 27, doc: 'MSIAttr', kind: 'number' },
    reserved(28, 31),
    { name: 'msiData', lo: 32, hi: 63, doc: 'MSIData', kind: 'frame' },
    reserved(64, 65),
    { name: 'msiAddress', lo: 66, hi: 115, doc: 'MSIAddr, bits 51 to 2', kind: 'frame' },
    reserved(116, 127),
  ],
};

/** CMD_ATC_INV: translations that a device has cached. 128 bits. */
export const SMMUV3_ATC_COMMAND: EntryLayout = {
  name: 'SMMUv3 ATC invalidation',
  manual: `${MANUAL} §4.5.1`,
  words: 4,
  fields: [
    OPCODE,
    reserved(8, 8),
    { name: 'global', lo: 9, hi: 9, doc: 'G: whatever the substream' },
    { name: 'secure', lo: 10, hi: 10, doc: 'SSec' },
    { name: 'substreamValid', lo: 11, hi: 11, doc: 'SSV' },
    { name: 'substream', lo: 12, hi: 31, doc: 'SubstreamID', kind: 'number' },
    { name: 'stream', lo: 32, hi: 63, doc: 'StreamID', kind: 'frame' },
    { name: 'size', lo: 64, hi: 69, doc: 'Size: 2^size pages', kind: 'number' },
    reserved(70, 75),
    { name: 'page', lo: 76, hi: 127, doc: 'Address, bits 63 to 12', kind: 'frame' },
  ],
};

/** A command of which only the opcode is read. 128 bits. */
export const SMMUV3_OTHER_COMMAND: EntryLayout = {
  name: 'SMMUv3 command',
  manual: `${MANUAL} §4`,
  words: 4,
  fields: [
    OPCODE,
    { name: 'rest8', lo: 8, hi: 31, doc: 'operands', kind: 'ignored' },
    { name: 'rest32', lo: 32, hi: 63, doc: 'operands', kind: 'ignored' },
    { name: 'rest64', lo: 64, hi: 95, doc: 'operands', kind: 'ignored' },
    { name: 'rest96', lo: 96, hi: 127, doc: 'operands', kind: 'ignored' },
  ],
};

/** How a command of that opcode is laid out. */
export function commandLayout(opcode: number): EntryLayout {
  if (opcode >= 0x01 && opcode <= 0x07) return SMMUV3_STREAM_COMMAND;
  if (opcode >= 0x10 && opcode <= 0x30) return SMMUV3_TLBI_COMMAND;
  if (opcode === 0x40) return SMMUV3_ATC_COMMAND;
  return opcode === SmmuV3Command.SYNC ? SMMUV3_SYNC_COMMAND : SMMUV3_OTHER_COMMAND;
}

/** Errors of the command queue, CMDQ_CONS.ERR. */
export const SMMUV3_COMMAND_ERRORS: Readonly<Record<number, { name: string; meaning: string }>> = {
  0: { name: 'CERROR_NONE', meaning: 'no error' },
  1: { name: 'CERROR_ILL', meaning: 'the SMMU does not know the command or a value in it' },
  2: { name: 'CERROR_ABT', meaning: 'the SMMU could not read the command queue' },
  3: {
    name: 'CERROR_ATC_INV_SYNC',
    meaning: 'a device did not answer an invalidation of its cache (ATS) in time',
  },
};
