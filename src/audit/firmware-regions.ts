import { DmarType } from '../formats/acpi/dmar.js';
import { IvrsType, isIvmd } from '../formats/acpi/ivrs.js';
import { type AcpiStructure, addressOf, numberOf } from '../formats/acpi/structure.js';
import type { AcpiTable } from '../formats/acpi/table.js';
import { R, type Rights, W } from '../formats/address.js';
import { sbdfText } from '../formats/requester.js';
import { scoped } from './acpi/device-scope.js';
import type { ReservedRegion } from './findings/finding.js';

/** Addresses from here up are no physical ones. */
const ADDRESS_LIMIT = 2n ** 52n;

/** Names of devices that the regions of one table have together: as many as 16 regions for every requester. */
const NAMES_AT_MOST = 1 << 20;

/**
 * The regions that a DMAR or IVRS table reserves for devices: RMRRs, and IVMDs that ask for unity mappings. Regions without
 * a device that has a name (behind bridges whose buses are numbered later) and regions that make no sense are left out:
 * `verify-dmar` and `verify-ivrs` tell of those. So are regions for more devices than any machine names.
 */
export function regionsOfTable({ signature, structures }: AcpiTable): ReservedRegion[] {
  const regionOf =
    signature === 'IVRS' ? ivmdRegion : signature === 'DMAR' || signature === 'RMAD' ? rmrrRegion : undefined;
  const regions: ReservedRegion[] = [];
  let names = 0;
  for (const structure of regionOf === undefined ? [] : structures) {
    for (const region of regionOf!(structure)) {
      names += region.devices.length;
      if (names <= NAMES_AT_MOST) regions.push(region);
    }
    if (names > NAMES_AT_MOST) break;
  }
  return regions;
}

function rmrrRegion(structure: AcpiStructure): ReservedRegion[] {
  if (structure.type !== DmarType.RMRR) return [];
  const devices = scoped(structure).scopes.flatMap(({ sbdf }) => sbdf ?? []);
  const [base, limit] = [addressOf(structure, 'base'), addressOf(structure, 'limit')];
  if (devices.length === 0 || base === null || limit === null) return [];
  return region('RMRR', base, limit + 1n, devices, R | W);
}

function ivmdRegion(structure: AcpiStructure): ReservedRegion[] {
  if (!isIvmd(structure.type)) return [];
  const flags = numberOf(structure, 'flags') ?? 0;
  const [start, length] = [addressOf(structure, 'start'), addressOf(structure, 'memoryLength')];
  // Unity (bit 0) asks for a mapping; an exclusion range is not translated at all.
  if ((flags & 1) === 0 || start === null || length === null) return [];
  const rights = (flags >>> 1) & (R | W);
  const devices = ivmdDevices(structure);
  return devices === undefined ? [] : region('IVMD', start, start + length, devices, rights);
}

/** Whom an IVMD is for; none for all. */
function ivmdDevices(structure: AcpiStructure): string[] | undefined {
  if (structure.type === IvrsType.IVMD_ALL) return [];
  const first = numberOf(structure, 'deviceId');
  const last = structure.type === IvrsType.IVMD_RANGE ? numberOf(structure, 'aux') : first;
  if (first === null || last === null || last < first) return undefined;
  return Array.from({ length: last - first + 1 }, (_, i) => sbdfText(first + i));
}

function region(
  name: string,
  start: bigint,
  end: bigint,
  devices: readonly string[],
  rights: Rights,
): ReservedRegion[] {
  if (end <= start || end > ADDRESS_LIMIT || rights === 0) return [];
  return [{ name, start: Number(start), end: Number(end), devices, rights }];
}
