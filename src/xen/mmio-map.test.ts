import { describe, expect, it } from 'vitest';
import { CDF, IOMMU_NO_SHAREPT } from './domain.js';
import { errnoName } from './errno.js';
import { arm, assign, broken, domain, populate, RAM, reach, x86 } from './machine.fixture.js';
import { memoryMapping } from './mmio-map.js';
import { p2mLookup, p2mOrder, p2mSet, p2mType } from './p2m.js';
import { Access, P2mType } from './p2m-types.js';
import type { Xen } from './state.js';

const HVM = { flags: CDF.hvm | CDF.hap };
const BAR = 0xfe000;
const add = (xen: Xen, slot: number, gfn: number, frame: number, count = 1) =>
  errnoName(memoryMapping(xen, slot, gfn, frame, count, true));
const remove = (xen: Xen, slot: number, gfn: number, frame: number, count = 1) =>
  errnoName(memoryMapping(xen, slot, gfn, frame, count, false));

/** A domain with a device and two pages at gfns 0 and 1. */
function guest(xen: Xen, options: { flags?: number; iommuOpts?: number } = HVM): number {
  const slot = domain(xen, options);
  populate(xen, slot, 2);
  expect(assign(xen, slot)).toBe('ok');
  return slot;
}

describe('memory_mapping (§4.1)', () => {
  it.each(['4.12', '4.13', '4.17', '4.22'])(
    'puts device memory within the reach of the domain and its devices, and out of it, %s',
    (release) => {
      for (const iommuOpts of release === '4.12' ? [0] : [0, IOMMU_NO_SHAREPT]) {
        const xen = x86(release, { readOnlyMmio: [{ base: BAR + 1, count: 1 }] });
        const slot = guest(xen, { ...HVM, iommuOpts });
        expect(add(xen, slot, 0x40, BAR, 2)).toBe('ok');
        expect([p2mLookup(xen, slot, 0x40), p2mType(xen, slot, 0x41)]).toEqual([BAR, P2mType.mmioDirect]);
        expect([reach(xen, 0, 0x40), reach(xen, 0, 0x41)]).toEqual(['rw', 'r-']);
        expect([remove(xen, slot, 0x40, BAR, 2), reach(xen, 0, 0x40), broken(xen)]).toEqual(['ok', '--', []]);
        expect(remove(xen, slot, 0x40, BAR)).toBe('EINVAL');
      }
    },
  );

  it('gives devices with tables of their own, since 4.15.1, what the domain’s access for new entries leaves', () => {
    const given = (release: string): string => {
      const xen = x86(release);
      const slot = guest(xen, { ...HVM, iommuOpts: IOMMU_NO_SHAREPT });
      xen.domain.defaultAccess.set(slot, Access.r + 1);
      add(xen, slot, 0x40, BAR);
      return reach(xen, 0, 0x40);
    };
    expect([given('4.15'), given('4.15.1'), given('4.22')]).toEqual(['rw', 'r-', 'r-']);
  });

  it('takes the place of memory, which is nowhere then', () => {
    const xen = x86('4.17');
    const slot = guest(xen);
    const page = xen.ram.indexOf(p2mLookup(xen, slot, 1));
    expect([add(xen, slot, 1, BAR), xen.frame.gfn.get(page)]).toEqual(['ok', 0]);
    expect([reach(xen, 0, 1), broken(xen)]).toEqual(['rw', []]);
  });

  it('replaces device memory up to 4.15.0, and is refused it then, unless it is the same (XSA-378)', () => {
    for (const [release, answer, crashed] of [
      ['4.13', 'ok', 0],
      ['4.15', 'ok', 0],
      ['4.13.4', 'EPERM', 1],
      ['4.15.1', 'EPERM', 1],
      ['4.22', 'EPERM', 1],
    ] as const) {
      const xen = x86(release);
      const slot = guest(xen);
      add(xen, slot, 0x40, BAR);
      expect([add(xen, slot, 0x40, BAR), xen.domain.crashed.get(slot)]).toEqual(['ok', 0]);
      expect([add(xen, slot, 0x40, BAR + 1), xen.domain.crashed.get(slot)], release).toEqual([
        answer,
        crashed,
      ]);
      expect(p2mLookup(xen, slot, 0x40)).toBe(answer === 'ok' ? BAR + 1 : BAR);
    }
  });

  it('never replaces a grant: ENOENT up to 4.15.0, then EPERM', () => {
    for (const [release, answer] of [
      ['4.12', 'ENOENT'],
      ['4.15', 'ENOENT'],
      ['4.16', 'EPERM'],
    ] as const) {
      const xen = x86(release);
      const slot = domain(xen, HVM);
      p2mSet(xen, slot, 0x40, RAM, P2mType.grantMapRo);
      expect([add(xen, slot, 0x40, BAR), xen.domain.crashed.get(slot)]).toEqual([answer, 1]);
      expect(p2mType(xen, slot, 0x40)).toBe(P2mType.grantMapRo);
    }
  });

  it('maps 2 MiB at a time where both numbers are aligned and all of it may be written', () => {
    const order = (flags: number, gfn: number, readOnly: number): number => {
      const xen = x86('4.17', { readOnlyMmio: [{ base: readOnly, count: 1 }] });
      const slot = domain(xen, { flags });
      expect(add(xen, slot, gfn, BAR, 0x200)).toBe('ok');
      return p2mOrder(xen, slot, gfn);
    };
    expect(order(HVM.flags, 0x400, 0xff000)).toBe(9);
    expect(order(HVM.flags, 0x401, 0xff000)).toBe(0);
    expect(order(HVM.flags, 0x400, BAR + 7)).toBe(0);
    expect(order(CDF.hvm, 0x400, 0xff000)).toBe(0);
  });

  it('does nothing for a PV domain, and refuses RAM, numbers that wrap, and nobody', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    expect([assign(xen, slot), add(xen, slot, 0x40, BAR)]).toEqual(['ok', 'ok']);
    expect([reach(xen, 0, 0x40), reach(xen, 0, BAR)]).toEqual(['--', '--']);
    expect([add(xen, slot, 0x40, RAM - 1, 2), add(xen, slot, 0x40, 0x10)]).toEqual(['EPERM', 'EPERM']);
    expect([add(xen, slot, 0, 2 ** 40), add(xen, slot, 0, BAR, 0)]).toEqual(['EINVAL', 'EINVAL']);
    expect(add(xen, 7, 0, BAR)).toBe('ESRCH');
    expect(add(xen, domain(xen, HVM), 2 ** 36, BAR)).toBe('EINVAL');
  });

  it('Arm: maps 64 frames at most, and removes whatever is there', () => {
    const xen = arm('4.17', { withheld: [0] });
    const slot = guest(xen);
    expect([add(xen, slot, 0x40, BAR, 65), add(xen, slot, 0x40, BAR, 64)]).toEqual(['E2BIG', 'ok']);
    expect([reach(xen, 0, 0x7f), p2mType(xen, slot, 0x7f)]).toEqual(['rw', P2mType.mmioDirect]);
    expect([remove(xen, slot, 0x40, BAR, 64), reach(xen, 0, 0x7f)]).toEqual(['ok', '--']);
    expect(remove(xen, slot, 0x40, BAR)).toBe('ok');
    const page = xen.ram.indexOf(p2mLookup(xen, slot, 1));
    expect([remove(xen, slot, 1, BAR), xen.frame.gfn.get(page), broken(xen)]).toEqual(['ok', 0, []]);
  });
});
