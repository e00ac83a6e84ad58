import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { deassignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import {
  amd,
  assign,
  broken,
  DISK,
  dma,
  domain,
  type MachineOptions,
  NIC,
  pvWithContext,
  reach,
  x86,
} from './machine.fixture.js';
import { initQuarantine, isBlocked, takePseudoDomid } from './quarantine.js';
import type { Xen } from './state.js';

const deassign = (xen: Xen, slot: number, device = 0) => errnoName(deassignDevice(xen, 0, slot, device));
const owner = (xen: Xen, device = 0) => xen.domainName(deviceOwner(xen, device));
const reserved = [{ range: { base: 0x8000, count: 1 }, devices: [0], rights: R | W }];

/** A guest had the device and gave it back. */
function quarantined(make: typeof x86 | typeof amd, release: string, options: MachineOptions = {}): Xen {
  const xen = make(release, { devices: [NIC, DISK], heap: 200, ...options });
  const { slot } = pvWithContext(xen, 1);
  assign(xen, slot);
  expect([deassign(xen, slot), owner(xen)]).toEqual(['ok', 'd[IO]']);
  return xen;
}

describe('what a quarantined device reaches (§6.3)', () => {
  it.each([
    ['4.13', {}, 'r-', 'r-'],
    ['4.13', { scratchPage: true }, 'r-', 'r-'],
    ['4.15.0', {}, 'r-', 'r-'],
    ['4.15.3', {}, 'rw', 'rw'],
    ['4.16', {}, '--', '--'],
    ['4.16', { scratchPage: true }, 'r-', 'r-'],
    ['4.16.1', {}, '--', '--'],
    ['4.16.1', { scratchPage: true }, 'rw', 'rw'],
    ['4.17', {}, '--', '--'],
    ['4.17', { scratchPage: true }, 'rw', 'rw'],
    ['4.22', {}, '--', '--'],
    ['4.22', { scratchPage: true }, 'rw', 'rw'],
  ] as const)('%s %j: %s', (release, options, vtd, amdvi) => {
    const [intel, other] = [quarantined(x86, release, options), quarantined(amd, release, options)];
    expect([reach(intel, 0, 0x12345), reach(intel, 0, 0)]).toEqual([vtd, vtd]);
    // The entry names three levels or four; the older tables are four whatever it says (docs/limits.md).
    if (release.startsWith('4.13') || release === '4.15.0') return;
    if (release === '4.16' && 'scratchPage' in options) return;
    expect([reach(other, 0, 0x12345), reach(other, 0, 0)]).toEqual([amdvi, amdvi]);
    for (const xen of [intel, other]) expect(broken(xen)).toEqual([]);
  });

  it('is the same page wherever it looks, of its own, and empty again whenever it comes back', () => {
    const xen = quarantined(x86, '4.22', { scratchPage: true });
    const slot = domain(xen);
    expect(assign(xen, xen.domIo, 1)).toBe('ok');
    const page = (device: number) => xen.device.scratchPage.get(device) - 1;
    expect(page(0)).not.toBe(page(1));
    xen.ram.write32(xen.ram.frameAt(page(0)) * 4096, 1);
    expect([assign(xen, slot), deassign(xen, slot)]).toEqual(['ok', 'ok']);
    expect(xen.ram.read32(xen.ram.frameAt(page(0)) * 4096)).toBe(0);
  });

  it('without a scratch page is VT-d’s reserved regions; AMD’s unity maps get an empty table (§11 item 2)', () => {
    for (const release of ['4.17', '4.22']) {
      const intel = quarantined(x86, release, { reserved });
      expect([reach(intel, 0, 0x8000), reach(intel, 0, 0x8001)]).toEqual(['rw', '--']);
      expect(dma(intel, 0, 'write', 0x8001 * 4096)).toContain('reason 05');
      expect(broken(intel)).toEqual([]);
      const other = quarantined(amd, release, { reserved });
      expect([isBlocked(other, 0, other.domIo), reach(other, 0, 0x8000)]).toEqual([false, '--']);
    }
  });

  it('without a scratch page or regions is nothing: no context, an entry that aborts', () => {
    const intel = quarantined(x86, '4.22');
    expect([isBlocked(intel, 0, intel.domIo), dma(intel, 0, 'read', 0)]).toEqual([
      true,
      expect.stringContaining('reason 02'),
    ]);
    expect(isBlocked(quarantined(amd, '4.22'), 0, 4)).toBe(true);
  });

  it('with the scratch page includes the regions', () => {
    const xen = quarantined(x86, '4.22', { reserved, scratchPage: true });
    expect(reach(xen, 0, 0x8000)).toBe('rw');
    expect(xen.unit!.frame).toBe(0x8000);
    expect(reach(xen, 0, 0x8001)).toBe('rw');
    expect(xen.ram.indexOf(xen.unit!.frame)).toBe(xen.device.scratchPage.get(0) - 1);
  });
});

describe('domain ids of quarantined devices', () => {
  it('are given out from 0x8000 up in turn, at boot, and stay', () => {
    const xen = x86('4.22', { devices: [NIC, DISK] });
    expect([0, 1].map((device) => xen.device.pseudoDomid.get(device))).toEqual([0x8000, 0x8001]);
    expect(xen.nextPseudoDomid).toBe(2);
    expect(takePseudoDomid(xen, 0)).toBe(0);
    expect(xen.device.pseudoDomid.get(0)).toBe(0x8000);
  });

  it('go round, and are not used twice in a unit', () => {
    const xen = x86('4.22', { devices: [NIC, DISK] });
    xen.device.pseudoDomid.set(1, 0);
    xen.nextPseudoDomid = 0x7fff;
    takePseudoDomid(xen, 1);
    expect([xen.device.pseudoDomid.get(1), xen.nextPseudoDomid]).toEqual([0xffff, 0x8000]);
    xen.device.pseudoDomid.set(1, 0);
    takePseudoDomid(xen, 1);
    expect(xen.device.pseudoDomid.get(1)).toBe(0x8001);
  });

  it('are not there without quarantine, nor before devices had tables of their own', () => {
    for (const xen of [x86('4.22', { quarantine: false }), x86('4.16'), x86('4.13')]) {
      expect([xen.device.pseudoDomid.get(0), xen.nextPseudoDomid]).toEqual([0, 0]);
    }
  });

  it('tag what the device does, in the log of AMD-Vi, too', () => {
    const xen = quarantined(x86, '4.22', { scratchPage: true });
    expect(xen.unit!.tagOf(NIC.requester)).toBe(0x8000);
    expect(quarantined(amd, '4.22', { scratchPage: true }).unit!.tagOf(NIC.requester)).toBe(0x8000);
  });
});

describe('when memory is short for a table (§6.1 #13)', () => {
  it('assigning fails with ENOMEM before anything happens, and so does taking the device away', () => {
    const xen = x86('4.22', { scratchPage: true, heap: 200 });
    const { slot } = pvWithContext(xen, 1);
    failNth(xen, 'alloc', 3);
    const hash = xen.heap.lowestFree.get(0);
    expect([assign(xen, slot), owner(xen), xen.device.quarantineTable.get(0)]).toEqual(['ENOMEM', 'd0', 0]);
    expect(xen.heap.lowestFree.get(0)).toBe(hash);
    expect([assign(xen, slot), owner(xen)]).toEqual(['ok', 'd1']);
  });

  it('before, no table is made when a device is assigned', () => {
    const xen = x86('4.16', { scratchPage: true });
    expect([initQuarantine(xen, 0), xen.device.quarantineTable.get(0)]).toEqual([0, 0]);
  });
});
