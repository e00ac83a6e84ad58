import { type AcpiLayout, numberOf, row } from './structure.js';
import { type AcpiTable, readTable, TABLE_HEADER, type TableKind } from './table.js';
import type { TableBytes } from './table-bytes.js';
import type { StructureRules } from './walk-structures.js';

const MANUAL = 'ACPI spec 6.5 §5.2.12';

const MADT_HEADER: AcpiLayout = {
  name: 'MADT',
  title: 'multiple APIC description table',
  manual: MANUAL,
  size: 44,
  fields: [
    ...TABLE_HEADER.fields,
    row(36, 4, 'localApic', 'address', 'Local Interrupt Controller Address'),
    row(40, 4, 'flags', 'hex', 'Flags', {
      bits: [{ name: 'pcat', lo: 0, hi: 0, doc: 'PCAT_COMPAT: there are two 8259s as well' }],
    }),
  ],
};

/** The one structure that matters to an IOMMU. */
const IO_APIC: AcpiLayout = {
  name: 'I/O APIC',
  title: 'I/O APIC',
  manual: `${MANUAL}.3`,
  size: 12,
  fields: [
    row(0, 1, 'type', 'number', 'Type: 1'),
    row(1, 1, 'length', 'number', 'Length: 12'),
    row(2, 1, 'id', 'hex', 'I/O APIC ID'),
    row(3, 1, 'reserved', 'reserved', 'reserved'),
    row(4, 4, 'base', 'address', 'I/O APIC Address'),
    row(8, 4, 'interruptBase', 'number', 'Global System Interrupt Base'),
  ],
};

const IO_APIC_TYPE = 1;

/** Any other structure: its content is of no interest here, and so no type is unknown. */
const OTHER: AcpiLayout = {
  name: 'other',
  title: 'another interrupt structure',
  manual: MANUAL,
  size: 2,
  fields: [
    row(0, 1, 'type', 'number', 'Type'),
    row(1, 1, 'length', 'number', 'Length'),
    row(2, 0, 'content', 'bytes', 'what it has after type and length'),
  ],
};

const STRUCTURES: StructureRules = {
  what: 'interrupt structure',
  manual: MANUAL,
  headerSize: 2,
  typeAt: (bytes, at) => bytes.number(at, 1),
  lengthAt: (bytes, at) => bytes.number(at + 1, 1),
  layoutOf: (type) => (type === IO_APIC_TYPE ? IO_APIC : OTHER),
};

const MADT: TableKind = {
  signature: 'APIC',
  layout: MADT_HEADER,
  structures: (walk) => walk.structures(MADT_HEADER.size, walk.limit, STRUCTURES),
};

/** Reads a MADT (signature APIC); see {@link readTable}. */
export const parseMadt = (bytes: Uint8Array | TableBytes): AcpiTable => readTable(bytes, MADT);

/** APIC ids of the I/O APICs, in the table's order. */
export function ioApicIds(madt: AcpiTable): number[] {
  return madt.structures
    .filter(({ type }) => type === IO_APIC_TYPE)
    .map((structure) => numberOf(structure, 'id'))
    .filter((id) => id !== null);
}
