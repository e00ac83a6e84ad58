import type { BitField } from '../layout.js';
import type { TableBytes } from './table-bytes.js';

/**
 * How a field is shown. A `requester` is bus << 8 | devfn; `text` ends at its first NUL; a `rest` field reaches to the
 * end of its structure, whatever its size.
 */
export type AcpiFieldKind = 'number' | 'hex' | 'address' | 'requester' | 'text' | 'bytes' | 'reserved';

/** One field of a structure of an ACPI table: a line of the manual's table. */
export interface AcpiField {
  readonly name: string;
  /** Byte offset in the structure. */
  readonly at: number;
  /** Bytes; 0 for everything up to the end of the structure. */
  readonly size: number;
  readonly kind: AcpiFieldKind;
  /** The manual's name and what the field means. */
  readonly doc: string;
  /** Its bits, where they have meanings of their own. */
  readonly bits?: readonly BitField[];
  /** Names of its values. */
  readonly values?: Readonly<Record<number, string>>;
}

/** A structure of an ACPI table as the manual lays it out. Every byte of it belongs to exactly one field. */
export interface AcpiLayout {
  /** The manual's abbreviation: `DRHD`. */
  readonly name: string;
  /** What it is, for a reader. */
  readonly title: string;
  /** Manual and section. */
  readonly manual: string;
  /** Bytes of its fixed part: what it must have at least. */
  readonly size: number;
  readonly fields: readonly AcpiField[];
}

/** A structure that was found in a table. Its numbers are read from the table's bytes when they are asked for. */
export interface AcpiStructure {
  readonly layout: AcpiLayout;
  readonly bytes: TableBytes;
  /** Byte offset in the table. */
  readonly offset: number;
  /** Its length by its own length field (or its type); null when that is missing. */
  readonly length: number | null;
  /** Bytes that belong to it: its length, cut at the end of what contains it. */
  readonly size: number;
  /** Bytes of it that its fields have: what comes before arrays that it says the offset of. */
  readonly body: number;
  /** Its type; null when that is missing. */
  readonly type: number | null;
  readonly children: readonly AcpiStructure[];
}

/** What is wrong with how a table is put together, with the byte offset in the table. */
export interface AcpiProblem {
  readonly code:
    | 'table-too-short'
    | 'table-cut-off'
    | 'bytes-missing'
    | 'length-too-small'
    | 'structure-overruns'
    | 'structure-too-short'
    | 'unknown-type'
    | 'offset-outside'
    | 'too-many';
  readonly offset: number;
  readonly message: string;
}

/** Structures of one table: more than any firmware has, and a bound for tables made to exhaust memory. */
export const STRUCTURES_AT_MOST = 65_536;

export type FieldExtra = Pick<AcpiField, 'bits' | 'values'>;

/** A row of a layout. */
export function row(
  at: number,
  size: number,
  name: string,
  kind: AcpiFieldKind,
  doc: string,
  extra: FieldExtra = {},
): AcpiField {
  return { at, size, name, kind, doc, ...extra };
}

/** A field's row by its name. @throws RangeError when the structure has none. */
export function acpiField(layout: AcpiLayout, name: string): AcpiField {
  const field = layout.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new RangeError(`${layout.name} has no field "${name}"`);
  return field;
}

/** Bytes of a field in this structure: those that its length leaves it. */
export function sizeOfField(structure: AcpiStructure, field: AcpiField): number {
  const left = Math.max(0, structure.body - field.at);
  return field.size === 0 ? left : Math.min(field.size, left);
}

/** A number of at most 6 bytes; null where it is missing or lies beyond the structure's end. */
export function numberOf(structure: AcpiStructure, name: string): number | null {
  const field = acpiField(structure.layout, name);
  if (field.size === 0 || sizeOfField(structure, field) < field.size) return null;
  return structure.bytes.number(structure.offset + field.at, field.size);
}

/** An address or another number of 8 bytes; null where it is missing or lies beyond the structure's end. */
export function addressOf(structure: AcpiStructure, name: string): bigint | null {
  const field = acpiField(structure.layout, name);
  if (field.size === 0 || sizeOfField(structure, field) < field.size) return null;
  return structure.bytes.big(structure.offset + field.at, field.size);
}

/** A text field; null where a byte before its end is missing. */
export function textOf(structure: AcpiStructure, name: string): string | null {
  const field = acpiField(structure.layout, name);
  return structure.bytes.text(structure.offset + field.at, sizeOfField(structure, field));
}

/** Where a field stands in the table. */
export function offsetOf(structure: AcpiStructure, name: string): number {
  return structure.offset + acpiField(structure.layout, name).at;
}

/** Whether all bytes of a structure are there, by its own length: only then nothing more is to be said of what it lacks. */
export function isWhole({ layout, bytes, offset, size, length }: AcpiStructure): boolean {
  return size === length && size >= layout.size && bytes.has(offset, size);
}

/** A structure of a type that this table does not have: what all its structures begin with, the rest as bytes. */
export function unknownLayout(
  what: string,
  manual: string,
  type: number,
  headerSize: number,
  head: readonly AcpiField[],
): AcpiLayout {
  const name = `${what} ${type.toString(16)}h`;
  const open = head.some(({ size }) => size === 0);
  const rest = open ? [] : [row(headerSize, 0, 'content', 'bytes', 'what it has after its header')];
  const title = 'a type that the manual does not have';
  return { name, title, manual, size: headerSize, fields: [...head, ...rest] };
}
