import { describe, expect, it } from 'vitest';
import { OPERATION_BY_NAME } from '../program/operations.js';
import { Errno } from '../xen/errno.js';
import { GNTST } from '../xen/grant-status.js';
import { ReachedRules, RULES, rulesMet, type Situation } from './rules.js';

describe('the rules', () => {
  it('have ids of their own, each with its section', () => {
    const ids = RULES.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    for (const id of ids) expect(id).toMatch(/^§\d+\.\d+ /);
  });

  it.each(RULES)('are about operations and answers that there are: $id', ({ ops, status }) => {
    expect(ops.length).toBeGreaterThan(0);
    for (const op of ops) expect(OPERATION_BY_NAME.has(op), op).toBe(true);
    const grants = ops.every((op) => op.endsWith('_grant_ref'));
    const words = ['ok', ...(grants ? Object.keys(GNTST) : Object.keys(Errno))];
    if (ops.includes('dma')) words.push('fault');
    if (ops.includes('end_grant')) words.push('in_use');
    expect(words).toContain(status);
  });
});

describe('rules reached', () => {
  const situation: Situation = {
    op: 'assign_device',
    domain: 'none',
    context: false,
    synced: false,
    page: 'absent',
    type: 0,
    count: 0,
    pinned: false,
    device: 'unknown',
    has: () => false,
    said: () => false,
    is: () => false,
  };

  it('grow by what a step meets, once', () => {
    const reached = new ReachedRules();
    expect(reached.wouldBeNew(situation, 'ESRCH')).toBe(true);
    expect(reached.after(situation, 'ESRCH')).toBe(true);
    expect(reached.after(situation, 'ESRCH')).toBe(false);
    expect(reached.wouldBeNew(situation, 'ESRCH')).toBe(false);
    expect([reached.size, reached.missing.length]).toEqual([1, RULES.length - 1]);
  });

  it('do not grow by an answer that no rule has', () => {
    expect(rulesMet(situation, 'ENOMEM')).toEqual([]);
    expect(new ReachedRules().after(situation, 'ENOMEM')).toBe(false);
  });
});
