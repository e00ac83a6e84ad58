import { describe, expect, test } from 'vitest';
import { R, W } from './address.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from './amdvi.js';
import { ARM_STAGE2, stage2Shape } from './arm-stage2.js';
import { FOUR_LEVELS, type RadixFormat, type RootShape, WalkStatus } from './radix.js';
import { TreeBuilder } from './tables.fixture.js';
import { VTD_SECOND_LEVEL } from './vtd.js';
import { decidingFields, refusingEntry, walkEntries } from './walk-entries.js';

const INPUT = 0x84_24cb;

function treeOf(format: RadixFormat, shape: RootShape) {
  const builder = new TreeBuilder(format, shape);
  const tree = { format, shape, source: builder.memory, root: builder.root };
  /** Fields because of which an access does not go on, by name, and the level at which it ends. */
  const refusal = (need: number, input = INPUT) => {
    const entry = refusingEntry(walkEntries(tree, input), need);
    return entry && [entry.level, decidingFields(format, entry, need).map(({ name }) => name)];
  };
  return { builder, tree, refusal };
}

const vtd = () => treeOf(VTD_SECOND_LEVEL, FOUR_LEVELS);
const amd = () => treeOf(AMDVI_TABLES, AMDVI_SHAPES[4]!);
const arm = () => treeOf(ARM_STAGE2, stage2Shape(40));

describe('the entries of a walk', () => {
  test('are told with where they stand and which bits of the address chose them', () => {
    const { builder, tree } = vtd();
    builder.map(INPUT, 0x123, R);
    const { status, entries, frame, rights } = walkEntries(tree, INPUT);
    expect([status, frame, rights]).toEqual([WalkStatus.OK, 0x123, R]);
    expect(entries.map(({ level, index, chosenBy }) => [level, index, chosenBy.low, chosenBy.high])).toEqual([
      [4, 0, 39, 47],
      [3, 0x21, 30, 38],
      [2, 0x12, 21, 29],
      [1, 0xcb, 12, 20],
    ]);
    expect(entries.map(({ table }) => table)).toEqual([0x1000, 0x1001, 0x1002, 0x1003]);
    expect(entries.map(({ frame }) => frame)).toEqual([0x1001, 0x1002, 0x1003, 0x123]);
    expect(entries.map(({ rights: so }) => so & (R | W))).toEqual([R | W, R | W, R | W, R]);
    expect(entries.map(({ leaf }) => leaf)).toEqual([false, false, false, true]);
  });

  test('stand in the second of two roots where the address has its highest bit set', () => {
    const { builder, tree } = arm();
    builder.map(2 ** 27 + 5, 0x205, R);
    const [root] = walkEntries(tree, 2 ** 27 + 5).entries;
    expect([root!.table, root!.index, root!.chosenBy]).toEqual([0x1001, 0, { low: 30, high: 39 }]);
  });

  test('follow the levels that AMD-Vi entries skip', () => {
    const { builder, tree, refusal } = amd();
    const table = builder.newTable();
    builder.pointAt(builder.root * 4096, table, 2);
    builder.mapAt(table * 4096 + 5 * 8, 0x105, R, 1);
    expect(walkEntries(tree, 5).entries.map(({ level }) => level)).toEqual([4, 1]);
    // Bits of a skipped level must be zero.
    expect(refusal(R, 0x205)).toEqual([4, ['nextLevel']]);
  });

  test('are none where the root does not cover the address', () => {
    const { tree } = arm();
    const report = walkEntries(tree, 2 ** 28);
    expect([report.status, report.entries]).toEqual([WalkStatus.BEYOND, []]);
    expect(refusingEntry(report, R)).toBeUndefined();
  });
});

describe('the fields that decide', () => {
  test('are what would make an absent entry present', () => {
    const { builder, refusal } = vtd();
    builder.entryAt(INPUT, 2);
    expect(refusal(R)).toEqual([2, ['read', 'write']]);
    expect(amd().refusal(R)).toEqual([4, ['present']]);
    expect(arm().refusal(R)).toEqual([3, ['valid']]);
  });

  test('are what would give the right, at the first entry that withholds it', () => {
    const { builder, refusal } = vtd();
    builder.map(INPUT, 0x123, R);
    expect(refusal(R)).toBeUndefined();
    expect(refusal(W)).toEqual([1, ['write']]);
    const upper = builder.entryAt(INPUT, 3);
    builder.write(upper, builder.memory.read32(upper) & ~W, 0);
    expect(refusal(W)).toEqual([3, ['write']]);
    const stage2 = arm();
    stage2.builder.map(INPUT, 0x123, R);
    expect(stage2.refusal(W)).toEqual([1, ['access']]);
    const iopt = amd();
    iopt.builder.map(INPUT, 0x123, W);
    expect(iopt.refusal(R)).toEqual([1, ['read']]);
  });

  test('are the reserved bits that are set, or those that must be and are not', () => {
    const { builder, refusal } = vtd();
    const at = builder.entryAt(INPUT, 2);
    // A page of 2 MiB at an address that is not aligned to it.
    builder.write(at, 0x80 | 3 | (5 << 12), 0);
    expect(refusal(R)).toEqual([2, ['address']]);
    const top = builder.entryAt(INPUT, 4);
    builder.write(top, builder.memory.read32(top) | 0x80, 0);
    expect(refusal(R)).toEqual([4, ['superpage']]);
    const stage2 = arm();
    stage2.builder.write(stage2.builder.entryAt(INPUT, 1), (0x123 << 12) | 0x4c1, 0);
    expect(stage2.refusal(R)).toEqual([1, ['table']]);
  });
});
