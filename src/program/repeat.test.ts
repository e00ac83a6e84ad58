import { describe, expect, it } from 'vitest';
import { last, PV, run, statuses } from './scene.fixture.js';

const GUEST = 'createdomain g\npopulate_physmap g P\n';

describe('repeat N', () => {
  it('runs its block so often', () => {
    const { steps } = run(`${GUEST}repeat 3\npin_l1_table g P\nunpin_table g P\nend\n`);
    expect(steps.map(({ op }) => op.split(' ')[0]).slice(2)).toEqual(
      Array(3).fill(['pin_l1_table', 'unpin_table']).flat(),
    );
    expect(steps.map(({ index }) => index)).toEqual(steps.map((_, index) => index));
  });

  it('refuses what comes to more steps than anybody reads, at the block', () => {
    for (const body of ['', 'repeat 1000000000\nend']) {
      expect(() => run(`checks 0x100\nrepeat 1000000000\n${body}\nend\n`)).toThrow(
        /test\.dommu:[23]:1: the program comes to more than 100000 steps/,
      );
    }
  });
});

describe('repeat forever', () => {
  const forever = (body: string, before = GUEST) => last(`${before}repeat forever\n${body}\nend\n`);

  it('ends when the state recurs', () => {
    expect(forever('pin_l1_table g P\nunpin_table g P')).toMatchObject({
      op: 'repeat forever',
      status: 'recurs',
      unexpected: [],
    });
  });

  it('says when it does not', () => {
    // Each round takes one more handle.
    expect(forever('map_grant_ref dom0 h g 0', `${GUEST}grant g 0 dom0 P\n`)).toMatchObject({
      status: 'does not recur',
      unexpected: ['expected recurs, got does not recur: the state is another one after each of 16 rounds'],
    });
  });

  const LATE = `${PV.replace(' iommu', '').replace('assign_device g nic\n', '')}
update_va_mapping g va=0 0x101 rw
update_va_mapping g va=0
`;
  const LOOP = `
  step until=recheck
  pin_l1_table g 0x101
  step until=reread
  unpin_table g 0x101
  update_va_mapping g va=0 0x101 rw
  update_va_mapping g va=0
  step`;

  it('is a livelock while a hypercall is under way all the time', () => {
    const { status, unexpected: findings } = last(
      `${LATE}begin assign_device g nic\nrepeat forever${LOOP}\nend\n`,
      '4.12',
    );
    expect(status).toBe('livelock');
    expect(findings).toEqual([
      'expected recurs, got livelock: assign_device of d0 makes 5 steps a round and never ends',
    ]);
  });

  it('may be expected to be one, and is not when the hypercall makes no step or ends', () => {
    const begun = `${LATE}begin assign_device g nic\n`;
    const expected = (body: string) =>
      last(`${begun}repeat forever${body}\nend\nexpect livelock\n`, '4.12').unexpected;
    expect(expected(LOOP)).toEqual([]);
    expect(expected('\npin_l1_table g 0x102\nunpin_table g 0x102')).toEqual([
      'expected livelock, got recurs: assign_device of d0 is under way and makes no step',
    ]);
    expect(expected('\nfinish')).toEqual([
      'expected livelock, got recurs: no hypercall is under way all along',
    ]);
  });

  it('is none when two hypercalls take turns: one or the other is under way all the time, and each ends', () => {
    const text = `limits calls=2
createdomain g
begin populate_physmap g 0x104
repeat forever
  begin populate_physmap g 0x105
  finish call=0
  decrease_reservation g 0x104
  begin populate_physmap g 0x104
  finish call=1
  decrease_reservation g 0x105
end
`;
    expect(statuses(text)).toEqual([
      'ok',
      'at physmap_add',
      ...['at physmap_add', 'ok', 'ok', 'at physmap_add', 'ok', 'ok'],
      ...['at physmap_add', 'ok', 'ok', 'at physmap_add', 'ok', 'ok'],
      'recurs',
    ]);
  });
});
