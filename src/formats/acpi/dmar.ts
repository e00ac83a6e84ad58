import { type AcpiLayout, type AcpiStructure, row } from './structure.js';
import { type AcpiTable, readTable, TABLE_HEADER, type TableKind } from './table.js';
import type { TableBytes } from './table-bytes.js';
import type { StructureRules } from './walk-structures.js';

const MANUAL = 'Intel VT-d spec 5.10';

/** The DMA remapping reporting table before its structures. */
export const DMAR_HEADER: AcpiLayout = {
  name: 'DMAR',
  title: 'DMA remapping reporting table',
  manual: `${MANUAL} §8.1`,
  size: 48,
  fields: [
    ...TABLE_HEADER.fields,
    row(36, 1, 'hostAddressWidth', 'number', 'HAW: physical address bits of the platform, less 1'),
    row(37, 1, 'flags', 'hex', 'Flags', {
      bits: [
        { name: 'interruptRemapping', lo: 0, hi: 0, doc: 'INTR_REMAP: the platform supports it' },
        { name: 'x2apicOptOut', lo: 1, hi: 1, doc: 'X2APIC_OPT_OUT: software must not use x2APIC' },
        { name: 'dmaControlOptIn', lo: 2, hi: 2, doc: 'DMA_CTRL_PLATFORM_OPT_IN_FLAG' },
        { name: 'reserved3', lo: 3, hi: 7, doc: 'reserved', kind: 'reserved' },
      ],
    }),
    row(38, 10, 'reserved', 'reserved', 'reserved'),
  ],
};

export const DmarType = { DRHD: 0, RMRR: 1, ATSR: 2, RHSA: 3, ANDD: 4, SATC: 5, SIDP: 6 } as const;
export const ScopeType = { ENDPOINT: 1, BRIDGE: 2, IOAPIC: 3, HPET: 4, NAMESPACE: 5 } as const;

/** What all remapping structures begin with. */
const HEAD = [
  row(0, 2, 'type', 'number', 'Type'),
  row(2, 2, 'length', 'number', 'Length, device scopes included'),
] as const;

const segment = row(6, 2, 'segment', 'number', 'Segment Number: PCI segment of its device scopes');

const flag = (name: string, doc: string) => ({
  bits: [
    { name, lo: 0, hi: 0, doc },
    { name: 'reserved1', lo: 1, hi: 7, doc: 'reserved', kind: 'reserved' as const },
  ],
});

/** The remapping structures, in the order of their types. */
export const DMAR_STRUCTURES: readonly AcpiLayout[] = [
  {
    name: 'DRHD',
    title: 'remapping hardware unit',
    manual: `${MANUAL} §8.3`,
    size: 16,
    fields: [
      ...HEAD,
      row(
        4,
        1,
        'flags',
        'hex',
        'Flags',
        flag('includePciAll', 'INCLUDE_PCI_ALL: every device that no other names'),
      ),
      row(5, 1, 'pages', 'hex', 'Size: of the register set', {
        bits: [
          {
            name: 'pagesLog2',
            lo: 0,
            hi: 3,
            doc: 'its number of 4 KiB pages is 2 to this power',
            kind: 'number',
          },
          { name: 'reserved4', lo: 4, hi: 7, doc: 'reserved', kind: 'reserved' },
        ],
      }),
      segment,
      row(8, 8, 'base', 'address', 'Register Base Address'),
    ],
  },
  {
    name: 'RMRR',
    title: 'reserved memory region',
    manual: `${MANUAL} §8.4`,
    size: 24,
    fields: [
      ...HEAD,
      row(4, 2, 'reserved', 'reserved', 'reserved'),
      segment,
      row(8, 8, 'base', 'address', 'Reserved Memory Region Base Address: 4 KiB aligned'),
      row(16, 8, 'limit', 'address', 'Reserved Memory Region Limit Address: its last byte'),
    ],
  },
  {
    name: 'ATSR',
    title: 'root ports with address translation services',
    manual: `${MANUAL} §8.5`,
    size: 8,
    fields: [
      ...HEAD,
      row(4, 1, 'flags', 'hex', 'Flags', flag('allPorts', 'ALL_PORTS: every root port of the segment')),
      row(5, 1, 'reserved', 'reserved', 'reserved'),
      segment,
    ],
  },
  {
    name: 'RHSA',
    title: 'affinity of a unit',
    manual: `${MANUAL} §8.6`,
    size: 20,
    fields: [
      ...HEAD,
      row(4, 4, 'reserved', 'reserved', 'reserved'),
      row(8, 8, 'base', 'address', 'Register Base Address: of the unit, as in its DRHD'),
      row(16, 4, 'proximityDomain', 'number', 'Proximity Domain: as in the SRAT'),
    ],
  },
  {
    name: 'ANDD',
    title: 'ACPI name-space device',
    manual: `${MANUAL} §8.7`,
    size: 8,
    fields: [
      ...HEAD,
      row(4, 3, 'reserved', 'reserved', 'reserved'),
      row(7, 1, 'deviceNumber', 'number', 'ACPI Device Number: the enumeration id of its device scope'),
      row(8, 0, 'objectName', 'text', 'ACPI Object Name: ends with a NUL'),
    ],
  },
  {
    name: 'SATC',
    title: 'integrated devices with address translation caches',
    manual: `${MANUAL} §8.8`,
    size: 8,
    fields: [
      ...HEAD,
      row(4, 1, 'flags', 'hex', 'Flags', flag('atcRequired', 'ATC_REQUIRED: the devices work with ATS only')),
      row(5, 1, 'reserved', 'reserved', 'reserved'),
      segment,
    ],
  },
  {
    name: 'SIDP',
    title: 'properties of integrated devices',
    manual: `${MANUAL} §8.9`,
    size: 8,
    fields: [...HEAD, row(4, 2, 'reserved', 'reserved', 'reserved'), segment],
  },
];

const scope = (name: string, title: string): AcpiLayout => ({
  name: `${name} scope`,
  title,
  manual: `${MANUAL} §8.3.1`,
  size: 8,
  fields: [
    row(0, 1, 'type', 'number', 'Type'),
    row(1, 1, 'length', 'number', 'Length: 6 and 2 for each step of the path'),
    row(2, 1, 'flags', 'hex', 'Flags: of the scopes of a SIDP, reserved in the others'),
    row(3, 1, 'reserved', 'reserved', 'reserved'),
    row(4, 1, 'enumerationId', 'number', 'Enumeration ID: of an I/O APIC, an HPET block or an ANDD'),
    row(5, 1, 'bus', 'hex', 'Start Bus Number'),
    row(6, 0, 'path', 'bytes', 'Path: device and function of each step from the start bus'),
  ],
});

/** Device scopes, by their types from 1. */
export const DEVICE_SCOPES: readonly AcpiLayout[] = [
  scope('endpoint', 'PCI endpoint device'),
  scope('sub-hierarchy', 'PCI bridge and everything behind it'),
  scope('IO-APIC', 'I/O APIC'),
  scope('HPET', 'HPET timer block that sends messages'),
  scope('name-space', 'ACPI name-space device'),
];

const SCOPES: StructureRules = {
  what: 'device scope',
  manual: `${MANUAL} §8.3.1`,
  headerSize: 6,
  typeAt: (bytes, at) => bytes.number(at, 1),
  lengthAt: (bytes, at) => bytes.number(at + 1, 1),
  layoutOf: (type) => DEVICE_SCOPES[type - 1],
  head: DEVICE_SCOPES[0]!.fields,
};

/** Types of structures that end with device scopes. */
const WITH_SCOPES: readonly number[] = [
  DmarType.DRHD,
  DmarType.RMRR,
  DmarType.ATSR,
  DmarType.SATC,
  DmarType.SIDP,
];

const STRUCTURES: StructureRules = {
  outermost: true,
  what: 'remapping structure',
  manual: `${MANUAL} §8.2`,
  headerSize: 4,
  typeAt: (bytes, at) => bytes.number(at, 2),
  lengthAt: (bytes, at) => bytes.number(at + 2, 2),
  layoutOf: (type) => DMAR_STRUCTURES[type],
  childrenOf(structure, walk) {
    const { type, offset, size, layout } = structure;
    if (!WITH_SCOPES.includes(type!)) return [];
    return walk.structures(offset + layout.size, offset + size, SCOPES);
  },
};

export const DMAR: TableKind = {
  signature: 'DMAR',
  layout: DMAR_HEADER,
  structures: (walk) => walk.structures(DMAR_HEADER.size, walk.limit, STRUCTURES),
};

/** Reads a DMAR table; see {@link readTable}. */
export const parseDmar = (bytes: Uint8Array | TableBytes): AcpiTable => readTable(bytes, DMAR);

/** The steps of a device scope's path; a last byte without a partner is left out. */
export function pathOf(scope: AcpiStructure): readonly { device: number; fn: number }[] | null {
  const steps: { device: number; fn: number }[] = [];
  for (let at = 6; at + 2 <= scope.size; at += 2) {
    const device = scope.bytes.number(scope.offset + at, 1);
    const fn = scope.bytes.number(scope.offset + at + 1, 1);
    if (device === null || fn === null) return null;
    steps.push({ device, fn });
  }
  return steps;
}
