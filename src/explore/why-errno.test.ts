import { describe, expect, it } from 'vitest';
import { exploreExample, stepOf } from './written.fixture.js';

/** Why the n-th step from the first on that is answered so was. */
function why(name: string, status: string, edition?: string) {
  const explorer = exploreExample(name, edition);
  const { length } = explorer.opened;
  const rows = explorer.answer(0, 'steps', { from: 1, count: length });
  const step = rows.find((row) => row.status === status)!.step;
  return explorer.answer(length, 'whyErrno', { step });
}

describe('why a step was answered so', () => {
  it('names the guard, its function and section, and the checks before it that found nothing', () => {
    const answer = why('errnos/assign-EBUSY-taken.dommu', 'EBUSY');
    expect(answer).toMatchObject({
      text: 'assign_device other nic',
      status: 'EBUSY',
      sure: true,
      rules: [{ section: '§6.1', text: '#9 assign: another guest has it', fn: 'isAssignable' }],
    });
    const passed = answer.passed.map(({ text }) => text);
    expect(passed).toContain('#4 assign: the domain has no context');
    expect(passed).not.toContain('#9 assign: another guest has it');
    expect(passed.some((text) => text.startsWith('#10'))).toBe(false);
  });

  it.each([
    ['map-bad-gntref', 'bad_gntref', '§5.2 #6 map: reference beyond the table', 'mapGrantRef'],
    ['unmap-bad-handle', 'bad_handle', '§5.5 unmap: a handle that there is not', 'unmapPass'],
    ['deassign-ENODEV', 'ENODEV', '§6.2 deassign: the domain has it not', 'deassignDevice'],
    [
      'page-type-EINVAL-in-use',
      'EINVAL',
      '§3.2 (3) pin: mapped writable, or another table, in use',
      'getPageType',
    ],
    ['set-version-EBUSY', 'EBUSY', '§5.6 set_version: an entry is in use', 'setGrantVersion'],
    ['dt-assign-EBUSY', 'EBUSY', '§6.7 assign, device tree: somebody has it', 'checkDtAssign'],
  ])('finds the guard of %s', (name, status, rule, fn) => {
    expect(why(`errnos/${name}.dommu`, status)).toMatchObject({ sure: true, rules: [{ rule, fn }] });
  });

  it('tells only of checks that are made for such a device', () => {
    const passed = why('errnos/dt-assign-EBUSY.dommu', 'EBUSY').passed.map(({ section }) => section);
    expect(passed.length).toBeGreaterThan(2);
    expect(new Set(passed)).toEqual(new Set(['§6.7']));
  });

  it('is not sure of a rung without a premise, and says so', () => {
    expect(why('errnos/smmu-ENOSPC-context-banks.dommu', 'ENOSPC')).toMatchObject({
      sure: false,
      rules: [{ rule: '§6.5 SMMU: no stream slot or context bank is left' }],
    });
  });

  it('says for ok what had to find nothing', () => {
    const answer = why('errnos/assign-EBUSY-taken.dommu', 'ok');
    expect(answer.text).toBe('createdomain guest iommu');
    expect(answer.passed.length).toBeGreaterThan(3);
    expect(answer.passed.every(({ section }) => section.startsWith('§'))).toBe(true);
  });

  it('tells by which release a rule is there', () => {
    expect(why('errnos/map-no-device-space.dommu', 'no_device_space', '4.14')).toMatchObject({
      rules: [
        { releases: expect.stringMatching(/–4\.15/), text: expect.stringContaining('maptrack is full') },
      ],
    });
  });

  it('leads from a step of a hypercall to where it began, and says of a fault that the IOMMU refused', () => {
    const explorer = exploreExample('late-enable.dommu', 'late-enable');
    const begin = stepOf(explorer, 'begin assign_device');
    const step = stepOf(explorer, 'step until=reread');
    expect(explorer.answer(0, 'whyErrno', { step })).toMatchObject({
      status: 'at reread',
      begun: { step: begin, text: 'begin assign_device guest nic' },
      untold: 'the hypercall is not at its end yet',
    });
    expect(explorer.answer(0, 'whyErrno', { step: begin }).begun).toBeUndefined();
    expect(why('arm-grant-fault.dommu', 'fault', '4.12')).toMatchObject({
      rules: [],
      untold: expect.stringContaining('the IOMMU refused'),
    });
    expect(explorer.answer(5, 'whyErrno', { step: 0 })).toMatchObject({ text: 'boot', rules: [] });
  });
});
