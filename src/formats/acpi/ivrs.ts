import { DEVICE_ENTRIES, deviceEntryLength } from './ivhd-entries.js';
import { type AcpiField, type AcpiLayout, row } from './structure.js';
import { type AcpiTable, readTable, TABLE_HEADER, type TableKind } from './table.js';
import type { TableBytes } from './table-bytes.js';
import type { StructureRules } from './walk-structures.js';

const MANUAL = 'AMD I/O Virtualization Technology (IOMMU) spec 3.08';

/** The I/O virtualization reporting structure before its blocks. */
export const IVRS_HEADER: AcpiLayout = {
  name: 'IVRS',
  title: 'I/O virtualization reporting structure',
  manual: `${MANUAL} §5.2.1`,
  size: 48,
  fields: [
    ...TABLE_HEADER.fields,
    row(36, 4, 'info', 'hex', 'IVinfo', {
      bits: [
        {
          name: 'extendedFeatures',
          lo: 0,
          hi: 0,
          doc: 'EFRSup: blocks of type 11h and 40h hold the feature register',
        },
        {
          name: 'dmaRemapping',
          lo: 1,
          hi: 1,
          doc: 'DmaRemapSup: firmware remaps DMA before the system boots',
        },
        { name: 'reserved2', lo: 2, hi: 4, doc: 'reserved', kind: 'reserved' },
        { name: 'guestAddressSize', lo: 5, hi: 7, doc: 'GVASize: 2 is 48 bits', kind: 'number' },
        {
          name: 'physicalAddressSize',
          lo: 8,
          hi: 14,
          doc: 'PASize: bits of a physical address',
          kind: 'number',
        },
        {
          name: 'virtualAddressSize',
          lo: 15,
          hi: 21,
          doc: 'VASize: bits of a device address',
          kind: 'number',
        },
        { name: 'atsReserved', lo: 22, hi: 22, doc: 'HtAtsResv: the ATS range is reserved' },
        { name: 'reserved23', lo: 23, hi: 31, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(40, 8, 'reserved', 'reserved', 'reserved'),
  ],
};

export const IvrsType = {
  IVHD_10: 0x10,
  IVHD_11: 0x11,
  IVHD_40: 0x40,
  IVMD_ALL: 0x20,
  IVMD_ONE: 0x21,
  IVMD_RANGE: 0x22,
  IVMD_IOMMU: 0x23,
} as const;

/** What both IVHD headers begin with. */
const ivhdFields = (extended: boolean): readonly AcpiField[] => [
  row(0, 1, 'type', 'hex', 'Type'),
  row(1, 1, 'flags', 'hex', 'Flags', {
    bits: [
      { name: 'htTunnel', lo: 0, hi: 0, doc: 'HtTunEn' },
      { name: 'passPostedWrites', lo: 1, hi: 1, doc: 'PassPW' },
      { name: 'responsePassPostedWrites', lo: 2, hi: 2, doc: 'ResPassPW' },
      { name: 'isochronous', lo: 3, hi: 3, doc: 'Isoc' },
      { name: 'remoteIotlb', lo: 4, hi: 4, doc: 'IotlbSup: devices with translation caches' },
      { name: 'coherent', lo: 5, hi: 5, doc: 'Coherent: its table reads are' },
      // Reserved in types 11h and 40h, where firmware sets them as in type 10h all the same.
      { name: 'prefetch', lo: 6, hi: 6, doc: 'PrefSup: it takes prefetch commands' },
      { name: 'pageRequests', lo: 7, hi: 7, doc: 'PPRSup' },
    ],
  }),
  row(2, 2, 'length', 'number', 'Length, device entries included'),
  row(4, 2, 'deviceId', 'requester', 'DeviceID: of the IOMMU itself'),
  row(6, 2, 'capabilityOffset', 'hex', 'Capability offset in its configuration space'),
  row(8, 8, 'base', 'address', 'IOMMU Base Address: of its registers'),
  row(16, 2, 'segment', 'number', 'PCI Segment Group'),
  row(18, 2, 'info', 'hex', 'IOMMU Info', {
    bits: [
      { name: 'messageNumber', lo: 0, hi: 4, doc: 'MSInum', kind: 'number' },
      { name: 'reserved5', lo: 5, hi: 7, doc: 'reserved', kind: 'reserved' },
      { name: 'unitId', lo: 8, hi: 12, doc: 'UnitID', kind: 'number' },
      { name: 'reserved13', lo: 13, hi: 15, doc: 'reserved', kind: 'reserved' },
    ],
  }),
  row(20, 4, 'features', 'hex', extended ? 'IOMMU Attributes' : 'IOMMU Feature Reporting'),
];

const extendedIvhd = (name: string, title: string): AcpiLayout => ({
  name,
  title,
  manual: `${MANUAL} §5.2.2`,
  size: 40,
  fields: [
    ...ivhdFields(true),
    row(24, 8, 'efr', 'address', 'EFR Register Image: as MMIO offset 30h'),
    row(32, 8, 'efr2', 'address', 'EFR Register Image 2: as MMIO offset 1A0h'),
  ],
});

const ivmd = (name: string, title: string, device: string, aux: string): AcpiLayout => ({
  name,
  title,
  manual: `${MANUAL} §5.2.2`,
  size: 32,
  fields: [
    row(0, 1, 'type', 'hex', 'Type'),
    row(1, 1, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'unity', lo: 0, hi: 0, doc: 'Unity: the range is to be mapped one to one' },
        { name: 'read', lo: 1, hi: 1, doc: 'IR: for reading' },
        { name: 'write', lo: 2, hi: 2, doc: 'IW: for writing' },
        { name: 'exclusion', lo: 3, hi: 3, doc: 'ExclusionRange: the range is not to be translated at all' },
        { name: 'reserved4', lo: 4, hi: 7, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(2, 2, 'length', 'number', 'Length: 32'),
    row(4, 2, 'deviceId', 'requester', device),
    row(6, 2, 'aux', 'requester', aux),
    row(8, 8, 'reserved', 'reserved', 'reserved'),
    row(16, 8, 'start', 'address', 'IVMD start address'),
    row(24, 8, 'memoryLength', 'address', 'IVMD memory block length, in bytes'),
  ],
});

/** The blocks of the table, by type. */
export const IVRS_BLOCKS: ReadonlyMap<number, AcpiLayout> = new Map([
  [
    IvrsType.IVHD_10,
    {
      name: 'IVHD 10h',
      title: 'IOMMU, first form',
      manual: `${MANUAL} §5.2.2`,
      size: 24,
      fields: ivhdFields(false),
    },
  ],
  [IvrsType.IVHD_11, extendedIvhd('IVHD 11h', 'IOMMU with its feature register')],
  [IvrsType.IVHD_40, extendedIvhd('IVHD 40h', 'IOMMU with its feature register and ACPI devices')],
  [IvrsType.IVMD_ALL, ivmd('IVMD 20h', 'memory for all devices', 'reserved', 'reserved')],
  [IvrsType.IVMD_ONE, ivmd('IVMD 21h', 'memory for one device', 'DeviceID', 'reserved')],
  [IvrsType.IVMD_RANGE, ivmd('IVMD 22h', 'memory for a range of devices', 'first DeviceID', 'last DeviceID')],
  [
    IvrsType.IVMD_IOMMU,
    ivmd('IVMD 23h', 'memory for the devices of an IOMMU', 'DeviceID', 'capability offset'),
  ],
]);

export const isIvhd = (type: number | null): boolean =>
  type === IvrsType.IVHD_10 || type === IvrsType.IVHD_11 || type === IvrsType.IVHD_40;

export const isIvmd = (type: number | null): boolean =>
  type !== null && type >= IvrsType.IVMD_ALL && type <= IvrsType.IVMD_IOMMU;

const ENTRIES: StructureRules = {
  what: 'device entry',
  manual: `${MANUAL} §5.2.2`,
  headerSize: 4,
  typeAt: (bytes, at) => bytes.number(at, 1),
  lengthAt: deviceEntryLength,
  layoutOf: (type) => DEVICE_ENTRIES.get(type),
};

const BLOCKS: StructureRules = {
  outermost: true,
  what: 'block',
  manual: `${MANUAL} §5.2`,
  headerSize: 4,
  typeAt: (bytes, at) => bytes.number(at, 1),
  lengthAt: (bytes, at) => bytes.number(at + 2, 2),
  layoutOf: (type) => IVRS_BLOCKS.get(type),
  childrenOf({ type, offset, size, layout }, walk) {
    if (!isIvhd(type)) return [];
    return walk.structures(offset + layout.size, offset + size, ENTRIES);
  },
};

export const IVRS: TableKind = {
  signature: 'IVRS',
  layout: IVRS_HEADER,
  structures: (walk) => walk.structures(IVRS_HEADER.size, walk.limit, BLOCKS),
};

/** Reads an IVRS table; see {@link readTable}. */
export const parseIvrs = (bytes: Uint8Array | TableBytes): AcpiTable => readTable(bytes, IVRS);
