import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { R, type Rights, W } from '../formats/address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from '../formats/amdvi.js';
import { ARM_STAGE2 } from '../formats/arm-stage2.js';
import { EPT } from '../formats/ept.js';
import {
  EntryWords,
  FOUR_LEVELS,
  type RadixFormat,
  type RootShape,
  Walker,
  WalkStatus,
} from '../formats/radix.js';
import { SparseMemory } from '../formats/tables.fixture.js';
import { VTD_SECOND_LEVEL } from '../formats/vtd.js';
import { SMMU_SHAPE } from '../hardware/smmu-unit.js';
import { type ContiguityBits, ContiguityMarkers, EntryKind } from './contiguity.fixture.js';
import { isFree } from './frames.js';
import { x86 } from './machine.fixture.js';
import { RadixWriter } from './radix-writer.js';
import type { Xen } from './state.js';

const machine = (): Xen =>
  x86('4.22', { ram: [{ base: 0x1000, count: 4 }], heap: 1200, devices: [], iommu: 'off' });

type Tree = readonly [name: string, format: RadixFormat, shape: RootShape, coalesceUpTo?: number];

const TREES: readonly Tree[] = [
  ['VT-d with coalescing', VTD_SECOND_LEVEL, FOUR_LEVELS, 3],
  ['AMD-Vi with coalescing', AMDVI_TABLES, AMDVI_SHAPES[4]!, 3],
  ['VT-d without', VTD_SECOND_LEVEL, FOUR_LEVELS],
  ['EPT', EPT, FOUR_LEVELS],
  ['Arm stage 2', ARM_STAGE2, SMMU_SHAPE],
];

interface Change {
  readonly map: boolean;
  readonly level: number;
  /** In pages of the level, within 8 MiB; 1 GiB pages begin at 0. */
  readonly input: number;
  readonly frame: number;
  readonly rights: Rights;
}

const FRAMES = 2048;
const SPAN = [0, 1, 512, 512 * 512];

const CHANGE: fc.Arbitrary<Change> = fc
  .record({
    map: fc.boolean(),
    level: fc.constantFrom(1, 1, 1, 2, 2, 3),
    slot: fc.nat(15),
    frame: fc.nat(3),
    rights: fc.constantFrom<Rights>(R, R | W),
  })
  .map(({ map, level, slot, frame, rights }) => {
    // A few small inputs on both sides of each border of 2 MiB, so that tables fill and empty.
    const input =
      level === 3
        ? 0
        : level === 2
          ? slot % 4
          : [0, 1, 2, 3, 510, 511, 512, 513][slot % 8]! + (slot >> 3) * 1024;
    return { map, level, input: input * SPAN[level]!, frame, rights };
  });

/** Frame that `input` gets: contiguous with its neighbours for 0, elsewhere for others. */
function frameFor({ level, input, frame }: Change): number {
  return (frame < 2 ? 0x4000_0000 : frame * 0x800_0000) + (level === 3 ? 0 : input);
}

const reachOf = (walker: Walker, root: number, shape: RootShape, input: number): string =>
  walker.walk(root, shape, input) === WalkStatus.OK ? `${walker.frame} ${walker.rights & (R | W)}` : 'none';

describe('entries of any size', () => {
  it.each(TREES.map((tree) => [tree[0], tree] as const))(
    'lead where entries of 4 KiB would, whatever is mapped and unmapped: %s',
    (_, [, format, shape, coalescing]) => {
      fc.assert(
        fc.property(fc.array(CHANGE, { minLength: 1, maxLength: 40 }), (changes) => {
          const xen = machine();
          const writer = new RadixWriter(format, shape, coalescing);
          const root = xen.ram.frameAt(writer.allocRoot(xen));
          const wanted = new Array<string>(FRAMES).fill('none');
          const walker = new Walker(format, xen.ram);
          for (const change of changes) {
            const { map, level, input, rights } = change;
            const frame = frameFor(change);
            if (map) expect(writer.map(xen, root, input, frame, rights, 0, level)).toBe(true);
            else expect(writer.unmap(xen, root, input, level)).toBe(true);
            writer.freeReplaced(xen, -1);
            for (let i = 0; i < SPAN[level]! && input + i < FRAMES; i++) {
              wanted[input + i] = map ? `${frame + i} ${rights}` : 'none';
            }
          }
          for (let input = 0; input < FRAMES; input++) {
            expect(reachOf(walker, root, shape, input)).toBe(wanted[input]);
          }
          writer.free(xen, root);
          for (let pdx = xen.xenHeap.first + 600; pdx < xen.xenHeap.end; pdx++)
            expect(isFree(xen, pdx)).toBe(true);
        }),
        { numRuns: 20 },
      );
    },
  );
});

/** Tables of a tree, its root included. */
function tables(xen: Xen, work: (writer: RadixWriter, root: number) => void, tree: Tree = TREES[0]!): number {
  const writer = new RadixWriter(tree[1], tree[2], tree[3]);
  const before = taken(xen);
  const root = xen.ram.frameAt(writer.allocRoot(xen));
  work(writer, root);
  return taken(xen) - before;
}

function taken(xen: Xen): number {
  let count = 0;
  for (let pdx = xen.xenHeap.first; pdx < xen.xenHeap.end; pdx++) if (!isFree(xen, pdx)) count++;
  return count;
}

/** Maps `count` pages one by one, from the end or from the beginning. */
function mapAll(xen: Xen, writer: RadixWriter, root: number, count: number, backwards = false): void {
  for (let i = 0; i < count; i++) {
    const page = backwards ? count - 1 - i : i;
    writer.map(xen, root, page, 0x4000_0000 + page, R | W);
  }
}

describe('contiguity (5a991ad8a5)', () => {
  for (const tree of TREES.slice(0, 2)) {
    it.each([false, true])(
      `512 pages that follow each other become one: ${tree[0]}, backwards %s`,
      (backwards) => {
        const xen = machine();
        const count = tables(
          xen,
          (writer, root) => {
            mapAll(xen, writer, root, 511, backwards);
            expect(writer.coalesced).toBe(false);
            writer.map(xen, root, 511, 0x4000_0000 + 511, R | W);
            if (backwards) return;
            expect([writer.coalesced, writer.read(xen, root, 5), writer.level, writer.frame]).toEqual([
              true,
              true,
              2,
              0x4000_0005,
            ]);
          },
          tree,
        );
        // Root, level 3 and level 2.
        expect(count).toBe(3);
      },
    );

    it(`a run that is not aligned to its address does not: ${tree[0]}`, () => {
      const xen = machine();
      const count = tables(
        xen,
        (writer, root) => {
          for (let i = 0; i < 512; i++) writer.map(xen, root, i, 0x4000_0001 + i, R | W);
        },
        tree,
      );
      expect(count).toBe(4);
    });

    it(`an empty table is freed, and the one above it; the topmost two stay: ${tree[0]}`, () => {
      const xen = machine();
      const count = tables(
        xen,
        (writer, root) => {
          mapAll(xen, writer, root, 600);
          for (let i = 0; i < 600; i++) writer.unmap(xen, root, (i * 7) % 600);
        },
        tree,
      );
      expect(count).toBe(2);
    });
  }

  it('a table stays where the next size is none of the unit’s', () => {
    const xen = machine();
    const only4k: Tree = ['VT-d', VTD_SECOND_LEVEL, FOUR_LEVELS, 1];
    expect(tables(xen, (writer, root) => mapAll(xen, writer, root, 512), only4k)).toBe(4);
  });

  const MARKERS: readonly ContiguityBits[] = [
    { high: true, shift: 20 },
    { high: false, shift: 1 },
  ];
  it.each([0, 1])('tables go exactly when Xen’s markers say so: %s', (vendor) => {
    const [, format, shape, upTo] = TREES[vendor]!;
    const order = fc.shuffledSubarray(
      Array.from({ length: 512 }, (_, i) => i),
      { minLength: 512 },
    );
    const wrong = fc.array(fc.nat(511), { maxLength: 3 });
    fc.assert(
      fc.property(order, wrong, order, (filled, misplaced, emptied) => {
        const xen = machine();
        const writer = new RadixWriter(format, shape, upTo);
        const root = xen.ram.frameAt(writer.allocRoot(xen));
        // A second page keeps the table above from going, too.
        writer.map(xen, root, 1024, 0x5000, R);
        const shadow = new SparseMemory();
        const markers = new ContiguityMarkers(MARKERS[vendor]!);
        const words = new EntryWords();
        markers.initialise(shadow, 0);
        const map = (index: number, frame: number) => {
          format.leafEntry(frame, R | W, 1, words);
          shadow.write32(index * 8, words.lo);
          shadow.write32(index * 8 + 4, words.hi);
          const full = markers.update(shadow, 0, index, 1, EntryKind.page);
          writer.map(xen, root, index, frame, R | W);
          expect(writer.coalesced).toBe(full);
          return full;
        };
        for (const index of misplaced) map(index, 0x7_0000 + index);
        const ended = filled.filter((index) => map(index, 0x4000_0000 + index));
        expect(ended.length).toBe(1);
        // Split again by the first that leaves: its markers are as they were before it went.
        for (const index of emptied) {
          shadow.write32(index * 8, 0);
          shadow.write32(index * 8 + 4, 0);
          const empty = markers.update(shadow, 0, index, 1, EntryKind.absent);
          writer.unmap(xen, root, index);
          expect(writer.coalesced).toBe(empty);
        }
        expect(writer.coalesced).toBe(true);
      }),
      { numRuns: 10 },
    );
  });
});
