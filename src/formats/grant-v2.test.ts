import { describe, expect, it } from 'vitest';
import { GRANT_V1_ENTRY } from './grant-v1.js';
import {
  GRANT_STATUS_PAIR,
  GRANT_V2_FULL_PAGE,
  GRANT_V2_SUB_PAGE,
  GRANT_V2_TRANSITIVE,
  grantFrame64,
  grantPart,
  grantV2Layout,
} from './grant-v2.js';
import { decode, encode, fieldOf } from './layout.js';

const hex = (words: Int32Array) => [...words].map((word) => (word >>> 0).toString(16));

describe('a grant entry of version 2', () => {
  it('holds a full page as flags, domid, padding, 64-bit frame', () => {
    const entry = encode(GRANT_V2_FULL_PAGE, { type: 1, readonly: 1, domid: 0x7ff0, frame: 0x1_2345_6789 });
    expect(hex(entry)).toEqual(['7ff00005', '0', '23456789', '1']);
    expect(grantFrame64(entry[2]!, entry[3]!)).toBe(0x1_2345_6789);
  });

  it('holds a sub-page with its offset and length between', () => {
    const entry = encode(GRANT_V2_SUB_PAGE, {
      type: 1,
      subPage: 1,
      domid: 3,
      pageOff: 0x200,
      length: 0x40,
      frame: 0x105,
    });
    expect(hex(entry)).toEqual(['30101', '400200', '105', '0']);
    expect(entry[1]).toBe(grantPart(0x200, 0x40));
  });

  it('holds a transitive grant as another domain and its reference', () => {
    const entry = encode(GRANT_V2_TRANSITIVE, { type: 3, domid: 2, transDomid: 1, gref: 9 });
    expect(hex(entry)).toEqual(['20003', '1', '9', '0']);
  });

  it('reads as what its type and sub_page say: a transitive one as a full page gives its reference as the frame', () => {
    expect([0, 1, 2, 3, 0x101, 0x102, 0x103].map((flags) => grantV2Layout(flags).name)).toEqual([
      'grant entry v2, full page',
      'grant entry v2, full page',
      'grant entry v2, full page',
      'grant entry v2, transitive',
      'grant entry v2, sub-page',
      'grant entry v2, full page',
      'grant entry v2, transitive',
    ]);
    const entry = encode(GRANT_V2_TRANSITIVE, { type: 3, domid: 2, transDomid: 1, gref: 9 });
    expect(decode(GRANT_V2_FULL_PAGE, entry).frame).toBe(9);
  });

  it('has its flags and domid where version 1 has them', () => {
    for (const name of ['type', 'readonly', 'pwt', 'pcd', 'pat', 'subPage', 'domid']) {
      const [one, two] = [fieldOf(GRANT_V1_ENTRY, name), fieldOf(GRANT_V2_FULL_PAGE, name)];
      expect([two.lo, two.hi], name).toEqual([one.lo, one.hi]);
    }
  });

  it('has its use flags in a status of 16 bits', () => {
    expect(hex(encode(GRANT_STATUS_PAIR, { reading: 1, readingOdd: 1, writingOdd: 1 }))).toEqual(['180008']);
  });
});
