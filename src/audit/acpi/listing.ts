import { TABLE_AT_MOST } from '../../formats/acpi/find-tables.js';
import { TableBytes } from '../../formats/acpi/table-bytes.js';

/** A line of an `iasl -d` listing: `[038h 0056 008h]  Register Base Address : 00000000FED91000`. */
export interface ListingLine {
  readonly offset: number;
  readonly size: number;
  readonly name: string;
  readonly value: string;
}

/** Lengths are hexadecimal with an `h` since 2022, decimal before; the offset stands there twice. */
const PLACE = /\[([0-9a-f]{3,8})h ([0-9]{4,9}) {1,4}([0-9a-f]{1,4})(h?)\]/i;
const FIELD_AT_MOST = 4096;

/** Fields that only one kind of table has, for listings that leave out the signature. */
const FIELDS_OF: Readonly<Record<string, string>> = {
  'Host Address Width': 'DMAR',
  'Register Base Address': 'DMAR',
  'Device Scope Type': 'DMAR',
  'Device Scope Entry Type': 'DMAR',
  'End Address (limit)': 'DMAR',
  'Virtualization Info': 'IVRS',
  'Capability Offset': 'IVRS',
  'Source Used Device ID': 'IVRS',
  'Memory Length': 'IVRS',
  'Node Count': 'IORT',
  'Mapping Count': 'IORT',
  'Output Reference': 'IORT',
};

/** A line with a place and a name whose value has been wrapped into the next line. */
export const lacksValue = (text: string): boolean => PLACE.test(text) && text.trimEnd().endsWith(' :');

/** A listing's line, wherever in the line it begins; null for all others. */
export function listingLine(text: string): ListingLine | null {
  const place = PLACE.exec(text);
  if (place === null) return null;
  const [whole, hexOffset, , length, h] = place as unknown as [string, string, string, string, string];
  if (h === '' && !/^[0-9]+$/.test(length)) return null;
  const rest = text.slice(place.index + whole.length);
  const colon = rest.indexOf(' : ');
  if (colon < 0) return null;
  const offset = Number.parseInt(hexOffset, 16);
  const size = Number.parseInt(length, h === '' ? 10 : 16);
  if (offset + size > TABLE_AT_MOST || size > FIELD_AT_MOST) return null;
  return { offset, size, name: rest.slice(0, colon).trim(), value: rest.slice(colon + 3).trim() };
}

/**
 * The bytes of a field as a listing shows it, from its first one: fewer than its size when the listing does not tell all.
 * Texts end at their first NUL, and what is behind it is not shown.
 */
export function fieldBytes({ size, value }: ListingLine): number[] {
  if (value.startsWith('"')) {
    const end = value.indexOf('"', 1);
    const text = Buffer.from(value.slice(1, end < 0 ? undefined : end), 'latin1');
    return [...text, 0].slice(0, size);
  }
  const path = /^\[([0-9a-f]{2}), ?([0-9a-f]{2})\]/i.exec(value);
  const shown = path !== null ? `${path[1]} ${path[2]}` : value.split(/[[<(/]/, 1)[0]!.trim();
  const parts = shown.split(/[ ,]+/).filter((part) => part !== '');
  if (!parts.every((part) => /^[0-9a-f]+$/i.test(part))) return [];
  if (parts.length > 1) {
    if (!parts.every((part) => part.length === 2)) return [];
    return parts.slice(0, size).map((part) => Number.parseInt(part, 16));
  }
  const [digits] = parts;
  if (digits === undefined || digits.length > 2 * size) return [];
  // One number, little-endian in the table; leading zeros may be left out.
  const bytes = digits.padStart(2 * size, '0').match(/../g)!;
  return bytes.map((pair) => Number.parseInt(pair, 16)).reverse();
}

/**
 * Whether a structure of the table itself begins here, and not one within it: device entries of IVRS tables have the same
 * name in newer listings, and say what they are.
 */
function startsStructure({ name, size, value }: ListingLine): boolean {
  if (name === 'Subtable Type') return !value.includes('Device Entry');
  return name === 'Type' && size === 1;
}

/** A listing that is being put together: what its lines tell of a table's bytes. */
export class Listing {
  readonly line: number;
  /** Whether `Raw Table Data` was met, so that a hexdump of the same table follows. */
  rawFollows = false;
  /** Signature of the table by the names of its fields; empty when none tells. */
  kind = '';
  private bytes = new Uint8Array(256);
  private known = new Uint8Array(256);
  private length = 0;
  private readonly starts = new Set<number>();

  constructor(line: number) {
    this.line = line;
  }

  add(line: ListingLine): void {
    const bytes = fieldBytes(line);
    if (startsStructure(line)) this.starts.add(line.offset);
    if (this.kind === '') this.kind = FIELDS_OF[line.name] ?? '';
    if (line.name === 'Padding' && this.isStart(bytes)) return;
    this.reserve(line.offset + bytes.length);
    this.bytes.set(bytes, line.offset);
    this.known.fill(1, line.offset, line.offset + bytes.length);
    if (bytes.length > 0) this.length = Math.max(this.length, line.offset + bytes.length);
  }

  /**
   * What is known of the table, up to its length when a line tells it. Bytes that no line shows are missing: a listing is
   * not cut off, it leaves out what iasl of its time could not decode.
   */
  content(): TableBytes {
    const shown = new TableBytes(this.bytes.slice(0, this.length), this.known.slice(0, this.length));
    const length = Math.max(this.length, Math.min(shown.number(4, 4) ?? 0, TABLE_AT_MOST));
    this.reserve(length);
    const starts = [...this.starts].sort((a, b) => a - b);
    return new TableBytes(this.bytes.slice(0, length), this.known.slice(0, length), starts);
  }

  /** iasl up to 2021 shows the start of the table in place of some paddings. */
  private isStart(bytes: readonly number[]): boolean {
    return this.known[0] !== 0 && bytes.every((byte, i) => this.known[i] === 0 || byte === this.bytes[i]);
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const size = Math.max(length, 2 * this.bytes.length);
    const grow = (old: Uint8Array) => {
      const wider = new Uint8Array(size);
      wider.set(old);
      return wider;
    };
    this.bytes = grow(this.bytes);
    this.known = grow(this.known);
  }
}

/** Both together: the bytes of `first`, and where they are missing those of `second`. */
export function merged(first: TableBytes, second: TableBytes): TableBytes {
  const length = Math.max(first.length, second.length);
  const bytes = new Uint8Array(length);
  const known = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const from = first.has(i, 1) ? first : second;
    if (!from.has(i, 1)) continue;
    bytes[i] = from.bytes[i]!;
    known[i] = 1;
  }
  return new TableBytes(bytes, known, second.starts);
}
