import { IOMMU_SIGNATURES, parseTable } from '../../formats/acpi/find-tables.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { TableBytes } from '../../formats/acpi/table-bytes.js';
import { InputError } from '../../text/diagnostic.js';
import { decodeText, readBytes } from '../../text/read-file.js';
import { pastedTables, tablesIn } from './pasted.js';

/** A table of an input, and where it was. */
export interface InputTable {
  readonly table: AcpiTable;
  readonly file: string;
  readonly source: 'binary' | 'hexdump' | 'iasl listing';
  /** `byte 0` of a binary, `line 12` of a text. */
  readonly place: string;
  /** Line of a text at which it begins, from 1; 1 for binaries. */
  readonly line: number;
  /** Bytes behind it that belong to no table; always 0 in texts. */
  readonly trailing: number;
}

export interface AcpiInput {
  /** DMAR, IVRS, IORT and MADT tables in the order of the input. */
  readonly tables: readonly InputTable[];
  /** Signatures of tables that say nothing of IOMMUs. */
  readonly others: readonly string[];
}

const WHAT = 'an ACPI table, acpidump’s output, an iasl listing or a hexdump';
/** Names of other tables that a message lists. */
const NAMED = 12;

/** Reads the tables of one file. @throws InputError when it cannot be read. */
export function readAcpiFile(file: string): AcpiInput {
  return readAcpiBytes(readBytes(file, WHAT), file);
}

/** Reads the tables of some content: binary, or a text in UTF-8, UTF-16 or Latin-1. */
export function readAcpiBytes(content: Buffer, file: string): AcpiInput {
  const text = textOf(content);
  const tables: InputTable[] = [];
  const others = new Set<string>();
  const add = (bytes: TableBytes, rest: Omit<InputTable, 'table' | 'file'>, kind?: string): void => {
    const table = parseTable(bytes, kind);
    if (table !== undefined) tables.push({ table, file, ...rest });
    else others.add(bytes.text(0, 4) ?? 'a table without its signature');
  };
  if (text === null) {
    const found = tablesIn(new TableBytes(content));
    for (const [i, { at, bytes }] of found.entries()) {
      const trailing = (found[i + 1]?.at ?? content.length) - at - bytes.length;
      add(bytes, { source: 'binary', place: `byte ${at}`, line: 1, trailing });
    }
  } else {
    for (const { bytes, source, line, kind } of pastedTables(text)) {
      add(bytes, { source, place: `line ${line}`, line, trailing: 0 }, kind);
    }
  }
  return { tables, others: [...others] };
}

/** The content as text; null when it is binary. */
function textOf(content: Buffer): string | null {
  if (content[0] === 0xff && content[1] === 0xfe) return content.toString('utf16le', 2);
  return content.includes(0) ? null : decodeText(content);
}

/** That no table of an IOMMU is there, with what was looked for and what was found. */
export function noTable(files: readonly string[], inputs: readonly AcpiInput[]): InputError {
  const sought = `${IOMMU_SIGNATURES.join(', ')} as a binary table, acpidump's output, an iasl -d listing or a hexdump`;
  const seen = [
    ...new Set([
      ...inputs.flatMap(({ tables }) => tables.map(({ table }) => table.signature)),
      ...inputs.flatMap(({ others }) => others),
    ]),
  ];
  const more = seen.length > NAMED ? ` and ${seen.length - NAMED} more` : '';
  const found = seen.length === 0 ? 'no table at all' : `${seen.slice(0, NAMED).join(', ')}${more}`;
  return new InputError({
    severity: 'error',
    code: 'no-table',
    message: `no table of an IOMMU: looked for ${sought}, found ${found}`,
    file: files[0] ?? '--acpi',
    line: 1,
    column: 1,
    hint: 'on Linux: cat /sys/firmware/acpi/tables/DMAR (Intel), IVRS (AMD) or IORT (Arm); anywhere: acpidump -n DMAR',
  });
}
