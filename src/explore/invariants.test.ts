import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Explorer } from './explorer.js';

const TEXT = readFileSync(
  fileURLToPath(new URL('../../examples/death-window.dommu', import.meta.url)),
  'utf8',
);

const open = () => new Explorer({ name: 'death-window.dommu', text: TEXT, configs: {}, edition: '4.17' });

describe('the invariants at a place', () => {
  it('are not said to hold, nor to be broken, where nothing has been judged', () => {
    const { judged, rows } = open().answer(3, 'invariants', undefined);
    expect(judged).toBe(false);
    expect(rows.length).toBeGreaterThan(20);
    expect(
      rows.every(({ message, fresh, first }) => message === undefined && !fresh && first === undefined),
    ).toBe(true);
  });

  it('stand in the order of what matters here: broken, broken elsewhere, never broken', () => {
    const explorer = open();
    while (!explorer.workFor(50));
    const [at] = explorer.marks.violations;
    const before = explorer.answer(at! - 1, 'invariants', undefined).rows;
    const after = explorer.answer(at!, 'invariants', undefined).rows;
    const fresh = after.filter((row) => row.fresh);
    expect(fresh.length).toBeGreaterThan(0);
    expect(after.slice(0, fresh.length)).toEqual(fresh);
    expect(fresh.every(({ message, first }) => message !== undefined && first === at)).toBe(true);
    // The step before, nothing is broken: those that will be stand before those that never are.
    expect(before.every(({ message }) => message === undefined)).toBe(true);
    expect(before.findLastIndex(({ breaks }) => breaks > 0)).toBe(
      before.findIndex(({ breaks }) => breaks === 0) - 1,
    );
    expect(after.at(-1)).toMatchObject({ breaks: 0 });
  });

  it('say of a violation what it leads to, and of themselves what theirs may', () => {
    const explorer = open();
    while (!explorer.workFor(50));
    const { rows } = explorer.answer(explorer.marks.violations[0]!, 'invariants', undefined);
    for (const { message, harm, harms } of rows) {
      expect(harm === undefined).toBe(message === undefined);
      expect(harms).toContain(harm ?? '');
    }
    expect(rows.find(({ id }) => id === 'I1')!.harms).toBe(
      'mapping lost; isolation broken where a page is mapped that its type does not permit',
    );
  });

  it('are broken and mended as often as they are', () => {
    const explorer = open();
    while (!explorer.workFor(50));
    const { length } = explorer.opened;
    const states = Array.from({ length: length + 1 }, (_, step) =>
      explorer.answer(step, 'invariants', undefined),
    );
    for (const { id, breaks } of states[0]!.rows) {
      const broken = states.map(({ rows }) => rows.find((row) => row.id === id)!.message !== undefined);
      expect(broken.filter((is, step) => is && !broken[step - 1]).length).toBe(breaks);
    }
  });
});
