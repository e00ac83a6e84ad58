import { sbdfText } from '../../formats/requester.js';
import type { EventDraft, EventKind, LogSource } from '../event.js';
import type { LogFacts } from '../facts.js';
import type { FormLine, LineForm } from '../form.js';
import { noteComplaint, noteFeature, noteOffBecause } from '../machine-facts.js';
import { hexNumber } from '../values.js';
import { INIT_REASONS, type InitReasonName } from './init-reasons.js';
import { saidForms } from './said.js';

/**
 * One line of set-up, device moves and firmware: a row of the tables `xen-amdvi-*.ts` and `linux-amdvi-*.ts`. Fields mean what
 * they do in `said.ts`; `requester` is a requester id in hexadecimal and becomes the device.
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

/** The forms of a table's rows. */
export function initForms(source: LogSource, rows: readonly InitRow[]): LineForm[] {
  return rows.flatMap((row) => {
    const { texts, printedBy, reason, meaning = INIT_REASONS[reason].meaning, opens, kind = 'init' } = row;
    const also = (line: FormLine, event: EventDraft, facts: LogFacts) => note(row, line, event, facts);
    const said = { texts, printedBy, name: reason, meaning, also };
    return saidForms({ source, unit: 'amdvi', kind }, [opens === undefined ? said : { ...said, opens }]);
  });
}

function note(row: InitRow, line: FormLine, event: EventDraft, facts: LogFacts): false | undefined {
  const requester = hexNumber(line.fields.requester);
  if (requester !== null && requester <= 0xffff) event.device = sbdfText(requester);
  delete event.details.requester;
  if (row.tell?.(line, event, facts) === false) return false;
  if (row.firmware === true) noteComplaint(facts, line);
  if (row.off === true) noteOffBecause(facts, line);
  for (const [name, on] of Object.entries(row.features ?? {})) noteFeature(facts, name, on, line.line);
  return undefined;
}
