import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadProgram } from '../src/program/load.js';
import { runProgram } from '../src/program/runner.js';
import { resolveEdition } from '../src/xen/editions/edition.js';

const folder = fileURLToPath(new URL('../suites/', import.meta.url));
const programs = readdirSync(folder).filter((name) => name.endsWith('.dommu'));

// What `dommu conform` holds against a real Xen says what it expects: here of the model, there of both.
describe.each(programs)('the conformance suite %s', (name) => {
  it.each(['4.17', '4.20'])('goes on the model of %s as it says', (release) => {
    const { steps } = runProgram(loadProgram(`${folder}${name}`), resolveEdition(release), {
      changes: false,
    });
    const unexpected = steps.flatMap((step) =>
      step.unexpected.map((what) => `line ${step.line}, ${step.op}: ${what}`),
    );
    expect(unexpected).toEqual([]);
    expect(steps.length).toBeGreaterThan(5);
  });
});
