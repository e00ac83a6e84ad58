import { addressOf, isWhole, offsetOf } from '../../formats/acpi/structure.js';
import { hex } from '../../text/hex.js';
import type { ScopedStructure } from './device-scope.js';
import type { AcpiFindings } from './finding.js';
import { type Interval, overlaps } from './intervals.js';
import { ramText, ramWithin, type Surroundings } from './surroundings.js';

const PAGE = 4096n;
/** Reserved memory regions (VT-d §8.4): whole pages that no other owner has, for devices that are named. */
export function verifyRegions(
  regions: readonly ScopedStructure[],
  width: number | null,
  around: Surroundings,
  findings: AcpiFindings,
): void {
  const intervals: Interval<number>[] = [];
  for (const region of regions) {
    verifyDevices(region, findings);
    const { structure } = region;
    const base = addressOf(structure, 'base');
    const limit = addressOf(structure, 'limit');
    if (base === null || limit === null) continue;
    const at = offsetOf(structure, 'base');
    const range = `${hex(base)}-${hex(limit)}`;
    const [device] = region.scopes;
    const sbdf = device?.sbdf ?? undefined;
    if (limit < base) {
      findings.error('region-reversed', at, `reserved region ${range} ends before it begins`, sbdf);
      continue;
    }
    if (limit === base) {
      findings.error(
        'region-one-byte',
        at,
        `reserved region ${range} is one byte: a template not filled in`,
        sbdf,
      );
      continue;
    }
    intervals.push({ start: base, end: limit, owner: structure.offset });
    if (base % PAGE !== 0n || (limit + 1n) % PAGE !== 0n) {
      findings.error(
        'region-unaligned',
        at,
        `reserved region ${range} does not consist of whole pages`,
        sbdf,
      );
    }
    if (width !== null && limit >= 1n << BigInt(width)) {
      const message = `reserved region ${range} lies beyond the host address width of ${width} bits`;
      findings.error('region-beyond-width', at, message, sbdf);
    }
    const ram = ramWithin(around, base, limit + 1n);
    if (ram !== undefined) {
      findings.error('region-in-ram', at, `reserved region ${range}: ${ramText(ram)}`, sbdf);
    }
  }
  for (const { first, second } of overlaps(intervals)) {
    const message = `reserved regions ${hex(first.start)}-${hex(first.end)} and ${hex(second.start)}-${hex(second.end)} overlap`;
    findings.error('region-overlap', second.owner + 8, message);
  }
}

function verifyDevices({ structure, scopes }: ScopedStructure, findings: AcpiFindings): void {
  const { offset } = structure;
  if (isWhole(structure) && scopes.length === 0) {
    findings.warning('region-without-devices', offset, 'the reserved region is for no device');
  }
  for (const scope of scopes) {
    if (scope.isPci || scope.type === null) continue;
    const message = `a reserved region is for PCI devices, not for ${scope.text}`;
    findings.warning('scope-type', scope.structure.offset, message);
  }
  const devices = scopes.filter(({ isPci }) => isPci);
  if (devices.length > 1) {
    const names = devices.slice(0, 4).map(({ text }) => text);
    const more = devices.length > 4 ? ` and ${devices.length - 4} more` : '';
    const message = `the reserved region is shared by ${names.join(', ')}${more}`;
    findings.warning('region-shared', offset, message, devices[0]!.sbdf ?? undefined);
  }
}
