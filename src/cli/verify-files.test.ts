import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkOutputs } from './verify-files.js';

const folder = fileURLToPath(new URL('.', import.meta.url));
const file = fileURLToPath(import.meta.url);
const nowhere = `${folder}no-such-folder`;
const written = (out: string) => ({ out, write: true });

describe('what a search will write, before it begins', () => {
  it('goes to folders that are there', () => {
    expect(() =>
      checkOutputs([`${folder}report.sarif`, `${folder}report.md`], written(folder)),
    ).not.toThrow();
    expect(() => checkOutputs(['report.sarif'], written('.'))).not.toThrow();
  });

  it('is refused where a folder is not there, or is a file', () => {
    expect(() => checkOutputs([], written(nowhere))).toThrow(
      /--out.*no folder that can be written to \(ENOENT\)/,
    );
    expect(() => checkOutputs([], written(file))).toThrow(/--out.*\(ENOTDIR\)/);
    expect(() => checkOutputs([`${nowhere}/report.md`], written(folder))).toThrow(/--report.*\(ENOENT\)/);
  });

  it('has no folder to look at where no counterexample is written', () => {
    expect(() => checkOutputs([], { out: nowhere, write: false })).not.toThrow();
    expect(() => checkOutputs([], { out: nowhere, write: false, itf: true })).toThrow('--out');
  });
});
