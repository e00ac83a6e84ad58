import { describe, expect, it } from 'vitest';
import { CDF, IOMMU_NO_SHAREPT } from './domain.js';
import { errnoName } from './errno.js';
import { amd, arm, assign, broken, dma, domain, populate, reach, x86 } from './machine.fixture.js';
import { type SettableAccess, setMemAccess } from './mem-access.js';
import { populatePhysmap } from './memory.js';
import { p2mAccess, p2mOrder } from './p2m.js';
import { Access } from './p2m-types.js';
import type { Xen } from './state.js';

const HVM = { flags: CDF.hvm | CDF.hap };
const set = (xen: Xen, slot: number, access: SettableAccess, gfn: number, count = 1) =>
  errnoName(setMemAccess(xen, 0, slot, access, gfn, count));

/** A domain with a device and pages at gfns 0 to 2. */
function guest(xen: Xen, iommuOpts = 0): number {
  const slot = domain(xen, { ...HVM, iommuOpts });
  populate(xen, slot, 3);
  expect(assign(xen, slot)).toBe('ok');
  return slot;
}

describe('set_mem_access', () => {
  it.each(['4.12', '4.13', '4.17', '4.22'])(
    '%s: restricts devices where they share the table (§4.2)',
    (release) => {
      const xen = x86(release);
      const slot = guest(xen);
      expect([set(xen, slot, 'rx', 0), set(xen, slot, 'n', 1)]).toEqual(['ok', 'ok']);
      expect([0, 1, 2].map((gfn) => reach(xen, 0, gfn))).toEqual(['r-', '--', 'rw']);
      expect([p2mAccess(xen, slot, 0), broken(xen)]).toEqual([Access.rx, []]);
      expect([set(xen, slot, 'default', 0, 2), reach(xen, 0, 0), reach(xen, 0, 1)]).toEqual([
        'ok',
        'rw',
        'rw',
      ]);
    },
  );

  it.each(['4.13', '4.17', '4.22'])('%s: not where they have tables of their own (§4.1)', (release) => {
    const xen = x86(release);
    const slot = guest(xen, IOMMU_NO_SHAREPT);
    expect([set(xen, slot, 'n', 0), p2mAccess(xen, slot, 0), reach(xen, 0, 0)]).toEqual([
      'ok',
      Access.n,
      'rw',
    ]);
  });

  it('flushes nothing: a device that has been there goes on writing', () => {
    const xen = x86('4.17');
    const slot = guest(xen);
    expect(dma(xen, 0, 'write', 0x1000)).toBe('ok');
    set(xen, slot, 'r', 1, 2);
    expect([dma(xen, 0, 'write', 0x1000), dma(xen, 0, 'write', 0x2000)]).toEqual([
      'ok',
      expect.not.stringMatching(/^ok$/),
    ]);
  });

  it('splits a large page for one of its frames', () => {
    const xen = x86('4.17', { frames: 0x500 });
    const slot = domain(xen, { ...HVM, maxPages: 0x400 });
    expect(populatePhysmap(xen, slot, 0, -1, 9)).toBeGreaterThanOrEqual(0);
    expect([p2mOrder(xen, slot, 5), set(xen, slot, 'r', 5), p2mOrder(xen, slot, 5)]).toEqual([9, 'ok', 0]);
    expect([p2mAccess(xen, slot, 5), p2mAccess(xen, slot, 6)]).toEqual([Access.r, Access.rwx]);
  });

  it('without a gfn says what new entries get', () => {
    const xen = x86('4.17');
    const slot = guest(xen);
    expect([set(xen, slot, 'r', -1), reach(xen, 0, 0)]).toEqual(['ok', 'rw']);
    populate(xen, slot, 1, 8);
    expect([reach(xen, 0, 8), set(xen, slot, 'rwx', -1), xen.domain.defaultAccess.get(slot)]).toEqual([
      'r-',
      'ok',
      0,
    ]);
  });

  it('restricts an Arm domain and its devices alike (§4.5)', () => {
    const xen = arm('4.17', { withheld: [0] });
    const slot = guest(xen);
    expect([set(xen, slot, 'r', 0, 2), reach(xen, 0, 1), reach(xen, 0, 2)]).toEqual(['ok', 'r-', 'rw']);
  });

  it('is refused without EPT, to oneself, and for nobody', () => {
    const xen = x86('4.17');
    expect([set(xen, 0, 'n', 0), set(xen, 7, 'n', 0)]).toEqual(['EPERM', 'ESRCH']);
    const [shadow, pv] = [domain(xen, { flags: CDF.hvm }), domain(xen)];
    expect([set(xen, shadow, 'n', 0), set(xen, pv, 'n', 0)]).toEqual(['EINVAL', 'EINVAL']);
    expect(set(xen, domain(xen, HVM), 'n', 2 ** 36 - 1, 2)).toBe('EINVAL');
    const onAmd = amd('4.17');
    expect(set(onAmd, domain(onAmd, HVM), 'n', 0)).toBe('EINVAL');
  });
});
