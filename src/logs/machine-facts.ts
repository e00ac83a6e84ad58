import { FACTS_AT_MOST, type LogFacts, type Said } from './facts.js';
import type { FormLine } from './form.js';
import { hexValue } from './values.js';

/** What lines of several forms say of the machine, written into the facts. */

/** A feature is used, or it is not. The names are those of {@link LogFacts.features}. */
export function noteFeature(facts: LogFacts, name: string, on: boolean, line: number): void {
  facts.features.set(name, { value: on, line });
}

/** Anything else, by a name of which there may be many. */
export function noteOther(facts: LogFacts, name: string, value: string, line: number): void {
  if (facts.other.size < FACTS_AT_MOST || facts.other.has(name)) facts.other.set(name, { value, line });
}

/** Characters of a line that are kept. */
const TEXT_AT_MOST = 400;

/** A complaint about the firmware's tables: the line itself. */
export function noteComplaint(facts: LogFacts, { text, line }: FormLine): void {
  facts.add(facts.firmwareComplaints, { value: text.slice(0, TEXT_AT_MOST), line });
}

/** Translation is on or off at last. */
export function noteIommu(facts: LogFacts, value: 'enabled' | 'disabled', line: number): void {
  facts.iommu = { value, line };
}

/** Why it is off: the first line to say so. */
export function noteOffBecause(facts: LogFacts, { text, line }: FormLine): void {
  facts.iommuOffBecause ??= { value: text.slice(0, TEXT_AT_MOST), line };
}

/** A region that firmware reserves for devices: fields `start` and `end`, the last byte. */
export function noteRegion(
  facts: LogFacts,
  { fields, line }: FormLine,
  devices: readonly string[] = [],
): void {
  const start = hexValue(fields.start);
  const last = hexValue(fields.end);
  if (start === null || last === null || last < start) return;
  const region = { start, end: last + 1n, what: '', devices, line };
  const known = facts.reservedRegions.findIndex((one) => one.start === start && one.end === region.end);
  // A complaint about a region comes before the line that names its devices.
  if (known >= 0 && facts.reservedRegions[known]!.devices.length === 0) facts.reservedRegions[known] = region;
  else facts.add(facts.reservedRegions, region);
}

/** What was said of a device at last. */
export function lastOf(facts: LogFacts, device: string): Said<string> | undefined {
  return facts.devices.get(device)?.at(-1);
}
