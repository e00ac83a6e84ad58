import type { EventDraft } from './event.js';
import { FACTS_AT_MOST, type LogFacts } from './facts.js';
import { sbdfOf } from './values.js';

/**
 * How events of SMMUs and IPMMUs name their device. The lines name the unit, by its path (Xen) or its platform device
 * (Linux), and the master at best by a stream id. So `device` is the master where this log says which one has the stream,
 * else the unit itself, which is the only device-tree path that the line has; `unit` in the details is always the unit.
 */

/** The event came from this unit; nobody better being known, it is the device, too. */
export function atUnit(event: EventDraft, unit: string | null): void {
  if (unit === null || unit === '') return;
  event.details.unit = unit;
  event.device ??= unit;
}

/** The event's stream id, and the master that has it, where this log says so. */
export function ofStream(event: EventDraft, facts: LogFacts, stream: number): void {
  const id = streamText(stream);
  event.details.stream = id;
  const master = facts.other.get(streamFact(id));
  if (master !== undefined) event.device = master.value;
}

/** The event's device as a line names it: a PCI address in any spelling, or a path or platform device. */
export function ofDevice(event: EventDraft, device: string): void {
  event.device = deviceName(device);
}

/** A PCI address as `ssss:bb:dd.f`; a path as it is. */
export function deviceName(text: string): string {
  const bare = text.endsWith(':') ? text.slice(0, -1) : text;
  return sbdfOf(bare) ?? bare;
}

/** Remembers which master sends a stream id. */
export function noteStream(facts: LogFacts, stream: number, master: string, line: number): void {
  const key = streamFact(streamText(stream));
  if (facts.other.size < FACTS_AT_MOST || facts.other.has(key)) facts.other.set(key, { value: master, line });
}

/**
 * Remembers a master behind a unit. Where the log names just one, a stream for which the unit has tables can only be its;
 * the log may have lost others, so that this is told beside the device and not as the device.
 */
export function noteMaster(facts: LogFacts, unit: string, master: string, line: number): void {
  facts.of(facts.devices, master, { value: `behind ${unit}`, line });
  const key = masterFact(unit);
  const known = facts.other.get(key);
  if (known === undefined && facts.other.size >= FACTS_AT_MOST) return;
  const value = known === undefined || known.value === master ? master : SEVERAL;
  facts.other.set(key, { value, line });
}

/** Names the only master of the event's unit, where the log has just one. */
export function nameOnlyMaster(event: EventDraft, facts: LogFacts): void {
  const { unit } = event.details;
  const master = unit === undefined ? undefined : facts.other.get(masterFact(unit))?.value;
  if (master !== undefined && master !== SEVERAL && event.device === unit) {
    event.details['only master'] = master;
  }
}

const SEVERAL = '';
const masterFact = (unit: string) => `master of ${unit}`;

const streamText = (stream: number) => `0x${(stream >>> 0).toString(16)}`;
const streamFact = (id: string) => `stream ${id}`;

/**
 * Who speaks before a message of Linux, `arm-smmu 50000000.iommu:`: the driver and the device. Null where nobody does, or
 * where Xen does, whose drivers print the same messages.
 */
export function linuxSpeaker(before: string): { driver: string; device: string } | null {
  const text = before.trimEnd();
  if (!text.endsWith(':')) return null;
  const words = text.slice(0, -1).trimEnd();
  const blank = words.lastIndexOf(' ');
  const device = words.slice(blank + 1);
  const driver = words.slice(words.lastIndexOf(' ', blank - 1) + 1, Math.max(blank, 0));
  return isXenDriver(driver) || isXenDriver(device) ? null : { driver, device };
}

/** Whether Xen's driver prints this line, so that a form for Linux is not meant. */
export const saidByXen = (before: string): boolean =>
  before !== '' &&
  linuxSpeaker(before) === null &&
  /(?:^|\s)(?:smmu|SMMUv3|ipmmu):/.test(before.slice(0, 256));

const isXenDriver = (word: string) => /^(?:smmu|SMMUv3|ipmmu):?$/.test(word);
