import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { findRoots } from './find-roots.js';
import { ArrayImage, fileIn, withFolder } from './image.fixture.js';
import { elfCore, type LoadFixture } from './memory/elf.fixture.js';
import { openImage } from './memory/open.js';
import { givenRoot } from './root-address.js';
import { rootFacts } from './root-facts.js';
import type { FoundRoot } from './roots.js';
import type { MemoryImage, Survey } from './survey.js';
import { surveyMachine } from './survey-machine.js';

const FRAMES = 48;

/** A source of words that is the same for the same seed. */
function randomWords(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}

type Filling = 'ones' | 'random' | 'pointers' | 'present' | 'itself';

/** Memory that no honest software left behind. */
function hostileMemory(seed: number, filling: Filling): ArrayImage {
  const image = new ArrayImage(FRAMES);
  const next = randomWords(seed);
  const { words } = image;
  for (let i = 0; i < words.length; i += 2) {
    const frame = (next() >>> 8) % (FRAMES + 1);
    const bits = filling === 'itself' ? 1 : next() & 0xfff;
    const pointer = (frame << 12) | (filling === 'present' || filling === 'itself' ? bits | 1 : bits);
    words[i] = filling === 'ones' ? -1 : filling === 'random' ? next() : pointer;
    words[i + 1] = filling === 'ones' ? -1 : filling === 'random' || filling === 'present' ? next() : 0;
  }
  return image;
}

const ROOTS: readonly FoundRoot[] = [
  ...['0x0', '0x1000', '0x3400', '0x2f000', '0x7ffffffff000', '0x5c00'].map(givenRoot),
  ...['amdvi:0x1ff', 'amdvi:0x2f003', 'amdvi:0x10000000001ff'].map(givenRoot),
  ...[
    'smmuv3:0x0/0x20',
    'smmuv3:0x1040/0x10220',
    'smmuv3:0x2f000/0x107e0',
    'smmuv3:0xffffffffff000/0x2f',
  ].map(givenRoot),
];

const BOUNDS = { tables: 20_000, ranges: 20_000, devices: 3000, problems: 200 };

/** Looks at everything that a survey holds, so that nothing in it is left unmade. */
function lookAt(survey: Survey): void {
  let ranges = 0;
  let tables = 0;
  for (const space of survey.spaces) {
    ranges += space.ranges.length;
    tables += space.tables.length;
    expect(space.incompleteBecause === null).toBe(space.complete);
  }
  const problems =
    survey.spaces.flatMap((space) => space.problems).length +
    survey.units.flatMap((unit) => unit.problems).length;
  expect(ranges).toBeLessThanOrEqual(BOUNDS.ranges);
  expect(tables).toBeLessThanOrEqual(BOUNDS.tables);
  expect(survey.devices.length).toBeLessThanOrEqual(BOUNDS.devices);
  expect(problems).toBeLessThanOrEqual(BOUNDS.problems);
}

describe('memory that may hold anything', () => {
  test.each<Filling>(['ones', 'random', 'pointers', 'present', 'itself'])(
    'is surveyed within the bounds: %s',
    (filling) => {
      for (const seed of [1, 0x5eed]) {
        lookAt(surveyMachine(hostileMemory(seed, filling), ROOTS, BOUNDS));
      }
    },
  );

  test('has roots or none, and is searched for them in bounded time', async () => {
    for (const filling of ['ones', 'random', 'pointers', 'itself'] as const) {
      const { roots } = await findRoots(hostileMemory(3, filling), {
        facts: rootFacts([
          'RTADDR 0x20 0x1000',
          'root_entry[00] = 1001',
          'Root Table Address: 0xfffffffffffff000',
        ]),
      });
      lookAt(surveyMachine(hostileMemory(3, filling), roots, BOUNDS));
    }
  });

  test('is read fully where every device has tables of its own and every table a range a page', () => {
    const image = new ArrayImage(FRAMES);
    const next = randomWords(5);
    for (let i = 0; i < 512; i++) {
      image.write64(0x1000 + i * 8, i % 2 === 0 ? 0x2001n : 0n);
      image.write64(0x2000 + i * 8, i % 2 === 0 ? BigInt(((i % 32) + 4) * 4096 + 1) : 0x101n);
    }
    for (let i = 4 * 512; i < FRAMES * 512; i++) {
      image.write64(i * 8, BigInt((next() >>> 8) % FRAMES) * 4096n + 3n);
    }
    const survey = surveyMachine(image, [givenRoot('0x1000')], BOUNDS);
    lookAt(survey);
    expect(survey.devices).toHaveLength(BOUNDS.devices);
    expect(survey.units[0]!.notes).toHaveLength(1);
  });
});

/** Opens what may be no image, and looks at all of it if it is one. Only an InputError may come out. */
async function survives(folder: string, bytes: Uint8Array, map: boolean, scheme = ''): Promise<void> {
  let image: MemoryImage | undefined;
  try {
    image = await openImage(scheme + fileIn(folder, 'hostile', bytes), { map });
    const held = image.ram.reduce((sum, { start, end }) => sum + end - start, 0);
    expect(held).toBeLessThanOrEqual(bytes.length);
    for (const { start, end } of image.ram) {
      image.read32(start);
      image.read32(end - 4);
      image.copy(Math.max(0, end - 6000), new Uint8Array(9000));
      expect(image.page(start / 4096)).toHaveLength(1024);
    }
    image.read32(2 ** 52 - 4);
    lookAt(surveyMachine(image, ROOTS.slice(0, 3), BOUNDS));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  } finally {
    await image?.close();
  }
}

const EDGES = [
  0n,
  1n,
  63n,
  64n,
  4095n,
  4096n,
  8192n,
  2n ** 31n,
  2n ** 32n,
  2n ** 52n - 4096n,
  2n ** 52n,
  2n ** 63n,
];
const value64 = fc.oneof(
  fc.constantFrom(...EDGES, ...EDGES.map((edge) => 2n ** 64n - 1n - edge)),
  fc.bigInt({ min: 0n, max: 0x8000n }),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const load: fc.Arbitrary<LoadFixture> = fc.record({ paddr: value64, filesz: value64, offset: value64 });

describe('files that may hold anything', () => {
  test.each([
    ['mapped', true],
    ['read', false],
  ])('ELF cores of any numbers are opened or refused: %s', (_, map) =>
    withFolder((folder) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(load, { maxLength: 12 }),
          fc.record(
            {
              phnum: fc.constantFrom(0, 1, 2, 500, 0xfffe, 0xffff),
              phoff: value64,
              shoff: value64,
              phentsize: fc.constantFrom(0, 56, 56, 56, 57, 0xffff),
            },
            { requiredKeys: [] },
          ),
          fc.nat(3 * 4096),
          async (loads, over, cut) => {
            const given = Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined));
            const bytes = elfCore(loads, new Uint8Array(3 * 4096).fill(0xa5), given);
            await survives(folder, bytes.subarray(0, bytes.length - cut), map);
          },
        ),
        { numRuns: 150 },
      ),
    ),
  );

  test('bytes of any kind are opened or refused, whatever they are called', () =>
    withFolder((folder) =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom('', '\x7fELF\x02\x01', 'EMiL\x01\0\0\0', 'KDUMP   ', '\x1f\x8b'),
          fc.uint8Array({ maxLength: 300 }),
          fc.constantFrom(0, 1, 4095, 4096, 9000),
          fc.constantFrom('', 'raw:', 'elf:'),
          async (magic, start, tail, scheme) => {
            const bytes = Buffer.concat([Buffer.from(magic, 'latin1'), start, Buffer.alloc(tail, 0x11)]);
            await survives(folder, bytes, false, scheme);
          },
        ),
        { numRuns: 150 },
      ),
    ));
});
