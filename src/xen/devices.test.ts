import { describe, expect, it } from 'vitest';
import { CONTINUES } from './calls/call.js';
import { assignDevice, deassignDevice, testAssignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { CDF, IOMMU_NO_SHAREPT } from './domain.js';
import { DOMID_INVALID } from './domid.js';
import { errnoName } from './errno.js';
import { RDM_RELAXED } from './identity-map.js';
import {
  assign,
  broken,
  DISK,
  dma,
  domain,
  type MachineOptions,
  NIC,
  populate,
  pvWithContext,
  RAM,
  reach,
  x86,
} from './machine.fixture.js';
import { p2mLookup, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { quarantineRoot } from './quarantine.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

const HVM = CDF.hvm | CDF.hap;
const UP_FRONT = ['4.13', '4.15', '4.17', '4.22'];
const test = (xen: Xen, slot: number, device = 0, flags = 0) =>
  errnoName(testAssignDevice(xen, 0, slot, device, flags));
const deassign = (xen: Xen, slot: number, device = 0) => errnoName(deassignDevice(xen, 0, slot, device));
const owner = (xen: Xen, device = 0) => {
  const slot = deviceOwner(xen, device);
  return slot < 0 ? 'nobody' : xen.domainName(slot);
};

describe('assign, test_assign and deassign of a PCI device, up front (§6.1)', () => {
  type Case = readonly [
    what: string,
    make: (xen: Xen) => { slot: number; device?: number; flags?: number },
    assign: string,
    test: string,
    deassign: string,
  ];
  const LADDER: readonly Case[] = [
    ['1. DOMID_INVALID', (xen) => ({ slot: xen.slotOf(DOMID_INVALID) }), 'ESRCH', 'ok', 'ESRCH'],
    ['2. a domain that does not exist', () => ({ slot: 3 }), 'ESRCH', 'ESRCH', 'ESRCH'],
    ['2. dom_xen', (xen) => ({ slot: xen.domXen }), 'ESRCH', 'ESRCH', 'ESRCH'],
    ['2. dom_io', (xen) => ({ slot: xen.domIo }), 'ok', 'ESRCH', 'ENODEV'],
    [
      '4. a domain without CDF_iommu',
      (xen) => ({ slot: domain(xen, { iommu: false }) }),
      'EOPNOTSUPP',
      'EOPNOTSUPP',
      'EOPNOTSUPP',
    ],
    [
      '4. the same, whatever device and flags',
      (xen) => ({ slot: domain(xen, { iommu: false }), device: -1, flags: 0xff }),
      'EOPNOTSUPP',
      'EOPNOTSUPP',
      'EOPNOTSUPP',
    ],
    ['5. the caller itself', () => ({ slot: 0 }), 'EINVAL', 'EINVAL', 'EINVAL'],
    ['7. a dying domain', (xen) => ({ slot: dying(xen) }), 'EINVAL', 'ok', 'ENODEV'],
    ['7. unknown flags', (xen) => ({ slot: domain(xen), flags: 0xff }), 'EINVAL', 'EINVAL', 'ENODEV'],
    ['7. RDM_RELAXED', (xen) => ({ slot: domain(xen), flags: RDM_RELAXED }), 'ok', 'EINVAL', 'ENODEV'],
    [
      '7. unknown flags for an unknown device',
      (xen) => ({ slot: domain(xen), device: -1, flags: 2 }),
      'EINVAL',
      'EINVAL',
      'ENODEV',
    ],
    ['8. an unknown device', (xen) => ({ slot: domain(xen), device: -1 }), 'ENODEV', 'EINVAL', 'ENODEV'],
    [
      '9. another guest’s device',
      (xen) => ({ slot: afterAssigning(xen, domain(xen)) }),
      'EBUSY',
      'EINVAL',
      'ENODEV',
    ],
    ['9. a hidden device', (xen) => ({ slot: domain(xen), device: hide(xen) }), 'EBUSY', 'EINVAL', 'ENODEV'],
    ['dom0’s device', (xen) => ({ slot: domain(xen) }), 'ok', 'ok', 'ENODEV'],
    ['a quarantined device', (xen) => ({ slot: afterAssigning(xen, xen.domIo) }), 'ok', 'ok', 'ENODEV'],
  ];

  it.each(LADDER)('%s: %3$s', (_, make, assigned, tested, deassigned) => {
    for (const release of UP_FRONT) {
      const answer = (call: (xen: Xen, slot: number, device: number, flags: number) => string) => {
        const xen = x86(release);
        const { slot, device = 0, flags = 0 } = make(xen);
        const hash = xen.store.hashText();
        const status = call(xen, slot, device, flags);
        if (status !== 'ok') expect(xen.store.hashText()).toBe(hash);
        return status;
      };
      expect(
        [
          answer((xen, slot, device, flags) => assign(xen, slot, device, flags)),
          answer(test),
          answer(deassign),
        ],
        release,
      ).toEqual([assigned, tested, deassigned]);
    }
  });

  /** A new domain, after another has got the device. */
  function afterAssigning(xen: Xen, other: number): number {
    expect(assign(xen, other)).toBe('ok');
    return domain(xen);
  }

  function dying(xen: Xen): number {
    const slot = domain(xen);
    xen.domain.life.set(slot, Life.dying);
    return slot;
  }

  function hide(xen: Xen): number {
    xen.device.owner.set(1, xen.domXen + 1);
    return 1;
  }

  it('9. of a domain’s own device is EBUSY, test EINVAL, deassign works once (lab: 4.17 and 4.20)', () => {
    for (const release of UP_FRONT) {
      const xen = x86(release);
      const slot = domain(xen);
      expect([test(xen, slot), assign(xen, slot), assign(xen, slot), test(xen, slot)]).toEqual([
        'ok',
        'ok',
        'EBUSY',
        'EINVAL',
      ]);
      expect([deassign(xen, slot), deassign(xen, slot)]).toEqual(['ok', 'ENODEV']);
    }
  });

  it('is EOPNOTSUPP for everybody when the IOMMU is off', () => {
    const xen = x86('4.22', { iommu: 'off' });
    const slot = domain(xen);
    expect([assign(xen, slot), test(xen, slot), deassign(xen, slot), assign(xen, xen.domIo)]).toEqual(
      Array(4).fill('EOPNOTSUPP'),
    );
  });
});

describe('assign where contexts are built late (§1.4)', () => {
  it.each([
    ['4.11.0', 'EBUSY', 'ESRCH'],
    ['4.11.2', 'EBUSY', 'ESRCH'],
    ['4.11.3', 'ENODEV', 'ok'],
    ['4.12', 'EBUSY', 'ESRCH'],
    ['4.12.1', 'EBUSY', 'ESRCH'],
    ['4.12.2', 'ENODEV', 'ok'],
  ])('%s: an unknown device is %s, dom_io %s', (release, unknown, io) => {
    const xen = x86(release);
    const slot = domain(xen);
    expect([assign(xen, slot, -1), test(xen, slot, -1), assign(xen, xen.domIo)]).toEqual([
      unknown,
      'EINVAL',
      io,
    ]);
  });

  it.each(['4.11.0', '4.12', '4.12.4'])(
    '%s: ENOSYS when the IOMMU is off, then EINVAL for self, dying and flags',
    (release) => {
      const off = x86(release, { iommu: 'off' });
      expect([assign(off, domain(off)), assign(off, 0)]).toEqual(['ENOSYS', 'ENOSYS']);
      const xen = x86(release);
      const slot = domain(xen);
      expect([assign(xen, 0), assign(xen, slot, 0, 2), assign(xen, 3)]).toEqual([
        'EINVAL',
        'EINVAL',
        'ESRCH',
      ]);
      xen.domain.life.set(slot, Life.dying);
      expect([assign(xen, slot), test(xen, slot)]).toEqual(['EINVAL', 'ok']);
    },
  );
});

describe('where a device goes that a guest gives back (§6.2, §6.3)', () => {
  /** Owners after: assign to a guest, deassign, and deassign from dom_io if it went there. */
  const journey = (release: string, options: MachineOptions, assignableFirst: boolean): string => {
    const xen = x86(release, options);
    if (assignableFirst) assign(xen, xen.domIo);
    const { slot } = { slot: domain(xen) };
    assign(xen, slot);
    const owners = [owner(xen)];
    deassign(xen, slot);
    owners.push(owner(xen));
    if (deviceOwner(xen, 0) === xen.domIo) {
      deassign(xen, xen.domIo);
      owners.push(owner(xen));
    }
    expect(xen.device.quarantine.get(0)).toBe(0);
    return owners.join(' → ');
  };

  it.each([
    ['4.11.0', true, false, 'd1 → d0'],
    ['4.11.3', true, false, 'd1 → d[IO] → d0'],
    ['4.12', true, false, 'd1 → d0'],
    ['4.12.2', true, false, 'd1 → d[IO] → d0'],
    ['4.13', true, false, 'd1 → d[IO] → d0'],
    ['4.13', false, false, 'd1 → d0'],
    ['4.13', false, true, 'd1 → d[IO] → d0'],
    ['4.22', true, false, 'd1 → d[IO] → d0'],
    ['4.22', false, false, 'd1 → d0'],
    ['4.22', false, true, 'd1 → d[IO] → d0'],
  ])('%s, iommu=quarantine %s, assignable-add before %s: %s', (release, quarantine, first, owners) => {
    expect(journey(release, { quarantine }, first)).toBe(owners);
  });

  it.each([
    ['4.13', 'ok', /reason 05/],
    ['4.15', 'ok', /reason 05/],
    ['4.16', /reason 02/, /reason 02/],
    ['4.22', /reason 02/, /reason 02/],
  ])('%s: reads in quarantine give %s, writes %s', (release, read, write) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 1);
    assign(xen, slot);
    const address = xen.ram.frameAt(page) * 4096;
    expect(dma(xen, 0, 'write', address)).toBe('ok');
    deassign(xen, slot);
    expect(dma(xen, 0, 'read', address)).toMatch(read);
    expect(dma(xen, 0, 'write', address)).toMatch(write);
    expect(broken(xen)).toEqual([]);
  });

  it('reads one page of zeros however far up, through one table a level', () => {
    const xen = x86('4.13');
    assign(xen, xen.domIo);
    const root = quarantineRoot(xen, 0);
    expect(quarantineRoot(xen, 0)).toBe(root);
    const frames = [0, 0x12345, 0xf_ffff_ffff].map((input) => {
      expect(reach(xen, 0, input)).toBe('r-');
      return xen.unit!.frame;
    });
    expect(new Set(frames).size).toBe(1);
    expect(xen.ram.read32(frames[0]! * 4096)).toBe(0);
  });

  it('T7 as far as modelled: assignable-add, assign, deassign, assignable-remove (4.22, basic)', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const seen: string[] = [];
    const note = (status: string) =>
      seen.push(
        `${status} ${owner(xen)} ${xen.device.quarantine.get(0)} ${dma(xen, 0, 'read', RAM * 4096).replace(/^.*reason (\d\d).*$/s, '$1')}`,
      );
    note(assign(xen, xen.domIo, 0, RDM_RELAXED));
    note(assign(xen, slot));
    note(deassign(xen, slot));
    note(deassign(xen, xen.domIo));
    expect(seen).toEqual(['ok d[IO] 1 02', 'ok d1 1 06', 'ok d[IO] 1 02', 'ok d0 0 ok']);
  });

  it('forgets what the guest’s context had translated', () => {
    for (const quarantine of [true, false]) {
      const xen = x86('4.22', { quarantine, mode: 'strict' });
      const { slot, page } = pvWithContext(xen, 1);
      assign(xen, slot);
      dma(xen, 0, 'write', xen.ram.frameAt(page) * 4096);
      deassign(xen, slot);
      expect(dma(xen, 0, 'write', xen.ram.frameAt(page) * 4096)).toMatch(/reason 0[25]/);
      expect(broken(xen)).toEqual([]);
    }
  });
});

describe('the context a device is switched to', () => {
  it('T5: without CDF_iommu nothing changes; with it the table is there and no walk is taken', () => {
    for (const release of UP_FRONT) {
      const xen = x86(release);
      const without = domain(xen, { iommu: false });
      populate(xen, without, 2);
      const hash = xen.store.hashText();
      expect([assign(xen, without), xen.store.hashText()]).toEqual(['EOPNOTSUPP', hash]);
      const { slot, page } = pvWithContext(xen, 2);
      expect(assignDevice(xen, 0, slot, 0, 0)).not.toBe(CONTINUES);
      expect([reach(xen, 0, xen.ram.frameAt(page)), owner(xen)]).toEqual(['rw', 'd2']);
    }
  });

  it('is the p2m itself where it is shared, and a mirror of it where not', () => {
    for (const iommuOpts of [0, IOMMU_NO_SHAREPT]) {
      const xen = x86('4.22');
      const slot = domain(xen, { flags: HVM, iommuOpts });
      populate(xen, slot, 2, 5);
      expect(assign(xen, slot)).toBe('ok');
      populate(xen, slot, 1, 9);
      expect([5, 6, 9, 7].map((gfn) => reach(xen, 0, gfn))).toEqual(['rw', 'rw', 'rw', '--']);
      expect(broken(xen)).toEqual([]);
    }
  });
});

describe('reserved regions (§6.4)', () => {
  const RMRR = { range: { base: 0x30, count: 2 }, devices: [0], rights: 3 };
  const far = { range: { base: 0x8000, count: 2 }, devices: [0], rights: 3 };

  it('are mapped in the target before its context lives and unmapped from the source after, but for dom0', () => {
    const xen = x86('4.22', { reserved: [far], mode: 'strict' });
    const slot = domain(xen);
    const other = domain(xen);
    expect(reach(xen, 0, 0x8001)).toBe('rw');
    assign(xen, slot);
    expect([reach(xen, 0, 0x8000), reach(xen, 0, 0x8001), reach(xen, 0, 0x8002)]).toEqual(['rw', 'rw', '--']);
    deassign(xen, slot);
    assign(xen, slot, 1);
    expect(reach(xen, 1, 0x8000)).toBe('--');
    assign(xen, other);
    expect(reach(xen, 0, 0x8000)).toBe('rw');
    expect(broken(xen)).toEqual([]);
  });

  it('of two devices of a domain stay until the second one leaves', () => {
    const xen = x86('4.22', { devices: [NIC, DISK], reserved: [far, { ...far, devices: [1] }] });
    const slot = domain(xen);
    assign(xen, slot, 0);
    assign(xen, slot, 1);
    deassign(xen, slot, 0);
    expect(reach(xen, 1, 0x8000)).toBe('rw');
    deassign(xen, slot, 1);
    assign(xen, slot, 0);
    expect(reach(xen, 0, 0x8000)).toBe('rw');
  });

  it.each([0, IOMMU_NO_SHAREPT])(
    'enter a translated domain’s p2m, shared or mirrored (opts %i), and leave it',
    (iommuOpts) => {
      const xen = x86('4.22', { reserved: [far] });
      const slot = domain(xen, { flags: HVM, iommuOpts });
      assign(xen, slot);
      expect([reach(xen, 0, 0x8000), p2mType(xen, slot, 0x8000)]).toEqual(['rw', P2mType.mmioDirect]);
      expect(broken(xen)).toEqual([]);
      deassign(xen, slot);
      expect(p2mLookup(xen, slot, 0x8000)).toBe(-1);
    },
  );

  it('T9: conflict with a translated domain’s memory: strict EBUSY with nothing left, relaxed goes unmapped', () => {
    const xen = x86('4.22', { reserved: [RMRR] });
    const slot = domain(xen, { flags: HVM });
    populate(xen, slot, 1, 0x31);
    expect([assign(xen, slot), owner(xen), p2mLookup(xen, slot, 0x30)]).toEqual(['EBUSY', 'd0', -1]);
    expect([assign(xen, slot, 0, RDM_RELAXED), owner(xen), p2mLookup(xen, slot, 0x30)]).toEqual([
      'ok',
      'd1',
      0x30,
    ]);
    expect(p2mLookup(xen, slot, 0x31)).toBeGreaterThanOrEqual(RAM);
  });
});
