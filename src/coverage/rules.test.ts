import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OPERATION_BY_NAME } from '../program/operations.js';
import { Errno } from '../xen/errno.js';
import { GNTST } from '../xen/grant-status.js';
import { keyOf, releasesOf, sectionOf } from './rule.js';
import { LADDERS, RULES } from './rules.js';

/** Every function that src/xen defines, by name. */
function functionsOfXen(): Set<string> {
  const folder = resolve(import.meta.dirname, '../xen');
  const names = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const text = readFileSync(resolve(folder, file), 'utf8');
    for (const [, name] of text.matchAll(/(?:function |const |^ {2})(\w+)(?= = |\(|<)/gm)) names.add(name!);
  }
  return names;
}

describe('the table of rules', () => {
  it('has an id for each rule, with its section', () => {
    const ids = RULES.map(keyOf);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    for (const rule of RULES) expect(sectionOf(rule)).toMatch(/^§\d+\.\d+$/);
  });

  it('is about operations that there are, and answers that they can give', () => {
    const words = new Set([
      'ok',
      'fault',
      'in_use',
      'status 1',
      ...Object.keys(Errno),
      ...Object.keys(GNTST),
    ]);
    for (const { id, ops, status } of RULES) {
      expect(ops.length, id).toBeGreaterThan(0);
      for (const op of ops) expect(OPERATION_BY_NAME.has(op), `${id}: ${op}`).toBe(true);
      expect(words.has(status), `${id}: ${status}`).toBe(true);
    }
  });

  it('names functions that src/xen has', () => {
    const known = functionsOfXen();
    expect(known.has('createDomain')).toBe(true);
    const unknown = LADDERS.filter(({ fn }) => !known.has(fn ?? '')).map(({ id, fn }) => `${id}: ${fn}`);
    expect(unknown).toEqual([]);
  });

  it('has rules of releases that there are', () => {
    for (const rule of RULES) expect(releasesOf(rule), rule.id).not.toBe('none');
  });

  it('covers the ladders of the dossier', () => {
    const sections = new Set(RULES.map(sectionOf));
    const wanted = ['§2.2', '§3.2', '§4.3', '§5.2', '§5.5', '§5.6', '§6.1', '§6.2', '§6.4', '§6.5', '§6.7'];
    expect(wanted.filter((section) => !sections.has(section))).toEqual([]);
  });
});
