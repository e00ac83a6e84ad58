import type { EventDraft, EventKind, LogSource } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { EventForm, FormLine } from '../form.js';
import { hexNumber, hexValue, lastSbdf, sbdfOf, sbdfOfRequester } from '../values.js';
import { type InitReasonName, initReason } from './init-reasons.js';

/**
 * One line of setup, device moves and firmware: a row of the tables `xen-amdvi-*.ts` and `linux-amdvi-*.ts`. Fields of these
 * names go to the event's fields; all others to its details, underscores as blanks:
 * `device` a PCI address, `requester` a requester id, `domain` as Xen prints it (`d1`, `dom1`, `d[IO]`, `1`), `address`.
 */
export interface InitRow {
  readonly texts: readonly string[];
  readonly printedBy: string;
  readonly reason: InitReasonName;
  /** One sentence without a full stop, where the line says more than its reason. */
  readonly meaning?: string;
  readonly kind?: EventKind;
  readonly opens?: string;
  /** A complaint about the firmware's tables. */
  readonly firmware?: true;
  /** The driver gives up after it: it says why there is no IOMMU. */
  readonly off?: true;
  /** Features that it switches. */
  readonly features?: Readonly<Record<string, boolean>>;
  /** Whatever else it says; false when it is none of these lines after all. */
  tell?(line: FormLine, event: EventDraft, facts: LogFacts): false | undefined;
}

/** Characters of a complaint that are kept. */
const COMPLAINT_AT_MOST = 400;

/** A domain as Xen prints it: its number, or its name for those without. */
export function xenDomain(text: string | undefined): number | string | null {
  const number = /^(?:d|dom|Dom)?(\d{1,5})$/.exec(text ?? '')?.[1];
  if (number !== undefined) return Number(number);
  return text === undefined || text === '' ? null : text;
}

/** The forms of a table's rows. */
export function initForms(source: LogSource, rows: readonly InitRow[]): EventForm[] {
  return rows.map((row) => {
    const form: EventForm = {
      role: 'event',
      source,
      unit: 'amdvi',
      kind: row.kind ?? 'init',
      ...(row.opens === undefined ? {} : { opens: row.opens }),
      texts: row.texts,
      printedBy: row.printedBy,
      read: (line, event, facts) => readRow(row, line, event, facts),
    };
    return form;
  });
}

function readRow(row: InitRow, line: FormLine, event: EventDraft, facts: LogFacts): false | undefined {
  event.reason = initReason(row.reason, row.meaning);
  for (const [name, value] of Object.entries(line.fields)) tellField(event, name, value);
  event.device ??= lastSbdf(line.before);
  if (row.tell?.(line, event, facts) === false) return false;
  const said = { value: line.text.slice(0, COMPLAINT_AT_MOST), line: line.line };
  if (row.firmware === true) facts.add(facts.firmwareComplaints, said);
  if (row.off === true) facts.iommuOffBecause ??= said;
  for (const [name, value] of Object.entries(row.features ?? {})) {
    facts.features.set(name, { value, line: line.line });
  }
  return undefined;
}

function tellField(event: EventDraft, name: string, value: string): void {
  if (name === 'device') event.device = sbdfOf(value);
  else if (name === 'requester') {
    const requester = hexNumber(value);
    if (requester !== null && requester <= 0xffff) event.device = sbdfOfRequester(requester);
  } else if (name === 'domain') event.domain = xenDomain(value);
  else if (name === 'address') event.address = hexValue(value);
  else if (value !== '') event.details[name.replaceAll('_', ' ')] = value;
}
