import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { deviceOwner } from './devices.js';
import { failNth } from './failures.js';
import {
  amd,
  assign,
  broken,
  DISK,
  dma,
  domain,
  NIC,
  populate,
  reach,
  touch,
  x86,
} from './machine.fixture.js';
import type { DeviceSpec, ReservedSpec } from './machine.js';

/** The bridge 02:00.0, for which both devices' requests are taken. */
const BRIDGE = 0x0200;
const behind = (device: DeviceSpec): DeviceSpec => ({ ...device, requester: BRIDGE, aliased: true });

const regionOf = (device: number): ReservedSpec => ({
  range: { base: 0x80, count: 1 },
  devices: [device],
  rights: R | W,
});

describe('an AMD-Vi device that sends as another (IVRS alias, dossier §6.5, §7.2)', () => {
  it.each(['4.11.0', '4.13', '4.16', '4.22'])('has the entry of its alias, Xen %s', (edition) => {
    const xen = amd(edition, { devices: [behind(NIC), DISK] });
    const slot = domain(xen);
    expect(assign(xen, slot)).toBe('ok');
    const page = populate(xen, slot, 1);
    touch(xen, slot, page);
    const frame = xen.ram.frameAt(page);
    expect(xen.amdvi!.tableRights(BRIDGE, frame)).toBe(R | W);
    expect(dma(xen, 0, 'write', frame * 4096)).toBe('ok');
    expect(dma(xen, 0, 'read', 0x7fff_f000)).toMatch(/0000:02:00\.0|device id = 0x200/);
    expect(broken(xen)).toEqual([]);
  });

  it.each([
    ['4.16', 'ok'],
    ['4.16.1', 'EOPNOTSUPP'],
    ['4.17', 'EOPNOTSUPP'],
    ['4.22', 'EOPNOTSUPP'],
  ])('is not moved when it has unity maps: in Xen %s that is %s', (edition, status) => {
    const xen = amd(edition, { devices: [behind(NIC), DISK], reserved: [regionOf(0)] });
    const slot = domain(xen);
    expect(assign(xen, slot)).toBe(status);
    expect(deviceOwner(xen, 0)).toBe(status === 'ok' ? slot : 0);
    expect(reach(xen, 0, 0x80)).toBe('rw');
    expect(xen.domain.crashed.get(slot)).toBe(0);
  });

  it('is moved when it has none, or when the maps are those of a device that has its own entry', () => {
    const none = amd('4.22', { devices: [behind(NIC), DISK] });
    expect(assign(none, domain(none))).toBe('ok');
    const own = amd('4.22', { reserved: [regionOf(0)] });
    expect(assign(own, domain(own))).toBe('ok');
  });

  it('takes with it those that share the entry', () => {
    const xen = amd('4.22', { devices: [behind(NIC), behind(DISK)] });
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    touch(xen, slot, page);
    assign(xen, slot, 0);
    expect([deviceOwner(xen, 0), deviceOwner(xen, 1)]).toEqual([slot, 0]);
    expect(reach(xen, 1, xen.ram.frameAt(page))).toBe('rw');
  });
});

describe('an entry that changed underfoot (dossier §6.5)', () => {
  it.each([
    ['AMD-Vi', '4.16.1'],
    ['AMD-Vi', '4.22'],
    ['VT-d', '4.16.1'],
    ['VT-d', '4.22'],
  ])('is EILSEQ, and the device stays, %s, Xen %s', (kind, edition) => {
    const xen = kind === 'VT-d' ? x86(edition) : amd(edition);
    const slot = domain(xen);
    failNth(xen, 'exchange', 1);
    expect(assign(xen, slot)).toBe('EILSEQ');
    expect(deviceOwner(xen, 0)).toBe(0);
    expect(broken(xen)).toEqual([]);
    expect(assign(xen, slot)).toBe('ok');
  });

  it.each(['4.12', '4.16'])('cannot be in Xen %s, where the entry is made useless before', (edition) => {
    const xen = amd(edition);
    failNth(xen, 'exchange', 1);
    expect(assign(xen, domain(xen))).toBe('ok');
  });
});
