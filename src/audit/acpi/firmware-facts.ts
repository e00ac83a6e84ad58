import { IortType, MEMORY_RANGE } from '../../formats/acpi/iort.js';
import { addressOf } from '../../formats/acpi/structure.js';
import { ELSEWHERE, FACTS_AT_MOST, type LogFacts, type NamedRange } from '../../logs/facts.js';
import { regionsOfTable } from '../firmware-regions.js';
import type { InputTable } from './read-input.js';
import { isIommuTable, surroundingsOf, verifyAcpiTable } from './verify.js';

/** The regions that a table reserves: RMRRs, IVMDs that are to be mapped, and the ranges of IORT's RMR nodes. */
export function reservedRanges(input: InputTable): NamedRange[] {
  const { table } = input;
  const line = ELSEWHERE;
  const regions = regionsOfTable(table).map(({ name, start, end, devices }) => {
    return { start: BigInt(start), end: BigInt(end), what: name, devices, line };
  });
  const ranges = table.header.layout.name === 'IORT' ? table.structures : [];
  for (const { type, children } of ranges) {
    if (type !== IortType.RMR) continue;
    for (const child of children) {
      const start = child.layout === MEMORY_RANGE ? addressOf(child, 'base') : null;
      const length = child.layout === MEMORY_RANGE ? addressOf(child, 'rangeLength') : null;
      if (start === null || length === null || length === 0n) continue;
      regions.push({ start, end: start + length, what: 'RMR', devices: [], line });
    }
  }
  return regions.slice(0, FACTS_AT_MOST);
}

/**
 * What firmware tables tell beside a log, as if the log had told it: reserved regions, and the errors in the tables as
 * complaints about firmware. The memory map that the log gave is held against the tables.
 */
export function addFirmwareFacts(tables: readonly InputTable[], facts: LogFacts): void {
  const around = surroundingsOf(tables, facts.e820.length > 0 ? facts.e820 : null);
  for (const input of tables) {
    if (!isIommuTable(input.table)) continue;
    for (const range of reservedRanges(input)) facts.add(facts.reservedRegions, range);
    for (const { severity, message, table } of verifyAcpiTable(input.table, around, input.trailing)) {
      if (severity !== 'error') continue;
      facts.add(facts.firmwareComplaints, {
        value: `${table} (${input.file}): ${message}`,
        line: ELSEWHERE,
      });
    }
  }
}
