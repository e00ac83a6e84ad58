import { describe, expect, it } from 'vitest';
import { CDF } from '../domain.js';
import { failNth } from '../failures.js';
import { iommuMap } from '../iommu-map.js';
import { amd, arm, broken, domain, pvWithContext, x86 } from '../machine.fixture.js';
import { guest, message } from './invariants.fixture.js';

const HVM = { flags: CDF.hvm | CDF.hap };

describe('I5', () => {
  it('fires on a domain that shares its p2m and mirrors it', () => {
    const xen = x86('4.22');
    const slot = domain(xen, HVM);
    expect(broken(xen)).toEqual([]);
    xen.domain.needSync.set(slot, 1);
    expect(message(xen, 'I5')).toBe('d1 shares its p2m with the IOMMU and mirrors it in tables of its own');
  });
});

describe('I6', () => {
  it('fires on own tables beside shared ones', () => {
    const xen = x86('4.22');
    const slot = domain(xen, HVM);
    xen.domain.iommuRoot.set(slot, xen.xenHeap.first + 1);
    expect(message(xen, 'I6')).toBe('d1 shares its p2m with the IOMMU and has tables of its own at 0x10');
  });

  it('holds of Arm, where everybody shares', () => {
    const xen = arm('4.22');
    domain(xen);
    expect(broken(xen)).toEqual([]);
  });
});

describe('I7', () => {
  it.each([
    ['a PV guest', {}, 'tables kept in sync'],
    ['a guest without an IOMMU', { iommu: false }, 'no IOMMU context'],
    ['a guest that shares', HVM, 'a context that shares the p2m'],
    ['a guest that must not share', { ...HVM, iommuOpts: 1 }, 'tables kept in sync'],
  ])('fires when the context of %s changes', (_, config, was) => {
    const xen = x86('4.22');
    const slot = domain(xen, config);
    expect(broken(xen)).toEqual([]);
    const { share, needSync, iommuStatus } = xen.domain;
    if (share.get(slot) !== 0) share.set(slot, 0);
    else if (needSync.get(slot) !== 0) needSync.set(slot, 0);
    else iommuStatus.set(slot, 2);
    const is =
      was === 'no IOMMU context' || was === 'tables kept in sync' || was.includes('shares')
        ? 'tables that follow nothing'
        : was;
    expect(message(xen, 'I7')).toBe(`d1 was created with ${was}, and has ${is}`);
  });

  it('says nothing of a release that builds contexts late', () => {
    const xen = x86('4.12');
    const { slot } = pvWithContext(xen, 1);
    xen.domain.needSync.set(slot, 0);
    expect(message(xen, 'I7')).toBeUndefined();
  });
});

describe('I17', () => {
  it('fires on a hardware domain that was crashed, which AMD’s driver does', () => {
    for (const [machine, expected] of [
      [x86, undefined],
      [amd, 'd0 was crashed for an IOMMU operation that failed'],
    ] as const) {
      const xen = machine('4.22', { mode: 'strict' });
      expect(message(xen, 'I17')).toBeUndefined();
      failNth(xen, 'map', 1);
      iommuMap(xen, 0, 0x105, 0x105, 3);
      expect(message(xen, 'I17')).toBe(expected);
    }
  });

  it('leaves a guest to be crashed, and I1 says nothing of it then', () => {
    const { xen, slot, frame } = guest();
    failNth(xen, 'map', 1);
    iommuMap(xen, slot, frame, frame, 1);
    expect(xen.domain.crashed.get(slot)).toBe(1);
    xen.frame.typeInfo.set(xen.ram.indexOf(frame), 0);
    expect(message(xen, 'I1')).toBeUndefined();
    xen.domain.crashed.set(slot, 0);
    expect(message(xen, 'I1')).toMatch(/is mapped rw for d1's devices, but its type asks for --$/);
  });
});
