import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from './address.js';
import * as amdvi from './amdvi.js';
import { AMDVI_SHAPES, AMDVI_TABLES } from './amdvi.js';
import { decode, encode, describe as inWords } from './layout.js';
import { ENTRY_SPAN, EntryWords, inputLimit, Walker, WalkStatus } from './radix.js';
import { SparseMemory, TreeBuilder } from './tables.fixture.js';
import { type MappedRange, walkAll } from './walk-all.js';

const frame40 = fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 40);
const wordsAt = (memory: SparseMemory, pa: number, count: number) =>
  Array.from({ length: count }, (_, i) => memory.read32(pa + i * 4));

describe('device table entries', () => {
  test('written to memory read back through their layout and through the word functions', () => {
    const entries = fc.record({
      valid: fc.boolean(),
      translationValid: fc.boolean(),
      mode: fc.integer({ min: 0, max: 6 }),
      root: frame40,
      did: fc.nat(0xffff),
    });
    fc.assert(
      fc.property(entries, (entry) => {
        const memory = new SparseMemory();
        memory.write32(0x2050, 0x1234);
        amdvi.writeDeviceEntry(memory, 0x2040, entry);
        const w = wordsAt(memory, 0x2040, 8);
        expect(decode(amdvi.AMDVI_DEVICE_ENTRY, w)).toMatchObject({
          ...entry,
          valid: Number(entry.valid),
          translationValid: Number(entry.translationValid),
          read: 1,
          write: 1,
          reserved2: 0,
          reserved63: 0,
          reserved106: 0,
        });
        const [w0, w1, w2, w3] = w as [number, number, number, number];
        expect({
          valid: amdvi.deviceValid(w0),
          translationValid: amdvi.deviceTranslationValid(w0),
          mode: amdvi.deviceMode(w0),
          root: amdvi.deviceRoot(w0, w1),
          did: amdvi.deviceDid(w2),
        }).toEqual(entry);
        expect(amdvi.deviceRights(w1)).toBe(R | W);
        expect(amdvi.deviceReserved(w0, w1, w3)).toBe(false);
        expect(amdvi.deviceGuestTranslation(w1)).toBe(false);
        // The interrupt half stays.
        expect(w[4]).toBe(0x1234);

        amdvi.abortDevice(memory, 0x2040);
        const aborted = decode(amdvi.AMDVI_DEVICE_ENTRY, wordsAt(memory, 0x2040, 8));
        const { mode, root, did } = entry;
        expect(aborted).toMatchObject({ valid: 1, translationValid: 0, mode, root, did });
      }),
    );
  });

  test('the reserved-bit check sees exactly the reserved fields among bits 1 to 127', () => {
    for (const field of amdvi.AMDVI_DEVICE_ENTRY.fields) {
      const expected = field.kind === 'reserved' && field.hi < 128;
      for (let bit = field.lo; bit <= field.hi; bit++) {
        const w = encode(amdvi.AMDVI_DEVICE_ENTRY, { valid: 1 });
        w[bit >>> 5]! |= 1 << (bit & 31);
        expect([field.name, bit, amdvi.deviceReserved(w[0]!, w[1]!, w[3]!)]).toEqual([
          field.name,
          bit,
          expected,
        ]);
      }
    }
  });

  test('known entries', () => {
    const text = (...words: number[]) =>
      inWords(amdvi.AMDVI_DEVICE_ENTRY, [...words, ...new Array(8 - words.length).fill(0)]);
    // Four levels from frame 0x8424cb, domain 1.
    expect(text(0x424c_b803, 0x6000_0008, 1)).toBe(
      'valid, translation valid, mode 4, root 0x8424cb, read, write, did 1, io control aborted, interrupt control aborted',
    );
    // What every entry is before its device is known: all aborted.
    expect(text(1)).toBe('valid, io control aborted, interrupt control aborted');
  });
});

/** Entries by their two words, at a level. Those with a frame are leaves. */
const KNOWN: readonly {
  what: string;
  lo: number;
  hi: number;
  level: number;
  is: 'leaf' | 'table' | 'reserved' | 'absent';
  frame?: number;
  rights?: number;
  span?: number;
  next?: number;
}[] = [
  { what: 'zero', lo: 0, hi: 0, level: 1, is: 'absent' },
  { what: 'IR and IW without PR', lo: 0, hi: 0x6000_0000, level: 1, is: 'absent' },
  {
    what: '4 KiB, as Xen writes it',
    lo: 0x424c_b001,
    hi: 0x7000_0008,
    level: 1,
    is: 'leaf',
    frame: 0x84_24cb,
    rights: R | W,
    span: 1,
  },
  {
    what: '4 KiB, read-only',
    lo: 0x1001,
    hi: 0x3000_0000,
    level: 1,
    is: 'leaf',
    frame: 1,
    rights: R,
    span: 1,
  },
  { what: '4 KiB, no rights', lo: 0x1001, hi: 0, level: 1, is: 'leaf', frame: 1, rights: 0, span: 1 },
  {
    what: '2 MiB',
    lo: 0x0020_0001,
    hi: 0x7000_0000,
    level: 2,
    is: 'leaf',
    frame: 0x200,
    rights: R | W,
    span: 512,
  },
  {
    what: 'a table of level 1',
    lo: 0x0005_0201,
    hi: 0x6000_0000,
    level: 2,
    is: 'table',
    frame: 0x50,
    rights: R | W,
    next: 1,
  },
  {
    what: 'a table of level 1, two levels skipped',
    lo: 0x0005_0201,
    hi: 0x6000_0000,
    level: 4,
    is: 'table',
    frame: 0x50,
    rights: R | W,
    next: 1,
  },
  { what: 'a table of its own level', lo: 0x0005_0401, hi: 0x6000_0000, level: 2, is: 'reserved' },
  { what: 'a table of a higher level', lo: 0x0005_0601, hi: 0x6000_0000, level: 2, is: 'reserved' },
  { what: 'a table below the leaves', lo: 0x0005_0201, hi: 0x6000_0000, level: 1, is: 'reserved' },
  {
    what: '8 KiB',
    lo: 0x0005_0e01,
    hi: 0x7000_0000,
    level: 1,
    is: 'leaf',
    frame: 0x50,
    rights: R | W,
    span: 2,
  },
  {
    what: '64 KiB',
    lo: 0x0005_7e01,
    hi: 0x7000_0000,
    level: 1,
    is: 'leaf',
    frame: 0x57,
    rights: R | W,
    span: 16,
  },
  {
    what: '1 MiB',
    lo: 0x0017_fe01,
    hi: 0x7000_0000,
    level: 1,
    is: 'leaf',
    frame: 0x17f,
    rights: R | W,
    span: 256,
  },
  { what: 'sized 2 MiB at level 1', lo: 0x002f_fe01, hi: 0x7000_0000, level: 1, is: 'reserved' },
  { what: 'sized 2 MiB at level 2', lo: 0x002f_fe01, hi: 0x7000_0000, level: 2, is: 'reserved' },
  {
    what: '4 MiB',
    lo: 0x005f_fe01,
    hi: 0x7000_0000,
    level: 2,
    is: 'leaf',
    frame: 0x5ff,
    rights: R | W,
    span: 1024,
  },
  { what: '8 KiB at level 2', lo: 0x0005_0e01, hi: 0x7000_0000, level: 2, is: 'reserved' },
  {
    what: '8 GiB at level 3',
    lo: 0xffff_fe01 | 0,
    hi: 0x7000_0000,
    level: 3,
    is: 'leaf',
    frame: 0xf_ffff,
    rights: R | W,
    span: 2 ** 21,
  },
  {
    what: '32 GiB at level 3',
    lo: 0xffff_fe01 | 0,
    hi: 0x7000_0003,
    level: 3,
    is: 'leaf',
    frame: 0x3f_ffff,
    rights: R | W,
    span: 2 ** 23,
  },
  { what: 'reserved bit 52 of a leaf', lo: 0x1001, hi: 0x6010_0000, level: 1, is: 'reserved' },
  { what: 'reserved bit 60 of a table', lo: 0x1201, hi: 0x7000_0000, level: 2, is: 'reserved' },
];

test.each(KNOWN)('$what is what the manual says', ({ lo, hi, level, is, frame, rights, span, next }) => {
  const format = AMDVI_TABLES;
  const kind = !format.present(lo, hi, level)
    ? 'absent'
    : format.reserved(lo, hi, level)
      ? 'reserved'
      : format.leaf(lo, hi, level)
        ? 'leaf'
        : 'table';
  expect(kind).toBe(is);
  if (frame === undefined) return;
  expect([format.frame(lo, hi), format.rights(lo, hi, level)]).toEqual([frame, rights]);
  if (is === 'leaf') expect(format.pageSpan!(lo, hi, level)).toBe(span);
  else expect(format.nextLevel!(lo, level)).toBe(next);
});

/** Makes the entry at `address` map a page of 2^`order` frames at `frame` by encoding its size. */
function mapSized(tree: TreeBuilder, address: number, frame: number, order: number): void {
  const sized = frame + 2 ** (order - 1) - 1;
  const entry = new EntryWords();
  AMDVI_TABLES.leafEntry(sized, R | W, 1, entry);
  tree.write(address, entry.lo | (amdvi.NextLevel.SIZED_PAGE << 9), entry.hi);
}

describe('a walk of I/O page tables', () => {
  test.each([1, 2, 3, 4, 5, 6])('of %i levels covers as many bits as these index, 64 at most', (mode) => {
    const shape = AMDVI_SHAPES[mode]!;
    const tree = new TreeBuilder(AMDVI_TABLES, shape);
    const walker = new Walker(AMDVI_TABLES, tree.memory);
    const limit = inputLimit(shape);
    expect(limit).toBe(2 ** Math.min(9 * mode, 52));
    for (const input of [0, 1, Math.floor(limit / 3), limit - 1]) {
      tree.map(input, 0x84_24cb, R);
      expect(walker.walk(tree.root, shape, input)).toBe(WalkStatus.OK);
      expect([walker.frame, walker.rights, walker.level]).toEqual([0x84_24cb, R, 1]);
    }
    expect(walker.walk(tree.root, shape, limit)).toBe(WalkStatus.BEYOND);
  });

  test('skips levels where an entry says so, and finds nothing where the input has bits of theirs', () => {
    const shape = AMDVI_SHAPES[4]!;
    const tree = new TreeBuilder(AMDVI_TABLES, shape);
    const table = tree.newTable();
    const entry = new EntryWords();
    AMDVI_TABLES.tableEntry(table, 2, entry);
    // The level-4 entry 3 leads to a level-1 table.
    tree.write(tree.entryAt(3 * ENTRY_SPAN[4]!, 4), entry.lo, entry.hi);
    tree.mapAt(table * 4096 + 7 * 8, 0x77, R | W, 1);
    const walker = new Walker(AMDVI_TABLES, tree.memory);
    const base = 3 * ENTRY_SPAN[4]!;
    expect(walker.walk(tree.root, shape, base + 7)).toBe(WalkStatus.OK);
    expect([walker.frame, walker.level]).toEqual([0x77, 1]);
    for (const beyond of [512 + 7, ENTRY_SPAN[3]! + 7]) {
      expect(walker.walk(tree.root, shape, base + beyond)).toBe(WalkStatus.NOT_PRESENT);
      expect(walker.level).toBe(4);
    }
    const ranges: MappedRange[] = [];
    const summary = walkAll(AMDVI_TABLES, tree.memory, tree.root, shape, (range) => ranges.push(range));
    expect(ranges).toEqual([{ input: base + 7, frame: 0x77, count: 1, rights: R | W, pageLevel: 1 }]);
    expect(summary).toMatchObject({ tables: 2, pages: 1, complete: true });
  });

  test('resolves frames inside pages whose address encodes their size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 26 }), frame40, fc.nat(), (order, any, at) => {
        const level = Math.floor(order / 9) + 1;
        fc.pre(order % 9 !== 0);
        const span = 2 ** order;
        const frame = any - (any % span);
        const shape = AMDVI_SHAPES[4]!;
        const input = (at % 64) * span;
        const tree = new TreeBuilder(AMDVI_TABLES, shape);
        for (let i = 0; i < span; i += ENTRY_SPAN[level]!) {
          mapSized(tree, tree.entryAt(input + i, level), frame, order);
        }
        const walker = new Walker(AMDVI_TABLES, tree.memory);
        for (const offset of [0, 1, span >> 1, span - 1]) {
          expect(walker.walk(tree.root, shape, input + offset)).toBe(WalkStatus.OK);
          expect(walker.frame).toBe(frame + offset);
        }
        expect(walker.walk(tree.root, shape, input + span)).not.toBe(WalkStatus.OK);
        const ranges: MappedRange[] = [];
        walkAll(AMDVI_TABLES, tree.memory, tree.root, shape, (range) => ranges.push(range));
        expect(ranges).toEqual([{ input, frame, count: span, rights: R | W, pageLevel: level }]);
      }),
      { numRuns: 60 },
    );
  });

  test('gives the rights that every entry on the path lets through', () => {
    const shape = AMDVI_SHAPES[3]!;
    const tree = new TreeBuilder(AMDVI_TABLES, shape);
    tree.map(7, 0x77, R | W);
    const address = tree.entryAt(7, 2);
    tree.write(address, tree.memory.read32(address), tree.memory.read32(address + 4) & ~(1 << 30));
    const walker = new Walker(AMDVI_TABLES, tree.memory);
    expect(walker.walk(tree.root, shape, 7)).toBe(WalkStatus.OK);
    expect(walker.rights).toBe(R);
  });
});
