import { describe, expect, it } from 'vitest';
import { parseProgramText } from '../program/load.js';
import { Run } from '../program/runner.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { contradiction, type Premise, ReachedRules } from './reached.js';
import { ladder, releasesOf, rule } from './rule.js';
import type { Situation } from './situation.js';

/** Runs a program and returns the premises of its last statement, as they stood before it. */
function premisesOf(text: string, reached: ReachedRules, edition = '4.17'): Premise {
  const program = parseProgramText(new SourceText('test.dommu', text));
  let last: Premise | undefined;
  const watch: Run['watch'] = (xen, names, statement) => {
    last = reached.before(xen, names, statement);
    return () => {};
  };
  new Run(program, resolveEdition(edition), { watch }).execute();
  return last!;
}

const RUNGS = ladder('§6.1', 'destroydomain', 'destroy', [
  { row: '#1', what: 'oneself', status: 'EINVAL', fn: 'destroyDomain', when: (s) => s.domain === 'dom0' },
  { row: '#2', what: 'with a context', status: 'EBUSY', fn: 'destroyDomain', when: (s) => s.context },
  { row: '#3', what: 'no memory', status: 'ENOMEM', fn: 'destroyDomain' },
  { row: '#4', what: 'never', status: 'EBADF', fn: 'destroyDomain', excuse: 'it cannot be' },
  {
    row: '#5',
    what: 'since quarantine',
    status: 'ok',
    fn: 'destroyDomain',
    by: { quarantine: 'no-translation' },
  },
]);

describe('a ladder', () => {
  it('is met at the first rung that holds, and only with its answer', () => {
    const reached = new ReachedRules(RUNGS, RUNGS);
    // dom0 has a context, too: the first rung counts.
    const premise = premisesOf('destroydomain dom0\n', reached);
    expect(reached.after(premise, 'EBUSY')).toBe(false);
    expect(reached.after(premise, 'EINVAL')).toBe(true);
    expect(reached.after(premise, 'EINVAL')).toBe(false);
    expect(reached.missing).toHaveLength(4);
    expect(reached.has(RUNGS[0]!)).toBe(true);
  });

  it('knows rungs without a premise by their status alone', () => {
    const reached = new ReachedRules(RUNGS, RUNGS);
    const premise = premisesOf('createdomain guest\ndestroydomain guest\n', reached);
    expect(reached.wouldBeNew(premise, 'ENOMEM')).toBe(true);
    expect(reached.after(premise, 'ENOMEM')).toBe(true);
    expect(reached.wouldBeNew(premise, 'ENOMEM')).toBe(false);
  });

  it('has no rung about what a name stands for while it stands for nothing', () => {
    const when = (s: Situation) => s.args.frame('gone') > 0;
    const what = { row: '', what: 'a page', status: 'ok', fn: 'destroyDomain', when };
    const about = ladder('§6.1', 'destroydomain', 'a name', [what])[0]!;
    const reached = new ReachedRules([about], [about]);
    expect(premisesOf('destroydomain dom0\n', reached).rules).toEqual([]);
  });

  it('never reaches a rung that is excused, and has those of its release only', () => {
    const reached = new ReachedRules(RUNGS, RUNGS);
    expect(reached.after(premisesOf('createdomain a\ndestroydomain a\n', reached), 'EBADF')).toBe(false);
    const old = premisesOf('createdomain a\ndestroydomain a\n', reached, '4.15');
    expect(reached.after(old, 'ok')).toBe(false);
    expect(releasesOf(RUNGS[4]!)).toMatch(/^≥4\.16|4\.16/);
    expect(releasesOf(RUNGS[0]!)).toBe('all');
  });

  it('is contradicted by another answer where a rung with a premise refuses', () => {
    const reached = new ReachedRules(RUNGS, RUNGS);
    const premise = premisesOf('destroydomain dom0\n', reached);
    expect(contradiction(premise, 'EINVAL')).toBeUndefined();
    expect(contradiction(premise, 'ok')).toEqual({
      rule: '§6.1 #1 destroy: oneself',
      expected: 'EINVAL',
      answered: 'ok',
    });
    expect(contradiction(premise, 'blocked')).toBeUndefined();
  });

  it('is contradicted by nothing while a failure waits', () => {
    const reached = new ReachedRules(RUNGS, RUNGS);
    const premise = premisesOf('fail next alloc nth=9\ndestroydomain dom0\n', reached);
    expect(contradiction(premise, 'ENOMEM')).toBeUndefined();
  });
});

describe('rules outside of ladders', () => {
  it('may hold several at once', () => {
    const rules = [
      rule('§1.1 a', 'createdomain', 'ok'),
      rule('§1.1 b', 'createdomain', 'ok', (s) => s.has('iommu')),
      rule('§1.1 c', 'createdomain', 'EINVAL'),
    ];
    const reached = new ReachedRules(rules, rules);
    reached.after(premisesOf('createdomain a iommu\n', reached), 'ok');
    expect(reached.missing).toEqual(['§1.1 c']);
  });
});
