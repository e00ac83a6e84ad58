import { type AcpiStructure, numberOf, sizeOfField } from '../../formats/acpi/structure.js';
import { type AcpiTable, checksumOf } from '../../formats/acpi/table.js';
import { readField } from '../../formats/layout.js';
import { hex } from '../../text/hex.js';
import type { AcpiFindings } from './finding.js';

/** Problems that are no mistake of the table: somebody gave only part of it. */
const ONLY_MISSING: readonly string[] = ['bytes-missing'];
/** Problems that others may mean: a later revision of the specification. */
const MAY_BE_NEWER: readonly string[] = ['unknown-type'];

/** How the table is put together: lengths, checksum, what could not be read, reserved fields. */
export function verifyTable(table: AcpiTable, trailing: number, findings: AcpiFindings): void {
  for (const { code, offset, message } of table.problems) {
    const severity = ONLY_MISSING.includes(code) || MAY_BE_NEWER.includes(code) ? 'warning' : 'error';
    findings.add(severity, code, offset, message);
  }
  if (table.checksumRight === false) {
    const is = table.bytes.bytes[9]!;
    const sum = checksumOf(table.bytes, table.length!)!;
    const right = (is - sum) & 0xff;
    const message = `the bytes sum to ${hex(sum)}, not 0: the checksum is ${hex(is)}, it would have to be ${hex(right)}`;
    findings.error('checksum-wrong', 9, message);
  }
  if (trailing > 0) {
    const message = `${trailing} bytes follow the ${table.length} of the table and belong to no table`;
    findings.warning('trailing-bytes', table.length ?? 0, message);
  }
  for (const structure of [table.header, ...table.structures]) {
    verifyReserved(structure, findings);
    for (const child of structure.children) verifyReserved(child, findings);
  }
}

/** Reserved fields and bits of one structure. */
function verifyReserved(structure: AcpiStructure, findings: AcpiFindings): void {
  const { layout, offset, bytes } = structure;
  for (const field of layout.fields) {
    const at = offset + field.at;
    const size = sizeOfField(structure, field);
    if (field.kind === 'reserved') {
      const value = size === 0 ? 0n : (bytes.big(at, size) ?? 0n);
      // What pads to a boundary may hold anything.
      if (value !== 0n && field.name !== 'padding') {
        findings.info(
          'reserved-bits',
          at,
          `${layout.name}: reserved field at offset ${field.at} is ${hex(value)}`,
        );
      }
      continue;
    }
    const value = field.bits === undefined ? null : numberOf(structure, field.name);
    if (value === null) continue;
    const words = [value | 0];
    const stray = field.bits!.filter((bit) => bit.kind === 'reserved' && readField(bit, words) !== 0);
    if (stray.length > 0) {
      findings.info('reserved-bits', at, `${layout.name}: ${field.name} ${hex(value)} has reserved bits set`);
    }
  }
}
