import { Command } from 'commander';
import { afterEach, describe, expect, it } from 'vitest';
import { GALLERY, INEXPRESSIBLE } from '../bugs/gallery.js';
import { PLAIN } from '../text/diagnostic.js';
import { registerBugs } from './bugs.js';

afterEach(() => {
  process.exitCode = 0;
});

function bugs(...args: string[]): { out: string; err: string; code: unknown } {
  const out: string[] = [];
  const err: string[] = [];
  const program = new Command().exitOverride();
  registerBugs(program, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    paintOut: PLAIN,
    paintErr: PLAIN,
  });
  process.exitCode = 0;
  program.parse(['node', 'dommu', 'bugs', ...args]);
  return { out: out.join('\n'), err: err.join('\n'), code: process.exitCode };
}

describe('dommu bugs', () => {
  it('lists every bug of the gallery, and what cannot be in it', () => {
    const { out, code } = bugs();
    expect(code).toBe(0);
    for (const { id } of [...GALLERY, ...INEXPRESSIBLE]) expect(out).toContain(`  ${id} `);
  });

  it('tells a bug’s story in words that the releases, the invariants and the language know', () => {
    const { out } = bugs('xsa-288A');
    for (const part of [
      'fe21b78ef9',
      'pvPageAdded = mapped-untyped',
      'I2: no device writes',
      'assign_device guest nic',
    ])
      expect(out).toContain(part);
  });

  it('says the same as one JSON object', () => {
    const { bugs: [bug] = [] } = JSON.parse(bugs('XSA-288a', '--json').out);
    expect(bug).toMatchObject({
      id: 'XSA-288a',
      class: 'A',
      edition: '4.22+pvPageAdded=mapped-untyped',
      invariants: ['I2'],
      after: null,
    });
  });

  it('exits with 2 for a bug that it does not know, and says which was meant', () => {
    const { err, code } = bugs('XSA-288');
    expect(code).toBe(2);
    expect(err).toContain('no bug `XSA-288`');
    expect(err).toContain('did you mean `XSA-288a`');
  });
});
