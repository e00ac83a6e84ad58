import type { Program } from '../program/program.js';
import { Run, type StepResult } from '../program/runner.js';
import type { Table } from '../store/table.js';
import type { Edition } from '../xen/editions/edition.js';
import type { Xen } from '../xen/state.js';

/**
 * A program's run as a trace in the Informal Trace Format (ITF, version 0.1 of its description in Apalache's ADR 015), which
 * other tools show and compare. Variables are the model's tables, each a map from a row's name to a record of its fields;
 * rows of zeros are left out. `step`, `status` and `violations` say what led to the state.
 */
export interface ItfTrace {
  readonly '#meta': Readonly<Record<string, unknown>>;
  readonly vars: readonly string[];
  readonly states: readonly Readonly<Record<string, unknown>>[];
  /** Where the trace goes on after its last state, for ever: the index of a state. */
  readonly loop?: number;
}

/**
 * Runs a program, and writes down the state after boot and after each statement.
 * @param scene statements before these are left out: the trace begins where the search did.
 * @param source what is searched, for the trace's head.
 * @param loop of a program that ends in a loop for ever: statements behind the scene before it, and those in it.
 */
export function itfTrace(
  program: Program,
  edition: Edition,
  scene: number,
  source: string,
  loop?: readonly [before: number, length: number],
): ItfTrace {
  const states: { xen: Record<string, unknown>; status: string }[] = [];
  const run = new Run(program, edition, {
    watch: (xen) => {
      if (states.length === 0) states.push({ xen: tablesOf(xen), status: 'ok' });
      return (status) => states.push({ xen: tablesOf(xen), status });
    },
  });
  if (program.steps.length === 0) states.push({ xen: tablesOf(run.xen), status: 'ok' });
  run.execute();
  const results = run.results.filter(({ op }) => op !== 'boot' && op !== 'repeat forever');
  // The state after a round of the loop is the one before it, where the trace goes on.
  const end = loop === undefined ? undefined : scene + loop[0] + loop[1];
  const shown = states.slice(scene, end);
  const tables = Object.keys(states[0]!.xen).filter((name) => shown.some(({ xen }) => isFilled(xen[name])));
  return {
    '#meta': {
      format: 'ITF',
      'format-description': 'https://apalache-mc.org/docs/adr/015adr-trace.html',
      source,
      description: `a run on the model of Xen ${edition.name}`,
    },
    ...(loop !== undefined && { loop: loop[0] }),
    vars: ['step', 'status', 'violations', ...tables],
    states: shown.map(({ xen, status }, index) => ({
      '#meta': { index },
      ...stepVariables(index === 0 ? undefined : results[scene + index - 1], status),
      ...Object.fromEntries(tables.map((name) => [name, xen[name]])),
    })),
  };
}

function stepVariables(result: StepResult | undefined, status: string): Record<string, unknown> {
  const violations = result?.violations.map(({ invariant }) => invariant) ?? [];
  return { step: result?.op ?? 'init', status, violations: { '#set': violations } };
}

/** Every table that says something of its own. */
function tablesOf(xen: Xen): Record<string, unknown> {
  return Object.fromEntries(
    xen.layout.tables
      .filter(({ derived }) => !derived)
      .map((table) => [table.name, { '#map': rowsOf(xen, table) }]),
  );
}

function rowsOf(xen: Xen, table: Table): [name: string, fields: Record<string, unknown>][] {
  const rows: [string, Record<string, unknown>][] = [];
  const width = table.fieldNames.length;
  for (let row = 0; row < table.rows; row++) {
    const words = table.fieldNames.map((_, n) => xen.store.read(table.base + row * width + n));
    if (words.every((word) => word === 0)) continue;
    const shown = table.fieldNames.map((name, n) => [name, table.fields[name]!.show(words[n]!)]);
    rows.push([table.label(row), Object.fromEntries(shown)]);
  }
  return rows;
}

const isFilled = (variable: unknown): boolean => (variable as { '#map': unknown[] })['#map'].length > 0;
