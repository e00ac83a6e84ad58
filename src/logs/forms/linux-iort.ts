import type { EventDraft } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine } from '../form.js';
import { hexValue } from '../values.js';
import { type InitReasonName, initReason } from './init-reasons.js';

/**
 * What Linux has against the IORT, the ACPI table that says which device has which stream of which SMMU, and which memory
 * it must go on reaching (RMR). drivers/acpi/arm64/iort.c; Arm DEN 0049.
 */

type Row = readonly [text: string, reason: InitReasonName, printedBy: string, meaning: string];

const RMR = 'Linux since 6.0';

const ROWS: readonly Row[] = [
  [
    'RMR descriptor[{start:hex}] with zero length, continue anyway',
    'rmrr-invalid',
    RMR,
    'firmware names memory of no length that a stream must go on reaching (RMR)',
  ],
  [
    'RMR descriptor[{start:hex} - {end:hex}] overlaps, continue anyway',
    'rmrr-invalid',
    RMR,
    'firmware names the same memory twice that streams must go on reaching (RMR)',
  ],
  [
    'RMR descriptor[{start:hex} - {end:hex}] not aligned to 64K, continue with [{from:hex} - {to:hex}]',
    'rmrr-invalid',
    RMR,
    'firmware names memory that a stream must go on reaching (RMR) not in pages of 64 KiB; more is mapped than it named',
  ],
  [
    'Invalid ID mapping, skipping RMR node',
    'rmrr-invalid',
    RMR,
    'firmware names memory that must go on being reached (RMR), but no stream: it is left out',
  ],
  [
    'Invalid SMMU reference, skipping RMR node',
    'rmrr-invalid',
    RMR,
    'firmware names memory that must go on being reached (RMR), but no SMMU: it is left out',
  ],
  [
    'Invalid RMR descriptor array, skipping RMR node',
    'rmrr-invalid',
    RMR,
    'firmware names a stream that must go on reaching memory (RMR), but not which: it is left out',
  ],
  [
    'conflicting mapping for input ID {id:hex}',
    'firmware-bug',
    'Linux since 5.8',
    'the IORT gives a device’s id two streams, mostly as it counts the ids of a range wrongly',
  ],
  [
    'ID map has NULL parent reference',
    'firmware-bug',
    'Linux since 4.6',
    'the IORT maps ids of devices to no SMMU and no interrupt controller',
  ],
];

/** Characters of a complaint that are kept. */
const COMPLAINT_AT_MOST = 400;

function note({ fields, text, line }: FormLine, event: EventDraft, facts: LogFacts): void {
  facts.add(facts.firmwareComplaints, { value: text.slice(0, COMPLAINT_AT_MOST), line });
  const start = hexValue(fields.from ?? fields.start);
  const last = hexValue(fields.to ?? fields.end);
  event.address = hexValue(fields.start);
  if (start !== null && last !== null && last >= start) {
    facts.add(facts.reservedRegions, { start, end: last + 1n, what: 'RMR', devices: [], line });
  }
}

export const LINUX_IORT_FORMS: readonly EventForm[] = ROWS.map(([text, reason, printedBy, meaning]) => ({
  role: 'event',
  source: 'linux',
  unit: null,
  kind: 'init',
  texts: [text],
  printedBy,
  read(line, event, facts) {
    for (const name of ['end', 'id'] as const) {
      if (line.fields[name] !== undefined) event.details[name] = line.fields[name];
    }
    event.reason = initReason(reason, meaning, 'Arm DEN 0049 (IO Remapping Table)');
    note(line, event, facts);
    return undefined;
  },
}));
