import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W, X } from './address.js';
import { AMDVI_TABLES } from './amdvi.js';
import { ARM_STAGE2, STAGE2_LEAF, stage2Type, withStage2Type } from './arm-stage2.js';
import { EPT, eptTables } from './ept.js';
import { getField } from './layout.js';
import { ENTRY_SPAN, EntryWords, type RadixFormat } from './radix.js';
import * as vtd from './vtd.js';
import { U, X86_64, x86PageTables } from './x86-pte.js';

const frame40 = fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 40);
const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
describe.each(
  [vtd.VTD_SECOND_LEVEL, AMDVI_TABLES, EPT, ARM_STAGE2, X86_64].map((format) => ({
    name: format.name,
    format,
  })),
)('$name entries', ({ format }: { format: RadixFormat }) => {
  const dma = format === vtd.VTD_SECOND_LEVEL || format === AMDVI_TABLES;
  const all = dma ? R | W : format === X86_64 ? R | W | X | U : R | W | X;
  const width = format === ARM_STAGE2 ? 2 ** 36 : 2 ** 40;

  test('a leaf made is a present leaf with its frame and rights', () => {
    fc.assert(
      fc.property(
        frame40,
        fc.integer({ min: 0, max: 15 }),
        fc.integer({ min: 1, max: 3 }),
        (n, wanted, level) => {
          const frame = Math.floor((n % width) / ENTRY_SPAN[level]!) * ENTRY_SPAN[level]!;
          const rights = (wanted & all) | R;
          const entry = new EntryWords();
          format.leafEntry(frame, rights, level, entry);
          expect(format.present(entry.lo, entry.hi, level)).toBe(true);
          expect(format.reserved(entry.lo, entry.hi, level)).toBe(false);
          expect(format.leaf(entry.lo, entry.hi, level)).toBe(true);
          expect(format.frame(entry.lo, entry.hi)).toBe(frame);
          expect(format.rights(entry.lo, entry.hi, level)).toBe(rights);
        },
      ),
    );
  });

  test('a table entry made points to its table and restricts nothing', () => {
    fc.assert(
      fc.property(frame40, fc.integer({ min: 2, max: 4 }), (n, level) => {
        const entry = new EntryWords();
        format.tableEntry(n % width, level, entry);
        expect(format.present(entry.lo, entry.hi, level)).toBe(true);
        expect(format.reserved(entry.lo, entry.hi, level)).toBe(false);
        expect(format.leaf(entry.lo, entry.hi, level)).toBe(false);
        expect(format.frame(entry.lo, entry.hi)).toBe(n % width);
        expect(format.rights(entry.lo, entry.hi, level)).toBe(all);
      }),
    );
  });

  test('the frame is the address field of the layout, whatever the other bits', () => {
    fc.assert(
      fc.property(word, word, (lo, hi) => {
        expect(format.frame(lo, hi)).toBe(getField(format.layout, 'address', [lo, hi]));
      }),
    );
  });

  test('bits outside of the leaf mask change nothing of a 4 KiB leaf', () => {
    const { lo: loMask, hi: hiMask } = format.leafMask!;
    const said = (lo: number, hi: number) => [
      format.present(lo, hi, 1),
      format.reserved(lo, hi, 1),
      format.rights(lo, hi, 1),
      format.frame(lo, hi),
    ];
    fc.assert(
      fc.property(word, word, word, word, (lo, hi, otherLo, otherHi) => {
        const changed = said((lo & loMask) | (otherLo & ~loMask), (hi & hiMask) | (otherHi & ~hiMask));
        expect(changed).toEqual(said(lo, hi));
      }),
    );
  });

  test('names its levels', () => {
    const expected = format === ARM_STAGE2 ? ['level 3', 'level 0'] : ['L1', 'L4'];
    expect([format.levelName(1), format.levelName(4)]).toEqual(expected);
    expect(format.layoutAt(1, true)).toBe(format.layout);
    expect(format.layoutAt(3, false).name).toMatch(/table/);
  });
});

test('address widths outside 32 to 52 bits are refused', () => {
  for (const width of [31, 53]) {
    expect(() => eptTables(width)).toThrow(RangeError);
    expect(() => x86PageTables(width)).toThrow(RangeError);
    const unit = { hostAddressWidth: width, superpageLevel: 3, snoopControl: true };
    expect(() => vtd.vtdSecondLevel(unit)).toThrow(RangeError);
  }
});

test('address bits beyond the width are reserved, those below are not', () => {
  for (const format of [
    eptTables(46),
    x86PageTables(46),
    vtd.vtdSecondLevel({ hostAddressWidth: 46, superpageLevel: 3, snoopControl: true }),
  ]) {
    const entry = new EntryWords();
    format.leafEntry(2 ** 34, R, 1, entry);
    expect(format.reserved(entry.lo, entry.hi, 1)).toBe(true);
    format.leafEntry(2 ** 34 - 1, R, 1, entry);
    expect(format.reserved(entry.lo, entry.hi, 1)).toBe(false);
  }
});

test('Xen’s p2m type keeps to the software bits of a stage-2 leaf', () => {
  fc.assert(
    fc.property(word, fc.integer({ min: 0, max: 15 }), (hi, type) => {
      const changed = withStage2Type(hi, type);
      expect(stage2Type(changed)).toBe(type);
      expect(getField(STAGE2_LEAF, 'p2mType', [0, changed])).toBe(type);
      expect(withStage2Type(changed, stage2Type(hi))).toBe(hi);
    }),
  );
});
