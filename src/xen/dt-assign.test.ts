import { describe, expect, it } from 'vitest';
import { assignDevice, deassignDevice, testAssignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { arm, armV3, assign, broken, dma, domain, ETH, populate, reach } from './machine.fixture.js';
import type { DeviceSpec } from './machine.js';
import { decreaseReservation } from './memory.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

const UP_FRONT = ['4.13', '4.15', '4.16', '4.17', '4.22'];
const WITH_V3 = ['4.15', '4.17', '4.20', '4.22'];
const GFN = 0x40000;
const USB: DeviceSpec = { name: 'usb', address: '/usb@fe200000', requester: 0x880 };
const UART: DeviceSpec = { name: 'uart', address: '/serial@ff000000', requester: -1 };
/** A device with three streams. */
const GPU: DeviceSpec = {
  name: 'gpu',
  address: '/gpu@fd4b0000',
  requester: 0x8c0,
  streams: [0x8c0, 0x8c1, 0x8c2],
};

const test = (xen: Xen, slot: number, device = 0, flags = 0) =>
  errnoName(testAssignDevice(xen, 0, slot, device, flags));
const deassign = (xen: Xen, slot: number, device = 0) => errnoName(deassignDevice(xen, 0, slot, device));
const owner = (xen: Xen, device = 0) => {
  const slot = deviceOwner(xen, device);
  return slot < 0 ? 'nobody' : xen.domainName(slot);
};

const machines = [
  ...UP_FRONT.map((release) => ['SMMUv2', release, arm] as const),
  ...WITH_V3.map((release) => ['SMMUv3', release, armV3] as const),
];

describe.each(machines)('a device behind an %s in %s (§6.7)', (_, release, machine) => {
  it('is assigned while nobody has it, and goes back to nobody', () => {
    const xen = machine(release, { withheld: [0] });
    const slot = domain(xen);
    expect([test(xen, slot), assign(xen, slot), assign(xen, slot), test(xen, slot)]).toEqual([
      'ok',
      'ok',
      'EBUSY',
      'EINVAL',
    ]);
    expect(owner(xen)).toBe('d1');
    expect([deassign(xen, slot), owner(xen)]).toEqual(['ok', 'nobody']);
  });

  it('meets the checks in their order', () => {
    const xen = machine(release, { withheld: [0] });
    const slot = domain(xen);
    const bare = domain(xen, { iommu: false });
    expect([
      assign(xen, bare, -1, 1),
      assign(xen, 0, 0),
      assign(xen, slot, -1, 1),
      assign(xen, slot, -1),
      assign(xen, xen.domIo, -1),
      assign(xen, xen.domIo),
      assign(xen, 3),
    ]).toEqual(['EOPNOTSUPP', 'EINVAL', 'EINVAL', 'ESRCH', 'ESRCH', 'EINVAL', 'ESRCH']);
    expect([deassign(xen, bare), deassign(xen, slot, -1), deassign(xen, xen.domIo)]).toEqual([
      'EOPNOTSUPP',
      'ESRCH',
      'EINVAL',
    ]);
    xen.domain.life.set(slot, Life.dying);
    expect([assign(xen, slot), test(xen, slot)]).toEqual(['EINVAL', 'EINVAL']);
  });

  it('is dom0’s unless withheld, and busy then', () => {
    const xen = machine(release, { devices: [ETH, USB], withheld: [1] });
    expect([owner(xen), owner(xen, 1)]).toEqual(['d0', 'nobody']);
    expect([assign(xen, domain(xen)), test(xen, 1)]).toEqual(['EBUSY', 'EINVAL']);
  });

  it('without an IOMMU in front is refused, though the test finds nothing against it', () => {
    const xen = machine(release, { devices: [UART], withheld: [0] });
    const slot = domain(xen);
    expect([test(xen, slot), assign(xen, slot), deassign(xen, slot)]).toEqual(['ok', 'EINVAL', 'EINVAL']);
  });

  it('with several streams is translated in all of them', () => {
    const xen = machine(release, { devices: [GPU], withheld: [0] });
    const slot = domain(xen);
    const page = xen.ram.frameAt(populate(xen, slot, 1, GFN));
    expect(assign(xen, slot)).toBe('ok');
    for (const stream of [0x8c0, 0x8c1, 0x8c2]) {
      expect(xen.unit!.translate(stream, GFN * 4096, true)).toBe(true);
      expect(xen.unit!.frame).toBe(page);
    }
    expect(deassign(xen, slot)).toBe('ok');
    for (const stream of [0x8c0, 0x8c1, 0x8c2]) {
      expect(xen.unit!.translate(stream, GFN * 4096, true)).toBe(false);
    }
  });

  it('stays where it was when there is no memory for its domain’s context', () => {
    const xen = machine(release, { withheld: [0] });
    const slot = domain(xen);
    assignDevice(xen, 0, slot, 0, 0);
    deassign(xen, slot);
    failNth(xen, 'alloc', 1);
    expect([assign(xen, slot), owner(xen)]).toEqual(['ENOMEM', 'nobody']);
    expect(assign(xen, slot)).toBe('ok');
  });
});

describe('an SMMUv2 runs out (§6.5)', () => {
  const spec = (xen: Xen) => xen.spec.iommu;
  const withSizes = (release: string, sizes: { banks?: number; mappings?: number }) =>
    arm(release, {
      devices: [ETH, USB],
      withheld: [0, 1],
      smmu: sizes,
      limits: { domains: 4 },
    });

  it.each(UP_FRONT)('of context banks in %s: ENOSPC, until one is given back', (release) => {
    const xen = withSizes(release, { banks: 1 });
    expect(spec(xen)).toMatchObject({ banks: 1 });
    const [a, b] = [domain(xen), domain(xen)];
    expect([assign(xen, a), assign(xen, b, 1), assign(xen, a, 1)]).toEqual(['ok', 'ENOSPC', 'ok']);
    expect([deassign(xen, a, 1), deassign(xen, a, 0), assign(xen, b, 1)]).toEqual(['ok', 'ok', 'ok']);
  });

  it('of stream mappings: ENOSPC; since 4.16 the second try succeeds without a mapping', () => {
    const answers = (release: string) => {
      const xen = withSizes(release, { mappings: 1 });
      const slot = domain(xen);
      populate(xen, slot, 1, GFN);
      const tries = [assign(xen, slot), assign(xen, slot, 1), assign(xen, slot, 1)];
      return [...tries, reach(xen, 1, GFN)];
    };
    expect(answers('4.15')).toEqual(['ok', 'ENOSPC', 'ENOSPC', '--']);
    expect(answers('4.17')).toEqual(['ok', 'ENOSPC', 'ok', '--']);
  });
});

describe('stream mappings of a device that changes hands (0435784cc7, fc151829ba)', () => {
  const again = (release: string) => {
    const xen = arm(release, { withheld: [0] });
    const [a, b] = [domain(xen), domain(xen)];
    populate(xen, b, 1, GFN);
    assign(xen, a);
    deassign(xen, a);
    const meanwhile = dma(xen, 0, 'read', GFN * 4096);
    expect(assign(xen, b)).toBe('ok');
    return [/GFSR 0x(\d+)/.exec(meanwhile)?.[1], /GFSR|ok/.exec(dma(xen, 0, 'read', GFN * 4096))?.[0]];
  };

  it('are made anew up to 4.15, missing in 4.16, and kept since 4.17', () => {
    expect(again('4.15')).toEqual(['00000002', 'ok']);
    expect(again('4.16')).toEqual(['00000002', 'GFSR']);
    expect(again('4.17')).toEqual(['00000001', 'ok']);
  });
});

describe('deassign_device of a device that the domain does not have', () => {
  it('is ESRCH behind an SMMUv2', () => {
    const xen = arm('4.22', { devices: [ETH, USB], withheld: [0, 1] });
    const [a, b] = [domain(xen), domain(xen)];
    assign(xen, a);
    expect([deassign(xen, b), deassign(xen, a, 1), owner(xen)]).toEqual(['ESRCH', 'ESRCH', 'd1']);
  });

  it('behind an SMMUv3 looks into a context that is not there up to 4.20, and is ESRCH since 4.21', () => {
    for (const [release, bug] of [
      ['4.15', 'no SMMU context where one is looked at'],
      ['4.20', 'no SMMU context where one is looked at'],
      ['4.21', undefined],
    ] as const) {
      const xen = armV3(release, { withheld: [0] });
      const [a, b] = [domain(xen), domain(xen)];
      assign(xen, a);
      expect([deassign(xen, b), xen.hostBug], release).toEqual(['ESRCH', bug]);
    }
  });

  it('behind an SMMUv3 takes it from its owner all the same when the domain has another', () => {
    const xen = armV3('4.22', { devices: [ETH, USB], withheld: [0, 1] });
    const [a, b] = [domain(xen), domain(xen)];
    populate(xen, b, 1, GFN);
    assign(xen, a);
    assign(xen, b, 1);
    expect([deassign(xen, b, 0), owner(xen), reach(xen, 1, GFN)]).toEqual(['ok', 'nobody', 'rw']);
    // The context of b is gone although its own device still goes by it.
    expect(xen.smmuContext!.vmid.get(b)).toBe(0);
  });
});

describe('an SMMUv3', () => {
  it('is no IOMMU to releases before 4.15: nothing is translated or refused', () => {
    const xen = armV3('4.14', { withheld: [0] });
    expect([xen.iommuOn, xen.unit]).toEqual([false, undefined]);
    expect(assign(xen, domain(xen, { iommu: false }))).toBe('EOPNOTSUPP');
  });

  it('stops streams of devices that nobody has, without a record; unknown ones leave one', () => {
    const xen = armV3('4.22', { devices: [ETH, USB], withheld: [1] });
    const slot = domain(xen);
    expect(dma(xen, 1, 'read', 0x1000)).toBe('');
    assign(xen, slot, 1);
    deassign(xen, slot, 1);
    expect(dma(xen, 1, 'read', 0x1000)).toBe('');
    expect(xen.unit!.translate(0x1234, 0x1000, false)).toBe(false);
    expect(xen.unit!.lastFault().registers.event).toBe(2);
  });

  it('has no entry for a stream id that is too long: ERANGE, at boot a panic', () => {
    const late = armV3('4.22', { withheld: [0] }, 8);
    expect(assign(late, domain(late))).toBe('ERANGE');
    expect(armV3('4.22', {}, 8).hostBug).toBe('panic: could not set up dom0');
    expect(armV3('4.22', {}, 12).hostBug).toBeUndefined();
  });

  it('needs four frames in a row for each 256 streams: ENOMEM', () => {
    const xen = armV3('4.22', { withheld: [0] });
    const slot = domain(xen);
    failNth(xen, 'alloc', 1);
    expect([assign(xen, slot), assign(xen, slot)]).toEqual(['ENOMEM', 'ok']);
  });

  it('gives each domain the lowest free VMID from 1, for as long as it has a device', () => {
    const xen = armV3('4.22', { devices: [ETH, USB], withheld: [0, 1] });
    const [a, b] = [domain(xen), domain(xen)];
    const vmids = () => [a, b].map((slot) => xen.smmuContext!.vmid.get(slot));
    assign(xen, a);
    assign(xen, b, 1);
    expect(vmids()).toEqual([1, 2]);
    deassign(xen, a);
    expect([vmids(), assign(xen, b, 0), vmids()]).toEqual([[0, 2], 'ok', [0, 2]]);
    expect([destroyDomain(xen, 0, b), owner(xen), vmids()]).toEqual([0, 'nobody', [0, 0]]);
  });

  it('forgets what it remembered when the p2m changes', () => {
    const xen = armV3('4.22', { withheld: [0] });
    const slot = domain(xen);
    populate(xen, slot, 1, GFN);
    assign(xen, slot);
    expect(dma(xen, 0, 'write', GFN * 4096)).toBe('ok');
    decreaseReservation(xen, slot, -1, GFN);
    expect(broken(xen)).toEqual([]);
  });

  it('is not told to forget when a VMID is given back: the next domain’s device reaches the last one’s memory', () => {
    const xen = armV3('4.22', { withheld: [0] });
    const [a, b] = [domain(xen), domain(xen)];
    const secret = populate(xen, a, 1, GFN);
    assign(xen, a);
    expect(dma(xen, 0, 'read', GFN * 4096)).toBe('ok');
    deassign(xen, a);
    expect(broken(xen)).toEqual(['INV-DID']);
    populate(xen, b, 1, 0x50000);
    assign(xen, b);
    expect([dma(xen, 0, 'read', GFN * 4096), xen.unit!.frame]).toEqual(['ok', xen.ram.frameAt(secret)]);
    expect(broken(xen)).toContain('REACH');
  });
});

describe('an SMMUv3 fault in the log (§7.4)', () => {
  it('has a line with the event and one for each doubleword', () => {
    const xen = armV3('4.22', { devices: [{ ...ETH, requester: 0x200 }] });
    expect(dma(xen, 0, 'read', 0x8424cb148)).toBe(
      [
        'SMMUv3: /soc/smmu@2b400000: event 0x10 received:',
        'SMMUv3: /soc/smmu@2b400000: \t0x0000020000000010',
        'SMMUv3: /soc/smmu@2b400000: \t0x0000028800000000',
        'SMMUv3: /soc/smmu@2b400000: \t0x00000008424cb148',
        'SMMUv3: /soc/smmu@2b400000: \t0x00000008424cb000',
      ].join('\n'),
    );
  });
});

describe('a device-tree device where contexts are built late (§1.2, §6.7)', () => {
  it.each(['4.11.0', '4.12'])(
    'is assigned in %s in steps that share the p2m, and a domain without it cannot lose it',
    (release) => {
      const xen = arm(release, { withheld: [0] });
      const slot = domain(xen);
      const page = xen.ram.frameAt(populate(xen, slot, 1, GFN));
      expect(deassign(xen, slot)).toBe('ESRCH');
      expect([assign(xen, slot), owner(xen)]).toEqual(['ok', 'd1']);
      expect([reach(xen, 0, GFN), xen.unit!.frame]).toEqual(['rw', page]);
      expect([deassign(xen, slot), owner(xen), deassign(xen, slot)]).toEqual(['ok', 'nobody', 'ESRCH']);
    },
  );
});
