import { describe, expect, test } from 'vitest';
import { encode } from './layout.js';
import * as info from './x86-page-info.js';

describe('page_info words', () => {
  test('writable and validated with count 0 is 0xe400000000000000 in every release', () => {
    for (const { typeInfo } of info.PAGE_INFO_LAYOUTS) {
      const words = encode(typeInfo, { type: info.PGT.writable, validated: 1 });
      expect([words[1]! >>> 0, words[0]]).toEqual([0xe400_0000, 0]);
      expect(info.pageType(words[1]!)).toBe(info.PGT.writable);
    }
  });

  test('the constants of the high word are the layout’s fields', () => {
    const { typeInfo, countInfo } = info.pageInfoLayouts('4.17');
    const field = (layout: typeof typeInfo, name: string) => encode(layout, { [name]: 1 })[1]!;
    expect(field(typeInfo, 'locked')).toBe(info.PGT_LOCKED);
    expect(field(typeInfo, 'pinned')).toBe(info.PGT_PINNED);
    expect(field(typeInfo, 'validated')).toBe(info.PGT_VALIDATED);
    expect(field(typeInfo, 'paeXenL2')).toBe(info.PGT_PAE_XEN_L2);
    expect(field(typeInfo, 'partial')).toBe(info.PGT_PARTIAL);
    expect(field(typeInfo, 'nonCoherent')).toBe(info.PGT_NON_COHERENT);
    expect(encode(typeInfo, { type: 7 })[1]).toBe(info.PGT_TYPE_MASK);
    expect(field(countInfo, 'allocated')).toBe(info.PGC_ALLOCATED);
    expect(field(countInfo, 'xenHeap')).toBe(info.PGC_XEN_HEAP);
  });

  test('each release has the layout its headers define', () => {
    const extra = (release: string) =>
      info.pageInfoLayouts(release).countInfo.fields.find((field) => field.name === 'extra')?.lo;
    const nonCoherent = (release: string) =>
      info.pageInfoLayouts(release).typeInfo.fields.some((field) => field.name === 'nonCoherent');
    const releases = [
      '4.11',
      '4.13.4',
      '4.13.5',
      '4.14',
      '4.14.6',
      '4.16.1',
      '4.16.2',
      '4.17',
      '4.18.3',
      '4.22',
    ];
    expect(releases.map((release) => [release, extra(release), nonCoherent(release)])).toEqual([
      ['4.11', undefined, false],
      ['4.13.4', undefined, false],
      ['4.13.5', undefined, true],
      ['4.14', 54, false],
      ['4.14.6', 57, true],
      ['4.16.1', 54, false],
      ['4.16.2', 57, true],
      ['4.17', 57, true],
      ['4.18.3', 61, true],
      ['4.22', 61, true],
    ]);
    expect(() => info.pageInfoLayouts('4.10')).toThrow(/oldest is 4.11/);
    expect(() => info.pageInfoLayouts('staging')).toThrow(RangeError);
  });
});
