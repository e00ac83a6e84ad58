import type { EventDraft, EventKind, EventReason, LogSource, LogUnit } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine } from '../form.js';
import { atUnit, linuxSpeaker, ofDevice, saidByXen } from '../smmu-unit.js';
import { decimal } from '../values.js';
import { type InitReasonName, initReason } from './init-reasons.js';

/** A driver of an IOMMU as it begins its lines. */
export interface Driver {
  readonly source: LogSource;
  readonly unit: LogUnit;
  /**
   * What stands before each message, with a field `unit` (the IOMMU speaks) or `device` (a master is spoken of). Empty:
   * messages of Linux, before which the driver core puts whichever driver and device.
   */
  readonly prefixes: readonly string[];
}

/** A message behind the prefix; a reason of the vocabulary; who prints it; what it means, in our words. */
export type DriverRow = readonly [
  message: string,
  reason: InitReasonName,
  printedBy: string,
  meaning: string,
];

/** Fields that become fields of the event; all others become details by their names. */
const OWN = new Set(['unit', 'device', 'domain']);

/** Says who the line is about, and everything that it gives a name. Returns false where another driver speaks. */
export function readSpeaker(driver: Driver, line: FormLine, event: EventDraft): false | undefined {
  const { fields, before } = line;
  if (driver.prefixes[0] === '') {
    if (saidByXen(before)) return false;
    const speaker = linuxSpeaker(before);
    if (speaker !== null) ofDevice(event, speaker.device);
  }
  if (fields.unit !== undefined) atUnit(event, fields.unit);
  if (fields.device !== undefined) ofDevice(event, fields.device);
  if (fields.domain !== undefined) event.domain = decimal(fields.domain);
  for (const name of Object.keys(fields)) if (!OWN.has(name)) event.details[name] = fields[name]!;
  return undefined;
}

/** Forms of what a driver says while it sets up units (`unit` in the prefix) and masters (`device`). */
export function initForms(driver: Driver, rows: readonly DriverRow[]): EventForm[] {
  return rows.map(([message, reason, printedBy, meaning]) => ({
    role: 'event',
    source: driver.source,
    unit: driver.unit,
    kind: 'init',
    texts: driver.prefixes.map((prefix) => prefix + message),
    printedBy,
    read(line, event, facts) {
      if (readSpeaker(driver, line, event) === false) return false;
      event.reason = initReason(reason, meaning);
      noteComplaint(reason, line, facts);
      return undefined;
    },
  }));
}

/** Characters of a complaint that are kept. */
const COMPLAINT_AT_MOST = 400;

/** A unit that could not be set up, by its own fault or the firmware's, is why the IOMMU is off, if it is. */
function noteComplaint(reason: InitReasonName, { text, line }: FormLine, facts: LogFacts): void {
  const said = { value: text.slice(0, COMPLAINT_AT_MOST), line };
  if (reason === 'firmware-bug') facts.add(facts.firmwareComplaints, said);
  if (reason === 'unit-failed' || reason === 'firmware-bug') facts.iommuOffBecause ??= said;
}

/** Rows of troubles that units have at work: timeouts, queues that overflow. */
export type TroubleRow = readonly [message: string, name: string, printedBy: string, meaning: string];

/** Forms of lines of which the message is all: an event of `kind` with a reason of that name. */
export function troubleForms(
  driver: Driver,
  kind: EventKind,
  manual: string | null,
  rows: readonly TroubleRow[],
): EventForm[] {
  return rows.map(([message, name, printedBy, meaning]) => ({
    role: 'event',
    source: driver.source,
    unit: driver.unit,
    kind,
    texts: driver.prefixes.map((prefix) => prefix + message),
    printedBy,
    read(line, event) {
      if (readSpeaker(driver, line, event) === false) return false;
      const reason: EventReason = { code: null, name, meaning, manual };
      event.reason = reason;
      return undefined;
    },
  }));
}
