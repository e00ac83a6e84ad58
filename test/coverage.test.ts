import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountFor, missingOf, programsIn, staleOf } from '../src/coverage/account.js';

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

  it('are all reached, but for those of which their tables say why not', () => {
    expect(missingOf(account).map(({ id, status }) => `${id} → ${status}`)).toEqual([]);
  });
});
