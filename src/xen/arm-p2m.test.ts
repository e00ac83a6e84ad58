import { describe, expect, it } from 'vitest';
import { R, rightsText, W } from '../formats/address.js';
import { iommuMap, iommuUnmap } from './iommu-map.js';
import { arm, armV3, assign, dma, domain, populate, RAM, reach } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { p2mLookup, p2mRights, p2mSet, p2mType } from './p2m.js';
import { Access, P2mType } from './p2m-types.js';
import { addToPhysmap } from './physmap.js';
import { Life } from './tables/domain.js';

const GFN = 0x40000;

describe('the map hook of the IOMMU drivers on Arm (§9 item 3)', () => {
  const RELEASES = ['4.12', '4.17', '4.20', '4.21', '4.22'];

  it.each(RELEASES)('makes a p2m entry of a type of its own at DFN = MFN of dom0’s in %s', (release) => {
    const xen = arm(release, {});
    expect(iommuMap(xen, 0, 0x9000, 0x9000, R)).toBe(0);
    expect([p2mType(xen, 0, 0x9000), p2mRights(xen, 0, 0x9000)]).toEqual([P2mType.iommuMapRo, R]);
    expect(iommuMap(xen, 0, 0x9000, 0x9000, R | W)).toBe(0);
    expect(p2mType(xen, 0, 0x9000)).toBe(P2mType.iommuMapRw);
    expect([iommuUnmap(xen, 0, 0x9000), p2mLookup(xen, 0, 0x9000)]).toEqual([0, -1]);
  });

  it('wants rights', () => {
    expect(iommuMap(arm('4.22'), 0, 0x9000, 0x9000, 0)).toBe(-22);
  });

  it('takes any domain and address since 4.21; before, a BUG, and an unmap is -EINVAL', () => {
    for (const [release, bug, unmap] of [
      ['4.13', 'IOMMU map hook for no direct-mapped domain', -22],
      ['4.20', 'IOMMU map hook for no direct-mapped domain', -22],
      ['4.21', undefined, 0],
    ] as const) {
      const xen = arm(release);
      const slot = domain(xen);
      expect([iommuUnmap(xen, slot, 5), xen.hostBug], release).toEqual([unmap, undefined]);
      iommuMap(xen, slot, 5, 0x9000, R | W);
      expect([xen.hostBug, p2mLookup(xen, slot, 5)], release).toEqual([bug, bug ? -1 : 0x9000]);
      const dom0 = arm(release);
      iommuMap(dom0, 0, 5, 0x9000, R | W);
      expect(dom0.hostBug, release).toBe(bug);
    }
  });
});

describe('the p2m of a dying Arm domain (§4.5, XSA-410)', () => {
  it.each([
    ['4.13.4', 0],
    ['4.13.5', -12],
    ['4.16.2', 0],
    ['4.16.3', -12],
    ['4.17', -12],
  ])('takes a page in %s with %i', (release, status) => {
    const xen = arm(release);
    const slot = domain(xen);
    xen.domain.life.set(slot, Life.dying);
    expect(p2mSet(xen, slot, 5, RAM + 5, P2mType.ramRw)).toBe(status);
  });
});

describe('a frame that Xen shares with an Arm domain (71320946d5)', () => {
  it('stands at as many guest frames as are asked for up to 4.16, at one since 4.17', () => {
    const places = (release: string) => {
      const xen = arm(release, { withheld: [0] });
      const slot = domain(xen);
      const tries = [5, 6].map((gfn) => addToPhysmap(xen, slot, 'shared_info', 0, gfn));
      return [...tries, ...[5, 6].map((gfn) => p2mLookup(xen, slot, gfn) >= 0)];
    };
    expect(places('4.16')).toEqual([0, 0, true, true]);
    expect(places('4.17')).toEqual([0, -16, true, false]);
  });
});

describe('the rights of an Arm p2m entry (§4.5)', () => {
  /** What CPU and device may do at an entry of this type and access. */
  const rights = (type: keyof typeof P2mType, access: keyof typeof Access) => {
    const xen = arm('4.22', { withheld: [0] });
    const slot = domain(xen);
    assign(xen, slot);
    expect(p2mSet(xen, slot, GFN, RAM + 9, P2mType[type], 0, Access[access])).toBe(0);
    return [rightsText(p2mRights(xen, slot, GFN)), reach(xen, 0, GFN)];
  };

  it('are those of its type', () => {
    const all = (['ramRw', 'ramRo', 'mmioDirect', 'mmioDirectNc', 'mmioDirectC', 'foreignRw'] as const).map(
      (type) => rights(type, 'rwx').join(' '),
    );
    expect(all).toEqual(['rw rw', 'r- r-', 'rw rw', 'rw rw', 'rw rw', 'rw rw']);
    const rest = (['foreignRo', 'grantMapRw', 'grantMapRo', 'iommuMapRw', 'iommuMapRo'] as const).map(
      (type) => rights(type, 'rwx').join(' '),
    );
    expect(rest).toEqual(['r- r-', 'rw rw', 'r- r-', 'rw rw', 'r- r-']);
  });

  it('are restricted by mem_access, for devices too', () => {
    const ram = (access: keyof typeof Access) => rights('ramRw', access)[1];
    expect((['n', 'r', 'w', 'rw', 'x', 'rx', 'wx', 'rwx', 'rx2rw', 'n2rwx'] as const).map(ram)).toEqual([
      '--',
      'r-',
      '-w',
      'rw',
      '--',
      'r-',
      '-w',
      'rw',
      'r-',
      '--',
    ]);
    expect(rights('ramRo', 'wx')).toEqual(['--', '--']);
  });
});

describe('a page that leaves the p2m', () => {
  it.each([
    ['SMMUv2', arm],
    ['SMMUv3', armV3],
  ] as const)('is out of the devices’ reach at once behind an %s', (_, machine) => {
    const xen = machine('4.22', { withheld: [0] });
    const slot = domain(xen);
    populate(xen, slot, 1, GFN);
    assign(xen, slot);
    expect(dma(xen, 0, 'write', GFN * 4096)).toBe('ok');
    expect(decreaseReservation(xen, slot, -1, GFN)).toBe(0);
    expect(dma(xen, 0, 'write', GFN * 4096)).toMatch(/fsr=0x402|event 0x10/);
  });

  it('stays dom0’s where dom0 is direct-mapped, and can be had again at its own frame only', () => {
    const xen = arm('4.22', { dom0Pages: 2 });
    expect(decreaseReservation(xen, 0, -1, RAM)).toBe(0);
    expect([xen.domain.totPages.get(0), p2mLookup(xen, 0, RAM)]).toEqual([2, -1]);
  });
});
