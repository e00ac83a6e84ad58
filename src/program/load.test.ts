import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadProgram } from './load.js';
import { withoutPlaces } from './program.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

const load = (name: string, text: string | Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return loadProgram(path);
};

describe('loading a program', () => {
  it('takes the form from the name, or from the first character', () => {
    const text = withoutPlaces(load('a.dommu', 'mark a\n'));
    const json = '\n { "steps": [{ "op": "mark", "name": "a" }] }';
    expect(withoutPlaces(load('a.json', json))).toEqual(text);
    expect(withoutPlaces(load('b.dommu', json))).toEqual(text);
    expect(() => load('c.json', 'mark a')).toThrow('expected a value, found `mark`');
  });

  it('remembers the file, for the configs that lie beside it', () => {
    expect(load('d.dommu', 'config g "g.cfg"').file).toBe(join(folder, 'd.dommu'));
  });

  it('refuses what is no text', () => {
    expect(() => loadProgram(join(folder, 'missing.dommu'))).toThrow('no such file; expected a program');
    expect(() => loadProgram(folder)).toThrow('is a directory');
    expect(() => load('binary', new Uint8Array([0x7f, 0x45, 0, 1]))).toThrow('is a binary file');
  });
});
