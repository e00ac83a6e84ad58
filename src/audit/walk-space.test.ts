import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, type Rights, W } from '../formats/address.js';
import { AMDVI_TABLES } from '../formats/amdvi.js';
import { ARM_STAGE2, stage2Shape } from '../formats/arm-stage2.js';
import { EPT } from '../formats/ept.js';
import {
  EntryWords,
  FOUR_LEVELS,
  type RadixFormat,
  type RootShape,
  Walker,
  WalkStatus,
} from '../formats/radix.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { X86_64 } from '../formats/x86-pte.js';
import { ArrayImage } from './image.fixture.js';
import { Inputs } from './inputs.js';
import type { AddressSpace } from './survey.js';
import { Allowance, walkSpace } from './walk-space.js';

/** Frames of the memory; the first are root tables, and entries may point to any of them, or just outside. */
const FRAMES = 12;

/** What a stretch of a table is filled with. */
interface Stretch {
  readonly table: number;
  readonly first: number;
  readonly count: number;
  readonly kind: 'table' | 'run' | 'wrapped' | 'page' | 'sized' | 'garbage';
  readonly level: number;
  readonly frame: number;
  readonly rights: Rights;
  readonly noise: readonly [number, number];
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const stretches = fc.array(
  fc.record({
    table: fc.nat(FRAMES - 1),
    first: fc.nat(511),
    count: fc.integer({ min: 1, max: 300 }),
    kind: fc.constantFrom<Stretch['kind'][]>(
      'table',
      'table',
      'table',
      'run',
      'wrapped',
      'page',
      'sized',
      'garbage',
    ),
    level: fc.integer({ min: 1, max: 4 }),
    // Around where the low word of an entry overflows, and around 0.
    frame: fc.oneof(fc.nat(FRAMES + 2), fc.integer({ min: 0xf_fe00, max: 0x10_0010 }), fc.nat(2 ** 30)),
    rights: fc.constantFrom(R, R | W, W),
    noise: fc.tuple(word, word),
  }),
  { minLength: 1, maxLength: 40, size: 'max' },
);

/** A page of 2^bits frames whose address says so, where the format has such; a page of 4 KiB elsewhere. */
function sizedPage(
  format: RadixFormat,
  frame: number,
  rights: Rights,
  bits: number,
  entry: EntryWords,
): void {
  const span = 2 ** bits;
  format.leafEntry(frame - (frame % span) + span / 2 - 1, rights, 1, entry);
  if (format === AMDVI_TABLES) entry.lo |= 7 << 9;
}

/** Memory of tables in which everything is possible: loops, shared tables, runs with other bits set, garbage. */
function memoryOf(format: RadixFormat, filled: readonly Stretch[]): ArrayImage {
  const image = new ArrayImage(FRAMES);
  const entry = new EntryWords();
  const mask = format.leafMask!;
  for (const { table, first, count, kind, level, frame, rights, noise } of filled) {
    for (let i = 0; i < count && first + i < 512; i++) {
      if (kind === 'table') format.tableEntry((frame + (i >> 5)) % (FRAMES + 1), level, entry);
      else if (kind === 'run') format.leafEntry(frame + i, rights, 1, entry);
      else if (kind === 'wrapped') format.leafEntry((frame + i) % 0x10_0000, rights, 1, entry);
      else if (kind === 'sized') sizedPage(format, frame, rights, level * 4, entry);
      else if (kind === 'page') format.leafEntry(frame - (frame % 512) + (i << 9), rights, 2, entry);
      else [entry.lo, entry.hi] = [noise[0] + i * 4096, noise[1]];
      const at = table * 4096 + (first + i) * 8;
      // Bits that do not count differ from page to page, as Xen's own marks do.
      const odd = kind === 'run' && i % 3 === 0;
      image.write32(at, entry.lo | (odd ? noise[0] & ~mask.lo : 0));
      image.write32(at + 4, entry.hi | (odd ? noise[1] & ~mask.hi : 0));
    }
  }
  return image;
}

/** Inputs around the ends of ranges, and at every kind of place below the root. */
function* probes({ ranges }: AddressSpace, seeds: readonly number[]): Generator<number> {
  // All of them, or some from everywhere.
  const step = Math.max(1, ranges.length / 1000);
  for (let at = 0; at < ranges.length; at += step) {
    const i = Math.floor(at);
    const [input, count] = [ranges.input(i), ranges.count(i)];
    yield* [input - 1, input, input + Math.floor(count / 2), input + count - 1, input + count];
  }
  for (const seed of seeds) yield seed;
}

const CASES: readonly { readonly name: string; readonly format: RadixFormat; readonly shape: RootShape }[] = [
  { name: 'VT-d', format: VTD_SECOND_LEVEL, shape: FOUR_LEVELS },
  { name: 'VT-d of five levels', format: VTD_SECOND_LEVEL, shape: { topLevel: 5, concatenated: 1 } },
  { name: 'AMD-Vi', format: AMDVI_TABLES, shape: FOUR_LEVELS },
  {
    name: 'AMD-Vi of six levels',
    format: AMDVI_TABLES,
    shape: { topLevel: 6, concatenated: 1, inputBits: 64 },
  },
  { name: 'Arm stage 2', format: ARM_STAGE2, shape: stage2Shape(48) },
  { name: 'Arm stage 2 with roots side by side', format: ARM_STAGE2, shape: stage2Shape(42) },
  { name: 'EPT', format: EPT, shape: FOUR_LEVELS },
  { name: 'x86', format: X86_64, shape: FOUR_LEVELS },
];

describe.each(CASES)('a space of $name tables', ({ format, shape }) => {
  test('says what walks for single inputs say, whatever the tables', () => {
    fc.assert(
      fc.property(stretches, fc.array(fc.nat(2 ** 30), { maxLength: 50 }), (filled, seeds) => {
        const image = memoryOf(format, filled);
        const space = walkSpace(format, image, 0, shape, R | W, new Allowance());
        const inputs = new Inputs(space.ranges);
        const walker = new Walker(format, image);
        const wrong: unknown[] = [];
        let last = -1;
        for (let i = 0; i < space.ranges.length; i++) {
          if (space.ranges.input(i) <= last || space.ranges.rights(i) === 0) wrong.push(`range ${i}`);
          last = space.ranges.input(i) + space.ranges.count(i) - 1;
        }
        for (const input of probes(space, seeds)) {
          if (input < 0) continue;
          inputs.find(input);
          walker.walk(0, shape, input);
          const rights = walker.status === WalkStatus.OK ? walker.rights & (R | W) : 0;
          const frame = rights === 0 ? -1 : walker.frame;
          if (inputs.rights !== rights || inputs.frame !== frame) wrong.push([input, rights, frame]);
        }
        expect(wrong).toEqual([]);
        expect(space.complete).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

test('neighbours are joined whatever the size of their pages', () => {
  const image = new ArrayImage(8);
  image.write64(0x0, 0x1003n);
  image.write64(0x1000, 0x2003n);
  image.write64(0x2000, 0x3003n);
  image.write64(0x2008, (512n << 12n) | 0x83n);
  for (let i = 0n; i < 512n; i++) image.write64(0x3000 + 8 * Number(i), (i << 12n) | 3n);
  const { ranges, pages } = walkSpace(VTD_SECOND_LEVEL, image, 0, FOUR_LEVELS, R | W, new Allowance());
  expect([ranges.length, ranges.count(0), pages]).toEqual([1, 1024, 1024]);
});

test('a scratch page behind 512^4 paths is one page and repeats', () => {
  const image = new ArrayImage(8);
  for (let table = 0; table < 4; table++) {
    for (let i = 0; i < 512; i++) image.write64(table * 4096 + i * 8, BigInt((table + 1) << 12) | 3n);
  }
  const space = walkSpace(VTD_SECOND_LEVEL, image, 0, FOUR_LEVELS, R, new Allowance());
  expect(space).toMatchObject({ pages: 2 ** 36, complete: true, problems: [] });
  expect([...space.tables]).toEqual([0, 1, 2, 3]);
  expect([space.ranges.frame(511), space.ranges.sharedInput(511)]).toEqual([4, -1]);
  expect([space.ranges.frame(512), space.ranges.sharedInput(512), space.ranges.count(512)]).toEqual([
    -1, 0, 512,
  ]);
  expect(space.ranges.length).toBe(512 + 3 * 511);
});
