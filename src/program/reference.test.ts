import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { parseProgramText } from './load.js';
import { OPERATIONS } from './operations.js';
import { schemaFile, withReference } from './reference.js';
import { runProgram } from './runner.js';

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const STALE = 'stale: run npx tsx scripts/write-schema.ts';

describe('the documentation of the program language', () => {
  it('has the schema of the tables as they are', () => {
    expect(read('program.schema.json') === schemaFile(), STALE).toBe(true);
  });

  it('has the reference of the tables as they are', () => {
    const document = read('program.md');
    expect(withReference(document) === document, STALE).toBe(true);
    for (const { name } of OPERATIONS) expect(document).toContain(`#### ${name}\n`);
  });

  it('shows programs that run', () => {
    const examples = [...read('program.md').matchAll(/```(?:json)?\n((?:#|\{)[^`]*)```/g)];
    expect(examples.length).toBe(2);
    for (const [, text = ''] of examples) {
      const program = parseProgramText(new SourceText('docs/program.md', text));
      const { steps } = runProgram(program, resolveEdition(program.edition!));
      expect(steps.flatMap(({ unexpected }) => unexpected)).toEqual([]);
      expect(steps.length).toBeGreaterThan(7);
    }
  });
});
