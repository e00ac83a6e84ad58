import { describe, expect, it } from 'vitest';
import { R, type Rights, rightsText, W } from '../formats/address.js';
import { CDF, IOMMU_NO_SHAREPT } from './domain.js';
import { errnoName } from './errno.js';
import { amd, arm, assign, broken, dma, domain, ETH, reach, x86 } from './machine.fixture.js';
import { p2mLookup, p2mOrder, p2mRemove, p2mSet, p2mType } from './p2m.js';
import { Access, type AccessName, P2mType, type P2mTypeName } from './p2m-types.js';
import type { Xen } from './state.js';

const HVM = { flags: CDF.hvm | CDF.hap, maxPages: 2048 };
const FRAMES = 0x40_0000;
const ram = [{ base: 0x100, count: 64 }];
const readOnlyMmio = [{ base: 0xfeb00, count: 1 }];
const big = { ram, heap: 0xf0, readOnlyMmio };

/** A translated domain with a device: EPT that the IOMMU shares, a mirror of EPT, of NPT and of a shadow guest's p2m. */
const MACHINES = {
  shared: (release: string) => withDevice(x86(release, big), HVM),
  mirrored: (release: string) => withDevice(x86(release, big), { ...HVM, iommuOpts: IOMMU_NO_SHAREPT }),
  amd: (release: string) => withDevice(amd(release, big), HVM),
  shadow: (release: string) => withDevice(x86(release, big), { ...HVM, flags: CDF.hvm }),
  arm: (release: string) => withDevice(arm(release, { ...big, withheld: [0], devices: [ETH] }), HVM),
} as const;

function withDevice(xen: Xen, config: Parameters<typeof domain>[1]): { xen: Xen; slot: number } {
  const slot = domain(xen, config);
  expect(assign(xen, slot)).toBe('ok');
  return { xen, slot };
}

/** What a device may do through an entry of this type and access. */
function seen(
  { xen, slot }: { xen: Xen; slot: number },
  type: number,
  access: number = Access.rwx,
  frame = 0x110,
): string {
  expect(errnoName(p2mSet(xen, slot, 5, frame, type, 0, access))).toBe('ok');
  return reach(xen, 0, 5).slice(0, 2);
}

describe('a mirror of an x86 p2m gives (§4.1)', () => {
  const TABLE: readonly (readonly [P2mTypeName, string])[] = [
    ['ramRw', 'rw'],
    ['grantMapRw', 'rw'],
    ['logDirty', 'rw'],
    ['foreignRw', 'rw'],
    ['ramRo', 'r-'],
    ['grantMapRo', 'r-'],
    ['invalid', '--'],
    ['mmioDm', '--'],
    ['populateOnDemand', '--'],
    ['pagingOut', '--'],
    ['paged', '--'],
    ['pagingIn', '--'],
    ['shared', '--'],
    ['broken', '--'],
    ['ioreqServer', '--'],
  ];
  it.each(TABLE)('%s: %s', (type, rights) => {
    for (const machine of ['mirrored', 'amd', 'shadow'] as const) {
      for (const release of ['4.13', '4.17', '4.22']) {
        expect(seen(MACHINES[machine](release), P2mType[type]), `${machine} ${release}`).toBe(rights);
      }
    }
  });

  it.each<readonly [AccessName, string, string]>([
    ['rwx', 'rw', 'rw'],
    ['rw', 'rw', 'rw'],
    ['r', 'rw', 'r-'],
    ['rx', 'rw', 'r-'],
    ['rx2rw', 'rw', 'r-'],
    ['r_pw', 'rw', 'r-'],
    ['w', 'rw', '-w'],
    ['wx', 'rw', '-w'],
    ['n', 'rw', '--'],
    ['x', 'rw', '--'],
    ['n2rwx', 'rw', '--'],
  ])('device memory with access %s: up to 4.15.0 %s, then %s', (access, before, after) => {
    const type = P2mType.mmioDirect;
    const give = (release: string) => seen(MACHINES.mirrored(release), type, Access[access], 0xfea00);
    expect([give('4.13'), give('4.15'), give('4.15.1'), give('4.16')]).toEqual([
      before,
      before,
      after,
      after,
    ]);
  });

  it('device memory that nobody may write: reading', () => {
    for (const release of ['4.13', '4.16', '4.22']) {
      expect(seen(MACHINES.mirrored(release), P2mType.mmioDirect, Access.rwx, 0xfeb00)).toBe('r-');
    }
  });

  it('memory whatever its access', () => {
    for (const access of Object.values(Access)) {
      expect(seen(MACHINES.mirrored('4.17'), P2mType.ramRw, access)).toBe('rw');
    }
  });
});

describe('EPT that the IOMMU shares gives (§4.2)', () => {
  const TABLE: readonly (readonly [P2mTypeName, string])[] = [
    ['ramRw', 'rw'],
    ['grantMapRw', 'rw'],
    ['foreignRw', 'rw'],
    ['mmioDirect', 'rw'],
    ['ioreqServer', 'rw'],
    ['logDirty', 'r-'],
    ['ramRo', 'r-'],
    ['shared', 'r-'],
    ['grantMapRo', 'r-'],
    ['invalid', '--'],
    ['mmioDm', '--'],
    ['populateOnDemand', '--'],
    ['pagingOut', '--'],
    ['paged', '--'],
    ['pagingIn', '--'],
    ['broken', '--'],
  ];
  it.each(TABLE)('%s: %s', (type, rights) => {
    for (const release of ['4.12', '4.17']) {
      expect(seen(MACHINES.shared(release), P2mType[type]), release).toBe(rights);
    }
  });

  it('no writing to device memory that nobody may write, and to ioreq_server pages whose writes are intercepted', () => {
    expect(seen(MACHINES.shared('4.17'), P2mType.mmioDirect, Access.rwx, 0xfeb00)).toBe('r-');
    const machine = MACHINES.shared('4.17');
    machine.xen.domain.ioreqWrites.set(machine.slot, 1);
    expect(seen(machine, P2mType.ioreqServer)).toBe('r-');
  });

  it.each<readonly [AccessName, string]>([
    ['rwx', 'rw'],
    ['rw', 'rw'],
    ['r', 'r-'],
    ['rx', 'r-'],
    ['rx2rw', 'r-'],
    ['r_pw', 'r-'],
    ['n', '--'],
    ['n2rwx', '--'],
    ['x', '--'],
    ['w', '-w'],
    ['wx', '-w'],
  ])('memory with access %s: %s', (access, rights) => {
    expect(seen(MACHINES.shared('4.17'), P2mType.ramRw, Access[access])).toBe(rights);
  });
});

it.each<readonly [P2mTypeName, Rights]>([
  ['ramRw', R | W],
  ['ramRo', R],
  ['mmioDirect', R | W],
  ['mmioDirectNc', R | W],
  ['mmioDirectC', R | W],
  ['foreignRw', R | W],
  ['foreignRo', R],
  ['grantMapRw', R | W],
  ['grantMapRo', R],
  ['iommuMapRw', R | W],
  ['iommuMapRo', R],
])('Arm stage 2 gives for %s %d (§4.5)', (type, rights) => {
  expect(seen(MACHINES.arm('4.17'), P2mType[type])).toBe(rightsText(rights).slice(0, 2));
});

describe('set_entry (§4.3)', () => {
  const used = (xen: Xen, dfn: number): string =>
    dma(xen, 0, 'write', dfn * 4096) === 'ok' ? 'ok' : 'fault';

  it('EPT does not flush where frame and rights of the type stay: log-dirty pages and restricted ones are still written', () => {
    for (const change of [
      [P2mType.logDirty, Access.rwx],
      [P2mType.ramRw, Access.r],
    ] as const) {
      const { xen, slot } = MACHINES.shared('4.17');
      p2mSet(xen, slot, 5, 0x110, P2mType.ramRw);
      expect(used(xen, 5)).toBe('ok');
      p2mSet(xen, slot, 5, 0x110, change[0], 0, change[1]);
      expect([reach(xen, 0, 5).slice(0, 2), used(xen, 5)]).toEqual(['r-', 'ok']);
      p2mSet(xen, slot, 5, 0x111, change[0], 0, change[1]);
      expect(used(xen, 5)).toBe('fault');
    }
  });

  it('a batch that flushes at its end holds the flush of a mirror back, and since 4.15 that of a shared p2m', () => {
    const stale = (machine: { xen: Xen; slot: number }): string => {
      const { xen, slot } = machine;
      p2mSet(xen, slot, 5, 0x110, P2mType.ramRw);
      used(xen, 5);
      xen.dontFlushIotlb = true;
      p2mRemove(xen, slot, 5);
      xen.dontFlushIotlb = false;
      return used(xen, 5);
    };
    const { mirrored, shared, amd: npt } = MACHINES;
    expect(['4.13', '4.17'].map((release) => stale(mirrored(release)))).toEqual(['ok', 'ok']);
    expect(['4.13', '4.17'].map((release) => stale(npt(release)))).toEqual(['ok', 'ok']);
    expect(['4.14', '4.15'].map((release) => stale(shared(release)))).toEqual(['fault', 'ok']);
  });
});

describe('pages of 2 MiB and 1 GiB', () => {
  it.each(Object.keys(MACHINES) as (keyof typeof MACHINES)[])(
    'are mapped, split and joined again: %s',
    (name) => {
      for (const release of ['4.13', '4.17', '4.22']) {
        const { xen, slot } = MACHINES[name](release);
        const set = (gfn: number, frame: number, order: number) =>
          errnoName(p2mSet(xen, slot, gfn, frame, P2mType.ramRw, order));
        expect([set(512, FRAMES, 9), p2mOrder(xen, slot, 600)]).toEqual(['ok', 9]);
        expect([p2mLookup(xen, slot, 600), reach(xen, 0, 600).slice(0, 2)]).toEqual([FRAMES + 88, 'rw']);
        expect(p2mRemove(xen, slot, 600)).toBe(0);
        expect([599, 600, 601].map((gfn) => reach(xen, 0, gfn).slice(0, 2))).toEqual(['rw', '--', 'rw']);
        expect([p2mOrder(xen, slot, 601), p2mType(xen, slot, 601), p2mType(xen, slot, 600)]).toEqual([
          0,
          P2mType.ramRw,
          P2mType.invalid,
        ]);
        // A page of 2 MiB replaces the table.
        expect([set(512, 2 * FRAMES, 9), p2mOrder(xen, slot, 601), p2mLookup(xen, slot, 601)]).toEqual([
          'ok',
          9,
          2 * FRAMES + 89,
        ]);
        expect(reach(xen, 0, 600).slice(0, 2)).toBe('rw');
        // An order that is no size takes the largest that fit.
        expect([set(1024, FRAMES, 10), p2mOrder(xen, slot, 1024), p2mOrder(xen, slot, 2047)]).toEqual([
          'ok',
          9,
          9,
        ]);
      }
    },
  );

  it('a page of 1 GiB takes one entry of the p2m, and of the mirror since 4.17', () => {
    for (const [name, release, tables] of [
      ['shared', '4.17', 1],
      ['mirrored', '4.17', 2],
      ['amd', '4.17', 2],
      ['arm', '4.17', 0],
    ] as const) {
      const { xen, slot } = MACHINES[name](release);
      const before = xen.heap.lowestFree.get(1);
      expect(errnoName(p2mSet(xen, slot, 2 ** 18, 2 ** 18, P2mType.ramRw, 18))).toBe('ok');
      expect([p2mOrder(xen, slot, 2 ** 18 + 5), reach(xen, 0, 2 ** 18 + 5).slice(0, 2)]).toEqual([18, 'rw']);
      expect(xen.heap.lowestFree.get(1) - before, name).toBe(tables);
    }
  });

  it('before 4.17 a mirror has pages of 4 KiB', () => {
    const { xen, slot } = MACHINES.mirrored('4.16');
    const before = xen.heap.lowestFree.get(1);
    p2mSet(xen, slot, 512, FRAMES, P2mType.ramRw, 9);
    // Two tables of the p2m, three of the mirror.
    expect(xen.heap.lowestFree.get(1) - before).toBe(5);
  });

  it('a page that cannot be split for want of memory stays whole, and what was asked fails', () => {
    const { xen, slot } = MACHINES.mirrored('4.17');
    p2mSet(xen, slot, 512, FRAMES, P2mType.ramRw, 9);
    for (let pdx = xen.heap.lowestFree.get(1); pdx < xen.xenHeap.end; pdx++) {
      if (xen.frame.countInfo.get(pdx) === 0) xen.frame.countInfo.set(pdx, 1);
    }
    xen.heap.lowestFree.set(1, xen.xenHeap.end);
    expect(errnoName(p2mRemove(xen, slot, 600))).toBe('ENOMEM');
    expect([p2mOrder(xen, slot, 600), reach(xen, 0, 600)]).toEqual([9, 'rw']);
    // Of the frames that were taken above, Xen knows nothing.
    expect(broken(xen)).toEqual(['INV-REF', 'HEAP']);
  });
});
