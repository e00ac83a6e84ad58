import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { loadProgram, parseProgramText } from './load.js';
import { withoutPlaces } from './program.fixture.js';
import { runProgram } from './runner.js';

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

  it('comes with the configs that lie beside it, and runs without files from then on', () => {
    writeFileSync(join(folder, 'g.cfg'), 'name = "g"\ntype = "pvh"\nmemory = 64\n');
    const program = load('d.dommu', 'config g "g.cfg" pages=1');
    expect(program.configs).toMatchObject([{ text: { name: join(folder, 'g.cfg') } }]);
    rmSync(join(folder, 'g.cfg'));
    const { steps } = runProgram(program, resolveEdition('4.22'));
    expect(steps.map(({ status }) => status)).toEqual(['ok', 'ok']);
  });

  it('refuses a config that is not there, and to run without one', () => {
    const text = 'config g "none.cfg"\n';
    expect(() => load('e.dommu', text)).toThrow('no such file; expected an xl config');
    const alone = parseProgramText(new SourceText('page.dommu', text));
    expect(() => runProgram(alone, resolveEdition('4.22'))).toThrow('the config none.cfg is not at hand');
  });

  it('refuses what is no text', () => {
    expect(() => loadProgram(join(folder, 'missing.dommu'))).toThrow('no such file; expected a program');
    expect(() => loadProgram(folder)).toThrow('is a directory');
    expect(() => load('binary', new Uint8Array([0x7f, 0x45, 0, 1]))).toThrow('is a binary file');
  });
});
