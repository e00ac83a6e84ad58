import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { stage2Shape } from '../formats/arm-stage2.js';
import { STE_ABORT, stage2Entry } from '../formats/smmuv3.js';
import { ArrayImage } from './image.fixture.js';
import type { FoundRoot } from './roots.js';
import { surveyMachine } from './survey-machine.js';
import { stage2Root } from './survey-smmuv3.js';

const ROOT: FoundRoot = {
  kind: 'smmuv3',
  segment: 0,
  table: 0x1_0000,
  size: 9,
  registers: 0x905_0000,
  enabled: true,
  foundBy: 'IORT',
};

/** Writes an entry at `at` for the two root tables at frame 32, which map input 7 to frame 0x90 read-only. */
function stage2At(image: ArrayImage, at: number): void {
  const words = new Int32Array(16);
  stage2Entry({ vmid: 3, root: 32, t0sz: 24, sl0: 1, outputSize: 2 }, words);
  image.words.set(words, at / 4);
  image.write64(0x2_1000, 0x2_2003n);
  image.write64(0x2_2000, 0x2_3003n);
  image.write64(0x2_3000 + 7 * 8, 0x9_0000n | 0x400n | (1n << 6n) | 3n);
}

describe('an SMMUv3', () => {
  test('lists the valid entries of a linear table, each by its configuration', () => {
    const image = new ArrayImage(64);
    stage2At(image, 0x1_0000 + 0x20 * 64);
    image.write64(0x1_0000 + 0x21 * 64, 1n | (4n << 1n));
    image.write64(0x1_0000 + 0x22 * 64, 1n | (5n << 1n));
    image.words.set(STE_ABORT, (0x1_0000 + 0x23 * 64) / 4);
    const streams = [{ stream: 0x20, count: 1, segment: 1, requester: 0x100 }];
    const { devices, spaces } = surveyMachine(image, [{ ...ROOT, streams }]);
    expect(
      devices.map(({ sbdf, translation, domainId, rights }) => [sbdf, translation, domainId, rights]),
    ).toEqual([
      ['0001:01:00.0', 'translated', 3, R | W],
      ['stream:0x21', 'passthrough', null, R | W],
      ['stream:0x22', 'unknown', null, R | W],
      ['stream:0x23', 'blocked', null, 0],
    ]);
    const { ranges } = spaces[0]!;
    expect([ranges.length, ranges.input(0), ranges.count(0), ranges.frame(0), ranges.rights(0)]).toEqual([
      1,
      2 ** 27 + 7,
      1,
      0x90,
      R,
    ]);
  });

  test('follows the descriptors of a two-level table as far as their spans reach', () => {
    const image = new ArrayImage(64);
    image.write64(0x1_0000, 0x2_8000n | 9n);
    image.write64(0x1_0008, 0x2_c000n | 2n);
    image.write64(0x1_0010, 0x2_c000n | 10n);
    image.write64(0x1_0018, 0x7777_0000_0000n | 9n);
    stage2At(image, 0x2_8000 + 5 * 64);
    image.write64(0x2_c000, 1n | (4n << 1n));
    image.write64(0x2_c040, 1n | (4n << 1n));
    image.write64(0x2_c080, 1n | (4n << 1n));
    const { devices, units } = surveyMachine(image, [{ ...ROOT, size: 12, split: 8 }]);
    expect(devices.map(({ requester }) => requester)).toEqual([5, 0x100, 0x101]);
    expect(units[0]!.problems.map(({ kind, level }) => `${kind} ${level}`)).toEqual([
      'reserved-bits L1 descriptor',
      ...Array(4).fill('outside-memory stream table'),
    ]);
  });

  test('tells once of the entry that fills the table', () => {
    const image = new ArrayImage(128);
    for (let i = 0; i < 2048; i++) image.write64(0x4_0000 + i * 64, 1n | (4n << 1n));
    const { devices, units } = surveyMachine(image, [{ ...ROOT, table: 0x4_0000, size: 11 }]);
    expect(devices).toEqual([]);
    expect(units[0]!.others[0]).toMatchObject({ count: 2048, translation: 'passthrough' });
  });

  test('does not follow tables of other granules, endianness or of AArch32', () => {
    const image = new ArrayImage(64);
    for (let i = 0; i < 4; i++) stage2At(image, 0x1_0000 + i * 64);
    const word5 = (i: number) => 0x1_0000 + i * 64 + 20;
    image.write32(word5(0), image.read32(word5(0)) | (1 << 14));
    image.write32(word5(1), image.read32(word5(1)) & ~(1 << 19));
    image.write32(word5(2), image.read32(word5(2)) | (1 << 20));
    image.write32(word5(3), (image.read32(word5(3)) & ~63) | 63);
    const { devices } = surveyMachine(image, [ROOT]);
    expect(devices.map(({ translation, problems }) => [translation, problems[0]!.kind])).toEqual([
      ['unknown', 'unknown-format'],
      ['unknown', 'unknown-format'],
      ['unknown', 'unknown-format'],
      ['blocked', 'reserved-bits'],
    ]);
  });

  test('has the roots that Xen programs', () => {
    for (const bits of [32, 36, 40, 42, 44, 48]) {
      const { t0sz, sl0, topLevel, concatenated, inputBits } = stage2Shape(bits);
      expect(stage2Root(t0sz, sl0)).toEqual({ topLevel, concatenated, inputBits });
    }
    expect([stage2Root(12, 2), stage2Root(63, 1), stage2Root(24, 0), stage2Root(24, 3)]).toEqual(
      Array(4).fill(undefined),
    );
  });
});
