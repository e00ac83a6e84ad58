import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountFor, programsIn, staleOf } from '../src/coverage/account.js';

const root = resolve(import.meta.dirname, '..');
const account = accountFor(
  ['examples', 'examples/errnos', 'examples/traces', 'suites'].map((folder) => ({
    kind: folder,
    files: programsIn(resolve(root, folder)),
  })),
);

describe('the rules of the dossier', () => {
  it('are answered by the model as their tables say, wherever a program meets them', () => {
    expect(account.contradictions).toEqual([]);
    expect(account.runs).toBeGreaterThan(500);
  });

  it('have no excuse where a program reaches them', () => {
    expect(staleOf(account).map(({ id }) => id)).toEqual([]);
  });

  it('of createdomain are all reached, but for those that no program can', () => {
    const left = account.rules.filter(
      ({ section, by, excuse }) => ['§2.2', '§2.3'].includes(section) && by.length === 0 && excuse === null,
    );
    expect(left.map(({ id }) => id)).toEqual([]);
  });
});
