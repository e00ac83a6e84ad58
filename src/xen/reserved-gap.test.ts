import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { CDF } from './domain.js';
import { assign, domain, populate, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { p2mLookup } from './p2m.js';

const reserved = [{ range: { base: 0x80, count: 1 }, devices: [0], rights: R | W }];

describe('a reserved region while its device moves (XSA-400)', () => {
  it.each([
    ['4.12', true],
    ['4.16', true],
    ['4.16.1', false],
    ['4.22', false],
  ])('%s: is lost for a moment: %s', (release, lost) => {
    const xen = x86(release, { reserved });
    assign(xen, domain(xen));
    expect(xen.host.reservedGap.get(0) !== 0).toBe(lost);
  });
});

describe('a reserved region in a p2m (XSA-378)', () => {
  it.each([
    ['4.15', 0, false],
    ['4.15.1', -22, true],
    ['4.22', -22, true],
  ])('%s: decrease_reservation answers %s there, and it stays: %s', (release, status, stays) => {
    const xen = x86(release, { reserved });
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    populate(xen, slot, 1);
    assign(xen, slot);
    expect(decreaseReservation(xen, slot, -1, 0x80)).toBe(status);
    expect(p2mLookup(xen, slot, 0x80) === 0x80).toBe(stays);
  });
});
