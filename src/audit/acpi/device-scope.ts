import { pathOf, ScopeType } from '../../formats/acpi/dmar.js';
import { type AcpiStructure, numberOf } from '../../formats/acpi/structure.js';

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** A device scope of a DMAR table, as far as the table tells what it names. */
export interface Scope {
  readonly structure: AcpiStructure;
  readonly type: number | null;
  readonly enumerationId: number | null;
  /** `ssss:bb:dd.f`, when the path has one step: buses behind bridges are numbered later. */
  readonly sbdf: string | null;
  /** What it names, in words: the device, or the path from the start bus. */
  readonly text: string;
  /** Equal for scopes that name the same; null when bytes are missing. */
  readonly key: string | null;
  readonly isPci: boolean;
}

/** What a device scope names. */
export function scopeOf(structure: AcpiStructure, segment: number | null): Scope {
  const { type } = structure;
  const bus = numberOf(structure, 'bus');
  const path = pathOf(structure);
  const enumerationId = numberOf(structure, 'enumerationId');
  const isPci = type === ScopeType.ENDPOINT || type === ScopeType.BRIDGE;
  const steps = path?.map(({ device, fn }) => `${hex(device, 2)}.${fn}`);
  const known = bus !== null && steps !== undefined && segment !== null;
  const place = known ? `${hex(segment, 4)}:${hex(bus, 2)}:${steps.join('/')}` : 'a device that is not known';
  const sbdf = known && steps.length === 1 ? place : null;
  const what = NAMES[type ?? 0] ?? 'device';
  const text =
    type === ScopeType.IOAPIC || type === ScopeType.HPET
      ? `${what} ${enumerationId ?? '?'} (${place})`
      : `${what} ${place}`;
  return { structure, type, enumerationId, sbdf, text, key: known ? place : null, isPci };
}

const NAMES: Readonly<Record<number, string>> = {
  [ScopeType.ENDPOINT]: 'endpoint',
  [ScopeType.BRIDGE]: 'bridge',
  [ScopeType.IOAPIC]: 'I/O APIC',
  [ScopeType.HPET]: 'HPET',
  [ScopeType.NAMESPACE]: 'name-space device',
};

/** A structure of a DMAR table with its device scopes. */
export interface ScopedStructure {
  readonly structure: AcpiStructure;
  readonly segment: number | null;
  readonly scopes: readonly Scope[];
}

export function scoped(structure: AcpiStructure): ScopedStructure {
  const segment = numberOf(structure, 'segment');
  return { structure, segment, scopes: structure.children.map((child) => scopeOf(child, segment)) };
}
