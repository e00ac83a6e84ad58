import { DmarType, pathOf, ScopeType } from '../../formats/acpi/dmar.js';
import {
  type AcpiStructure,
  addressOf,
  isWhole,
  numberOf,
  offsetOf,
  textOf,
} from '../../formats/acpi/structure.js';
import type { AcpiTable } from '../../formats/acpi/table.js';
import { bitsOf } from '../../formats/acpi/units.js';
import { hex } from '../../text/hex.js';
import { type Scope, type ScopedStructure, scoped } from './device-scope.js';
import type { AcpiFindings } from './finding.js';
import { ramText, ramWithin, type Surroundings } from './surroundings.js';
import { verifyRegions } from './verify-dmar-regions.js';

const PAGE = 4096n;
/** What a DMAR table says, held against the specification and the machine. */
export function verifyDmar(table: AcpiTable, around: Surroundings, findings: AcpiFindings): void {
  const of = (type: number) => table.structures.filter((structure) => structure.type === type);
  const units = of(DmarType.DRHD).map(scoped);
  const width = verifyHeader(table, units.length, findings);
  verifyOrder(table, findings);
  verifyUnits(units, width, around, findings);
  verifyIncludeAll(units, findings);
  verifyUnitScopes(units, findings);
  verifySubHierarchies(units, findings);
  verifyIoApics(table, units, around, findings);
  const segments = new Set(units.map(({ segment }) => segment));
  for (const type of [DmarType.RMRR, DmarType.ATSR, DmarType.SATC, DmarType.SIDP]) {
    for (const one of of(type).map(scoped)) {
      verifyPaths(one.scopes, findings);
      if (one.segment !== null && units.length > 0 && !segments.has(one.segment) && table.readToEnd) {
        const message = `${one.structure.layout.name} is for segment ${one.segment}, which no unit has`;
        findings.error('segment-without-unit', offsetOf(one.structure, 'segment'), message);
      }
    }
  }
  verifyRegions(of(DmarType.RMRR).map(scoped), width, around, findings);
  verifyRootPorts(of(DmarType.ATSR).map(scoped), findings);
  verifyAffinities(of(DmarType.RHSA), units, table.readToEnd, findings);
  verifyNameSpace(of(DmarType.ANDD), table, findings);
}

/** The host address width in bits, or null where it is missing or cannot be. */
function verifyHeader(
  { header, readToEnd }: AcpiTable,
  units: number,
  findings: AcpiFindings,
): number | null {
  const haw = numberOf(header, 'hostAddressWidth');
  const at = offsetOf(header, 'hostAddressWidth');
  if (units === 0 && readToEnd) findings.error('no-unit', 48, 'no DRHD: there is no remapping unit');
  const flags = bitsOf(header, 'flags');
  if (flags?.x2apicOptOut === 1 && flags.interruptRemapping === 0) {
    findings.warning('x2apic-flag', offsetOf(header, 'flags'), 'X2APIC_OPT_OUT is set and INTR_REMAP is not');
  }
  if (haw === null) return null;
  const bits = haw + 1;
  if (haw < 11) {
    findings.error(
      'address-width',
      at,
      `host address width ${haw} (${bits} bits): no address of a unit fits`,
    );
    return null;
  }
  if (bits > 52) {
    findings.warning(
      'address-width',
      at,
      `host address width ${haw} (${bits} bits): no processor has more than 52`,
    );
  }
  return bits;
}

function verifyOrder({ structures }: AcpiTable, findings: AcpiFindings): void {
  let highest: AcpiStructure | undefined;
  for (const structure of structures) {
    if (highest !== undefined && structure.type! < highest.type!) {
      const message = `${structure.layout.name} follows ${highest.layout.name}`;
      findings.warning('structure-order', structure.offset, message);
      return;
    }
    highest = structure;
  }
}

function verifyUnits(
  units: readonly ScopedStructure[],
  width: number | null,
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const seen = new Map<bigint, AcpiStructure>();
  for (const { structure, scopes } of units) {
    const at = offsetOf(structure, 'base');
    const base = addressOf(structure, 'base');
    const flags = bitsOf(structure, 'flags');
    if (flags?.includePciAll === 0 && scopes.length === 0 && isWhole(structure)) {
      findings.warning(
        'unit-without-devices',
        structure.offset,
        `the unit at ${hex(base ?? 0)} has no device`,
      );
    }
    if (base === null) continue;
    const pages = 1n << BigInt(bitsOf(structure, 'pages')?.pagesLog2 ?? 0);
    const wrong = addressProblem(base, base + pages * PAGE, width);
    if (wrong !== null) findings.error('unit-address', at, `unit at ${hex(base)}: ${wrong}`);
    const twin = seen.get(base);
    if (twin !== undefined) {
      const message = `unit at ${hex(base)}: the DRHD at offset ${hex(twin.offset)} has the same registers`;
      findings.error('unit-duplicate', at, message);
    } else seen.set(base, structure);
    const ram = wrong === null ? ramWithin(around, base, base + pages * PAGE) : undefined;
    if (ram !== undefined) findings.error('unit-in-ram', at, `unit at ${hex(base)}: ${ramText(ram)}`);
  }
}

/** What is wrong with the address of registers; null when nothing is. */
function addressProblem(base: bigint, end: bigint, width: number | null): string | null {
  if (base === 0n) return 'there is no unit at address 0';
  if (base === 0xffff_ffff_ffff_ffffn) return 'all ones';
  if (base % PAGE !== 0n) return 'not 4 KiB aligned';
  if (width !== null && end > 1n << BigInt(width)) return `beyond the host address width of ${width} bits`;
  return null;
}

/** INCLUDE_PCI_ALL: once a segment, and in its last unit (§8.3). */
function verifyIncludeAll(units: readonly ScopedStructure[], findings: AcpiFindings): void {
  const last = new Map<number, ScopedStructure>();
  for (const unit of units) if (unit.segment !== null) last.set(unit.segment, unit);
  const all = new Map<number, AcpiStructure>();
  for (const { structure, segment, scopes } of units) {
    if (segment === null || bitsOf(structure, 'flags')?.includePciAll !== 1) continue;
    const at = offsetOf(structure, 'flags');
    const first = all.get(segment);
    if (first !== undefined) {
      const message = `INCLUDE_PCI_ALL for segment ${segment}, which the DRHD at offset ${hex(first.offset)} has already`;
      findings.add(segment === 0 ? 'error' : 'warning', 'include-all-twice', at, message);
    } else all.set(segment, structure);
    if (last.get(segment)?.structure !== structure) {
      const message = `INCLUDE_PCI_ALL for segment ${segment}, and more units of that segment follow`;
      findings.warning('include-all-not-last', at, message);
    }
    const named = scopes.find(({ isPci }) => isPci);
    if (named !== undefined) {
      const message = `INCLUDE_PCI_ALL is set, and ${named.text} is named as well`;
      findings.warning('include-all-scope', named.structure.offset, message);
    }
  }
  for (const [segment, { structure }] of last) {
    if (all.has(segment)) continue;
    const message = `segment ${segment} has no unit with INCLUDE_PCI_ALL: devices that no unit names have none`;
    findings.info('include-all-missing', structure.offset, message);
  }
}

/** Devices in the scopes of units: each of them once. */
function verifyUnitScopes(units: readonly ScopedStructure[], findings: AcpiFindings): void {
  const seen = new Map<string, { unit: AcpiStructure; scope: Scope }>();
  for (const { structure, scopes } of units) {
    verifyPaths(scopes, findings);
    for (const scope of scopes) {
      const key = scope.isPci ? scope.key : idKey(scope);
      if (key === null) continue;
      const earlier = seen.get(key);
      if (earlier === undefined) {
        seen.set(key, { unit: structure, scope });
        continue;
      }
      const { offset } = scope.structure;
      if (earlier.unit === structure) {
        findings.warning(
          'scope-repeated',
          offset,
          `${scope.text} stands twice in one unit`,
          scope.sbdf ?? undefined,
        );
      } else {
        const base = addressOf(earlier.unit, 'base');
        const where = base === null ? `offset ${hex(earlier.unit.offset)}` : hex(base);
        const message = `${scope.text} is in the scopes of the unit at ${where} as well`;
        findings.error('scope-duplicate', offset, message, scope.sbdf ?? undefined);
      }
    }
  }
}

/** Devices behind a bridge that another unit has with its whole sub-hierarchy: paths that begin with the bridge's. */
function verifySubHierarchies(units: readonly ScopedStructure[], findings: AcpiFindings): void {
  const bridges = new Map<string, AcpiStructure>();
  for (const { structure, scopes } of units) {
    for (const { type, key } of scopes) {
      if (type === ScopeType.BRIDGE && key !== null) bridges.set(key, structure);
    }
  }
  for (const { structure, scopes } of units) {
    for (const { key, isPci, text, structure: scope } of scopes) {
      if (key === null || !isPci) continue;
      for (let cut = key.lastIndexOf('/'); cut > 0; cut = key.lastIndexOf('/', cut - 1)) {
        const unit = bridges.get(key.slice(0, cut));
        if (unit === undefined || unit === structure) continue;
        const message = `${text} is behind a bridge that the unit at offset ${hex(unit.offset)} has with all behind it`;
        findings.warning('scope-within', scope.offset, message);
        break;
      }
    }
  }
}

/** I/O APICs, HPETs and name-space devices go by their ids: several I/O APICs may share a PCI address. */
const idKey = ({ type, enumerationId }: Scope): string | null =>
  enumerationId === null ? null : `${type}/${enumerationId}`;

function verifyPaths(scopes: readonly Scope[], findings: AcpiFindings): void {
  for (const { structure, text, type } of scopes) {
    const { offset, length } = structure;
    if (length === null || length < 6 || structure.size < length) continue;
    // The path of a name-space device may be anything: its name counts.
    if (type === ScopeType.NAMESPACE) continue;
    const path = pathOf(structure);
    if (length < 8) {
      findings.error('scope-path', offset, `device scope of ${length} bytes has no path`);
    } else if (length % 2 !== 0) {
      findings.error(
        'scope-path',
        offset,
        `${text}: half a step is left at the end of its path (length ${length})`,
      );
    } else if (path?.some(({ device, fn }) => device > 31 || fn > 7)) {
      const wrong = path.find(({ device, fn }) => device > 31 || fn > 7)!;
      const message = `${text}: device ${hex(wrong.device)}, function ${hex(wrong.fn)} cannot be`;
      findings.error('scope-path', offset, message);
    }
  }
}

function verifyIoApics(
  table: AcpiTable,
  units: readonly ScopedStructure[],
  { ioApicIds }: Surroundings,
  findings: AcpiFindings,
): void {
  // What is cut off may have them.
  if (!table.readToEnd || units.length === 0) return;
  const named = new Set(
    units.flatMap(({ scopes }) =>
      scopes.filter(({ type }) => type === ScopeType.IOAPIC).map(({ enumerationId }) => enumerationId),
    ),
  );
  for (const id of ioApicIds ?? []) {
    if (named.has(id)) continue;
    findings.error('ioapic-missing', 48, `I/O APIC ${hex(id)} of the MADT is in no unit’s scopes`);
  }
  const remaps = bitsOf(table.header, 'flags')?.interruptRemapping === 1;
  if (ioApicIds === null && remaps && named.size === 0) {
    findings.warning('ioapic-missing', 48, 'INTR_REMAP is set, and no unit names an I/O APIC');
  }
}

function verifyRootPorts(structures: readonly ScopedStructure[], findings: AcpiFindings): void {
  const allPorts = new Map<number, AcpiStructure>();
  for (const { structure, segment, scopes } of structures) {
    const { offset } = structure;
    if (bitsOf(structure, 'flags')?.allPorts === 1 && segment !== null) {
      if (scopes.length > 0)
        findings.warning('all-ports', offset, 'ALL_PORTS is set, and root ports are named');
      if (allPorts.has(segment)) {
        const severity = segment === 0 ? 'error' : 'warning';
        findings.add(severity, 'all-ports', offset, `ALL_PORTS for segment ${segment} a second time`);
      }
      allPorts.set(segment, structure);
    }
    for (const scope of scopes) {
      if (scope.type === ScopeType.BRIDGE || scope.type === null) continue;
      const message = `an ATSR names root ports, not ${scope.text}`;
      findings.warning('scope-type', scope.structure.offset, message, scope.sbdf ?? undefined);
    }
  }
}

function verifyAffinities(
  structures: readonly AcpiStructure[],
  units: readonly ScopedStructure[],
  complete: boolean,
  findings: AcpiFindings,
): void {
  const bases = new Set(units.map(({ structure }) => addressOf(structure, 'base')));
  for (const structure of structures) {
    const base = addressOf(structure, 'base');
    if (base === null || bases.has(base) || !complete) continue;
    const message = `the RHSA is for a unit at ${hex(base)}, which no DRHD has`;
    findings.warning('affinity-without-unit', offsetOf(structure, 'base'), message);
  }
}

/** Name-space scopes and their declarations go together by number. */
function verifyNameSpace(
  declarations: readonly AcpiStructure[],
  table: AcpiTable,
  findings: AcpiFindings,
): void {
  const declared = new Set(declarations.map((structure) => numberOf(structure, 'deviceNumber')));
  for (const { bytes, offset, size } of declarations) {
    const name =
      size > 8 && bytes.has(offset + 8, size - 8) ? bytes.bytes.subarray(offset + 8, offset + size) : null;
    if (name === null || name.includes(0)) continue;
    findings.error('name-space-device', offset + 8, 'the name of the ANDD has no NUL at its end');
  }
  if (!table.readToEnd) return;
  const used = new Set<number>();
  for (const structure of table.structures) {
    for (const scope of structure.children) {
      if (scope.type !== ScopeType.NAMESPACE) continue;
      const id = numberOf(scope, 'enumerationId');
      if (id === null) continue;
      used.add(id);
      if (!declared.has(id)) {
        findings.warning('name-space-device', scope.offset, `name-space device ${id} has no ANDD`);
      }
    }
  }
  for (const structure of declarations) {
    const id = numberOf(structure, 'deviceNumber');
    if (id === null || used.has(id)) continue;
    const message = `ANDD ${id} (${textOf(structure, 'objectName') ?? '?'}) is in no unit’s scopes`;
    findings.warning('name-space-device', structure.offset, message);
  }
}
