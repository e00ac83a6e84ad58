import { describe, expect, it } from 'vitest';
import { INVARIANTS } from '../xen/invariants.js';
import { findBug, searchWithoutBug } from './find.js';
import { GALLERY, INEXPRESSIBLE, requireBug } from './gallery.js';

describe('the gallery', () => {
  it('names each bug once', () => {
    const ids = [...GALLERY, ...INEXPRESSIBLE].map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  it('expects only invariants that there are', () => {
    const known = [...INVARIANTS.map(({ id }) => id), 'livelock'];
    for (const { id, invariants } of GALLERY)
      expect(known, id).toEqual(expect.arrayContaining([...invariants]));
  });

  it('says which bug was probably meant', () => {
    expect(() => requireBug('XSA-288', '--bug')).toThrow(/no bug `XSA-288`/);
    expect(requireBug('xsa-288A', '--bug').id).toBe('XSA-288a');
  });
});

describe.each(GALLERY.map((bug) => [bug.id, bug] as const))('%s', (_, bug) => {
  it('is found by the search, and is not there without it', async () => {
    const finding = await findBug(bug);
    expect({ found: finding.found, invariant: finding.invariant }).toEqual({
      found: true,
      invariant: expect.toSatisfy((id: string) => bug.invariants.includes(id)),
    });
    const without = await searchWithoutBug(bug, Math.min(20_000, finding.states + 1000));
    expect(without.invariant).toBeUndefined();
  }, 60_000);
});
