import { PAGE_SIZE, type Rights, rightsText } from '../../formats/address.js';
import { Inputs } from '../inputs.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { bytesText, type Finding, listed, type ReservedRegion } from './finding.js';
import { namesOf, whoText } from './reach.js';

/** Looks into ranges that all comparisons may cost together; a table may reserve anything for everybody. */
const STEPS_AT_MOST = 4_000_000;

/**
 * Reserved regions that are not mapped to themselves, with the rights they ask for, for the devices that firmware named. Their
 * DMA goes on whatever the operating system does, so each such access is a fault. (Intel VT-d spec §8.4; AMD IOMMU spec
 * §5.2.2.1, IVMD; dossier §8)
 */
export function* reservedRegionFindings(
  survey: Survey,
  regions: readonly ReservedRegion[],
): Generator<Finding> {
  // An entry without PASID is what DMA of firmware goes by.
  const devices = survey.devices.filter(({ pasid }) => pasid === null);
  const byName = new Map<string, AuditedDevice[]>();
  for (const device of devices) {
    const same = byName.get(device.sbdf);
    if (same === undefined) byName.set(device.sbdf, [device]);
    else same.push(device);
  }
  let left = STEPS_AT_MOST;
  for (const [done, region] of regions.entries()) {
    const named =
      region.devices.length === 0 ? devices : region.devices.flatMap((sbdf) => byName.get(sbdf) ?? []);
    left -= named.length;
    for (const users of alike(named)) {
      if (left < 0) {
        const message = `The search for reserved regions that are not mapped ended at region ${done + 1} of ${regions.length}.`;
        yield { severity: 'warning', code: 'walk-incomplete', message, devices: [] };
        return;
      }
      left -= 1 + (yield* compared(survey, region, users, left));
    }
    yield* absent(survey, region, byName);
  }
}

/** Devices of one set of tables and equal rights together; those that pass reach every region and are left out. */
function alike(devices: readonly AuditedDevice[]): Iterable<readonly AuditedDevice[]> {
  const groups = new Map<string, AuditedDevice[]>();
  for (const device of devices) {
    const { translation, space, rights } = device;
    if (translation === 'passthrough' || translation === 'unknown') continue;
    const key = `${space} ${rights}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  return groups.values();
}

/** Devices that have no entry at all, where that stops them: VT-d units let nothing pass for them. */
function* absent(
  { units }: Survey,
  region: ReservedRegion,
  known: ReadonlyMap<string, unknown>,
): Generator<Finding> {
  if (units.some(({ kind }) => kind !== 'vtd')) return;
  for (const sbdf of region.devices) {
    if (known.has(sbdf)) continue;
    const message = `${sbdf} has no entry: ${nameOf(region)} is not mapped for it; DMA there faults.`;
    yield { severity: 'warning', code: 'rmrr-missing', message, sbdf, devices: [sbdf], ...bytesOf(region) };
  }
}

const nameOf = ({ name, start, end }: ReservedRegion): string => `${name} ${bytesText(start, end)}`;
const bytesOf = ({ start, end }: ReservedRegion) => ({ start, end });

/** Compares one region with what devices of one set of tables reach. Returns the steps that it took. */
function* compared(
  survey: Survey,
  region: ReservedRegion,
  users: readonly AuditedDevice[],
  most: number,
): Generator<Finding, number> {
  const [{ space, rights }] = users as [AuditedDevice];
  const about = { sbdf: users[0]!.sbdf, devices: namesOf(users), ...bytesOf(region) };
  const who = whoText(users);
  if (space === null) {
    const message = `${who}: ${nameOf(region)} is not mapped, for all that it sends is blocked; DMA there faults.`;
    yield { severity: 'warning', code: 'rmrr-missing', message, ...about };
    return 0;
  }
  const first = Math.floor(region.start / PAGE_SIZE);
  const end = Math.ceil(region.end / PAGE_SIZE);
  const inputs = new Inputs(survey.spaces[space]!.ranges, rights);
  const { missing, moved, complete, steps } = inputs.compareWithIdentity(first, end, region.rights, most);
  if (!complete) {
    const message = `${who}: ${nameOf(region)} was not compared to its end; its pieces are too many.`;
    yield { severity: 'warning', code: 'walk-incomplete', message, ...about };
  }
  if (missing.length > 0) {
    const message = `${who}: of ${nameOf(region)}, ${piecesText(missing)} is not mapped ${wanted(region.rights)}; DMA there faults.`;
    yield { severity: 'error', code: 'rmrr-missing', message, ...about };
  }
  if (moved.length > 0) {
    const message = `${who}: of ${nameOf(region)}, ${piecesText(moved)} leads to other memory than itself.`;
    yield { severity: 'error', code: 'rmrr-moved', message, ...about };
  }
  return steps;
}

const wanted = (rights: Rights): string => `with the rights ${rightsText(rights)}`;

const piecesText = (pieces: readonly (readonly [number, number])[]): string =>
  listed(pieces.map(([from, to]) => bytesText(from * PAGE_SIZE, to * PAGE_SIZE)));
