import { readField } from '../layout.js';
import { DmarType } from './dmar.js';
import { IortType } from './iort.js';
import { isIvhd } from './ivrs.js';
import { type AcpiStructure, acpiField, addressOf, numberOf } from './structure.js';
import type { AcpiTable } from './table.js';

/** An IOMMU unit as a table tells of it. */
export interface UnitInTable {
  readonly kind: 'vtd' | 'amdvi' | 'smmuv2' | 'smmuv3';
  /** Byte address of its registers. */
  readonly registers: number;
  /** PCI segment; 0 for SMMUs, which have none. */
  readonly segment: number;
  /** Whether it has all devices that no other unit has. */
  readonly includeAll: boolean;
  /** AMD-Vi: requester id of the IOMMU itself; null for others. */
  readonly deviceId: number | null;
  /** Offset in the table of the structure that says so. */
  readonly offset: number;
}

/** The bits of a field by name, as numbers; null when the field is missing. */
export function bitsOf(structure: AcpiStructure, name: string): Record<string, number> | null {
  const { bits = [] } = acpiField(structure.layout, name);
  const value = numberOf(structure, name);
  if (value === null) return null;
  const words = [value | 0];
  return Object.fromEntries(bits.map((bit) => [bit.name, readField(bit, words)]));
}

function unit(
  kind: UnitInTable['kind'],
  structure: AcpiStructure,
  rest: Partial<UnitInTable> = {},
): UnitInTable[] {
  const base = addressOf(structure, 'base');
  // No processor has more than 52 bits of physical address: what is beyond is a mistake of the table, told elsewhere.
  if (base === null || base === 0n || base >> 52n !== 0n) return [];
  const { offset } = structure;
  const none = { segment: 0, includeAll: false, deviceId: null };
  return [{ kind, registers: Number(base), ...none, ...rest, offset }];
}

/**
 * The IOMMU units of a DMAR, IVRS or IORT table whose registers can be somewhere; none for other tables. An AMD IOMMU
 * that several IVHD blocks describe is listed once.
 */
export function unitsOf(table: AcpiTable): UnitInTable[] {
  const found: UnitInTable[] = [];
  const seen = new Set<number>();
  for (const structure of table.structures) {
    const { name } = table.header.layout;
    const { type } = structure;
    if (name === 'DMAR' && type === DmarType.DRHD) {
      const includeAll = bitsOf(structure, 'flags')?.includePciAll === 1;
      found.push(...unit('vtd', structure, { segment: numberOf(structure, 'segment') ?? 0, includeAll }));
    } else if (name === 'IVRS' && isIvhd(type)) {
      const segment = numberOf(structure, 'segment') ?? 0;
      for (const one of unit('amdvi', structure, { segment, deviceId: numberOf(structure, 'deviceId') })) {
        if (!seen.has(one.registers)) found.push(one);
        seen.add(one.registers);
      }
    } else if (name === 'IORT' && type === IortType.SMMU) found.push(...unit('smmuv2', structure));
    else if (name === 'IORT' && type === IortType.SMMUV3) found.push(...unit('smmuv3', structure));
  }
  return found;
}
