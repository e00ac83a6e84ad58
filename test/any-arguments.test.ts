import { describe, expect, it } from 'vitest';
import { parseProgramText } from '../src/program/load.js';
import { OPERATIONS } from '../src/program/operations.js';
import type { Program } from '../src/program/program.js';
import { Run } from '../src/program/runner.js';
import { InputError } from '../src/text/diagnostic.js';
import { SourceText } from '../src/text/source.js';
import { resolveEdition } from '../src/xen/editions/edition.js';
import type { Xen } from '../src/xen/state.js';
import { AnyProgram, MACHINES } from './any-program.js';

/** Releases that differ most: what is late, what is up-front, the first and the last of each era. */
const EDITIONS = ['4.11.0', '4.12', '4.13', '4.15', '4.16', '4.17', '4.19', '4.22', 'late-enable'];

const textOf = (program: AnyProgram, lines: readonly string[]): string =>
  `${program.declarations}\n${lines.join('\n')}\n`;

/** What the language takes of these lines: a line that it refuses is left out. */
function readable(program: AnyProgram, written: readonly string[]): { program: Program; lines: string[] } {
  const lines = [...written];
  const before = program.declarations.split('\n').length + 1;
  for (;;) {
    try {
      return { program: parseProgramText(new SourceText('any.dommu', textOf(program, lines))), lines };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      const index = error.diagnostic.line - before;
      if (index < 0 || index >= lines.length) throw error;
      lines.splice(index, 1);
    }
  }
}

/**
 * Makes a row that a table does not have an error. The store itself does not ask, for the search’s sake: such a row is another
 * table’s, or another domain’s.
 */
function guardTables(xen: Xen): void {
  for (const { name, rows, fieldNames, columns } of xen.layout.tables) {
    for (const field of fieldNames) {
      const column = columns[field]!;
      const { get, set, add } = column;
      const real = (row: number): number => {
        if (Number.isInteger(row) && row >= 0 && row < rows) return row;
        throw new RangeError(`there is no ${name} ${row}, whose ${field} is asked for`);
      };
      Object.assign(column, {
        get: (row: number) => get.call(column, real(row)),
        set: (row: number, value: number) => set.call(column, real(row), value),
        add: (row: number, amount: number) => add.call(column, real(row), amount),
      });
    }
  }
}

/** What is thrown when a program runs: nothing, if all is well, but what the language cannot know before. */
function thrownBy(program: Program, edition: string): string | undefined {
  try {
    const run = new Run(program, resolveEdition(edition), { changes: false, check: 'none' });
    guardTables(run.xen);
    run.execute();
  } catch (error) {
    if (error instanceof InputError && error.diagnostic.code === 'operation') return undefined;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return undefined;
}

/** The shortest program found that throws what a longer one does. */
function shortest(any: AnyProgram, lines: readonly string[], edition: string): string {
  let best = [...lines];
  for (let i = best.length - 1; i >= 0; i--) {
    const tried = readable(any, best.toSpliced(i, 1));
    if (thrownBy(tried.program, edition) !== undefined) best = tried.lines;
    i = Math.min(i, best.length);
  }
  return textOf(any, best);
}

function failures(
  machine: string,
  seeds: readonly number[],
  length: number,
  only?: (typeof OPERATIONS)[number],
): string[] {
  return seeds.flatMap((seed) => {
    const any = new AnyProgram(machine, seed);
    const { program, lines } = readable(any, any.write(length, only));
    const edition = EDITIONS[seed % EDITIONS.length]!;
    const thrown = thrownBy(program, edition);
    return thrown === undefined ? [] : [`${edition}, ${thrown}\n${shortest(any, lines, edition)}`];
  });
}

const RUNS = Number(process.env.DOMMU_ANY_RUNS ?? 9);
const seeds = (from: number): number[] => Array.from({ length: RUNS }, (_, i) => from * 1000 + i);

describe.each(Object.keys(MACHINES))('on a machine of %s', (machine) => {
  it.each(OPERATIONS.map((operation, i) => ({ name: operation.name, operation, i })))(
    '$name with any arguments is answered, and throws nothing',
    ({ operation, i }) => {
      expect(failures(machine, seeds(i), 12, operation)).toEqual([]);
    },
  );

  it('a long program of any operations is answered, and throws nothing', () => {
    expect(failures(machine, seeds(99), 80)).toEqual([]);
  });
});
