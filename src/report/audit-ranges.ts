import type { AuditedDevice, Survey } from '../audit/survey.js';
import { PAGE_SIZE, R, type Rights, W } from '../formats/address.js';

/** A range of device addresses as reports show it. Bytes; `end` exclusive. */
export interface ShownRange {
  readonly start: number;
  readonly end: number;
  /** Frame of memory that `start` leads to; null for a range that maps as the one at `sameAs` does. */
  readonly mfn: number | null;
  readonly rights: Rights;
  readonly sameAs: number | null;
}

/** Physical addresses have at most 52 bits; what passes untranslated reaches all of them. */
const ADDRESS_LIMIT = 2 ** 52;

/** What a device reaches, in the order of its addresses: nothing when it is blocked. */
export function* rangesOf(survey: Survey, device: AuditedDevice): Generator<ShownRange> {
  const mask = device.rights & (R | W);
  if (device.translation === 'passthrough' && mask !== 0) {
    yield { start: 0, end: ADDRESS_LIMIT, mfn: 0, rights: mask, sameAs: null };
  }
  if (device.space === null) return;
  const { ranges } = survey.spaces[device.space]!;
  for (let i = 0; i < ranges.length; i++) {
    const rights = ranges.rights(i) & mask;
    if (rights === 0) continue;
    const start = ranges.input(i) * PAGE_SIZE;
    const frame = ranges.frame(i);
    yield {
      start,
      end: start + ranges.count(i) * PAGE_SIZE,
      mfn: frame < 0 ? null : frame,
      rights,
      sameAs: frame < 0 ? ranges.sharedInput(i) * PAGE_SIZE : null,
    };
  }
}

/** How many ranges devices have, counted once for each set of tables and rights. */
export class RangeCounts {
  private readonly survey: Survey;
  private readonly known = new Map<string, number>();

  constructor(survey: Survey) {
    this.survey = survey;
  }

  of(device: AuditedDevice): number {
    const key = `${device.translation} ${device.space} ${device.rights}`;
    let count = this.known.get(key);
    if (count === undefined) {
      count = 0;
      for (const _ of rangesOf(this.survey, device)) count++;
      this.known.set(key, count);
    }
    return count;
  }
}

/** Rows that repeat those of a device before, of all devices together. */
const REPEATED_ROWS = 1 << 20;

/**
 * Devices whose ranges are those of another device that was listed in full, where rows would otherwise be beyond all
 * bounds: 65,536 devices may share a million ranges. The other device by each such device; none on an ordinary machine.
 */
export function rangesOfOthers(survey: Survey): Map<AuditedDevice, AuditedDevice> {
  const counts = new RangeCounts(survey);
  const first = new Map<string, AuditedDevice>();
  const others = new Map<AuditedDevice, AuditedDevice>();
  let rows = 0;
  for (const device of survey.devices) {
    if (device.space === null) continue;
    const key = `${device.space} ${device.rights}`;
    const known = first.get(key);
    if (known === undefined) first.set(key, device);
    else {
      rows += counts.of(device);
      if (rows > REPEATED_ROWS) others.set(device, known);
    }
  }
  return others;
}
