import { describe, expect, it } from 'vitest';
import { programsIn, unexpectedOf } from './told.js';

const programs = programsIn('traces');

/** Releases that dossier §12 names for each trace: some program of the trace must be about each. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  t1: ['4.11.0', '4.12', '4.13.2', '4.13.3', '4.14', '4.14.1', '4.14.2', '4.15', '4.22'],
  t2: ['4.11.0', '4.11.2', '4.12', '4.22'],
  t3: ['4.11.0', '4.12', '4.22'],
  t4: ['4.12', 'late-enable'],
  t5: ['4.13', '4.22'],
  t6: ['4.11.0', '4.12', '4.13', '4.22'],
  t7: ['4.17', '4.22'],
  t8: ['4.13', '4.17', '4.22'],
  t9: ['4.17', '4.22'],
  t10: ['4.11.0', '4.13', '4.14', '4.15', '4.16', '4.22'],
};

describe('a trace of the dossier', () => {
  it.each(programs)('goes as told, in each release that it names: $name', (program) => {
    expect(program.editions.flatMap((edition) => unexpectedOf(program, edition))).toEqual([]);
  });

  it.each(Object.entries(NAMED))('%s is told for every release that the dossier names', (trace, releases) => {
    const told = programs.filter(({ name }) => name.startsWith(`${trace}-`));
    expect(told.length).toBeGreaterThan(0);
    const editions = new Set(told.flatMap((program) => program.editions));
    expect(releases.filter((release) => !editions.has(release))).toEqual([]);
  });
});
