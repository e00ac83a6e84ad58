import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from './address.js';
import { ARM_STAGE2, stage2Shape } from './arm-stage2.js';
import { FOUR_LEVELS, Walker, WalkStatus } from './radix.js';
import { TreeBuilder } from './tables.fixture.js';
import { VTD_SECOND_LEVEL } from './vtd.js';
import { type MappedRange, type WalkAllOptions, walkAll } from './walk-all.js';

const vtdTree = () => new TreeBuilder(VTD_SECOND_LEVEL, FOUR_LEVELS);

function visitAll(tree: TreeBuilder, options: WalkAllOptions = {}) {
  const ranges: MappedRange[] = [];
  const visit = (range: MappedRange) => void ranges.push(range);
  const summary = walkAll(tree.format, tree.memory, tree.root, tree.shape, visit, options);
  return { ranges, summary };
}

/** A tree whose every path ends at the scratch frame: one table a level, all 512 entries alike. */
function scratchTree(scratch: number): TreeBuilder {
  const tree = vtdTree();
  const tables = [0, tree.newTable(), tree.newTable(), tree.newTable(), tree.root];
  for (let level = 4; level >= 1; level--) {
    for (let index = 0; index < 512; index++) {
      const address = tables[level]! * 4096 + index * 8;
      if (level === 1) tree.mapAt(address, scratch, R, 1);
      else tree.pointAt(address, tables[level - 1]!, level);
    }
  }
  return tree;
}

describe('walking a whole tree', () => {
  test('an empty tree has no ranges', () => {
    const { ranges, summary } = visitAll(vtdTree());
    expect(ranges).toEqual([]);
    expect(summary).toEqual({
      tables: 1,
      pages: 0,
      ranges: 0,
      repeats: 0,
      reserved: 0,
      rights: 0,
      complete: true,
    });
  });

  test('neighbours with neighbouring frames, equal rights and equal size make one range, across tables', () => {
    const tree = vtdTree();
    for (let i = 500; i < 530; i++) tree.map(i, 0x1000 + i, R | W);
    tree.map(530, 0x1000 + 530, R);
    tree.map(531, 0x5000, R);
    tree.map(1024, 2048, R | W, 2);
    tree.map(1536, 2560, R | W, 2);
    const { ranges, summary } = visitAll(tree);
    expect(ranges).toEqual([
      { input: 500, frame: 0x1000 + 500, count: 30, rights: R | W, pageLevel: 1 },
      { input: 530, frame: 0x1000 + 530, count: 1, rights: R, pageLevel: 1 },
      { input: 531, frame: 0x5000, count: 1, rights: R, pageLevel: 1 },
      { input: 1024, frame: 2048, count: 1024, rights: R | W, pageLevel: 2 },
    ]);
    expect(summary).toMatchObject({ pages: 32 + 1024, ranges: 4, repeats: 0, rights: R | W });
  });

  test('the ranges say what single walks say', () => {
    const page = fc.record({ input: fc.nat(1500), frame: fc.nat(1 << 20), write: fc.boolean() });
    fc.assert(
      fc.property(fc.array(page, { maxLength: 60 }), (pages) => {
        const tree = vtdTree();
        for (const { input, frame, write } of pages) tree.map(input, frame, write ? R | W : R);
        const walker = new Walker(tree.format, tree.memory);
        const fromRanges = new Map<number, string>();
        for (const range of visitAll(tree).ranges) {
          for (let i = 0; i < range.count; i++)
            fromRanges.set(range.input + i, `${range.frame + i} ${range.rights}`);
        }
        for (let input = 0; input <= 1501; input++) {
          const status = walker.walk(tree.root, FOUR_LEVELS, input);
          const expected = status === WalkStatus.OK ? `${walker.frame} ${walker.rights}` : undefined;
          expect(fromRanges.get(input)).toBe(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('reserved entries are reported, and nothing below them', () => {
    const tree = vtdTree();
    tree.map(0, 1, R);
    tree.map(2 ** 18, 2, R);
    const address = tree.entryAt(2 ** 18, 2);
    tree.memory.write32(address, tree.memory.read32(address) | 0x80 | (1 << 13));
    const seen: number[][] = [];
    const { ranges, summary } = visitAll(tree, {
      onReserved: (at, _lo, _hi, level, input) => seen.push([at, level, input]),
    });
    expect(seen).toEqual([[address, 2, 2 ** 18]]);
    expect(ranges.map((range) => range.input)).toEqual([0]);
    expect(summary.reserved).toBe(1);
  });

  test('every table read is told with its level', () => {
    const tree = vtdTree();
    tree.map(512, 7, R);
    const tables: number[][] = [];
    const { summary } = visitAll(tree, {
      onTable: (frame, level, input) => tables.push([frame, level, input]),
    });
    expect(tables.map(([, level]) => level)).toEqual([4, 3, 2, 1]);
    expect(tables[0]).toEqual([tree.root, 4, 0]);
    expect(tables[3]![2]).toBe(512);
    expect(summary.tables).toBe(4);
  });

  test('concatenated roots are walked in order and only as far as the input reaches', () => {
    const shape = stage2Shape(40);
    const tree = new TreeBuilder(ARM_STAGE2, shape);
    tree.map(5, 50, R);
    tree.map(2 ** 28 - 1, 60, R);
    expect(visitAll(tree).ranges.map((range) => [range.input, range.frame])).toEqual([
      [5, 50],
      [2 ** 28 - 1, 60],
    ]);
    const narrow = new TreeBuilder(ARM_STAGE2, stage2Shape(32));
    narrow.mapAt(narrow.root * 4096 + 4 * 8, 0, R, 3);
    expect(visitAll(narrow).ranges).toEqual([]);
  });
});

describe('a table reached again', () => {
  /** Two L2 entries that point to the same L1 table. */
  const shared = (secondRights = R | W) => {
    const tree = vtdTree();
    tree.map(3, 0x30, R | W);
    tree.map(4, 0x31, R);
    const l1 = tree.format.frame(tree.memory.read32(tree.entryAt(0, 2)), 0);
    tree.write(tree.entryAt(512, 2), (l1 << 12) | secondRights, 0);
    return { tree, l1 };
  };

  test('is reported as a repeat of what was walked before', () => {
    const { tree, l1 } = shared();
    const { ranges, summary } = visitAll(tree);
    expect(ranges.slice(2)).toEqual([
      {
        input: 512,
        frame: -1,
        count: 512,
        rights: R | W,
        pageLevel: 0,
        shared: { table: l1, level: 1, input: 0, pages: 2 },
      },
    ]);
    expect(summary).toMatchObject({ pages: 4, repeats: 1, ranges: 3 });
  });

  test('is walked again when the path gives it other rights', () => {
    const { ranges, summary } = visitAll(shared(R).tree);
    expect(ranges.map((range) => [range.input, range.frame, range.count, range.rights])).toEqual([
      [3, 0x30, 1, R | W],
      [4, 0x31, 1, R],
      [515, 0x30, 2, R],
    ]);
    expect(summary.repeats).toBe(0);
  });

  test('is walked again as often as the caller allows', () => {
    const { ranges } = visitAll(shared().tree, { expand: 1 });
    expect(ranges.map((range) => range.input)).toEqual([3, 4, 515, 516]);
  });

  test('is not mentioned when nothing is mapped below it', () => {
    const tree = vtdTree();
    const empty = tree.newTable();
    tree.pointAt(tree.entryAt(0, 2), empty, 2);
    tree.pointAt(tree.entryAt(512, 2), empty, 2);
    expect(visitAll(tree).ranges).toEqual([]);
  });

  test('costs nothing: a quarantine tree with 512^4 paths to one scratch page takes four tables', () => {
    const tree = scratchTree(0x5c7a);
    const before = tree.memory.reads;
    const { ranges, summary } = visitAll(tree);
    expect(tree.memory.reads - before).toBe(4 * 512 * 2);
    expect(summary).toMatchObject({ tables: 4, pages: 2 ** 36, repeats: 3 * 511, rights: R });
    expect(new Set(ranges.filter((range) => !range.shared).map((range) => range.frame))).toEqual(
      new Set([0x5c7a]),
    );
  });

  test('every repeat maps exactly as the range it points to', () => {
    const tree = scratchTree(0x5c7a);
    tree.write(tree.entryAt(0, 1) + 8 * 100, 0, 0);
    const walker = new Walker(tree.format, tree.memory);
    const at = (input: number) => {
      walker.walk(tree.root, FOUR_LEVELS, input);
      return [walker.status, walker.frame, walker.rights];
    };
    for (const range of visitAll(tree)
      .ranges.filter((each) => each.shared)
      .slice(0, 700)) {
      for (const offset of [0, 100, 101, range.count - 1]) {
        expect(at(range.input + offset)).toEqual(at(range.shared!.input + offset));
      }
    }
  });
});

describe('tables that point to themselves', () => {
  test('end after as many steps as there are levels', () => {
    const tree = vtdTree();
    for (const index of [0, 1, 511]) tree.pointAt(tree.root * 4096 + index * 8, tree.root, 4);
    const { ranges, summary } = visitAll(tree);
    expect(summary.tables).toBe(4);
    expect(ranges.filter((range) => !range.shared).map((range) => range.frame)).toEqual([
      tree.root,
      tree.root,
      tree.root,
    ]);
    const walker = new Walker(tree.format, tree.memory);
    expect([walker.walk(tree.root, FOUR_LEVELS, 0), walker.frame]).toEqual([WalkStatus.OK, tree.root]);
  });

  test('stay bounded when two tables point to each other in every entry, even with expansion', () => {
    const tree = vtdTree();
    const other = tree.newTable();
    for (let i = 0; i < 512; i++) {
      tree.pointAt(tree.root * 4096 + i * 8, i % 2 ? tree.root : other, 4);
      tree.pointAt(other * 4096 + i * 8, i % 2 ? other : tree.root, 4);
    }
    expect(visitAll(tree).summary).toMatchObject({ tables: 7, pages: 2 ** 36 });
    expect(visitAll(tree, { expand: 100 }).summary).toMatchObject({ tables: 107, pages: 2 ** 36 });
  });
});
