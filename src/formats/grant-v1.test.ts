import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as grant from './grant-v1.js';
import { decode, getField } from './layout.js';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
describe('grant entries', () => {
  test('flags, domid and frame stand where the layout has them', () => {
    fc.assert(
      fc.property(fc.nat(0x1ff), fc.nat(0x7fff), word, (flags, domid, frame) => {
        const w0 = grant.grantWord0(flags, domid);
        const decoded = decode(grant.GRANT_V1_ENTRY, [w0, frame]);
        expect([grant.grantFlags(w0), grant.grantDomid(w0), grant.grantFrame(frame)]).toEqual([
          flags,
          domid,
          frame >>> 0,
        ]);
        expect(decoded).toMatchObject({
          type: flags & 3,
          readonly: (flags >> 2) & 1,
          domid,
          frame: frame >>> 0,
        });
      }),
    );
  });

  test('each pin constant moves its own counter, and 128 of one kind are the limit', () => {
    const names = ['hostWrite', 'hostRead', 'deviceWrite', 'deviceRead'];
    const pins = [grant.PIN_HOST_WRITE, grant.PIN_HOST_READ, grant.PIN_DEVICE_WRITE, grant.PIN_DEVICE_READ];
    pins.forEach((pin, i) => {
      let held = 0;
      for (let n = 0; n < 128; n++) {
        expect(grant.pinWouldOverflow(held, pin)).toBe(false);
        held = (held + pin) | 0;
      }
      expect(getField(grant.GRANT_PINS, names[i]!, [held])).toBe(128);
      expect(grant.pinWouldOverflow(held, pin)).toBe(true);
      expect(grant.pinWouldOverflow(held, pins[(i + 1) % 4]!)).toBe(false);
    });
  });
});
