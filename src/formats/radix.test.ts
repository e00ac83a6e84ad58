import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W, X } from './address.js';
import { AMDVI_TABLES } from './amdvi.js';
import { ARM_STAGE2, STAGE2_SHAPES, stage2Shape } from './arm-stage2.js';
import { EPT } from './ept.js';
import { ENTRY_SPAN, FOUR_LEVELS, inputLimit, type RadixFormat, Walker, WalkStatus } from './radix.js';
import { TreeBuilder } from './tables.fixture.js';
import { VTD_SECOND_LEVEL, vtdSecondLevel } from './vtd.js';
import { U, X86_64 } from './x86-pte.js';

const formats: RadixFormat[] = [VTD_SECOND_LEVEL, AMDVI_TABLES, EPT, ARM_STAGE2, X86_64];
const byName = formats.map((format) => ({ name: format.name, format }));

describe.each(byName)('a walk of $name tables', ({ format }) => {
  const dma = format === VTD_SECOND_LEVEL || format === AMDVI_TABLES;
  const rights = dma ? R | W : format === X86_64 ? R | W | X | U : R | W | X;

  test('resolves a 4 KiB page and shows the entry it ended at', () => {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    tree.map(0x8424cb, 0xab_cdef_0123, rights);
    const walker = new Walker(format, tree.memory);
    expect(walker.walk(tree.root, FOUR_LEVELS, 0x8424cb)).toBe(WalkStatus.OK);
    const { frame, level, entryAddress } = walker;
    const expected = format === ARM_STAGE2 ? 0xb_cdef_0123 : 0xab_cdef_0123;
    expect({ frame, level, entryAddress, rights: walker.rights }).toEqual({
      frame: expected,
      level: 1,
      entryAddress: tree.entryAt(0x8424cb, 1),
      rights,
    });
  });

  test.each([2, 3])('resolves frames inside a superpage of level %i', (level) => {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    const span = ENTRY_SPAN[level]!;
    tree.map(5 * span, 9 * span, rights, level);
    const walker = new Walker(format, tree.memory);
    for (const offset of [0, 1, span - 1]) {
      expect(walker.walk(tree.root, FOUR_LEVELS, 5 * span + offset)).toBe(WalkStatus.OK);
      expect([walker.frame, walker.level]).toEqual([9 * span + offset, level]);
    }
    expect(walker.walk(tree.root, FOUR_LEVELS, 4 * span)).toBe(WalkStatus.NOT_PRESENT);
  });

  test('stops at the first entry that is not present and tells its level', () => {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    tree.map(0, 1, rights);
    const walker = new Walker(format, tree.memory);
    const ends = [1, 512, 2 ** 18, 2 ** 27].map((input) => {
      walker.walk(tree.root, FOUR_LEVELS, input);
      return [walker.status, walker.level, walker.frame, walker.rights];
    });
    expect(ends).toEqual([1, 2, 3, 4].map((level) => [WalkStatus.NOT_PRESENT, level, -1, 0]));
  });

  test('refuses inputs that the root does not cover, without reading anything', () => {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    const walker = new Walker(format, tree.memory);
    const reads = tree.memory.reads;
    for (const input of [2 ** 36, 2 ** 40, -1]) {
      expect(walker.walk(tree.root, FOUR_LEVELS, input)).toBe(WalkStatus.BEYOND);
      expect(walker.entryAddress).toBe(-1);
    }
    expect(tree.memory.reads).toBe(reads);
  });

  test('agrees with a map of everything that was mapped', () => {
    const page = fc.record({
      input: fc.oneof(
        fc.nat(40),
        fc.nat(2000),
        fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 36),
      ),
      frame: fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 36),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(page, { maxLength: 40 }),
        fc.array(fc.nat(2 ** 31), { maxLength: 10 }),
        (pages, probes) => {
          const tree = new TreeBuilder(format, FOUR_LEVELS);
          const model = new Map<number, { frame: number; rights: number }>();
          for (const { input, frame, write } of pages) {
            const granted = write ? rights : rights & ~W;
            tree.map(input, frame, granted);
            model.set(input, { frame, rights: granted });
          }
          const walker = new Walker(format, tree.memory);
          for (const input of [...model.keys(), ...probes, ...pages.map((p) => p.input + 1)]) {
            const expected = model.get(input);
            const status = walker.walk(tree.root, FOUR_LEVELS, input);
            if (expected === undefined) expect(status).not.toBe(WalkStatus.OK);
            else expect({ frame: walker.frame, rights: walker.rights }).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('rights of VT-d tables are the AND over the path', () => {
  for (const [upper, leaf, expected] of [
    [R, R | W, R],
    [R | W, W, W],
    [W, R, 0],
  ] as const) {
    const tree = new TreeBuilder(VTD_SECOND_LEVEL, FOUR_LEVELS);
    tree.map(7, 0x77, leaf);
    const address = tree.entryAt(7, 3);
    tree.write(address, (tree.memory.read32(address) & ~3) | upper, tree.memory.read32(address + 4));
    const walker = new Walker(VTD_SECOND_LEVEL, tree.memory);
    expect(walker.walk(tree.root, FOUR_LEVELS, 7)).toBe(WalkStatus.OK);
    expect([walker.rights, walker.pathRights]).toEqual([expected, expected]);
  }
});

test('x86 entries take away write, user and execute rights at any level', () => {
  const clear = [
    { bit: 2, word: 0, right: W },
    { bit: 4, word: 0, right: U },
  ];
  for (const level of [1, 2, 3, 4]) {
    for (const { bit, right } of clear) {
      const tree = new TreeBuilder(X86_64, FOUR_LEVELS);
      tree.map(7, 0x77, R | W | X | U);
      const address = tree.entryAt(7, level);
      tree.memory.write32(address, tree.memory.read32(address) & ~bit);
      const walker = new Walker(X86_64, tree.memory);
      walker.walk(tree.root, FOUR_LEVELS, 7);
      expect(walker.rights).toBe((R | W | X | U) & ~right);
    }
    const tree = new TreeBuilder(X86_64, FOUR_LEVELS);
    tree.map(7, 0x77, R | W | X | U);
    tree.memory.write32(tree.entryAt(7, level) + 4, 1 << 31);
    const walker = new Walker(X86_64, tree.memory);
    walker.walk(tree.root, FOUR_LEVELS, 7);
    expect(walker.rights).toBe(R | W | U);
  }
});

test('table descriptors of Arm stage 2 restrict nothing, whatever their upper bits', () => {
  const tree = new TreeBuilder(ARM_STAGE2, FOUR_LEVELS);
  tree.map(7, 0x77, R);
  tree.memory.write32(tree.entryAt(7, 2) + 4, -1 << 20);
  const walker = new Walker(ARM_STAGE2, tree.memory);
  expect(walker.walk(tree.root, FOUR_LEVELS, 7)).toBe(WalkStatus.OK);
  expect(walker.rights).toBe(R);
});

test('a reserved bit ends the walk, after the rights on the way down are known', () => {
  const format = vtdSecondLevel({ hostAddressWidth: 39, superpageLevel: 1, snoopControl: false });
  const walk = (change: (tree: TreeBuilder) => void) => {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    tree.map(7, 0x77, R);
    change(tree);
    const walker = new Walker(format, tree.memory);
    walker.walk(tree.root, FOUR_LEVELS, 7);
    return [walker.status, walker.level, walker.pathRights];
  };
  expect(walk(() => {})).toEqual([WalkStatus.OK, 1, R]);
  expect(walk((t) => t.memory.write32(t.entryAt(7, 1) + 4, 1 << 7))).toEqual([WalkStatus.RESERVED, 1, R]);
  expect(walk((t) => t.memory.write32(t.entryAt(7, 1), 0x77801))).toEqual([WalkStatus.RESERVED, 1, R]);
  expect(walk((t) => t.memory.write32(t.entryAt(7, 2), 0x83))).toEqual([WalkStatus.RESERVED, 2, R | W]);
  expect(walk((t) => t.memory.write32(t.entryAt(7, 4), 0x83))).toEqual([WalkStatus.RESERVED, 4, R | W]);
});

test('misaligned superpages are reserved in VT-d, EPT and x86 tables; x86 allows the PAT bit', () => {
  for (const format of [VTD_SECOND_LEVEL, EPT, X86_64]) {
    const tree = new TreeBuilder(format, FOUR_LEVELS);
    tree.map(512, 512, R | W, 2);
    const address = tree.entryAt(512, 2);
    const lo = tree.memory.read32(address);
    const walker = new Walker(format, tree.memory);
    tree.memory.write32(address, lo | (1 << 13));
    expect(walker.walk(tree.root, FOUR_LEVELS, 513)).toBe(WalkStatus.RESERVED);
    tree.memory.write32(address, lo | (1 << 12));
    expect(walker.walk(tree.root, FOUR_LEVELS, 513)).toBe(
      format === X86_64 ? WalkStatus.OK : WalkStatus.RESERVED,
    );
    if (format === X86_64) expect(walker.frame).toBe(513);
  }
});

test('EPT entries that allow writes without reads, or of a reserved memory type, are misconfigured', () => {
  const status = (low: number) => {
    const tree = new TreeBuilder(EPT, FOUR_LEVELS);
    tree.write(tree.entryAt(7, 1), 0x77000 | low, 0);
    return new Walker(EPT, tree.memory).walk(tree.root, FOUR_LEVELS, 7);
  };
  expect([0x31, 0x33, 0x34, 0x32, 0x36, 0x11, 0x39].map(status)).toEqual([0, 0, 0, 2, 2, 2, 2]);
});

test('a VT-d unit walks EPT tables: same rights, and execute-only pages are not present to it', () => {
  const tree = new TreeBuilder(EPT, FOUR_LEVELS);
  tree.map(1, 0x11, R | W | X);
  tree.map(2, 0x22, R);
  tree.map(3, 0x33, X);
  tree.map(512, 1024, R | W, 2);
  const walker = new Walker(VTD_SECOND_LEVEL, tree.memory);
  const seen = [1, 2, 3, 513].map((gfn) => {
    walker.walk(tree.root, FOUR_LEVELS, gfn);
    return [walker.status, walker.frame, walker.rights];
  });
  expect(seen).toEqual([
    [WalkStatus.OK, 0x11, R | W],
    [WalkStatus.OK, 0x22, R],
    [WalkStatus.NOT_PRESENT, -1, 0],
    [WalkStatus.OK, 1025, R | W],
  ]);
});

describe.each(STAGE2_SHAPES.map((shape) => ({ bits: shape.inputBits, shape })))(
  'a stage-2 root for $bits-bit addresses',
  ({ shape }) => {
    test('covers exactly its width, its tables in consecutive frames', () => {
      const tree = new TreeBuilder(ARM_STAGE2, shape);
      const last = 2 ** (shape.inputBits - 12) - 1;
      tree.map(0, 0x10, R | W);
      tree.map(last, 0x20, R);
      const walker = new Walker(ARM_STAGE2, tree.memory);
      expect(inputLimit(shape)).toBe(last + 1);
      expect([walker.walk(tree.root, shape, 0), walker.frame]).toEqual([WalkStatus.OK, 0x10]);
      expect([walker.walk(tree.root, shape, last), walker.frame]).toEqual([WalkStatus.OK, 0x20]);
      expect(walker.walk(tree.root, shape, last + 1)).toBe(WalkStatus.BEYOND);
      const top = tree.entryAt(last, shape.topLevel);
      expect(Math.floor(top / 4096)).toBe(tree.root + shape.concatenated - 1);
    });
  },
);

test('stage-2 roots are those Xen programs', () => {
  const rows = [32, 36, 40, 42, 44, 48].map((bits) => {
    const { rootLevel, concatenated, t0sz, sl0 } = stage2Shape(bits);
    return [bits, rootLevel, concatenated, t0sz, sl0];
  });
  expect(rows).toEqual([
    [32, 1, 1, 32, 1],
    [36, 1, 1, 28, 1],
    [40, 1, 2, 24, 1],
    [42, 1, 8, 22, 1],
    [44, 0, 1, 20, 2],
    [48, 0, 1, 16, 2],
  ]);
  expect(() => stage2Shape(52)).toThrow(/52-bit IPA is not supported; supported are 32, 36, 40, 42, 44, 48/);
});

test('Arm pages without bit 1 and blocks at level 0 are refused', () => {
  const tree = new TreeBuilder(ARM_STAGE2, FOUR_LEVELS);
  tree.map(7, 0x77, R);
  const walker = new Walker(ARM_STAGE2, tree.memory);
  tree.memory.write32(tree.entryAt(7, 1), 0x774c1);
  expect(walker.walk(tree.root, FOUR_LEVELS, 7)).toBe(WalkStatus.RESERVED);
  tree.memory.write32(tree.entryAt(7, 4), 0x4c1);
  expect([walker.walk(tree.root, FOUR_LEVELS, 7), walker.level]).toEqual([WalkStatus.RESERVED, 4]);
});

test('three-level VT-d tables are the four-level ones from the table at entry 0 on', () => {
  const tree = new TreeBuilder(VTD_SECOND_LEVEL, FOUR_LEVELS);
  tree.map(2 ** 27 - 1, 0x99, R);
  const next = VTD_SECOND_LEVEL.frame(tree.memory.read32(tree.root * 4096), 0);
  const walker = new Walker(VTD_SECOND_LEVEL, tree.memory);
  const three = { topLevel: 3, concatenated: 1 };
  expect([walker.walk(next, three, 2 ** 27 - 1), walker.frame]).toEqual([WalkStatus.OK, 0x99]);
  expect(walker.walk(next, three, 2 ** 27)).toBe(WalkStatus.BEYOND);
});
