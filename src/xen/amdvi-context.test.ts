import { describe, expect, it } from 'vitest';
import { rightsText } from '../formats/address.js';
import { IommuView } from '../formats/iommu-view.js';
import { boot } from './boot.js';
import { assignDevice, deassignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { resolveEdition } from './editions/edition.js';
import { errnoName } from './errno.js';
import { allocXenFrame } from './frames.js';
import { iommuMap } from './iommu-map.js';
import {
  amd,
  assign,
  broken,
  dma,
  domain,
  type MachineOptions,
  mapVa,
  NIC,
  populate,
  pvWithContext,
  RAM,
  reach,
  touch,
  unmapVa,
} from './machine.fixture.js';
import { DEFAULT_LIMITS } from './machine.js';
import { Xen } from './state.js';

/** What the tables say of a device, read from RAM alone: state, domain id and levels. */
function seen(xen: Xen, device = 0) {
  const view = new IommuView(xen.ram, 'amdvi', xen.amdvi!.deviceTable * 4096);
  const state = view.select(xen.spec.devices[device]!.requester);
  return state === 'translated' ? `${state}, d${view.did}, ${view.shape.topLevel} levels` : state;
}

/** A PV domain with a writable page and the NIC. */
function guest(edition: string, options: Omit<MachineOptions, 'iommu'> = {}) {
  const xen = amd(edition, options);
  const { slot, page } = pvWithContext(xen, 1);
  if (deviceOwner(xen, 0) !== slot) assign(xen, slot);
  touch(xen, slot, page);
  return { xen, slot, page, address: xen.ram.frameAt(page) * 4096 };
}

/** Leaves Xen's heap with no frame. */
function exhaustHeap(xen: Xen): void {
  while (allocXenFrame(xen) >= 0);
}

const EDITIONS = ['4.11.0', '4.11.4', '4.12', '4.13', '4.14', '4.15', '4.16', '4.17', '4.18', '4.19', '4.22'];

describe.each(EDITIONS)('a PV domain’s device behind AMD-Vi, Xen %s', (edition) => {
  it('reaches the domain’s writable pages and no others', () => {
    const { xen, slot, page, address } = guest(edition);
    expect(seen(xen)).toMatch(/^translated, d1, [34] levels$/);
    expect(reach(xen, 0, RAM + page - xen.ram.indexOf(RAM))).toBe('rw');
    expect([dma(xen, 0, 'write', address), dma(xen, 0, 'read', address)]).toEqual(['ok', 'ok']);
    expect(dma(xen, 0, 'write', address + 4096)).not.toBe('ok');
    expect([xen.domain.share.get(slot), broken(xen)]).toEqual([0, []]);
  });

  it('loses a page that is given back, although the unit remembers it', () => {
    const { xen, slot, page, address } = guest(edition);
    dma(xen, 0, 'write', address);
    expect(mapVa(xen, slot, 0, page, 'rw')).toBe('ok');
    unmapVa(xen, slot, 0);
    expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
    // What the unit remembers stays there under an id that is free (XSA-442).
    const forgets = !['4.15', '4.16', '4.17'].includes(edition);
    expect(broken(xen)).toEqual(forgets ? [] : ['INV-DID']);
    expect(dma(xen, 0, 'write', address) === 'ok').toBe(deviceOwner(xen, 0) === 0);
  });
});

describe('the levels of a domain’s tables (§7.2)', () => {
  const levels = (edition: string, flags: number, options: Omit<MachineOptions, 'iommu'> = {}) => {
    const xen = amd(edition, options);
    const slot = domain(xen, { flags });
    populate(xen, slot, 1);
    assign(xen, slot);
    return Number(/(\d) levels/.exec(seen(xen))?.[1]);
  };

  it.each([
    ['4.12', 3, 2],
    ['4.13', 3, 4],
    ['4.18', 3, 4],
    ['4.19', 4, 4],
    ['4.22', 4, 4],
  ])('%s: PV %i, HVM %i', (edition, pv, hvm) => {
    expect([levels(edition, 0), levels(edition, CDF.hvm | CDF.hap)]).toEqual([pv, hvm]);
  });

  it('are four for PV where memory reaches beyond 512 GiB', () => {
    const ram = [
      { base: RAM, count: 8 },
      { base: 2 ** 27, count: 1 },
    ];
    expect(levels('4.17', 0, { ram })).toBe(4);
  });

  it('grow with the input in releases up to 4.12, the devices’ entries with them', () => {
    const xen = amd('4.12');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const page = populate(xen, slot, 1, 5);
    assign(xen, slot);
    expect([seen(xen), reach(xen, 0, 5)]).toEqual(['translated, d1, 2 levels', 'rw']);
    const frame = xen.ram.frameAt(page);
    expect(iommuMap(xen, slot, 2 ** 27, frame, 3)).toBe(0);
    expect(seen(xen)).toBe('translated, d1, 4 levels');
    expect([reach(xen, 0, 5), reach(xen, 0, 2 ** 27), reach(xen, 0, 2 ** 27 + 1)]).toEqual([
      'rw',
      'rw',
      '--',
    ]);
  });
});

describe('a device that is nobody’s guest’s (§6.3, §7.2)', () => {
  it.each([
    ['strict', 'translated, d0, 4 levels'],
    ['relaxed', 'translated, d0, 4 levels'],
    ['passthrough', 'passthrough'],
  ] as const)('dom0 %s: %s', (mode, expected) => {
    const xen = amd('4.22', { mode });
    expect(seen(xen)).toBe(expected);
    const heap = xen.ram.frameAt(xen.xenHeap.first) * 4096;
    expect(dma(xen, 0, 'write', heap) === 'ok').toBe(mode === 'passthrough');
  });

  it('in passthrough its entry is invalid: V = 0, which the unit ignores', () => {
    const xen = amd('4.22', { mode: 'passthrough' });
    const view = new IommuView(xen.ram, 'amdvi', xen.amdvi!.deviceTable * 4096);
    view.select(NIC.requester);
    expect([view.note, rightsText(view.rights(0x1234))]).toEqual([expect.stringMatching(/^V = 0/), 'rw']);
    expect(xen.ram.read32(xen.amdvi!.deviceTable * 4096 + NIC.requester * 32) & 3).toBe(2);
  });

  it.each([
    ['4.12', 'translated, d0, 3 levels', 0],
    ['4.16', 'blocked', -1],
    ['4.22', 'blocked', -1],
  ])('%s: given back by a guest it is %s', (edition, expected, owner) => {
    const { xen, slot, address } = guest(edition);
    expect(deassignDevice(xen, 0, slot, 0)).toBe(0);
    expect(seen(xen)).toBe(expected);
    expect(deviceOwner(xen, 0)).toBe(owner < 0 ? xen.domIo : owner);
    if (owner < 0) expect(dma(xen, 0, 'read', address)).toMatch(/IO_PAGE_FAULT/);
    expect(assign(xen, slot)).toBe('ok');
    expect(seen(xen)).toMatch(/^translated, d1/);
  });

  it('4.13 to 4.15: its entry has three levels and its scratch tree four, which no unit takes (cf. XSA-445)', () => {
    const { xen, slot } = guest('4.14');
    expect(deassignDevice(xen, 0, slot, 0)).toBe(0);
    expect(seen(xen)).toBe(`translated, d${0x7ff1}, 3 levels`);
    expect(dma(xen, 0, 'read', 0x1000)).toMatch(/ RZ PR$/);
    const large = amd('4.14', {
      ram: [
        { base: RAM, count: 8 },
        { base: 2 ** 27, count: 1 },
      ],
    });
    const { slot: other } = pvWithContext(large, 1);
    assign(large, other);
    deassignDevice(large, 0, other, 0);
    expect([dma(large, 0, 'read', 0x1000), reach(large, 0, 0x12345)]).toEqual(['ok', 'r-']);
    expect(dma(large, 0, 'write', 0x1000)).toMatch(/ PE RW PR$/);
  });

  it.each([
    ['4.12', 'passthrough'],
    ['4.13', 'blocked'],
    ['4.22', 'blocked'],
  ])('%s: withheld from dom0 it is %s', (edition, expected) => {
    expect(seen(amd(edition, { withheld: [0] }))).toBe(expected);
  });
});

describe('without memory for the new domain’s tables (§7.2)', () => {
  it.each([
    ['4.12', 'd1', 'passthrough'],
    ['4.13', 'd1', 'blocked'],
    ['4.14.2', 'd1', 'blocked'],
    ['4.14.3', 'd[IO]', 'blocked'],
    ['4.16', 'd[IO]', 'blocked'],
    ['4.16.1', 'd0', 'translated, d0, 3 levels'],
    ['4.22', 'd0', 'translated, d0, 4 levels'],
  ])('%s: the device is %s’s and %s', (edition, owner, expected) => {
    const xen = amd(edition);
    const slot = domain(xen);
    exhaustHeap(xen);
    expect(assign(xen, slot)).toBe('ENOMEM');
    expect([xen.domainName(deviceOwner(xen, 0)), seen(xen)]).toEqual([owner, expected]);
  });

  it('a table below the root is EFAULT, and not even dom0 is spared', () => {
    const xen = amd('4.22', { mode: 'strict' });
    exhaustHeap(xen);
    expect(errnoName(iommuMap(xen, 0, 2 ** 30, RAM, 3))).toBe('EFAULT');
    expect(xen.domain.crashed.get(0)).toBe(1);
  });
});

describe('what the unit remembers', () => {
  it.each([
    ['4.11.0', 'ok'],
    ['4.11.1', 'fault'],
    ['4.22', 'fault'],
  ])('%s: of an entry that loses its write right: %s (XSA-275)', (edition, expected) => {
    const { xen, slot, page, address } = guest(edition);
    dma(xen, 0, 'write', address);
    iommuMap(xen, slot, xen.ram.frameAt(page), xen.ram.frameAt(page), 1);
    expect(dma(xen, 0, 'write', address) === 'ok' ? 'ok' : 'fault').toBe(expected);
  });

  it.each([
    ['4.14', 'fault'],
    ['4.15', 'ok'],
    ['4.17', 'ok'],
    ['4.17.3', 'fault'],
    ['4.22', 'fault'],
  ])('%s: of a domain that died, for the next one of that number: %s (XSA-442)', (edition, expected) => {
    const { xen, slot, address } = guest(edition);
    dma(xen, 0, 'write', address);
    expect(destroyDomain(xen, 0, slot)).toBe(0);
    const other = domain(xen);
    expect(other).toBe(slot);
    // Another domain's page stands there now.
    const owner = domain(xen);
    expect(xen.ram.frameAt(populate(xen, owner, 1)) * 4096).toBe(address);
    expect(errnoName(assignDevice(xen, 0, other, 0, 0))).toBe('ok');
    expect(dma(xen, 0, 'write', address) === 'ok' ? 'ok' : 'fault').toBe(expected);
    expect(broken(xen)).toEqual(expected === 'ok' ? ['REACH', 'I4'] : []);
  });
});

describe('an AMD-Vi fault in the log (§7.2)', () => {
  const ADDRESS = 0x8424cb148;

  it.each([
    [
      '4.11.0',
      'AMD-Vi: IO_PAGE_FAULT: domain = 1, device id = 0x300, fault address = 0x8424cb148, flags = 0x20',
    ],
    [
      '4.13',
      'AMD-Vi: IO_PAGE_FAULT: domain = 1, device id = 0x300, fault address = 0x8424cb148, flags = 0x20',
    ],
    ['4.14', 'AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000008424cb148 flags 0x20 RW'],
    ['4.22', 'AMD-Vi: IO_PAGE_FAULT: 0000:03:00.0 d1 addr 00000008424cb148 flags 0x20 RW'],
  ])('%s', (edition, line) => {
    expect(dma(guest(edition).xen, 0, 'write', ADDRESS)).toBe(line);
  });

  it('names what refused', () => {
    const { xen, slot, page, address } = guest('4.22');
    expect(dma(xen, 0, 'read', ADDRESS)).toMatch(/ flags 0x0$/);
    const frame = xen.ram.frameAt(page);
    iommuMap(xen, slot, frame, frame, 1);
    expect(dma(xen, 0, 'write', address)).toMatch(/ flags 0x70 PE RW PR$/);
    const entry = xen.amdvi!.deviceTable * 4096 + NIC.requester * 32;
    xen.ram.write32(entry, xen.ram.read32(entry) | 4);
    expect(dma(xen, 0, 'write', address)).toBe(
      `ILLEGAL_DEV_TABLE_ENTRY 00000300 10a00000 ${address.toString(16).padStart(8, '0')} 00000000`,
    );
  });
});

it('Xen says what its heap lacks for the device table', () => {
  const xen = () =>
    new Xen(resolveEdition('4.22').profile, {
      arch: 'x86',
      ram: [{ base: RAM, count: 4 }],
      xenHeap: { base: 0x10, count: 64 },
      iommu: { kind: 'amdvi', units: 1 },
      devices: [{ name: 'gpu', requester: 0xc100, address: '0000:c1:00.0' }],
      reserved: [],
      hwdomMode: 'relaxed',
      sharept: true,
      quarantine: true,
      limits: DEFAULT_LIMITS,
    });
  expect(() => boot(xen(), { pages: 1, pageTables: 0, withheld: [] })).toThrow(
    'Xen’s heap has no 512 frames for AMD-Vi’s device table',
  );
});
