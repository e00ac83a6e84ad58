import { describe, expect, test } from 'vitest';
import { decode } from './layout.js';
import { VTD_CAPABILITIES, VTD_EXTENDED_CAPABILITIES, wordsOf64 } from './vtd-registers.js';

describe('VT-d capability registers', () => {
  test('cover all 64 bits, each once', () => {
    for (const { fields } of [VTD_CAPABILITIES, VTD_EXTENDED_CAPABILITIES]) {
      let next = 0;
      for (const { lo, hi } of fields) {
        expect(lo).toBe(next);
        next = hi + 1;
      }
      expect(next).toBe(64);
    }
  });

  test('say what QEMU’s unit says: 39 bits, 64 Ki domain ids, 2 MiB and 1 GiB pages, no snoop control', () => {
    // "cap = d2008c22260206 ecap = f00f4a", a real Xen's line under QEMU 7.2 (39 bits: three levels only).
    expect(decode(VTD_CAPABILITIES, wordsOf64(0xd2008c22260206n))).toMatchObject({
      ND: 6,
      SAGAW: 2,
      MGAW: 38,
      SSLPS: 3,
      PSI: 1,
      CM: 0,
    });
    expect(decode(VTD_EXTENDED_CAPABILITIES, wordsOf64(0xf00f4an))).toMatchObject({
      QI: 1,
      IR: 1,
      PT: 1,
      SC: 0,
      DT: 0,
      SMTS: 0,
    });
  });
});
