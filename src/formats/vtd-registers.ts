import { type EntryLayout, getField } from './layout.js';
import type { VtdEntryCapabilities } from './vtd.js';
import type { VtdContextCapabilities } from './vtd-lookup.js';

/** What a unit can do. 64 bits; both capability registers are printed by Xen and Linux while they start. */
export const VTD_CAPABILITIES: EntryLayout = {
  name: 'VT-d capabilities',
  manual: 'Intel VT-d spec 5.10 §11.4.2 (CAP_REG)',
  words: 2,
  fields: [
    { name: 'ND', lo: 0, hi: 2, doc: 'domain ids: 2^(4 + 2 ND)', kind: 'number' },
    { name: 'AFL', lo: 3, hi: 3, doc: 'advanced fault logging' },
    { name: 'RWBF', lo: 4, hi: 4, doc: 'writes to tables wait in a buffer until it is flushed' },
    { name: 'PLMR', lo: 5, hi: 5, doc: 'a protected low-memory region' },
    { name: 'PHMR', lo: 6, hi: 6, doc: 'a protected high-memory region' },
    { name: 'CM', lo: 7, hi: 7, doc: 'caching mode: what is not present is remembered, too' },
    {
      name: 'SAGAW',
      lo: 8,
      hi: 12,
      doc: 'levels of second-level tables: bit 1 three, 2 four, 3 five',
      kind: 'number',
    },
    { name: 'reserved13', lo: 13, hi: 15, doc: 'reserved', kind: 'reserved' },
    { name: 'MGAW', lo: 16, hi: 21, doc: 'address bits that are translated, less one', kind: 'number' },
    { name: 'ZLR', lo: 22, hi: 22, doc: 'zero-length reads pass on write-only pages' },
    { name: 'DEP', lo: 23, hi: 23, doc: 'deprecated', kind: 'ignored' },
    { name: 'FRO', lo: 24, hi: 33, doc: 'offset of the fault records in 16 bytes', kind: 'number' },
    {
      name: 'SSLPS',
      lo: 34,
      hi: 37,
      doc: 'second-stage superpages: bit 0 2 MiB, bit 1 1 GiB',
      kind: 'number',
    },
    { name: 'reserved38', lo: 38, hi: 38, doc: 'reserved', kind: 'reserved' },
    { name: 'PSI', lo: 39, hi: 39, doc: 'translations of single pages can be invalidated' },
    { name: 'NFR', lo: 40, hi: 47, doc: 'fault records, less one', kind: 'number' },
    { name: 'MAMV', lo: 48, hi: 53, doc: 'the largest order of pages of one invalidation', kind: 'number' },
    { name: 'DWD', lo: 54, hi: 54, doc: 'writes can be drained' },
    { name: 'DRD', lo: 55, hi: 55, doc: 'reads can be drained' },
    { name: 'FS1GP', lo: 56, hi: 56, doc: 'first-stage 1 GiB pages' },
    { name: 'reserved57', lo: 57, hi: 58, doc: 'reserved', kind: 'reserved' },
    { name: 'PI', lo: 59, hi: 59, doc: 'posted interrupts' },
    { name: 'FS5LP', lo: 60, hi: 60, doc: 'first-stage tables of five levels' },
    { name: 'ECMDS', lo: 61, hi: 61, doc: 'enhanced commands' },
    { name: 'ESIRTPS', lo: 62, hi: 62, doc: 'setting the interrupt table invalidates its cache' },
    { name: 'ESRTPS', lo: 63, hi: 63, doc: 'setting the root table invalidates all caches' },
  ],
};

/** What more it can do: the extended capabilities that matter to a reader of logs; the others are `other` fields. */
export const VTD_EXTENDED_CAPABILITIES: EntryLayout = {
  name: 'VT-d extended capabilities',
  manual: 'Intel VT-d spec 5.10 §11.4.3 (ECAP_REG)',
  words: 2,
  fields: [
    { name: 'C', lo: 0, hi: 0, doc: 'reads of tables snoop the processors’ caches' },
    { name: 'QI', lo: 1, hi: 1, doc: 'invalidations can be queued' },
    { name: 'DT', lo: 2, hi: 2, doc: 'devices may keep translations' },
    { name: 'IR', lo: 3, hi: 3, doc: 'interrupts can be remapped' },
    { name: 'EIM', lo: 4, hi: 4, doc: 'interrupts to x2APIC ids' },
    { name: 'other5', lo: 5, hi: 5, doc: 'deprecated', kind: 'ignored' },
    { name: 'PT', lo: 6, hi: 6, doc: 'requests can be let through untranslated' },
    { name: 'SC', lo: 7, hi: 7, doc: 'snoop control' },
    { name: 'IRO', lo: 8, hi: 17, doc: 'offset of the IOTLB registers in 16 bytes', kind: 'number' },
    { name: 'other18', lo: 18, hi: 19, doc: 'reserved', kind: 'ignored' },
    { name: 'MHMV', lo: 20, hi: 23, doc: 'the largest handle mask of an invalidation', kind: 'number' },
    { name: 'other24', lo: 24, hi: 25, doc: 'deprecated', kind: 'ignored' },
    { name: 'NEST', lo: 26, hi: 26, doc: 'nested translation' },
    { name: 'other27', lo: 27, hi: 28, doc: 'deprecated', kind: 'ignored' },
    { name: 'PRS', lo: 29, hi: 29, doc: 'page requests' },
    { name: 'other30', lo: 30, hi: 39, doc: 'others', kind: 'ignored' },
    { name: 'PASID', lo: 40, hi: 40, doc: 'requests with PASIDs' },
    { name: 'DIT', lo: 41, hi: 41, doc: 'invalidations of device TLBs can be throttled' },
    { name: 'PDS', lo: 42, hi: 42, doc: 'page requests can be drained' },
    { name: 'SMTS', lo: 43, hi: 43, doc: 'scalable mode' },
    { name: 'VCS', lo: 44, hi: 44, doc: 'virtual commands' },
    { name: 'SSADS', lo: 45, hi: 45, doc: 'second-stage accessed and dirty bits' },
    { name: 'SSTS', lo: 46, hi: 46, doc: 'second-stage translation in scalable mode' },
    { name: 'FSTS', lo: 47, hi: 47, doc: 'first-stage translation' },
    { name: 'other48', lo: 48, hi: 63, doc: 'others', kind: 'ignored' },
  ],
};

/** A 64-bit register or entry as the two words that layouts read. */
export function wordsOf64(value: bigint): [lo: number, hi: number] {
  return [Number(value & 0xffff_ffffn) | 0, Number((value >> 32n) & 0xffff_ffffn) | 0];
}

/** Offsets of registers (Intel VT-d spec 5.10 §11.4). */
export const VtdRegister = { CAPABILITY: 0x08, EXTENDED: 0x10, STATUS: 0x1c, ROOT_ADDRESS: 0x20 } as const;

/** GSTS_REG.TES: whether requests are translated (§11.4.4.2). */
export const translationEnabled = (status: number): boolean => (status | 0) < 0;

/** What the capability registers say of the entries that a unit accepts. */
export function entryCapabilities(
  capabilities: bigint,
  extended: bigint,
): Omit<VtdEntryCapabilities, 'hostAddressWidth'> & VtdContextCapabilities {
  const has = (name: string) => getField(VTD_EXTENDED_CAPABILITIES, name, wordsOf64(extended)) === 1;
  const pages = getField(VTD_CAPABILITIES, 'SSLPS', wordsOf64(capabilities));
  const widths = getField(VTD_CAPABILITIES, 'SAGAW', wordsOf64(capabilities));
  return {
    superpageLevel: pages & 2 ? 3 : pages & 1 ? 2 : 1,
    snoopControl: has('SC'),
    levels: [3, 4, 5].filter((levels) => (widths >> (levels - 2)) & 1),
    passThrough: has('PT'),
    deviceTlbs: has('DT'),
  };
}
