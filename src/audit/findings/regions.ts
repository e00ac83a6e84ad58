import { PAGE_SIZE, rightsText } from '../../formats/address.js';
import { Inputs } from '../inputs.js';
import type { Survey } from '../survey.js';
import { bytesText, type Finding, listed, type ReservedRegion } from './finding.js';
import { namesOf, usersOfSpaces, whoText } from './reach.js';

/**
 * Reserved regions that are not mapped to themselves, with the rights they ask for, for the devices that firmware named. Their
 * DMA goes on whatever the operating system does, so each such access is a fault. (Intel VT-d spec §8.4; AMD IOMMU spec
 * §5.2.2.1, IVMD; dossier §8)
 */
export function reservedRegionFindings(survey: Survey, regions: readonly ReservedRegion[]): Finding[] {
  const findings: Finding[] = [];
  const named = new Map(regions.map((region) => [region, new Set(region.devices)]));
  const usersOf = usersOfSpaces(survey);
  for (const [index, space] of survey.spaces.entries()) {
    const users = usersOf[index]!;
    for (const region of regions) {
      const devices =
        region.devices.length === 0 ? users : users.filter(({ sbdf }) => named.get(region)!.has(sbdf));
      if (devices.length === 0) continue;
      const first = Math.floor(region.start / PAGE_SIZE);
      const end = Math.ceil(region.end / PAGE_SIZE);
      const { missing, moved, complete } = new Inputs(space.ranges).compareWithIdentity(
        first,
        end,
        region.rights,
      );
      const about = {
        sbdf: devices[0]!.sbdf,
        devices: namesOf(devices),
        start: region.start,
        end: region.end,
      };
      const parts = (pieces: readonly (readonly [number, number])[]) =>
        listed(pieces.map(([from, to]) => bytesText(from * PAGE_SIZE, to * PAGE_SIZE)));
      const name = `${region.name} ${bytesText(region.start, region.end)}`;
      if (!complete) {
        const message = `${whoText(devices)}: ${name} was not compared to its end; its pieces are too many.`;
        findings.push({ severity: 'warning', code: 'walk-incomplete', message, ...about });
      }
      if (missing.length > 0) {
        const message = `${whoText(devices)}: of ${name}, ${parts(missing)} is not mapped ${rightsText(region.rights)}; DMA there faults.`;
        findings.push({ severity: 'error', code: 'rmrr-missing', message, ...about });
      }
      if (moved.length > 0) {
        const message = `${whoText(devices)}: of ${name}, ${parts(moved)} leads to other memory than itself.`;
        findings.push({ severity: 'error', code: 'rmrr-moved', message, ...about });
      }
    }
  }
  return findings;
}
