import { describe, expect, it } from 'vitest';
import { errnoName } from './errno.js';
import { assign, domain, x86 } from './machine.fixture.js';
import { mapPirq } from './pirq.js';

describe('the interrupts of a device (XSA-237)', () => {
  it('are set up by who owns it', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    expect(errnoName(mapPirq(xen, slot, 0))).toBe('ENODEV');
    assign(xen, slot);
    expect([errnoName(mapPirq(xen, slot, 0)), xen.device.interrupts.get(0)]).toEqual(['ok', slot + 1]);
  });

  it('are nobody’s of a device that Xen does not know, or of a domain that there is not', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    expect([errnoName(mapPirq(xen, slot, -1)), errnoName(mapPirq(xen, slot + 1, 0))]).toEqual([
      'ENODEV',
      'ESRCH',
    ]);
  });
});
