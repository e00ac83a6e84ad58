import type { EventDraft, EventKind, LogSource, LogUnit } from './event.js';
import type { LogFacts } from './facts.js';
import type { Fields } from './template.js';

/** A line that a form has recognised. */
export interface FormLine {
  readonly fields: Fields;
  /** What stands before the template in the line, without timestamps, log levels and `(XEN)`: often a driver and a device. */
  readonly before: string;
  /** What stands behind it. */
  readonly after: string;
  /** The whole line without timestamps, log levels and `(XEN)`, joined where it was wrapped. */
  readonly text: string;
  /** Number of the line in its file, from 1. */
  readonly line: number;
}

interface FormBase {
  /** Templates (`template.ts`) of the same meaning, the newest wording first. */
  readonly texts: readonly string[];
  /** Who prints it and since or until when, where that is known: `Xen 4.6 to 4.11`, `Linux since 5.9`. */
  readonly printedBy: string;
}

/** A line that is an event, or begins one. */
export interface EventForm extends FormBase {
  readonly role: 'event';
  readonly source: LogSource;
  readonly unit: LogUnit | null;
  readonly kind: EventKind;
  /** Lines of `more` forms of this name that follow belong to it. */
  readonly opens?: string;
  /**
   * Writes what the line says into the event, and what is worth knowing for the causes of other events into the facts.
   * False: it is no such line after all.
   */
  read(line: FormLine, event: EventDraft, facts: LogFacts): false | undefined;
}

/** A line that adds to an event before it, at most {@link FOLLOW_LINES} lines ago. */
export interface MoreForm extends FormBase {
  readonly role: 'more';
  /** The `opens` of the event. */
  readonly continues: string;
  /** False: it does not belong to that event, the next older one is asked. */
  read(line: FormLine, event: EventDraft, facts: LogFacts): false | undefined;
  /** It says more than the line that began the event, and is shown in its place as the first. */
  readonly leads?: boolean;
  /** Where no event is open (a paste that begins in the middle), the event that this line makes by itself. */
  readonly alone?: Pick<EventForm, 'source' | 'unit' | 'kind'>;
}

/** A line that is no event but tells something that causes need. */
export interface FactForm extends FormBase {
  readonly role: 'fact';
  read(line: FormLine, facts: LogFacts): void;
}

export type LineForm = EventForm | MoreForm | FactForm;

/** How many lines an event stays open for `more` forms after the last line that belonged to it. */
export const FOLLOW_LINES = 24;
