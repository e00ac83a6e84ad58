import { R, type Rights, W } from '../../formats/address.js';
import { FrameSet } from '../frame-set.js';
import type { AuditedDevice, Survey } from '../survey.js';
import { DEVICES_NAMED } from './finding.js';

/** Physical addresses end here; what passes untranslated reaches all below. */
const FRAME_LIMIT = 2 ** 40;

/** Devices that reach the same memory: those of one set of tables, or one that passes untranslated. */
export interface Reach {
  readonly devices: readonly AuditedDevice[];
  /** `domain id 3 (0000:00:04.0)`. */
  readonly who: string;
  readonly frames: FrameSet;
  readonly passthrough: boolean;
}

/** Everybody who reaches memory at all, and what. Devices of one set of tables and equal rights come together. */
export function reachesOf(survey: Survey): Reach[] {
  const byTables = new Map<string, AuditedDevice[]>();
  for (const device of survey.devices) {
    const rights = device.rights & (R | W);
    const passes = device.translation === 'passthrough';
    if (rights === 0 || (!passes && device.space === null)) continue;
    const key = passes ? `passes ${rights}` : `${device.space} ${rights}`;
    const known = byTables.get(key);
    if (known === undefined) byTables.set(key, [device]);
    else known.push(device);
  }
  return [...byTables.values()].map((devices) => {
    const [first] = devices as [AuditedDevice];
    const passthrough = first.translation === 'passthrough';
    const rights: Rights = first.rights & (R | W);
    const frames = passthrough
      ? FrameSet.interval(0, FRAME_LIMIT, rights)
      : FrameSet.of(survey.spaces[first.space!]!.ranges, rights);
    return { devices, who: whoText(devices), frames, passthrough };
  });
}

/** `0000:00:04.0 (domain id 3)`, `0000:00:04.0 and 2 more (domain id 3)`. */
export function whoText(devices: readonly AuditedDevice[]): string {
  const [first] = devices as [AuditedDevice];
  const others = devices.length === 1 ? '' : ` and ${devices.length - 1} more`;
  const domainIds = [...new Set(devices.map(({ domainId }) => domainId))];
  const ids = domainIds.slice(0, 4).map((id) => (id === null ? 'no domain id' : `domain id ${id}`));
  return `${first.sbdf}${others} (${ids.join(', ')}${domainIds.length > 4 ? ', …' : ''})`;
}

/** Names of devices, as many as a finding has. */
export function namesOf(...lists: readonly (readonly AuditedDevice[])[]): string[] {
  const names: string[] = [];
  for (const devices of lists) {
    for (const { sbdf } of devices.slice(0, DEVICES_NAMED - names.length)) names.push(sbdf);
  }
  return names;
}

/** The devices of each set of tables, by its index. */
export function usersOfSpaces(survey: Pick<Survey, 'spaces' | 'devices'>): AuditedDevice[][] {
  const users: AuditedDevice[][] = survey.spaces.map(() => []);
  for (const device of survey.devices) if (device.space !== null) users[device.space]?.push(device);
  return users;
}
