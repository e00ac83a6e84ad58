import type { EntryLayout } from './layout.js';

const MANUAL = 'Intel VT-d spec 5.10';

/** RTADDR_REG: where the root table is, and in which mode it is read. */
export const VTD_ROOT_ADDRESS: EntryLayout = {
  name: 'VT-d root table address',
  manual: `${MANUAL} §11.4.5 (RTADDR_REG)`,
  words: 2,
  fields: [
    { name: 'reserved0', lo: 0, hi: 9, doc: 'reserved', kind: 'reserved' },
    {
      name: 'mode',
      lo: 10,
      hi: 11,
      doc: 'TTM: translation table mode',
      kind: 'enum',
      values: { 0: 'legacy', 1: 'scalable', 2: 'reserved', 3: 'abort DMA' },
    },
    { name: 'rootTable', lo: 12, hi: 63, doc: 'RTA: frame of the root table', kind: 'frame' },
  ],
};

/** Values of RTADDR_REG.TTM. */
export const TableMode = { LEGACY: 0, SCALABLE: 1, ABORT: 3 } as const;

/** Root-table entry, scalable mode: two context tables a bus, for devices 0 to 15 and 16 to 31. 128 bits. */
export const VTD_SCALABLE_ROOT_ENTRY: EntryLayout = {
  name: 'VT-d scalable-mode root entry',
  manual: `${MANUAL} §9.2`,
  words: 4,
  fields: [
    { name: 'lowerPresent', lo: 0, hi: 0, doc: 'LP' },
    { name: 'reserved1', lo: 1, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'lowerTable', lo: 12, hi: 63, doc: 'LCTP: context table of devices 0 to 15', kind: 'frame' },
    { name: 'upperPresent', lo: 64, hi: 64, doc: 'UP' },
    { name: 'reserved65', lo: 65, hi: 75, doc: 'reserved', kind: 'reserved' },
    { name: 'upperTable', lo: 76, hi: 127, doc: 'UCTP: context table of devices 16 to 31', kind: 'frame' },
  ],
};

/** Context entry, scalable mode: where a function's PASIDs are. 256 bits. */
export const VTD_SCALABLE_CONTEXT_ENTRY: EntryLayout = {
  name: 'VT-d scalable-mode context entry',
  manual: `${MANUAL} §9.4`,
  words: 8,
  fields: [
    { name: 'present', lo: 0, hi: 0, doc: 'P' },
    { name: 'faultDisable', lo: 1, hi: 1, doc: 'FPD: qualified faults are not recorded' },
    { name: 'deviceTlb', lo: 2, hi: 2, doc: 'DTE: the device may keep translations' },
    { name: 'pasidEnable', lo: 3, hi: 3, doc: 'PASIDE: requests with PASID are processed' },
    { name: 'pageRequests', lo: 4, hi: 4, doc: 'PRE: page requests are processed' },
    { name: 'reserved5', lo: 5, hi: 8, doc: 'reserved', kind: 'reserved' },
    { name: 'directorySize', lo: 9, hi: 11, doc: 'PDTS: 2^(PDTS + 7) directory entries', kind: 'number' },
    { name: 'directory', lo: 12, hi: 63, doc: 'PASIDDIRPTR: frame of the PASID directory', kind: 'frame' },
    { name: 'requestPasid', lo: 64, hi: 83, doc: 'RID_PASID: PASID of requests without one', kind: 'number' },
    { name: 'requestPrivilege', lo: 84, hi: 84, doc: 'RID_PRIV: such requests are supervisor requests' },
    { name: 'reserved85', lo: 85, hi: 127, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved128', lo: 128, hi: 159, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved160', lo: 160, hi: 191, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved192', lo: 192, hi: 223, doc: 'reserved', kind: 'reserved' },
    { name: 'reserved224', lo: 224, hi: 255, doc: 'reserved', kind: 'reserved' },
  ],
};

/** PASID-directory entry: a table of 64 PASIDs. 64 bits. */
export const VTD_PASID_DIRECTORY_ENTRY: EntryLayout = {
  name: 'VT-d PASID-directory entry',
  manual: `${MANUAL} §9.5`,
  words: 2,
  fields: [
    { name: 'present', lo: 0, hi: 0, doc: 'P' },
    { name: 'faultDisable', lo: 1, hi: 1, doc: 'FPD' },
    { name: 'reserved2', lo: 2, hi: 11, doc: 'reserved', kind: 'reserved' },
    { name: 'table', lo: 12, hi: 63, doc: 'SMPTBLPTR: frame of the PASID table', kind: 'frame' },
  ],
};

/** PASID-table entry: how requests with one PASID are translated. 512 bits. */
export const VTD_PASID_ENTRY: EntryLayout = {
  name: 'VT-d PASID-table entry',
  manual: `${MANUAL} §9.6`,
  words: 16,
  fields: [
    { name: 'present', lo: 0, hi: 0, doc: 'P' },
    { name: 'faultDisable', lo: 1, hi: 1, doc: 'FPD: qualified faults are not recorded' },
    {
      name: 'width',
      lo: 2,
      hi: 4,
      doc: 'AW: width of second-stage addresses',
      kind: 'enum',
      values: { 1: '39-bit', 2: '48-bit', 3: '57-bit' },
    },
    { name: 'secondExecute', lo: 5, hi: 5, doc: 'SSEE: second-stage execute enable' },
    {
      name: 'type',
      lo: 6,
      hi: 8,
      doc: 'PGTT: PASID granular translation type',
      kind: 'enum',
      values: { 1: 'first-stage', 2: 'second-stage', 3: 'nested', 4: 'pass-through' },
    },
    { name: 'secondDirty', lo: 9, hi: 9, doc: 'SSADE: accessed and dirty bits in the second stage' },
    { name: 'reserved10', lo: 10, hi: 11, doc: 'reserved', kind: 'reserved' },
    {
      name: 'secondRoot',
      lo: 12,
      hi: 63,
      doc: 'SSPTPTR: frame of the second-stage root table',
      kind: 'frame',
    },
    { name: 'did', lo: 64, hi: 79, doc: 'DID: domain id that tags the IOTLB', kind: 'number' },
    { name: 'reserved80', lo: 80, hi: 86, doc: 'reserved', kind: 'reserved' },
    { name: 'walkSnoop', lo: 87, hi: 87, doc: 'PWSNP: page walks snoop the caches' },
    { name: 'pageSnoop', lo: 88, hi: 88, doc: 'PGSNP: accesses snoop the caches' },
    { name: 'cacheDisable', lo: 89, hi: 89, doc: 'CD' },
    { name: 'memoryTypeEnable', lo: 90, hi: 90, doc: 'EMTE' },
    { name: 'memoryType', lo: 91, hi: 93, doc: 'EMT', kind: 'number' },
    { name: 'pageWriteThrough', lo: 94, hi: 94, doc: 'PWT' },
    { name: 'pageCacheDisable', lo: 95, hi: 95, doc: 'PCD' },
    { name: 'pat', lo: 96, hi: 127, doc: 'PAT: page attribute table', kind: 'number' },
    { name: 'supervisor', lo: 128, hi: 128, doc: 'SRE: supervisor requests pass' },
    { name: 'execute', lo: 129, hi: 129, doc: 'ERE: execute requests pass' },
    {
      name: 'firstLevels',
      lo: 130,
      hi: 131,
      doc: 'FSPM: first-stage paging mode',
      kind: 'enum',
      values: { 0: '4-level', 1: '5-level' },
    },
    { name: 'writeProtect', lo: 132, hi: 132, doc: 'WPE: supervisor requests obey read-only pages' },
    { name: 'noExecute', lo: 133, hi: 133, doc: 'NXE' },
    { name: 'userExecute', lo: 134, hi: 134, doc: 'SMEP' },
    { name: 'extendedAccess', lo: 135, hi: 135, doc: 'EAFE: extended accessed flag' },
    { name: 'reserved136', lo: 136, hi: 139, doc: 'reserved', kind: 'reserved' },
    {
      name: 'firstRoot',
      lo: 140,
      hi: 191,
      doc: 'FSPTPTR: frame of the first-stage root table',
      kind: 'frame',
    },
    ...Array.from({ length: 10 }, (_, word) => ({
      name: `reserved${192 + 32 * word}`,
      lo: 192 + 32 * word,
      hi: 223 + 32 * word,
      doc: 'reserved',
      kind: 'reserved' as const,
    })),
  ],
};

/** Values of PGTT. */
export const PasidType = { FIRST_STAGE: 1, SECOND_STAGE: 2, NESTED: 3, PASS_THROUGH: 4 } as const;

/** Bytes of a context entry and of a PASID-table entry in scalable mode. */
export const SCALABLE_CONTEXT_BYTES = 32;
export const PASID_ENTRY_BYTES = 64;
/** PASIDs in a table: bits 5 to 0 of the PASID; the bits above index the directory. */
export const PASIDS_A_TABLE = 64;

/** Entries of a PASID directory by PDTS. */
export const directoryEntries = (size: number): number => 2 ** (size + 7);
