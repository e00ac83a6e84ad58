import { describe, expect, it } from 'vitest';
import { PV_MACHINE_RULES } from './pv-machine.js';
import { ReachedRules } from './reached.js';

describe('the situations that random programs seek', () => {
  it('are counted as one list, which starts out unmet', () => {
    const reached = new ReachedRules();
    expect([reached.size, reached.total]).toEqual([0, PV_MACHINE_RULES.length]);
    expect(reached.missing).toEqual(PV_MACHINE_RULES.map(({ id }) => id));
  });
});
