import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kept } from './kept.js';

describe('what is the same in two answers', () => {
  it('is the older one itself where nothing differs', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (answer) => {
        expect(kept(answer, structuredClone(answer))).toBe(answer);
      }),
    );
  });

  it('never changes what an answer says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, now) => {
        expect(kept(structuredClone(before), structuredClone(now))).toEqual(now);
      }),
    );
  });

  it('keeps the rows that have not changed beside one that has', () => {
    const before = { rows: [{ mfn: 1 }, { mfn: 2, was: 'none' }, { mfn: 3 }] };
    const now = kept(before, { rows: [{ mfn: 1 }, { mfn: 2 }, { mfn: 3 }] });
    expect(now).toEqual({ rows: [{ mfn: 1 }, { mfn: 2 }, { mfn: 3 }] });
    expect(now.rows[0]).toBe(before.rows[0]);
    expect(now.rows[1]).not.toBe(before.rows[1]);
    expect(now.rows[2]).toBe(before.rows[2]);
  });

  it('tells what is undefined from what is not there', () => {
    const before = { a: undefined };
    expect(kept(before, {})).not.toBe(before);
    expect(Object.keys(kept<object>({ b: 1 }, { a: undefined }))).toEqual(['a']);
  });
});
