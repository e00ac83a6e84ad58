import { type AcpiLayout, type AcpiProblem, type AcpiStructure, row } from './structure.js';
import { TableBytes } from './table-bytes.js';
import { TableWalk } from './walk-structures.js';

/** What every system description table begins with. */
export const TABLE_HEADER: AcpiLayout = {
  name: 'header',
  title: 'system description table header',
  manual: 'ACPI spec 6.5 §5.2.6',
  size: 36,
  fields: [
    row(0, 4, 'signature', 'text', 'Signature'),
    row(4, 4, 'length', 'number', 'Length: bytes of the whole table'),
    row(8, 1, 'revision', 'number', 'Revision'),
    row(9, 1, 'checksum', 'hex', 'Checksum: makes the sum of all bytes 0'),
    row(10, 6, 'oemId', 'text', 'OEMID'),
    row(16, 8, 'oemTableId', 'text', 'OEM Table ID'),
    row(24, 4, 'oemRevision', 'hex', 'OEM Revision'),
    row(28, 4, 'creatorId', 'text', 'Creator ID: the tool that made it'),
    row(32, 4, 'creatorRevision', 'hex', 'Creator Revision'),
  ],
};

/** A table as it was read. */
export interface AcpiTable {
  readonly signature: string;
  readonly bytes: TableBytes;
  /** Its length by its header; null when that is missing. */
  readonly length: number | null;
  /** Whether all bytes that its header promises are there. */
  readonly complete: boolean;
  /** Whether all its structures could be found: only then is what was not found not there. */
  readonly readToEnd: boolean;
  /** Whether the sum over all bytes is 0; null when bytes are missing. */
  readonly checksumRight: boolean | null;
  /** The common header and what the table has before its structures. */
  readonly header: AcpiStructure;
  readonly structures: readonly AcpiStructure[];
  readonly problems: readonly AcpiProblem[];
}

/** How a table of one kind is read: the layout of its header, and its structures. */
export interface TableKind {
  readonly signature: string;
  readonly layout: AcpiLayout;
  structures(walk: TableWalk, header: AcpiStructure): AcpiStructure[];
}

/** The table's length by its header; null when that is missing. */
export const lengthByHeader = (bytes: TableBytes): number | null => bytes.number(4, 4);

/** The sum over the table's bytes, modulo 256; null when one is missing. */
export function checksumOf(bytes: TableBytes, length: number): number | null {
  if (!bytes.has(0, length)) return null;
  let sum = 0;
  for (let i = 0; i < length; i++) sum += bytes.bytes[i]!;
  return sum & 0xff;
}

/** Problems after which structures may have been missed. */
const ENDS_EARLY: readonly AcpiProblem['code'][] = [
  'table-too-short',
  'length-too-small',
  'structure-overruns',
  'too-many',
];

/**
 * Reads a table of a known kind. Nothing is refused: a table that is cut off, or has lengths that make no sense, gives
 * what could be read, and problems with their offsets.
 */
export function readTable(input: Uint8Array | TableBytes, kind: TableKind): AcpiTable {
  const bytes = TableBytes.of(input);
  const length = lengthByHeader(bytes);
  const limit = length ?? bytes.length;
  const walk = new TableWalk(bytes, limit);
  const least = kind.layout.size;
  const header: AcpiStructure = {
    layout: kind.layout,
    bytes,
    offset: 0,
    length: least,
    size: Math.min(least, limit, bytes.length),
    body: Math.min(least, limit, bytes.length),
    type: null,
    children: [],
  };
  if (length !== null && length < least) {
    const message = `the table's length is ${length}; its header alone has ${least} bytes`;
    walk.problem('table-too-short', 4, message);
  }
  const known = bytes.knownBelow(limit);
  const complete = length !== null && known >= limit;
  if (length !== null && bytes.length < limit && bytes.known === null) {
    const message = `table cut off at byte ${bytes.length} of ${limit}`;
    walk.problem('table-cut-off', bytes.length, message);
  } else if (!complete) {
    const of = length === null ? '' : ` of ${limit}`;
    walk.problem('bytes-missing', 0, `${known} bytes${of} are known; the others are not verified`);
  }
  const structures = limit > least ? kind.structures(walk, header) : [];
  const sum = length === null || length < TABLE_HEADER.size ? null : checksumOf(bytes, length);
  return {
    signature: bytes.text(0, 4) ?? kind.signature,
    bytes,
    length,
    complete,
    readToEnd: complete && !walk.problems.some(({ code }) => ENDS_EARLY.includes(code)),
    checksumRight: sum === null ? null : sum === 0,
    header,
    structures,
    problems: walk.problems,
  };
}
