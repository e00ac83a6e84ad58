import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../formats/grant-v1.js';
import { CDF, IOMMU_NO_SHAREPT } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { NOBODY } from './domid.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { isFree } from './frames.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { arm, assign, broken, dma, domain, ETH, populate, reach, x86 } from './machine.fixture.js';
import { decreaseReservation, populatePhysmap } from './memory.js';
import { p2mLookup, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { addToPhysmap, type MapSpace } from './physmap.js';
import type { Xen } from './state.js';

const HVM = { flags: CDF.hvm | CDF.hap };
const add = (xen: Xen, slot: number, space: MapSpace, gfn: number, index = 0) =>
  errnoName(addToPhysmap(xen, slot, space, index, gfn));
const at = (xen: Xen, slot: number, gfn: number) => {
  const frame = p2mLookup(xen, slot, gfn);
  return frame < 0 ? 'nothing' : xen.ram.indexOf(frame);
};

/** A translated domain with a device and two pages at gfns 0 and 1. */
function translated(xen: Xen, iommuOpts = 0): { slot: number; page: number } {
  const slot = domain(xen, { ...HVM, iommuOpts });
  const page = populate(xen, slot, 2);
  expect(assign(xen, slot)).toBe('ok');
  return { slot, page };
}

const MACHINES: readonly (readonly [string, () => { xen: Xen; slot: number; page: number }])[] = [
  ...['4.12', '4.13', '4.17', '4.22'].map(
    (release) =>
      [
        `HVM that shares its p2m, ${release}`,
        () => {
          const xen = x86(release);
          return { xen, ...translated(xen) };
        },
      ] as const,
  ),
  [
    'HVM with tables of its own, 4.17',
    () => {
      const xen = x86('4.17');
      return { xen, ...translated(xen, IOMMU_NO_SHAREPT) };
    },
  ],
  [
    'Arm, 4.17',
    () => {
      const xen = arm('4.17', { withheld: [0], devices: [ETH] });
      return { xen, ...translated(xen) };
    },
  ],
];

describe('add_to_physmap (§4.3)', () => {
  it.each(MACHINES)('puts what Xen shares within the reach of the domain’s devices: %s', (_, make) => {
    const { xen, slot } = make();
    expect([add(xen, slot, 'grant_table', 8), add(xen, slot, 'shared_info', 9)]).toEqual(['ok', 'ok']);
    expect(at(xen, slot, 8)).toBe(xen.domain.grantFrame.get(slot) - 1);
    expect(at(xen, slot, 9)).toBe(xen.domain.sharedInfo.get(slot) - 1);
    expect([8, 9, 10].map((gfn) => reach(xen, 0, gfn))).toEqual(['rw', 'rw', '--']);
    expect([dma(xen, 0, 'write', 0x8000), broken(xen)]).toEqual(['ok', []]);
  });

  it.each(MACHINES)('leaves no trace of it when the domain dies: %s', (_, make) => {
    const { xen, slot } = make();
    add(xen, slot, 'shared_info', 9);
    const [grantFrame, sharedInfo] = [
      xen.domain.grantFrame.get(slot) - 1,
      xen.domain.sharedInfo.get(slot) - 1,
    ];
    expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
    expect([xen.exists(slot), isFree(xen, grantFrame), isFree(xen, sharedInfo)]).toEqual([false, true, true]);
    expect([xen.frame.gfn.get(sharedInfo), broken(xen)]).toEqual([0, []]);
  });

  it('moves on x86 what stands elsewhere, and forgets what the device knew of the old place', () => {
    for (const opts of [0, IOMMU_NO_SHAREPT]) {
      const xen = x86('4.17');
      const { slot, page } = translated(xen, opts);
      expect([dma(xen, 0, 'write', 0x1000), add(xen, slot, 'gmfn', 5, 1)]).toEqual(['ok', 'ok']);
      expect([at(xen, slot, 1), at(xen, slot, 5), xen.frame.gfn.get(page + 1)]).toEqual([
        'nothing',
        page + 1,
        6,
      ]);
      expect(dma(xen, 0, 'write', 0x1000)).toContain('reason 05');
      expect(dma(xen, 0, 'write', 0x5000)).toBe('ok');
      add(xen, slot, 'grant_table', 8);
      add(xen, slot, 'grant_table', 9);
      expect([at(xen, slot, 8), reach(xen, 0, 8), reach(xen, 0, 9)]).toEqual(['nothing', '--', 'rw']);
      expect(broken(xen)).toEqual([]);
    }
  });

  it('gives back the page that was at the place, but only unhooks what Xen shares', () => {
    const xen = x86('4.17');
    const { slot, page } = translated(xen);
    expect([add(xen, slot, 'gmfn', 0, 1), isFree(xen, page), xen.domain.totPages.get(slot)]).toEqual([
      'ok',
      true,
      1,
    ]);
    add(xen, slot, 'grant_table', 8);
    expect([add(xen, slot, 'shared_info', 8), at(xen, slot, 8)]).toEqual([
      'ok',
      xen.domain.sharedInfo.get(slot) - 1,
    ]);
    expect(isFree(xen, xen.domain.grantFrame.get(slot) - 1)).toBe(false);
    expect([add(xen, slot, 'gmfn', 8, 8), at(xen, slot, 8)]).toEqual([
      'ok',
      xen.domain.sharedInfo.get(slot) - 1,
    ]);
  });

  it('stands on Arm at one place at a time, and moves no pages', () => {
    const xen = arm('4.17', { withheld: [0] });
    const { slot } = translated(xen);
    expect([
      add(xen, slot, 'grant_table', 8),
      add(xen, slot, 'grant_table', 9),
      add(xen, slot, 'gmfn', 5, 1),
      errnoName(decreaseReservation(xen, slot, -1, 8)),
      at(xen, slot, 8),
    ]).toEqual(['ok', 'EBUSY', 'ENOSYS', 'ok', 'nothing']);
  });

  it('is refused: ESRCH no domain, EACCES not translated, EINVAL no such frame', () => {
    const xen = x86('4.17');
    const { slot } = translated(xen);
    const pv = domain(xen);
    expect([
      ...[3, NOBODY, xen.domIo].map((of) => add(xen, of, 'shared_info', 8)),
      ...[0, pv].map((of) => add(xen, of, 'shared_info', 8)),
      add(xen, slot, 'shared_info', 8, 1),
      add(xen, slot, 'grant_table', 8, 1),
      add(xen, slot, 'gmfn', 8, 7),
    ]).toEqual(['ESRCH', 'ESRCH', 'ESRCH', 'EACCES', 'EACCES', 'EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('is refused beyond the guest frames that the p2m has: 2^36 on x86, 2^28 on Arm', () => {
    for (const [xen, gfns] of [
      [x86('4.17'), 2 ** 36],
      [arm('4.17', { withheld: [0] }), 2 ** 28],
    ] as const) {
      const { slot } = translated(xen);
      expect([gfns - 1, gfns, 2 ** 44].map((gfn) => add(xen, slot, 'grant_table', gfn))).toEqual([
        'ok',
        ...(xen.spec.arch === 'arm' ? ['EBUSY', 'EBUSY'] : ['EINVAL', 'EINVAL']),
      ]);
      expect([gfns, 2 ** 44].map((gfn) => add(xen, slot, 'shared_info', gfn))).toEqual(['EINVAL', 'EINVAL']);
      expect([gfns, 2 ** 44].map((gfn) => errnoName(populatePhysmap(xen, slot, gfn)))).toEqual([
        'EBUSY',
        'EBUSY',
      ]);
      expect(at(xen, slot, gfns)).toBe('nothing');
    }
  });

  it('does not push away a device’s registers (EPERM) or a granted page (ENXIO)', () => {
    const xen = x86('4.17');
    const { slot } = translated(xen);
    p2mSet(xen, slot, 0x30, 0x30, P2mType.mmioDirect);
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    writeGrantEntry(xen, granter, 0, slot, xen.ram.frameAt(page), false);
    expect(mapGrantRef(xen, slot, granter, 0, GNTMAP.host, 0x20)).toBe(0);
    expect([add(xen, slot, 'gmfn', 0x30, 1), add(xen, slot, 'gmfn', 0x20, 1)]).toEqual(['EPERM', 'ENXIO']);
    expect([at(xen, slot, 0x20), at(xen, slot, 1)]).toEqual([page, xen.ram.indexOf(0x102)]);
  });

  it('finds no grant frame any more that was given back like a page; a page at its place pushes it out', () => {
    const xen = x86('4.17');
    const { slot } = translated(xen);
    add(xen, slot, 'grant_table', 8);
    add(xen, slot, 'shared_info', 9);
    expect(populatePhysmap(xen, slot, 9)).toBeGreaterThan(0);
    expect(add(xen, slot, 'shared_info', 10)).toBe('ok');
    expect(errnoName(decreaseReservation(xen, slot, -1, 8))).toBe('ok');
    expect([at(xen, slot, 8), add(xen, slot, 'grant_table', 8)]).toEqual(['nothing', 'EBUSY']);
    expect([errnoName(destroyDomain(xen, 0, slot)), xen.exists(slot), xen.hostBug]).toEqual([
      'ok',
      false,
      undefined,
    ]);
  });
});

describe('XENMAPSPACE_gmfn_range (§4.4)', () => {
  const range = (xen: Xen, slot: number, index: number, gfn: number, size: number) =>
    errnoName(addToPhysmap(xen, slot, 'gmfn_range', index, gfn, { size }));

  it('moves pages one after the other, and the devices see them where they are now', () => {
    for (const opts of [0, IOMMU_NO_SHAREPT]) {
      for (const release of ['4.13', '4.14', '4.17', '4.22']) {
        const xen = x86(release, { frames: 64 });
        const slot = domain(xen, { ...HVM, iommuOpts: opts, maxPages: 40 });
        const page = populate(xen, slot, 20);
        assign(xen, slot);
        for (let gfn = 0; gfn < 20; gfn++) dma(xen, 0, 'write', gfn * 4096);
        // More than a batch of 16.
        expect(range(xen, slot, 0, 32, 20)).toBe('ok');
        expect([at(xen, slot, 0), at(xen, slot, 32), at(xen, slot, 51)]).toEqual([
          'nothing',
          page,
          page + 19,
        ]);
        expect([reach(xen, 0, 3), reach(xen, 0, 35).slice(0, 2)]).toEqual(['--', 'rw']);
        expect([dma(xen, 0, 'write', 0x23000), broken(xen)]).toEqual(['ok', []]);
        expect(dma(xen, 0, 'write', 0x3000)).not.toBe('ok');
      }
    }
  });

  it('stops at the first that cannot move; those before stay moved', () => {
    const xen = x86('4.17');
    const { slot, page } = translated(xen);
    expect(range(xen, slot, 0, 8, 3)).toBe('EINVAL');
    expect([at(xen, slot, 8), at(xen, slot, 9), broken(xen)]).toEqual([page, page + 1, []]);
  });

  it('before XSA-346 a page that makes room is free before anybody has forgotten it, if what follows fails', () => {
    const leftBehind = (release: string): string => {
      const xen = x86(release, { frames: 8 });
      const { slot } = translated(xen, IOMMU_NO_SHAREPT);
      expect(dma(xen, 0, 'write', 0x1000)).toBe('ok');
      // The page at gfn 1 makes room, and the mirror cannot take the one that comes.
      failNth(xen, 'map', 1);
      expect(range(xen, slot, 0, 1, 1)).not.toBe('ok');
      return dma(xen, 0, 'write', 0x1000) === 'ok' ? 'reachable' : 'gone';
    };
    expect(['4.13.1', '4.14', '4.13.2', '4.14.1', '4.15', '4.22'].map(leftBehind)).toEqual([
      'reachable',
      'reachable',
      'gone',
      'gone',
      'gone',
      'gone',
    ]);
  });
});

describe('foreign pages and device memory', () => {
  it('on Arm another domain’s page is there for CPU and devices, and is held until the entry goes', () => {
    const xen = arm('4.17', { frames: 32 });
    const slot = domain(xen);
    const page = populate(xen, slot, 2);
    const gfn = 0x20;
    const foreign = (index: number, of: number) =>
      errnoName(addToPhysmap(xen, 0, 'gmfn_foreign', index, gfn, { of }));
    expect([foreign(0, 3), foreign(0, 0), foreign(9, slot)]).toEqual(['ESRCH', 'EINVAL', 'EINVAL']);
    expect([foreign(1, slot), p2mType(xen, 0, gfn), reach(xen, 0, gfn).slice(0, 2)]).toEqual([
      'ok',
      P2mType.foreignRw,
      'rw',
    ]);
    expect(broken(xen)).toEqual([]);
    expect(errnoName(decreaseReservation(xen, slot, -1, 1))).toBe('ok');
    expect(isFree(xen, page + 1)).toBe(false);
    p2mRemove(xen, 0, gfn);
    expect([isFree(xen, page + 1), xen.domain.foreignMaps.get(0)]).toEqual([true, 0]);
  });

  it('on x86 nobody has foreign pages but a translated hardware domain, and there is no device memory to add', () => {
    const xen = x86('4.17');
    const { slot } = translated(xen);
    const more = (space: MapSpace) => errnoName(addToPhysmap(xen, slot, space, 0xfe000, 9, { of: 0 }));
    expect([more('gmfn_foreign'), more('dev_mmio')]).toEqual(['EPERM', 'EACCES']);
  });

  it('on Arm the hardware domain gets device memory, of RAM nothing, without a word; nobody else does', () => {
    const xen = arm('4.17');
    const slot = domain(xen);
    const mmio = (of: number, index: number, gfn: number) =>
      errnoName(addToPhysmap(xen, of, 'dev_mmio', index, gfn));
    expect([mmio(0, 0xfe000, 9), mmio(0, 0x108, 10), mmio(slot, 0xfe000, 9)]).toEqual(['ok', 'ok', 'EACCES']);
    expect(p2mType(xen, 0, 10)).toBe(P2mType.invalid);
    expect([p2mType(xen, 0, 9), p2mType(xen, slot, 9), broken(xen)]).toEqual([
      P2mType.mmioDirectC,
      P2mType.invalid,
      [],
    ]);
  });
});
