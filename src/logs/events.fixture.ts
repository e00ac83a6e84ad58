import { Assembler } from './assemble.js';
import type { EventDraft } from './event.js';
import { LogFacts } from './facts.js';
import type { LineForm } from './form.js';
import { FORMS } from './forms/all.js';
import { LineScanner } from './lines.js';
import { Wordings } from './wordings.js';

/** The events of a log in the order of their first lines, not grouped, as `explain` finds them, and what it notes. */
export function eventsOf(
  text: string | Uint8Array,
  forms: readonly LineForm[] = FORMS,
): { events: EventDraft[]; facts: LogFacts; lines: number[]; suppressed: number[] } {
  const facts = new LogFacts();
  const wordings = wordingsOf(forms);
  const found: { event: EventDraft; line: number; suppressed: number }[] = [];
  const assembler = new Assembler(wordings, facts, (one) => void found.push(one));
  const scanner = new LineScanner(wordings.triggers, (line) => assembler.line(line));
  scanner.push(typeof text === 'string' ? Buffer.from(text) : text);
  scanner.end();
  assembler.end();
  found.sort((a, b) => a.line - b.line);
  return {
    events: found.map(({ event }) => event),
    facts,
    lines: found.map(({ line }) => line),
    suppressed: found.map(({ suppressed }) => suppressed),
  };
}

/** The search's table is made once for each list of forms. */
const MADE = new WeakMap<readonly LineForm[], Wordings>();

function wordingsOf(forms: readonly LineForm[]): Wordings {
  const made = MADE.get(forms) ?? new Wordings(forms);
  MADE.set(forms, made);
  return made;
}
