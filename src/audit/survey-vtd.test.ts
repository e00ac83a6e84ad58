import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { encode } from '../formats/layout.js';
import { ContextType, writeContextEntry, writeRootEntry } from '../formats/vtd.js';
import {
  VTD_PASID_DIRECTORY_ENTRY,
  VTD_PASID_ENTRY,
  VTD_SCALABLE_CONTEXT_ENTRY,
  VTD_SCALABLE_ROOT_ENTRY,
} from '../formats/vtd-scalable.js';
import { ArrayImage } from './image.fixture.js';
import type { FoundRoot } from './roots.js';
import type { AddressSpace } from './survey.js';
import { surveyMachine } from './survey-machine.js';

const ROOT: FoundRoot = {
  kind: 'vtd',
  segment: 0,
  table: 0x1000,
  registers: null,
  enabled: null,
  foundBy: '--rtaddr',
};

const rangesOf = ({ ranges }: AddressSpace) =>
  Array.from({ length: ranges.length }, (_, i) => [
    ranges.input(i),
    ranges.count(i),
    ranges.frame(i),
    ranges.rights(i),
  ]);

/** Three levels below frame 16 that map inputs 0 to 3 to frames 0x80 to 0x83, the last one read-only. */
function secondLevel(image: ArrayImage): void {
  image.write64(0x10000, 0x11003n);
  image.write64(0x11000, 0x12003n);
  for (let i = 0n; i < 4n; i++)
    image.write64(0x12000 + 8 * Number(i), ((0x80n + i) << 12n) | (i < 3n ? 3n : 1n));
}

describe('a VT-d unit in legacy mode', () => {
  test('has a device for each present context entry, and walks tables that devices share once', () => {
    const image = new ArrayImage(32);
    secondLevel(image);
    writeRootEntry(image, 0x1000, 2);
    writeRootEntry(image, 0x1000 + 3 * 16, 3);
    writeContextEntry(image, 0x2000 + 0x20 * 16, ContextType.MULTI_LEVEL, 0x10, 3, 7);
    writeContextEntry(image, 0x2000 + 0x21 * 16, ContextType.PASS_THROUGH, 0, 4, 1);
    writeContextEntry(image, 0x3000, ContextType.MULTI_LEVEL, 0x10, 3, 7);
    const { units, devices, spaces } = surveyMachine(image, [ROOT]);
    expect(
      devices.map((each) => [each.sbdf, each.domainId, each.translation, each.space, each.type]),
    ).toEqual([
      ['0000:00:04.0', 7, 'translated', 0, 'multi-level (TT = 00b)'],
      ['0000:00:04.1', 1, 'passthrough', null, 'pass-through (TT = 10b)'],
      ['0000:03:00.0', 7, 'translated', 0, 'multi-level (TT = 00b)'],
    ]);
    expect(spaces).toHaveLength(1);
    expect(rangesOf(spaces[0]!)).toEqual([
      [0, 3, 0x80, R | W],
      [3, 1, 0x83, R],
    ]);
    expect([...spaces[0]!.tables]).toEqual([0x10, 0x11, 0x12]);
    expect(spaces[0]).toMatchObject({ pages: 4, levels: 3, complete: true, root: 0x10000 });
    expect([...units[0]!.tables]).toEqual([1, 2, 3]);
    expect(units[0]).toMatchObject({ mode: 'legacy', problems: [], notes: [] });
  });

  test('blocks a device whose context entry the hardware refuses, and says why', () => {
    const image = new ArrayImage(32);
    writeRootEntry(image, 0x1000, 2);
    writeContextEntry(image, 0x2000, 3, 0x10, 3, 7);
    writeContextEntry(image, 0x2010, ContextType.MULTI_LEVEL, 0x10, 3, 7);
    image.write32(0x2010, image.read32(0x2010) | 0x10);
    image.write64(0x2020, 1n);
    const { devices } = surveyMachine(image, [ROOT]);
    expect(devices.map((each) => [each.translation, each.note])).toEqual([
      ['blocked', 'its translation type is reserved'],
      ['blocked', 'reserved bits are set'],
      ['blocked', 'its address width is reserved'],
    ]);
    expect(devices[1]!.problems[0]).toMatchObject({
      kind: 'reserved-bits',
      at: 0x2010,
      level: 'context entry',
    });
  });

  test('blocks what the unit cannot do, where that is known', () => {
    const image = new ArrayImage(32);
    writeRootEntry(image, 0x1000, 2);
    writeContextEntry(image, 0x2000, ContextType.MULTI_LEVEL, 0x10, 5, 7);
    writeContextEntry(image, 0x2010, ContextType.PASS_THROUGH, 0, 4, 7);
    writeContextEntry(image, 0x2020, ContextType.DEVICE_IOTLB, 0x10, 4, 7);
    const translations = (root: FoundRoot) =>
      surveyMachine(image, [root]).devices.map(({ translation }) => translation);
    expect(translations(ROOT)).toEqual(['translated', 'passthrough', 'translated']);
    const capabilities = { levels: [3, 4], passThrough: false, deviceTlbs: false };
    expect(translations({ ...ROOT, capabilities })).toEqual(['blocked', 'blocked', 'blocked']);
  });

  test('names root entries that lead nowhere or have reserved bits set', () => {
    const image = new ArrayImage(32);
    writeRootEntry(image, 0x1000, 0x1000_0000);
    writeRootEntry(image, 0x1010, 3);
    image.write32(0x1018, 1);
    const { units, devices } = surveyMachine(image, [ROOT]);
    expect(devices).toEqual([]);
    expect(units[0]!.problems.map(({ kind, at }) => [kind, at])).toEqual([
      ['outside-memory', 0x1000],
      ['reserved-bits', 0x1010],
    ]);
  });

  test('names a root table that is not in memory', () => {
    const { units } = surveyMachine(new ArrayImage(8), [{ ...ROOT, table: 0x1_0000_0000 }]);
    expect(units[0]!.problems).toMatchObject([{ kind: 'outside-memory', level: 'root table' }]);
  });

  test('names reserved bits, loops and tables outside of memory in second-level tables', () => {
    const image = new ArrayImage(32);
    writeRootEntry(image, 0x1000, 2);
    writeContextEntry(image, 0x2000, ContextType.MULTI_LEVEL, 0x10, 3, 7);
    image.write64(0x10000, 0x10003n);
    image.write64(0x10008, 0x7777_0000_0003n);
    image.write64(0x10010, 0x83n);
    image.write64(0x10018, 0x2083n);
    const { spaces } = surveyMachine(image, [ROOT]);
    expect(spaces[0]!.problems.map(({ kind, at, level }) => `${kind} ${at.toString(16)} ${level}`)).toEqual([
      'loop 10000 L3',
      'loop 10000 L2',
      'outside-memory 10008 L2',
      'reserved-bits 10018 L2',
      'outside-memory 10008 L3',
      'reserved-bits 10018 L3',
    ]);
    expect(spaces[0]!.complete).toBe(true);
  });

  test('lists as much as the bounds allow, and says what it left out', () => {
    const image = new ArrayImage(32);
    secondLevel(image);
    writeRootEntry(image, 0x1000, 2);
    for (let i = 0; i < 5; i++) writeContextEntry(image, 0x2000 + i * 16, 0, 0x10, 3, 7);
    const few = { tables: 2, ranges: 1, devices: 3, problems: 1 };
    const { devices, spaces, units } = surveyMachine(image, [ROOT], few);
    expect(devices).toHaveLength(3);
    expect(units[0]!.notes).toEqual(['more than 3 entries of devices: the others are not listed']);
    expect(spaces[0]).toMatchObject({
      complete: false,
      incompleteBecause: 'there are more than 2 tables, and the others were not read',
    });
    const oneRange = surveyMachine(image, [ROOT], { ...few, tables: 10 }).spaces[0]!;
    expect(rangesOf(oneRange)).toEqual([[0, 3, 0x80, R | W]]);
    expect(oneRange.incompleteBecause).toBe('there are more than 1 ranges, and the others were not listed');
  });
});

describe('a VT-d unit in scalable mode', () => {
  const scalable: FoundRoot = { ...ROOT, mode: 'scalable' };

  /** Function 00:04.0 with a directory at 0x4000, PASID table at 0x5000; returns what writes a PASID's entry. */
  function machine(context: Record<string, number> = {}): {
    image: ArrayImage;
    pasid: (n: number, f: Record<string, number>) => void;
  } {
    const image = new ArrayImage(32);
    secondLevel(image);
    image.words.set(encode(VTD_SCALABLE_ROOT_ENTRY, { lowerPresent: 1, lowerTable: 3 }), 0x1000 / 4);
    const entry = { present: 1, directory: 4, ...context };
    image.words.set(encode(VTD_SCALABLE_CONTEXT_ENTRY, entry), (0x3000 + 0x20 * 32) / 4);
    image.words.set(encode(VTD_PASID_DIRECTORY_ENTRY, { present: 1, table: 5 }), 0x4000 / 4);
    return {
      image,
      pasid: (n, fields) =>
        void image.words.set(encode(VTD_PASID_ENTRY, { present: 1, ...fields }), (0x5000 + n * 64) / 4),
    };
  }

  test('goes by the PASID of requests without one', () => {
    const { image, pasid } = machine({ requestPasid: 2 });
    pasid(2, { type: 2, width: 1, secondRoot: 0x10, did: 9 });
    const { devices, spaces, units } = surveyMachine(image, [scalable]);
    expect(devices).toMatchObject([
      {
        sbdf: '0000:00:04.0',
        pasid: null,
        domainId: 9,
        translation: 'translated',
        type: 'second-stage (PGTT = 010b)',
      },
    ]);
    expect(rangesOf(spaces[0]!)).toHaveLength(2);
    expect([...units[0]!.tables]).toEqual([1, 3, 4, 5]);
  });

  test('lists other PASIDs where they are enabled, of every type', () => {
    const { image, pasid } = machine({ pasidEnable: 1 });
    pasid(0, { type: 4 });
    pasid(1, { type: 3, width: 1, secondRoot: 0x10 });
    pasid(2, { type: 1, firstRoot: 0x10 });
    pasid(3, { type: 5 });
    pasid(4, { type: 2, width: 0 });
    const { devices } = surveyMachine(image, [scalable]);
    expect(devices.map((each) => [each.pasid, each.translation, each.type])).toEqual([
      [null, 'passthrough', 'pass-through (PGTT = 100b)'],
      [1, 'translated', 'nested (PGTT = 011b)'],
      [2, 'translated', 'first-stage (PGTT = 001b)'],
      [3, 'blocked', ''],
      [4, 'blocked', ''],
    ]);
  });

  test('a function without a PASID entry is blocked', () => {
    expect(surveyMachine(machine().image, [scalable]).devices).toMatchObject([
      { translation: 'blocked', note: 'its PASID-table entry is not present' },
    ]);
  });

  test('reads the context table of the upper devices, too', () => {
    const { image } = machine();
    image.words.set(encode(VTD_SCALABLE_ROOT_ENTRY, { upperPresent: 1, upperTable: 3 }), 0x1000 / 4);
    expect(surveyMachine(image, [scalable]).devices[0]!.sbdf).toBe('0000:00:14.0');
  });
});

test('a unit that aborts every request has no devices', () => {
  const { units, devices } = surveyMachine(new ArrayImage(8), [{ ...ROOT, mode: 'abort' }]);
  expect(devices).toEqual([]);
  expect(units[0]!.notes[0]).toMatch(/refuses every request/);
});

describe('scalable mode, bit by bit from the manual (Intel VT-d spec 5.10 §9.2, §9.4, §9.5, §9.6)', () => {
  test('has a second stage, a nested one, a first stage and pass-through, each in the domain of its entry', () => {
    const image = new ArrayImage(64);
    secondLevel(image);
    // First stage: P, R/W and U/S; input 0 to frame 0x90, input 1 read-only to frame 0x91.
    for (const table of [20, 21, 22]) image.write64(table * 4096, BigInt((table + 1) * 4096 + 7));
    image.write64(23 * 4096, 0x90007n);
    image.write64(23 * 4096 + 8, 0x91005n);
    // The upper half of bus 1: devices 16 to 31.
    image.write64(0x1000 + 16 + 8, 0x2001n);
    const types = [
      { low: (2n << 6n) | (1n << 2n) | 0x10000n, root: 0n },
      { low: (3n << 6n) | (1n << 2n) | 0x10000n, root: 0x14000n },
      { low: 1n << 6n, root: 0x14000n },
      { low: 4n << 6n, root: 0n },
      { low: 5n << 6n, root: 0n },
    ];
    for (const [i, { low, root }] of types.entries()) {
      const [context, directory, table] = [0x2000 + i * 32, (24 + 2 * i) * 4096, (25 + 2 * i) * 4096];
      // RID_PASID is 64 + 3: the second entry of the directory, the fourth of its table.
      image.write64(context, BigInt(directory) | 1n);
      image.write64(context + 8, 67n);
      image.write64(directory + 8, BigInt(table) | 1n);
      image.write64(table + 3 * 64, low | 1n);
      image.write64(table + 3 * 64 + 8, BigInt(0x101 + i));
      image.write64(table + 3 * 64 + 16, root);
    }
    const { devices, spaces } = surveyMachine(image, [{ ...ROOT, mode: 'scalable' }]);
    expect(
      devices.map((each) => [
        each.sbdf,
        each.pasid,
        each.domainId,
        each.translation,
        each.space,
        each.rights,
      ]),
    ).toEqual([
      ['0000:01:10.0', null, 0x101, 'translated', 0, R | W],
      ['0000:01:10.1', null, 0x102, 'translated', 0, R | W],
      ['0000:01:10.2', null, 0x103, 'translated', 1, R | W],
      ['0000:01:10.3', null, 0x104, 'passthrough', null, R | W],
      ['0000:01:10.4', null, 0x105, 'blocked', null, 0],
    ]);
    expect(rangesOf(spaces[0]!)).toEqual([
      [0, 3, 0x80, R | W],
      [3, 1, 0x83, R],
    ]);
    expect(
      rangesOf(spaces[1]!).map(([input, count, frame, rights]) => [input, count, frame, rights! & (R | W)]),
    ).toEqual([
      [0, 1, 0x90, R | W],
      [1, 1, 0x91, R],
    ]);
  });
});
