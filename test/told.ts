import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { editionsNamed } from '../src/coverage/releases-line.js';
import { loadProgram } from '../src/program/load.js';
import { runProgram } from '../src/program/runner.js';
import { DEFAULT_EDITION, resolveEdition } from '../src/xen/editions/edition.js';

/** A program of examples/, and the editions in which it says that it goes as told. */
export interface Told {
  readonly name: string;
  readonly path: string;
  readonly editions: readonly string[];
}

/** All programs of a folder of examples/, with the editions that each names (its own, or the newest, where it names none). */
export function programsIn(folder: string): Told[] {
  const path = resolve(import.meta.dirname, '..', 'examples', folder);
  const files = readdirSync(path).filter((name) => /\.(dommu|json)$/.test(name));
  return files.map((name) => {
    const file = join(path, name);
    const named = editionsNamed(readFileSync(file, 'utf8'), name);
    return { name, path: file, editions: named ?? [loadProgram(file).edition ?? DEFAULT_EDITION] };
  });
}

/** What a program does in an edition that it does not say. Doing nothing is not as told. */
export function unexpectedOf({ path }: Told, edition: string): string[] {
  const { steps } = runProgram(loadProgram(path), resolveEdition(edition), { changes: false });
  if (steps.length === 0) return [`${edition}: it does nothing`];
  return steps.flatMap((step) =>
    step.unexpected.map((what) => `${edition}, line ${step.line}, ${step.op}: ${what}`),
  );
}
