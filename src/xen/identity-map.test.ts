import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { deassignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { forgetRegions, mapRegion, RDM_RELAXED, regionsOf, unmapRegion } from './identity-map.js';
import { amd, assign, DISK, domain, NIC, populate, reach, x86 } from './machine.fixture.js';
import type { ReservedSpec } from './machine.js';
import { p2mLookup } from './p2m.js';
import type { Xen } from './state.js';

const HVM = CDF.hvm | CDF.hap;
const region = (base: number, count: number, devices = [0], rights = R | W): ReservedSpec => ({
  range: { base, count },
  devices,
  rights,
});
const deassign = (xen: Xen, slot: number, device = 0) => errnoName(deassignDevice(xen, 0, slot, device));
const owner = (xen: Xen, device = 0) => xen.domainName(deviceOwner(xen, device));
const steps = (xen: Xen, slot: number, index: number) => ({
  map: (flags = 0) => errnoName(mapRegion(xen, slot, xen.spec.reserved[index]!, flags)),
  unmap: () => errnoName(unmapRegion(xen, slot, xen.spec.reserved[index]!)),
});

describe('the record of identity mappings (§6.4)', () => {
  it('counts exact matches, and clears the pages with the last unmap', () => {
    for (const release of ['4.12', '4.15', '4.16', '4.19', '4.22']) {
      const xen = x86(release, { reserved: [region(0x8000, 2), region(0x8000, 2, [1])] });
      const slot = domain(xen, { flags: HVM });
      const [first, second] = [steps(xen, slot, 0), steps(xen, slot, 1)];
      expect([first.unmap(), first.map(), second.map(), first.unmap()], release).toEqual([
        'ENOENT',
        'ok',
        'ok',
        'ok',
      ]);
      expect(p2mLookup(xen, slot, 0x8001)).toBe(0x8001);
      expect([second.unmap(), p2mLookup(xen, slot, 0x8001), second.unmap()]).toEqual(['ok', -1, 'ENOENT']);
    }
  });

  it.each([
    ['4.15.0', 'ok', 'ok', 'ENOENT'],
    ['4.15.1', 'EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE'],
    ['4.16', 'EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE'],
    ['4.22', 'EADDRINUSE', 'EADDRINUSE', 'EADDRINUSE'],
  ])('%s: another access is %s, an overlap %s, its unmap %s', (release, access, overlapping, unmapped) => {
    const reserved = [region(0x8000, 2), region(0x8000, 2, [1], R), region(0x8001, 2, [1])];
    const xen = x86(release, { reserved });
    const slot = domain(xen);
    expect(steps(xen, slot, 0).map()).toBe('ok');
    expect([steps(xen, slot, 1).map(), steps(xen, slot, 2).unmap(), steps(xen, slot, 2).map()]).toEqual([
      access,
      unmapped,
      overlapping,
    ]);
  });

  it.each([
    ['4.16', 'ENOENT', 0x8000],
    ['4.19.0', 'ENOENT', 0x8000],
    ['4.19.1', 'ok', -1],
    ['4.20', 'ok', -1],
  ])('%s: after a failure half-way the unmap says %s', (release, status, left) => {
    const xen = x86(release, { reserved: [region(0x8000, 2)] });
    const slot = domain(xen, { flags: HVM });
    populate(xen, slot, 1, 0x8001);
    expect([steps(xen, slot, 0).map(), steps(xen, slot, 0).unmap()]).toEqual(['EBUSY', status]);
    expect(p2mLookup(xen, slot, 0x8000)).toBe(left);
  });

  it('is not kept when the first page fails', () => {
    const xen = x86('4.22', { reserved: [region(0x8000, 2)] });
    const slot = domain(xen, { flags: HVM });
    populate(xen, slot, 1, 0x8000);
    expect([steps(xen, slot, 0).map(), steps(xen, slot, 0).unmap()]).toEqual(['EBUSY', 'ENOENT']);
    expect(steps(xen, slot, 0).map(RDM_RELAXED)).toBe('ok');
    expect(p2mLookup(xen, slot, 0x8001)).toBe(0x8001);
  });

  it('goes with an unmap that fails: ENXIO', () => {
    const xen = x86('4.22', { reserved: [region(0x8000, 2)] });
    const slot = domain(xen);
    const { map, unmap } = steps(xen, slot, 0);
    map();
    failNth(xen, 'unmap', 1);
    expect([unmap(), unmap()]).toEqual(['ENXIO', 'ENOENT']);
  });

  it('is forgotten with the domain', () => {
    const xen = x86('4.22', { reserved: [region(0x8000, 2)] });
    const slot = domain(xen);
    mapRegion(xen, slot, xen.spec.reserved[0]!, 0);
    expect(destroyDomain(xen, 0, slot)).toBe(0);
    expect(xen.identityMap.count.get(slot)).toBe(0);
    forgetRegions(xen, slot);
  });
});

describe('a region that devices share (§6.4)', () => {
  const reserved = [region(0x8000, 1, [0, 1])];

  it('keeps both from guests, unless relaxed; AMD’s does not', () => {
    for (const release of ['4.12', '4.17', '4.22']) {
      const xen = x86(release, { devices: [NIC, DISK], reserved });
      const slot = domain(xen);
      expect([assign(xen, slot, 0), owner(xen), assign(xen, slot, 1, RDM_RELAXED), owner(xen, 1)]).toEqual([
        'EPERM',
        'd0',
        'ok',
        'd1',
      ]);
      const other = amd(release, { devices: [NIC, DISK], reserved });
      expect(assign(other, domain(other), 0)).toBe('ok');
    }
  });

  it('keeps them from quarantine, too: assignable-add is always relaxed', () => {
    const xen = x86('4.22', { devices: [NIC, DISK], reserved });
    expect([assign(xen, xen.domIo), assign(xen, xen.domIo, 0, RDM_RELAXED)]).toEqual(['EPERM', 'ok']);
  });

  it('belongs to both', () => {
    const xen = x86('4.22', { devices: [NIC, DISK], reserved });
    expect([regionsOf(xen, 0), regionsOf(xen, 1)]).toEqual([reserved, reserved]);
  });
});

describe('the order around a switch of VT-d’s context (§6.4)', () => {
  const conflict = (release: string, reserved: ReservedSpec[], gfn: number) => {
    const xen = x86(release, { reserved, quarantine: false });
    const slot = domain(xen, { flags: HVM });
    populate(xen, slot, 1, gfn);
    const status = assign(xen, slot);
    return { xen, slot, status };
  };

  it.each(['4.12', '4.13', '4.15.1', '4.16', '4.16.1', '4.17', '4.22'])(
    '%s, T9: a conflict is EBUSY and the device with its old owner',
    (release) => {
      const { xen, slot, status } = conflict(release, [region(0x8000, 2)], 0x8000);
      expect([status, owner(xen), reach(xen, 0, 0x8000)]).toEqual(['EBUSY', 'd0', 'rw']);
      expect(p2mLookup(xen, slot, 0x8001)).toBe(-1);
    },
  );

  it('T9: pages before the conflict are taken back where they are recorded, and stay where not', () => {
    const left = (release: string) => {
      const { xen, slot } = conflict(release, [region(0x8000, 2)], 0x8001);
      return p2mLookup(xen, slot, 0x8000);
    };
    expect([left('4.12'), left('4.17'), left('4.19.0'), left('4.22')]).toEqual([0x8000, 0x8000, 0x8000, -1]);
  });

  it('XSA-386: taking a device with a region away succeeds without doing it, and works the second time', () => {
    for (const [release, moved] of [
      ['4.12', false],
      ['4.15.1', false],
      ['4.15.2', true],
      ['4.16', true],
      ['4.22', true],
    ] as const) {
      const xen = x86(release, { reserved: [region(0x8000, 1)], quarantine: false });
      const slot = domain(xen);
      assign(xen, slot);
      expect([deassign(xen, slot), owner(xen)], release).toEqual(['ok', moved ? 'd0' : 'd1']);
      if (moved) continue;
      expect([deassign(xen, slot), owner(xen)]).toEqual(['ok', 'd0']);
    }
  });

  it('XSA-386: 4.15.1 leaves such a device to a dead domain; before, the second try was made', () => {
    const left = (release: string) => {
      const xen = x86(release, { reserved: [region(0x8000, 1)], quarantine: false });
      const slot = domain(xen);
      assign(xen, slot);
      return [errnoName(destroyDomain(xen, 0, slot)), owner(xen), xen.hostBug];
    };
    expect(left('4.15.0')).toEqual(['ok', 'd0', undefined]);
    expect(left('4.15.1')).toEqual(['ok', 'd1', undefined]);
    expect(left('4.15.2')).toEqual(['ok', 'd0', undefined]);
  });
});

describe('AMD-Vi’s unity maps (§6.4)', () => {
  it.each([
    ['4.12', 'r-', 'r-'],
    ['4.15.0', 'r-', 'r-'],
    ['4.15.1', 'r-', '--'],
    ['4.22', 'r-', '--'],
  ])('%s: let the device do %s, and %s when it has left', (release, during, after) => {
    const xen = amd(release, { devices: [NIC, DISK], reserved: [region(0x8000, 1, [0], R)] });
    const slot = domain(xen);
    assign(xen, slot, 1);
    assign(xen, slot, 0);
    expect(reach(xen, 0, 0x8000)).toBe(during);
    expect(deassign(xen, slot, 0)).toBe('ok');
    expect(reach(xen, 1, 0x8000)).toBe(after);
  });

  it('conflict with a translated domain’s memory since they are recorded', () => {
    const answer = (release: string) => {
      const xen = amd(release, { reserved: [region(0x8000, 1)] });
      const slot = domain(xen, { flags: HVM });
      populate(xen, slot, 1, 0x8000);
      return [assign(xen, slot), owner(xen), reach(xen, 0, 0x8000)];
    };
    expect(answer('4.15.0')).toEqual(['ok', 'd1', 'rw']);
    expect(answer('4.15.1')).toEqual(['EBUSY', 'd0', 'rw']);
    expect(answer('4.22')).toEqual(['EBUSY', 'd0', 'rw']);
  });
});
