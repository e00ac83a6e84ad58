import { describe, expect, it } from 'vitest';
import { deassignDevice, getDeviceGroup } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { isBusMaster, noteFault } from './fault-throttle.js';
import {
  amd,
  assign,
  DISK,
  domain,
  type MachineOptions,
  NIC,
  pvWithContext,
  reach,
  x86,
} from './machine.fixture.js';
import type { DeviceSpec } from './machine.js';
import { phantomFunctions } from './pci-function.js';
import { addDevice, isKnownDevice, removeDevice } from './pci-hotplug.js';
import type { Xen } from './state.js';

const deassign = (xen: Xen, slot: number, device = 0) => errnoName(deassignDevice(xen, 0, slot, device));
const owner = (xen: Xen, device = 0) => {
  const slot = deviceOwner(xen, device);
  return slot < 0 ? 'nobody' : xen.domainName(slot);
};
const add = (xen: Xen, device = 0) => errnoName(addDevice(xen, device));
const remove = (xen: Xen, device = 0) => errnoName(removeDevice(xen, device));
const PHANTOMS: DeviceSpec = { ...NIC, phantomStride: 4 };
const at = (spec: Partial<DeviceSpec>, requester = 0x0500): DeviceSpec => ({
  name: `d${requester}`,
  address: '0000:05:00.0',
  requester,
  ...spec,
});
const both = (release: string, options: MachineOptions) => [
  x86(release, options),
  amd(release, options as Omit<MachineOptions, 'iommu'>),
];

describe('phantom functions (§6.1 #14)', () => {
  it('are the strides within the slot', () => {
    const of = (requester: number, phantomStride: number) =>
      phantomFunctions(x86('4.22', { devices: [at({ requester, phantomStride })] }), 0).map(
        (one) => one.requester,
      );
    expect([of(0x500, 4), of(0x500, 2), of(0x501, 1), of(0x504, 4), of(0x508, 4)]).toEqual([
      [0x504],
      [0x502, 0x504, 0x506],
      [0x502, 0x503, 0x504, 0x505, 0x506, 0x507],
      [],
      [0x50c],
    ]);
  });

  it('go where the device goes, and back', () => {
    for (const release of ['4.12', '4.15.0', '4.17', '4.22']) {
      for (const xen of both(release, { devices: [PHANTOMS], mode: 'strict', quarantine: false })) {
        const slot = domain(xen);
        assign(xen, slot);
        const tag = (requester: number) => xen.unit!.tagOf(requester);
        expect([tag(0x300), tag(0x304)]).toEqual([tag(0x300), tag(0x300)]);
        const own = tag(0x304);
        expect(deassign(xen, slot)).toBe('ok');
        expect([tag(0x304), tag(0x304) !== own]).toEqual([tag(0x300), true]);
      }
    }
  });

  it.each([
    ['4.15.5', 'ok', 0, 0],
    ['4.15.6', 'ESRCH', 0, 1],
    ['4.17.3', 'ok', 0, 0],
    ['4.17.4', 'ESRCH', 1, 1],
    ['4.18', 'ok', 0, 0],
    ['4.19', 'ESRCH', 1, 1],
    ['4.22', 'ESRCH', 1, 1],
  ])(
    '%s: when one cannot be switched nor the device be taken back: %s, broken %i, the domain crashed %i',
    (release, status, isBroken, crashed) => {
      const xen = x86(release, { devices: [PHANTOMS], quarantine: false, mode: 'strict' });
      const slot = domain(xen);
      // A domain id that nobody knows, put into its entry behind Xen's back (§6.5, -ESRCH).
      xen.vtd!.setContext(0x304, 0x10, 0x77);
      expect([assign(xen, slot), owner(xen)]).toEqual([status, 'd1']);
      expect([xen.device.broken.get(0), xen.domain.crashed.get(slot)]).toEqual([isBroken, crashed]);
    },
  );

  it.each([
    ['4.18', 'ok', 'd1'],
    ['4.19', 'ETIMEDOUT', 'd0'],
    ['4.22', 'ETIMEDOUT', 'd0'],
  ])('%s: when one cannot be switched, but the device be taken back: %s', (release, status, has) => {
    const xen = x86(release, { devices: [PHANTOMS], quarantine: false, mode: 'strict' });
    const slot = domain(xen);
    // The device's own entry is flushed twice, then the phantom's.
    failNth(xen, 'flush', 3);
    expect([assign(xen, slot), owner(xen), xen.device.broken.get(0)]).toEqual([status, has, 0]);
    // The phantom's entry is what it was, whoever has the device: dom0's.
    xen.vtd!.select(NIC.requester + 4);
    expect(xen.vtd!.selectedRoot).toBe(xen.ram.frameAt(xen.domain.iommuRoot.get(0) - 1));
  });
});

describe('kinds of PCI functions, for VT-d (§6.5)', () => {
  it.each([
    ['host-bridge', 'EPERM', 'd0'],
    ['unknown', 'EINVAL', 'd0'],
    ['pcie-bridge', 'ok', 'd1'],
    ['pcie-pci-bridge', 'ok', 'd1'],
    ['pci-bridge', 'ok', 'd1'],
    ['pci', 'ok', 'd1'],
  ] as const)('a %s: %s', (type, status, has) => {
    for (const release of ['4.12', '4.17', '4.22']) {
      const xen = x86(release, { devices: [{ ...NIC, type }], quarantine: false });
      const slot = domain(xen);
      // What Xen could not set up for dom0 is dom0's all the same.
      xen.device.owner.set(0, 1);
      expect([assign(xen, slot), owner(xen)], release).toEqual([status, has]);
      if (type.endsWith('bridge')) expect(reach(xen, 0, 0x100)).toBe('--');
    }
  });
});

describe('hot-plugging (§6.5)', () => {
  const options = { devices: [{ ...NIC, absent: true }, DISK] };

  it('a device that Xen does not know has no context, and is ENODEV', () => {
    for (const xen of both('4.22', options)) {
      expect([isKnownDevice(xen, 0), assign(xen, domain(xen)), remove(xen), reach(xen, 0, 0x100)]).toEqual([
        false,
        'ENODEV',
        'ENODEV',
        '--',
      ]);
      expect([add(xen), owner(xen), reach(xen, 0, 0x100), add(xen)]).toEqual(['ok', 'd0', 'rw', 'ok']);
      expect([assign(xen, 1), owner(xen), remove(xen), owner(xen), reach(xen, 0, 0x100)]).toEqual([
        'ok',
        'd1',
        'ok',
        'nobody',
        '--',
      ]);
      expect([add(xen), owner(xen)]).toEqual(['ok', 'd0']);
    }
    expect(errnoName(addDevice(x86('4.22'), -1))).toBe('ENODEV');
  });

  it('frees the table and the domain id of quarantine', () => {
    for (const xen of both('4.22', { devices: [NIC, DISK], scratchPage: true, heap: 200 })) {
      const lowest = xen.heap.lowestFree.get(0);
      expect(assign(xen, xen.domIo)).toBe('ok');
      expect(remove(xen)).toBe('ok');
      expect([xen.device.quarantineTable.get(0), xen.device.pseudoDomid.get(0)]).toEqual([0, 0]);
      expect(xen.heap.lowestFree.get(0)).toBeLessThanOrEqual(lowest + 1);
    }
  });

  it('memory that is short leaves a device that is known and nobody’s', () => {
    const xen = x86('4.22', { devices: [{ ...NIC, absent: true }] });
    failNth(xen, 'alloc', 1);
    expect([add(xen), isKnownDevice(xen, 0), owner(xen)]).toEqual(['ENOMEM', true, 'nobody']);
    expect([assign(xen, domain(xen)), add(xen), owner(xen)]).toEqual(['EBUSY', 'ok', 'd0']);
  });

  const VF = { ...DISK, physicalFunction: 0, absent: true };

  it.each([
    ['4.17', 'ok', true],
    ['4.19', 'ok', true],
    ['4.20', 'ENODEV', false],
    ['4.22', 'ENODEV', false],
  ])('%s: a virtual function without its physical one is %s', (release, status, known) => {
    const xen = x86(release, { devices: [{ ...NIC, absent: true }, VF] });
    expect([add(xen, 1), isKnownDevice(xen, 0), isKnownDevice(xen, 1)]).toEqual([status, known, known]);
    expect([add(xen, 0), add(xen, 1)]).toEqual(['ok', 'ok']);
  });

  it.each([
    ['4.17', 'ok', 'ok'],
    ['4.19.0', 'ok', 'ok'],
    ['4.19.1', 'EBUSY', 'EBADF'],
    ['4.20', 'EBUSY', 'EBADF'],
    ['4.22', 'EBUSY', 'EBADF'],
  ])('%s: removing a physical function that has virtual ones is %s', (release, status, after) => {
    const xen = x86(release, { devices: [NIC, VF] });
    add(xen, 1);
    expect([remove(xen), assign(xen, domain(xen), 1)]).toEqual([status, after]);
    if (status === 'ok') return;
    expect([assign(xen, domain(xen), 0), assign(xen, xen.domIo, 0)]).toEqual(['EBADF', 'ok']);
    expect([remove(xen, 1), remove(xen, 0)]).toEqual(['ok', 'ok']);
  });
});

describe('a hidden device', () => {
  it('is dom_xen’s, works for dom0, and goes to nobody', () => {
    const xen = x86('4.22', { devices: [{ ...NIC, hidden: true }] });
    expect([owner(xen), reach(xen, 0, 0x100), assign(xen, domain(xen)), assign(xen, xen.domIo)]).toEqual([
      'd[XEN]',
      'rw',
      'EBUSY',
      'EBUSY',
    ]);
  });
});

describe('device groups (§6.5)', () => {
  const devices: DeviceSpec[] = [
    at({ name: 'bridge', type: 'pcie-pci-bridge' }, 0x0200),
    at({ name: 'a', type: 'pci', bridge: 0 }, 0x0600),
    at({ name: 'b', type: 'pci', bridge: 0 }, 0x0608),
    at({ name: 'c' }, 0x0700),
  ];

  it('VT-d: what is behind one bridge, as far as the domain has it', () => {
    const xen = x86('4.22', { devices });
    expect(getDeviceGroup(xen, 0, 1)).toEqual([0, 2]);
    const slot = domain(xen);
    assign(xen, slot, 2);
    expect([getDeviceGroup(xen, 0, 1), getDeviceGroup(xen, slot, 1), getDeviceGroup(xen, 0, 3)]).toEqual([
      [0],
      [2],
      [],
    ]);
  });

  it('AMD-Vi: what sends under one id', () => {
    const xen = amd('4.22', { devices });
    expect(getDeviceGroup(xen, 0, 1)).toEqual([]);
  });

  it('is refused as other questions about devices are', () => {
    const xen = x86('4.22', { devices });
    const answer = (slot: number) => errnoName(getDeviceGroup(xen, slot, 1) as number);
    expect([answer(3), answer(xen.domIo), answer(domain(xen, { iommu: false }))]).toEqual([
      'ESRCH',
      'ESRCH',
      'EOPNOTSUPP',
    ]);
  });
});

describe('fault throttling (§6.8)', () => {
  it('silences a device at the tenth fault, unless it was quiet in between', () => {
    const xen = x86('4.22');
    for (let fault = 1; fault < 10; fault++) noteFault(xen, 0);
    expect(isBusMaster(xen, 0)).toBe(true);
    xen.now += 11;
    noteFault(xen, 0);
    expect([xen.device.faultCount.get(0), isBusMaster(xen, 0)]).toEqual([5, true]);
    xen.now += 10;
    for (let fault = 0; fault < 5; fault++) noteFault(xen, 0);
    expect([xen.device.faultCount.get(0), isBusMaster(xen, 0)]).toEqual([10, false]);
  });

  it('starts over when the device changes hands, which does not let it go on', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    for (let fault = 0; fault < 10; fault++) noteFault(xen, 0);
    assign(xen, slot);
    expect([xen.device.faultCount.get(0), isBusMaster(xen, 0)]).toEqual([0, false]);
    noteFault(xen, 0);
    deassign(xen, slot);
    expect(xen.device.faultCount.get(0)).toBe(0);
  });
});

describe('a device that does not leave a dying domain (§6.6)', () => {
  it.each(['4.17', '4.22'])(
    '%s: stops its destruction with the memory kept; the next try goes on',
    (release) => {
      const xen = x86(release, { quarantine: false });
      const { slot } = pvWithContext(xen, 2);
      assign(xen, slot);
      failNth(xen, 'flush', 1);
      expect([errnoName(destroyDomain(xen, 0, slot)), owner(xen), xen.domain.totPages.get(slot)]).toEqual([
        'ETIMEDOUT',
        'd1',
        2,
      ]);
      expect([errnoName(destroyDomain(xen, 0, slot)), owner(xen), xen.domain.totPages.get(slot)]).toEqual([
        'ok',
        'd0',
        0,
      ]);
    },
  );

  it.each([
    ['4.11.0', 'a device that does not leave is tried for ever', 'ok'],
    ['4.15.0', 'a device that does not leave is tried for ever', 'ok'],
    ['4.15.1', undefined, 'EINVAL'],
    ['4.16', undefined, 'EINVAL'],
    ['4.22', undefined, 'EINVAL'],
  ])('%s: one that never does: %s, %s', (release, bug, status) => {
    const xen = x86(release, { devices: [{ ...NIC, type: 'unknown' }], quarantine: false });
    const slot = domain(xen);
    // Such a device was never assigned; nothing else fails for ever.
    xen.device.owner.set(0, slot + 1);
    expect([errnoName(destroyDomain(xen, 0, slot)), xen.hostBug]).toEqual([status, bug]);
    expect(owner(xen)).toBe('d1');
  });
});
