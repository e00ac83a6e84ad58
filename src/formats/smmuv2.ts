import type { BitField, EntryLayout } from './layout.js';

const MANUAL = 'Arm SMMU architecture 2.0, IHI 0062D';

/** Context bank fault status register, SMMU_CBn_FSR. */
export const SMMU_CB_FSR: EntryLayout = {
  name: 'SMMU_CBn_FSR',
  manual: `${MANUAL}, SMMU_CBn_FSR`,
  words: 1,
  fields: [
    { name: 'reserved0', lo: 0, hi: 0, doc: 'reserved', kind: 'reserved' },
    { name: 'translation', lo: 1, hi: 1, doc: 'TF: translation fault, no valid descriptor for the address' },
    {
      name: 'accessFlag',
      lo: 2,
      hi: 2,
      doc: 'AFF: access flag fault, the descriptor’s access flag is clear',
    },
    {
      name: 'permission',
      lo: 3,
      hi: 3,
      doc: 'PF: permission fault, the descriptor does not allow the access',
    },
    { name: 'external', lo: 4, hi: 4, doc: 'EF: external fault, an access to memory was aborted' },
    { name: 'tlbConflict', lo: 5, hi: 5, doc: 'TLBMCF: TLB match conflict' },
    { name: 'tlbLock', lo: 6, hi: 6, doc: 'TLBLKF: TLB lock fault' },
    {
      name: 'addressSize',
      lo: 7,
      hi: 7,
      doc: 'ASF: address size fault, an address is wider than what is configured',
    },
    { name: 'unsupported', lo: 8, hi: 8, doc: 'UUT: unsupported upstream transaction' },
    {
      name: 'format',
      lo: 9,
      hi: 10,
      doc: 'FORMAT: kind of the tables',
      kind: 'enum',
      values: { 0: 'AArch32 short', 1: 'AArch32 long', 2: 'AArch64' },
    },
    { name: 'reserved11', lo: 11, hi: 29, doc: 'reserved', kind: 'reserved' },
    { name: 'stalled', lo: 30, hi: 30, doc: 'SS: the transaction is stalled' },
    { name: 'multiple', lo: 31, hi: 31, doc: 'MULTI: further faults came before this one was cleared' },
  ],
};

/** Context bank fault syndrome register 0, SMMU_CBn_FSYNR0. */
export const SMMU_CB_FSYNR0: EntryLayout = {
  name: 'SMMU_CBn_FSYNR0',
  manual: `${MANUAL}, SMMU_CBn_FSYNR0`,
  words: 1,
  fields: [
    { name: 'level', lo: 0, hi: 1, doc: 'PLVL: level of the table at which the walk ended', kind: 'number' },
    { name: 'reserved2', lo: 2, hi: 3, doc: 'reserved', kind: 'reserved' },
    { name: 'write', lo: 4, hi: 4, doc: 'WNR: a write' },
    { name: 'privileged', lo: 5, hi: 5, doc: 'PNU: a privileged access' },
    { name: 'instruction', lo: 6, hi: 6, doc: 'IND: an instruction fetch' },
    { name: 'nonSecureState', lo: 7, hi: 7, doc: 'NSSTATE: a non-secure stream' },
    { name: 'nonSecure', lo: 8, hi: 8, doc: 'NSATTR: non-secure attribute' },
    {
      name: 'addressTranslation',
      lo: 9,
      hi: 9,
      doc: 'ATOF: the fault came from an address translation operation',
    },
    { name: 'tableWalk', lo: 10, hi: 10, doc: 'PTWF: the fault came from a table walk' },
    { name: 'asynchronous', lo: 11, hi: 11, doc: 'AFR: recorded asynchronously' },
    { name: 'reserved12', lo: 12, hi: 15, doc: 'reserved', kind: 'reserved' },
    { name: 'stage1Bank', lo: 16, hi: 23, doc: 'S1CBNDX: context bank of stage 1', kind: 'frame' },
    { name: 'reserved24', lo: 24, hi: 31, doc: 'reserved', kind: 'reserved' },
  ],
};

/** Global fault status register, SMMU_sGFSR. */
export const SMMU_GFSR: EntryLayout = {
  name: 'SMMU_sGFSR',
  manual: `${MANUAL}, SMMU_sGFSR`,
  words: 1,
  fields: [
    {
      name: 'invalidContext',
      lo: 0,
      hi: 0,
      doc: 'ICF: invalid context fault, the stream mapping names no context bank in use',
    },
    {
      name: 'unidentifiedStream',
      lo: 1,
      hi: 1,
      doc: 'USF: unidentified stream fault, no stream mapping for the stream id',
    },
    {
      name: 'streamConflict',
      lo: 2,
      hi: 2,
      doc: 'SMCF: stream match conflict, several stream mappings match',
    },
    { name: 'unimplementedBank', lo: 3, hi: 3, doc: 'UCBF: a context bank that does not exist' },
    { name: 'unimplementedInterrupt', lo: 4, hi: 4, doc: 'UCIF: a context interrupt that does not exist' },
    { name: 'configurationAccess', lo: 5, hi: 5, doc: 'CAF: configuration access fault' },
    { name: 'external', lo: 6, hi: 6, doc: 'EF: external fault' },
    { name: 'permission', lo: 7, hi: 7, doc: 'PF: permission fault' },
    { name: 'unsupported', lo: 8, hi: 8, doc: 'UUT: unsupported upstream transaction' },
    { name: 'reserved9', lo: 9, hi: 30, doc: 'reserved', kind: 'reserved' },
    { name: 'multiple', lo: 31, hi: 31, doc: 'MULTI: further faults came before this one was cleared' },
  ],
};

/** Global fault syndrome register 0, SMMU_sGFSYNR0. */
export const SMMU_GFSYNR0: EntryLayout = {
  name: 'SMMU_sGFSYNR0',
  manual: `${MANUAL}, SMMU_sGFSYNR0`,
  words: 1,
  fields: [
    { name: 'nested', lo: 0, hi: 0, doc: 'NESTED: found during a stage 2 lookup for stage 1' },
    { name: 'write', lo: 1, hi: 1, doc: 'WNR: a write' },
    { name: 'privileged', lo: 2, hi: 2, doc: 'PNU: a privileged access' },
    { name: 'instruction', lo: 3, hi: 3, doc: 'IND: an instruction fetch' },
    { name: 'nonSecureState', lo: 4, hi: 4, doc: 'NSSTATE: a non-secure stream' },
    { name: 'nonSecure', lo: 5, hi: 5, doc: 'NSATTR: non-secure attribute' },
    { name: 'ats', lo: 6, hi: 6, doc: 'ATS: an address translation service request' },
    { name: 'reserved7', lo: 7, hi: 31, doc: 'reserved', kind: 'reserved' },
  ],
};

/** Global fault syndrome register 1, SMMU_sGFSYNR1. */
export const SMMU_GFSYNR1: EntryLayout = {
  name: 'SMMU_sGFSYNR1',
  manual: `${MANUAL}, SMMU_sGFSYNR1`,
  words: 1,
  fields: [
    { name: 'stream', lo: 0, hi: 15, doc: 'StreamID: of the transaction', kind: 'frame' },
    { name: 'securityIndex', lo: 16, hi: 31, doc: 'SSD_Index: of its security state', kind: 'frame' },
  ],
};

/** Context bank fault restricted syndrome register A, SMMU_CBFRSYNRAn. */
export const SMMU_CBFRSYNRA: EntryLayout = {
  name: 'SMMU_CBFRSYNRAn',
  manual: `${MANUAL}, SMMU_CBFRSYNRAn`,
  words: 1,
  fields: [
    { name: 'stream', lo: 0, hi: 15, doc: 'StreamID: of the transaction', kind: 'frame' },
    { name: 'securityIndex', lo: 16, hi: 31, doc: 'SSD_Index: of its security state', kind: 'frame' },
  ],
};

/** Kinds of context fault as bits of FSR. */
export const SmmuFault = {
  TRANSLATION: 1 << 1,
  ACCESS_FLAG: 1 << 2,
  PERMISSION: 1 << 3,
  EXTERNAL: 1 << 4,
  ADDRESS_SIZE: 1 << 7,
} as const;

/** FSR.FORMAT of AArch64 tables, the only ones Xen gives an SMMUv2. */
export const FORMAT_AARCH64 = 2;

/** The FSR that a context bank shows for a fault of `kind`, a {@link SmmuFault}. */
export function faultStatus(kind: number, format: number = FORMAT_AARCH64): number {
  return (format << 9) | kind;
}

/** The FSYNR0 that goes with it: `level` in Arm's counting, `s1cbndx` the stage 1 bank index the unit shows. */
export function faultSyndrome(level: number, write: boolean, s1cbndx: number): number {
  return ((s1cbndx & 0xff) << 16) | (write ? 1 << 4 : 0) | (level & 3);
}

/** The bits of FSR that Xen takes as a fault: all that name a kind, and SS and MULTI. (arch smmu.c, FSR_FAULT) */
export const FSR_FAULT = 0xc000_01fe | 0;

const KINDS: readonly BitField[] = SMMU_CB_FSR.fields.filter((field) => field.lo >= 1 && field.hi <= 8);

/** Names of the kinds of fault that an FSR shows, in the order of their bits. */
export function faultKinds(fsr: number): string[] {
  return KINDS.filter((field) => (fsr >>> field.lo) & 1).map((field) => field.name);
}
