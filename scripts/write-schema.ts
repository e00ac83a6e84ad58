// Writes what follows from the tables of the program language: docs/program.schema.json and parts of docs/program.md.
// npx tsx scripts/write-schema.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { schemaFile, withReference } from '../src/program/reference.js';

const file = (name: string): URL => new URL(`../docs/${name}`, import.meta.url);

writeFileSync(file('program.schema.json'), schemaFile());
writeFileSync(file('program.md'), withReference(readFileSync(file('program.md'), 'utf8')));
