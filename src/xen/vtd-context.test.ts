import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { IommuView } from '../formats/iommu-view.js';
import { FULL_VTD, type VtdCapabilities } from '../hardware/vtd-capabilities.js';
import { assignDevice, deassignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { allocXenFrame } from './frames.js';
import { iommuMap } from './iommu-map.js';
import {
  assign,
  broken,
  DISK,
  dma,
  domain,
  finish,
  type MachineOptions,
  NIC,
  populate,
  reach,
  touch,
  x86,
} from './machine.fixture.js';
import type { DeviceSpec, VtdUnitSpec } from './machine.js';
import type { Xen } from './state.js';
import { didOf } from './vtd-domain-ids.js';

/** 05:00.0 */
const GPU: DeviceSpec = { name: 'gpu', address: '0000:05:00.0', requester: 0x0500 };

const unitWith = (capabilities: Partial<VtdCapabilities> = {}): VtdUnitSpec => ({
  registerBase: 'ffff82c000203000',
  capabilities: { ...FULL_VTD, ...capabilities },
});

/** A machine whose one unit differs from the usual. */
const machine = (
  edition: string,
  capabilities: Partial<VtdCapabilities>,
  options: MachineOptions = {},
): Xen => x86(edition, { vtd: [unitWith(capabilities)], ...options });

/** Two units: the NIC is behind the first, the disk behind the second. */
const twoUnits = (
  edition: string,
  second: Partial<VtdCapabilities> = {},
  options: MachineOptions = {},
): Xen =>
  x86(edition, {
    vtd: [unitWith(), unitWith(second)],
    devices: [NIC, { ...DISK, unit: 1 }],
    heap: 160,
    ...options,
  });

/** What the tables say of a device, read from RAM alone: state and domain id. */
function seen(xen: Xen, device = 0): string {
  const view = new IommuView(xen.ram, 'vtd', xen.vtds[xen.unitIndex(device)]!.rootTable * 4096);
  const state = view.select(xen.spec.devices[device]!.requester);
  return state === 'blocked' ? state : `${state} ${view.did}`;
}

const deassign = (xen: Xen, slot: number, device = 0): string =>
  errnoName(deassignDevice(xen, 0, slot, device));

const OWN_MAPS = ['4.11.0', '4.12', '4.13', '4.15', '4.16', '4.16.1'];
const DOMIDS = ['4.17', '4.22'];

describe('domain ids of a VT-d unit (dossier §7.1)', () => {
  it.each(OWN_MAPS)(
    'are given out from 0 up in Xen %s, and free again when the last device leaves',
    (edition) => {
      const xen = machine(edition, {}, { devices: [NIC, DISK, GPU], quarantine: false });
      const [first, second] = [domain(xen), domain(xen)];
      expect(seen(xen, 2)).toBe('translated 0');
      expect([assign(xen, second, 0), assign(xen, second, 1)]).toEqual(['ok', 'ok']);
      expect([seen(xen, 0), seen(xen, 1)]).toEqual(['translated 1', 'translated 1']);
      deassign(xen, second, 0);
      expect(didOf(xen, 0, second)).toBe(1);
      deassign(xen, second, 1);
      expect(didOf(xen, 0, second)).toBe(-1);
      expect(assign(xen, first, 1)).toBe('ok');
      expect(seen(xen, 1)).toBe('translated 1');
    },
  );

  it.each(OWN_MAPS)('never are 0 in caching mode in Xen %s', (edition) => {
    const xen = machine(edition, { cachingMode: true });
    assign(xen, domain(xen));
    expect([seen(xen, 1), seen(xen, 0)]).toEqual(['translated 1', 'translated 2']);
  });

  it.each(DOMIDS)('are domids in Xen %s, complemented in caching mode', (edition) => {
    for (const [cachingMode, dom0, guest] of [
      [false, 'translated 0', 'translated 2'],
      [true, 'translated 65535', 'translated 65533'],
    ] as const) {
      const xen = machine(edition, { cachingMode });
      domain(xen);
      assign(xen, domain(xen));
      expect([seen(xen, 1), seen(xen, 0)]).toEqual([dom0, guest]);
    }
  });

  it.each(DOMIDS)(
    'are given out one by one in Xen %s by a unit that has fewer than two for each domid',
    (edition) => {
      const xen = machine(edition, { domainIds: 16384, cachingMode: true });
      domain(xen);
      assign(xen, domain(xen));
      expect([seen(xen, 1), seen(xen, 0)]).toEqual(['translated 1', 'translated 2']);
    },
  );

  it('are those of each unit by itself', () => {
    const xen = twoUnits('4.22', { domainIds: 256, cachingMode: true });
    const slot = domain(xen);
    expect([assign(xen, slot, 0), assign(xen, slot, 1)]).toEqual(['ok', 'ok']);
    expect([seen(xen, 0), seen(xen, 1)]).toEqual(['translated 1', 'translated 2']);
  });

  it.each([
    ['4.11.0', 'EFAULT', 0],
    ['4.15', 'EFAULT', 'd[IO]'],
    ['4.16.1', 'EFAULT', 0],
    ['4.17', 'EBUSY', 0],
    ['4.22', 'EBUSY', 0],
  ] as const)('run out with %s: %s, and the device is with %s', (edition, errno, owner) => {
    const xen = machine(
      edition,
      { domainIds: 16, cachingMode: true },
      {
        devices: Array.from({ length: 16 }, (_, i) => ({
          name: `vf${i}`,
          address: `0000:03:${i.toString(16).padStart(2, '0')}.0`,
          requester: 0x300 + 8 * i,
        })),
        limits: { domains: 20 },
        ram: [{ base: 0x1000, count: 16 }],
        heap: 400,
        quarantine: false,
      },
    );
    for (let device = 0; device < 14; device++) expect(assign(xen, domain(xen), device)).toBe('ok');
    expect(assign(xen, domain(xen), 14)).toBe(errno);
    expect(deviceOwner(xen, 14)).toBe(owner === 'd[IO]' ? xen.domIo : owner);
    // Up to 4.12 the old owner's entry is gone before the new one's fails: the device is its, and translates nothing.
    expect(broken(xen)).toEqual(edition === '4.11.0' ? ['OWNED'] : []);
  });

  it('that nobody knows in a context entry keep the device where it is', () => {
    const xen = machine('4.22', { domainIds: 256 });
    xen.vtd!.setContext(NIC.requester, 0x10, 77);
    expect(assign(xen, domain(xen))).toBe('ESRCH');
    expect(deviceOwner(xen, 0)).toBe(0);
  });
});

describe('moving a VT-d device (dossier §6.3, §6.5)', () => {
  it.each([
    ['4.11.0', 0, 'blocked'],
    ['4.12', 0, 'blocked'],
    ['4.13', 'd[IO]', 'blocked'],
    ['4.13.4', 'd[IO]', 'blocked'],
    ['4.13.5', 0, 'translated 0'],
    ['4.16', 'd[IO]', 'blocked'],
    ['4.16.1', 0, 'translated 0'],
    ['4.22', 0, 'translated 0'],
  ] as const)('without memory for the new tables, Xen %s leaves it with %s, %s', (edition, owner, state) => {
    const xen = x86(edition);
    const slot = domain(xen);
    while (allocXenFrame(xen) >= 0);
    expect(assign(xen, slot)).toBe('ENOMEM');
    expect(deviceOwner(xen, 0)).toBe(owner === 'd[IO]' ? xen.domIo : owner);
    expect(seen(xen)).toBe(state);
  });

  it.each(['4.11.0', '4.13', '4.16', '4.22'])(
    'leaves no translation and no context of the old domain behind, Xen %s',
    (edition) => {
      const xen = machine(edition, {}, { limits: { contextCache: 4 }, quarantine: false });
      const slot = domain(xen);
      assign(xen, slot);
      const page = populate(xen, slot, 1);
      touch(xen, slot, page);
      const address = xen.ram.frameAt(page) * 4096;
      expect(dma(xen, 0, 'write', address)).toBe('ok');
      expect(xen.vtd!.contextCache.find(NIC.requester)).toBeGreaterThanOrEqual(0);
      expect(deassign(xen, slot)).toBe('ok');
      expect(xen.vtd!.contextCache.find(NIC.requester)).toBe(-1);
      expect(xen.vtd!.iotlb.find(slot, address / 4096)).toBe(-1);
      expect(broken(xen)).toEqual([]);
    },
  );

  it.each(['4.11.0', '4.17', '4.22'])(
    'behind a unit of three levels gives it the table below the root’s first entry, Xen %s',
    (edition) => {
      const xen = machine(edition, { levels: [3] });
      const slot = domain(xen);
      expect(assign(xen, slot)).toBe('ok');
      iommuMap(xen, slot, 0x100, 0x100, R | W);
      expect(reach(xen, 0, 0x100)).toBe('rw');
      expect(dma(xen, 0, 'read', 2 ** 39)).toContain('Access beyond MGAW');
    },
  );

  it('behind a unit of three levels is ENOMEM while a shared p2m has nothing there', () => {
    const xen = machine('4.22', { levels: [3] });
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    expect(assign(xen, slot)).toBe('ENOMEM');
    populate(xen, slot, 1);
    expect(assign(xen, slot)).toBe('ok');
    expect(reach(xen, 0, 0)).toBe('rw');
  });

  it('behind no unit is ENODEV, and whatever the device sends passes', () => {
    const xen = x86('4.22', { devices: [NIC, { ...DISK, unit: -1 }] });
    expect(assign(xen, domain(xen), 1)).toBe('ENODEV');
    expect(xen.unitOf(1)).toBeUndefined();
  });

  it('whose unit does not answer an invalidation is an errno, and the context is as it was', () => {
    for (const queuedInvalidation of [true, false]) {
      const xen = machine('4.22', { queuedInvalidation });
      const slot = domain(xen);
      const before = seen(xen);
      failNth(xen, 'flush', 1);
      expect(assign(xen, slot)).toBe('ETIMEDOUT');
      expect([deviceOwner(xen, 0), seen(xen)]).toEqual([0, before]);
      expect(xen.hostBug).toBe(queuedInvalidation ? undefined : 'DMAR hardware is malfunctional');
      expect(broken(xen)).toEqual(queuedInvalidation ? [] : ['BUG']);
    }
  });
});

describe('the units of a machine', () => {
  it('each have tables of their own and see their own devices', () => {
    const xen = twoUnits('4.22');
    expect(xen.vtds[0]!.rootTable).not.toBe(xen.vtds[1]!.rootTable);
    const slot = domain(xen);
    assign(xen, slot, 1);
    const page = populate(xen, slot, 1);
    touch(xen, slot, page);
    const address = xen.ram.frameAt(page) * 4096;
    expect(dma(xen, 1, 'write', address)).toBe('ok');
    expect(xen.vtds[0]!.select(DISK.requester)).toBe(false);
    expect(xen.vtds[1]!.select(NIC.requester)).toBe(false);
  });

  it('are flushed for a domain while it has devices behind them', () => {
    const xen = twoUnits('4.22', {}, { quarantine: false });
    const slot = domain(xen);
    expect(xen.domain.iommuBitmap.get(slot)).toBe(0);
    assign(xen, slot, 1);
    expect(xen.domain.iommuBitmap.get(slot)).toBe(2);
    assign(xen, slot, 0);
    expect(xen.domain.iommuBitmap.get(slot)).toBe(3);
    deassign(xen, slot, 1);
    expect(xen.domain.iommuBitmap.get(slot)).toBe(1);
    expect(xen.domain.iommuBitmap.get(0)).toBe(2);
  });

  it('are named in fault lines, their register bases in older ones', () => {
    for (const [edition, text] of [
      ['4.12', ', iommu reg = ffff82c000204000'],
      ['staging', ' on iommu:1'],
    ] as const) {
      const units = [unitWith(), { ...unitWith(), registerBase: 'ffff82c000204000' }];
      const xen = x86(edition, { vtd: units, devices: [NIC, { ...DISK, unit: 1 }], heap: 160 });
      finish(xen, assignDevice(xen, 0, domain(xen), 1, 0));
      expect(dma(xen, 1, 'read', 0x7000)).toContain(text);
    }
  });
});
