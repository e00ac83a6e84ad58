import { describe, expect, it } from 'vitest';
import { distinctEditions } from '../xen/editions/edition.js';
import { affectedBy } from './affected.js';
import { loadProgram } from './load.js';
import { isRepeat } from './program.js';
import { example, program } from './scene.fixture.js';

const of = (name: string) => affectedBy(loadProgram(example(name)));
const names = (found: ReturnType<typeof affectedBy>, affected: boolean): string[] =>
  found.editions.filter((one) => one.affected === affected).map(({ edition }) => edition);

/** Every x.y.0, and every point release that differs from the one before it. */
const FIRST_AND_POINT = distinctEditions().map(({ name }) => name);
const those = (pattern: RegExp): string[] => FIRST_AND_POINT.filter((name) => pattern.test(name));

describe('the grant that an Arm dom0’s devices cannot reach', () => {
  const found = of('arm-grant-fault.dommu');

  it('affects 4.12 until the repair on each branch, and nothing else', () => {
    expect(names(found, true)).toEqual(those(/^4\.(12(\.\d)?|13(\.[12])?|14(\.1)?)$/));
    expect(found.editions.map(({ edition }) => edition)).toEqual(FIRST_AND_POINT);
  });

  it('is decided by one predicate, which came and went by known commits', () => {
    for (const { affected, deciding, findings } of found.editions) {
      expect(deciding.map(({ behaviour }) => behaviour)).toEqual(['armGrantNeedsIommu']);
      expect(deciding[0]?.value === 'need_sync').toBe(affected);
      expect(findings.length > 0).toBe(affected);
    }
    expect(found.introduced.map(({ commit, release }) => [commit, release])).toEqual([
      ['91d4eca7add6', '4.12.0'],
    ]);
    expect(found.fixed.map(({ commit, release, backports }) => [commit, release, ...backports])).toEqual([
      ['04085ec1ac05', '4.15.0', '4.14.2', '4.13.3'],
    ]);
  });

  it('loses a mapping, at worst', () => {
    expect(found.worst).toBe('mapping lost');
  });

  it('has the trailers that maintainers ask for', () => {
    expect(found.trailers).toEqual({
      fixes: [
        'Fixes: 91d4eca7add6 ("mm / iommu: split need_iommu() into has_iommu_pt() and need_iommu_pt_sync()")',
      ],
      backport: 'Backport: 4.12+',
    });
  });
});

describe('the untyped page in a device’s reach', () => {
  const found = of('untyped-page-dma.dommu');

  it('affects 4.11.0 and 4.11.1 alone, and is older than the record', () => {
    expect(names(found, true)).toEqual(['4.11.0', '4.11.1']);
    expect(found.editions[0]?.deciding).toMatchObject([
      { behaviour: 'pvPageAdded', value: 'mapped-untyped' },
    ]);
    expect(found.editions[0]?.deciding[0]).not.toHaveProperty('since');
    expect(found.introduced).toEqual([]);
    expect(found.fixed.map(({ commit }) => commit)).toEqual(['fe21b78ef99a']);
    expect(found.trailers).toEqual({ fixes: [], backport: 'Backport: 4.11+' });
  });

  it('breaks isolation', () => {
    expect(found.worst).toBe('isolation broken');
  });
});

describe('the hypercall that the guest keeps from ending', () => {
  it('affects the releases that walk a running domain and look twice', () => {
    const found = of('late-enable.dommu');
    expect(names(found, true)).toEqual(those(/^4\.(11\.[2-4]|12(\.\d)?)$/));
    expect(found.worst).toBe('livelock');
    expect(found.fixed.map(({ commit }) => commit)).toEqual(['f89f555827a6']);
    expect(found.trailers.backport).toBe('Backport: 4.11+');
  });

  it('affects them, too, when the program expects it: what is expected need not be right', () => {
    const { steps, ...story } = loadProgram(example('late-enable.dommu'));
    const expected = [{ kind: 'status', status: 'livelock', line: 1, column: 1 } as const];
    const told = steps.map((step) => (isRepeat(step) ? { ...step, expect: expected } : step));
    expect(names(affectedBy({ ...story, steps: told }), true)).toEqual(those(/^4\.(11\.[2-4]|12(\.\d)?)$/));
  });
});

describe('a program that goes everywhere as expected', () => {
  it('affects no release', () => {
    const found = of('three-checks.dommu');
    expect(names(found, true)).toEqual([]);
    expect(found).toMatchObject({ worst: undefined, introduced: [], fixed: [] });
    expect(found.trailers).toEqual({ fixes: [], backport: null });
  });

  it('may expect changes, too', () => {
    const text = 'createdomain g\n  expect ok\n  expect change "kind none → pv"\n';
    expect(names(affectedBy(program(text)), true)).toEqual([]);
  });
});

describe('a program that fails everywhere', () => {
  it('has nothing that decides it', () => {
    const found = affectedBy(program('createdomain g\npin_l1_table g 0x100\n  expect ok\n'));
    expect(names(found, false)).toEqual([]);
    expect(found.editions.flatMap(({ deciding }) => deciding)).toEqual([]);
    expect(found).toMatchObject({ worst: undefined, trailers: { fixes: [], backport: 'Backport: 4.11+' } });
  });
});

describe('a status that differs between releases', () => {
  it('is decided by its behaviour, since its commit', () => {
    const text = 'createdomain g domid=1\n  expect ok\ncreatedomain h domid=1\n  expect EINVAL\n';
    const found = affectedBy(program(text));
    const newest = found.editions.at(-1)!;
    expect(newest.deciding).toMatchObject([{ behaviour: 'takenDomidErrno', value: 'EEXIST' }]);
    expect(newest.deciding[0]?.since).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('the translations that a domain inherits with its number (XSA-442)', () => {
  const found = of('amdvi-domid-reuse.dommu');

  it('affects AMD-Vi from 4.15 until the repair on each branch', () => {
    expect(names(found, true)).toEqual([
      ...['4.15', '4.15.1', '4.15.2', '4.15.3', '4.15.4'],
      ...['4.16', '4.16.1', '4.16.2', '4.16.3', '4.17'],
    ]);
    expect(found.fixed.map(({ commit, backports }) => [commit, ...backports])).toEqual([
      ['5fc98b97084a', '4.17.3', '4.16.6', '4.15.6'],
    ]);
    expect(found.worst).toBe('isolation broken');
  });
});
