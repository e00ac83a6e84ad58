import { IOMMU_SIGNATURES } from '../../formats/acpi/find-tables.js';
import { ioApicIds } from '../../formats/acpi/madt.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import type { NamedRange } from '../../logs/facts.js';
import { type AcpiFinding, AcpiFindings } from './finding.js';
import type { InputTable } from './read-input.js';
import { NOTHING_KNOWN, type Surroundings } from './surroundings.js';
import { verifyDmar } from './verify-dmar.js';
import { verifyIort } from './verify-iort.js';
import { verifyIvrs } from './verify-ivrs.js';
import { verifyTable } from './verify-table.js';

const VERIFIERS: Readonly<
  Record<string, (table: AcpiTable, around: Surroundings, to: AcpiFindings) => void>
> = { DMAR: verifyDmar, IVRS: verifyIvrs, IORT: verifyIort };

/** The table's kind: a DMAR whose signature Xen has scrambled is one all the same. */
const kindOf = (table: AcpiTable): string => table.header.layout.name;

/** Whether it is a table of an IOMMU, and not one that is read for what it says about others. */
export const isIommuTable = (table: AcpiTable): boolean =>
  (IOMMU_SIGNATURES as readonly string[]).includes(kindOf(table));

/** Everything that is wrong with a table, or worth knowing, in the order of offsets. */
export function verifyAcpiTable(table: AcpiTable, around = NOTHING_KNOWN, trailing = 0): AcpiFinding[] {
  const findings = new AcpiFindings(kindOf(table));
  verifyTable(table, trailing, findings);
  VERIFIERS[kindOf(table)]?.(table, around, findings);
  return findings.done();
}

/** What the other tables of an input and a memory map tell about the machine. */
export function surroundingsOf(
  tables: readonly InputTable[],
  e820: readonly NamedRange[] | null,
): Surroundings {
  const madt = tables.find(({ table }) => kindOf(table) === 'MADT' && table.complete)?.table;
  return { ioApicIds: madt === undefined ? null : ioApicIds(madt), e820 };
}
