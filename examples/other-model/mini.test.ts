import { describe, expect, it } from 'vitest';
import { search } from '../../src/check/search.js';
import { MiniHypervisor, type Mistakes } from './mini.js';

const found = async (mistakes: Mistakes) => {
  const model = new MiniHypervisor(1, mistakes);
  const { violations } = await search(model, { bounds: { deeper: 0 } });
  return violations.map(({ property, actions }) => [
    property,
    ...actions.map((action) => model.actions[action]!.name),
  ]);
};

describe('a hypervisor that is not Xen', () => {
  it('has as many states and transitions as SPIN and TLC count for it', async () => {
    const result = await search(new MiniHypervisor(2), { bounds: {}, symmetries: false });
    expect(result).toMatchObject({
      stop: 'exhausted',
      states: 54_231,
      transitions: 283_694,
      depth: 18,
      violations: [],
    });
  });

  it('is found wanting when it promotes a page before the flush, by the shortest way', async () => {
    expect(await found({ promotesAtOnce: true })).toEqual([
      [
        'no-write-to-page-table',
        'd1: takes page 0',
        'device: given to d1',
        'device: of d1 reaches page 0',
        'd1: makes a page table of page 0',
      ],
    ]);
  });

  it('is found wanting when it frees a page before the flush', async () => {
    const [[property, ...actions] = []] = await found({ releasesAtOnce: true });
    expect(property).toBe('no-reach-of-free-page');
    expect(actions.at(-1)).toBe('d1: releases page 0');
    expect(actions).toHaveLength(4);
  });

  it('has the same depth with pages and domains that may change places, and fewer states', async () => {
    const whole = await search(new MiniHypervisor(2), { bounds: {}, symmetries: false });
    const orbits = await search(new MiniHypervisor(2), { bounds: {}, symmetries: true });
    expect(orbits).toMatchObject({ stop: 'exhausted', depth: whole.depth, violations: [] });
    // Four renamings, and nearly no state that one of them leaves as it is.
    expect(orbits.states).toBeGreaterThanOrEqual(whole.states / 4);
    expect(orbits.states).toBeLessThan(whole.states / 3.5);
  });
});
