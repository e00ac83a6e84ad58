import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesBelow4G, memoryBelow4G, ramOffset } from './memory-layout.js';

const GIB = 2 ** 30;

describe('the RAM file', () => {
  it('has what lies above 4 GiB after what lies below', () => {
    expect(ramOffset(0, 3072)).toBe(0);
    expect(ramOffset(2 * GIB - 4096, 3072)).toBe(2 * GIB - 4096);
    expect(ramOffset(4 * GIB, 3072)).toBe(2 * GIB);
    expect(ramOffset(5 * GIB - 4, 3072)).toBe(3 * GIB - 4);
  });

  it('has no bytes for what is no RAM', () => {
    for (const pa of [2 * GIB, 0xfee00000, 4 * GIB - 4, 5 * GIB]) expect(ramOffset(pa, 3072)).toBe(-1);
    // A small machine has all of it below 4 GiB.
    expect(memoryBelow4G(2048)).toBe(2 * GIB);
    expect(ramOffset(4 * GIB, 2048)).toBe(-1);
  });

  it('has a place of its own for every page', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1280, max: 16384 }), fc.nat(), fc.nat(), (memoryMib, a, b) => {
        const bytes = memoryMib * 2 ** 20;
        const below = memoryBelow4G(memoryMib);
        const pa = (offset: number) => (offset < below ? offset : offset - below + 4 * GIB);
        for (const offset of [a % bytes, b % bytes]) expect(ramOffset(pa(offset), memoryMib)).toBe(offset);
      }),
    );
  });
});

it('a pc keeps 3 GiB below 4 GiB where it splits', () => {
  expect(bytesBelow4G(3 * GIB, 'pc')).toBe(3 * GIB);
  expect(bytesBelow4G(4 * GIB, 'pc')).toBe(3 * GIB);
  expect(bytesBelow4G(3 * GIB, 'q35')).toBe(2 * GIB);
});
