import { nameInWords } from '../formats/layout.js';
import { GRANT_STEPS, isIdle } from '../xen/calls/call.js';
import { describeCall } from '../xen/calls/name.js';
import { HELD_PAGES } from '../xen/tables/calls.js';
import { type Here, wordOf } from './here.js';
import { bareStep } from './step-row.js';
import { begunAt } from './underway.js';
import type { Value } from './value.js';

/** A value with what it is. */
export interface Named {
  readonly name: string;
  readonly value: Value;
}

/** A hypercall that has begun and not ended: others run between its steps. */
export interface CallRow {
  /** Its row of the table of hypercalls under way. */
  readonly call: number;
  /** `assign_device of d0`. */
  readonly name: string;
  readonly aboutGrants: boolean;
  /** The step of the run that began it. */
  readonly begun: { readonly step: number; readonly text: string } | undefined;
  /** Which of its steps comes next. */
  readonly next: Value;
  /** What it is about, and how far it has come. */
  readonly progress: readonly Named[];
  /** Locks that it holds: `page alloc lock of d1`. */
  readonly locks: readonly Named[];
  /** Frames that it keeps until it has flushed. */
  readonly held: readonly Value[];
}

/** The hypercalls under way. */
export function calls(here: Here, _: undefined): readonly CallRow[] {
  return callRows(here);
}

/** The same for whoever shows them beside other things. */
export function callRows(here: Here): readonly CallRow[] {
  const { xen } = here;
  const { domains, calls: each } = xen.spec.limits;
  const rows: CallRow[] = [];
  for (let call = 0; call < domains * each; call++) if (!isIdle(xen, call)) rows.push(callRow(here, call));
  return rows;
}

function callRow(here: Here, call: number): CallRow {
  const { xen, timeline } = here;
  const aboutGrants = GRANT_STEPS.has(xen.call.step.get(call));
  const begun = begunAt(timeline, call, here.step);
  return {
    call,
    name: describeCall(xen, call),
    aboutGrants,
    begun: begun === undefined ? undefined : { step: begun, text: bareStep(timeline, begun).text },
    next: here.field('call', call, 'step'),
    progress: [
      ...told(here, 'call', call).filter(({ name }) => name !== 'step'),
      ...(aboutGrants ? told(here, 'grantCall', call) : []),
    ],
    locks: locksOf(here, call),
    held: heldBy(here, call),
  };
}

/** The fields of a row that say something, or did before the step. */
function told(here: Here, table: string, row: number): Named[] {
  const { fieldNames } = here.table(table);
  return fieldNames
    .filter((field) => {
      const word = wordOf(here.table(table), row, field);
      return here.xen.store.words[word] !== 0 || (here.before.get(word) ?? 0) !== 0;
    })
    .map((field) => ({ name: nameInWords(field), value: here.field(table, row, field) }));
}

/** Locks are words that name a hypercall: whose they are, the tables say. */
function locksOf(here: Here, call: number): Named[] {
  const locks: Named[] = [];
  for (const table of here.xen.layout.tables) {
    for (const field of table.fieldNames) {
      if (table.fields[field]!.names !== 'call') continue;
      for (let row = 0; row < table.rows; row++) {
        if (here.xen.store.words[wordOf(table, row, field)] !== call + 1) continue;
        const of = table.rows === 1 ? '' : ` of ${table.label(row)}`;
        locks.push({ name: `${nameInWords(field)}${of}`, value: here.field(table.name, row, field) });
      }
    }
  }
  return locks;
}

function heldBy(here: Here, call: number): Value[] {
  return Array.from({ length: HELD_PAGES }, (_, n) => call * HELD_PAGES + n)
    .filter((row) => here.xen.held.frame.get(row) !== 0)
    .map((row) => here.field('held', row, 'frame'));
}
