import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decode, encode } from './layout.js';
import { SparseMemory } from './tables.fixture.js';
import * as vtd from './vtd.js';

const frame40 = fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 40);
describe('VT-d root and context entries', () => {
  test('written to memory read back through their layouts and through the word functions', () => {
    fc.assert(
      fc.property(
        frame40,
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 3, max: 5 }),
        fc.nat(0xffff),
        (root, type, levels, did) => {
          const memory = new SparseMemory();
          vtd.writeContextEntry(memory, 0x2010, type, root, levels, did);
          const w = [0, 4, 8, 12].map((offset) => memory.read32(0x2010 + offset));
          expect(decode(vtd.VTD_CONTEXT_ENTRY, w)).toMatchObject({
            present: 1,
            type,
            root,
            width: levels - 2,
            did,
          });
          expect([vtd.entryPresent(w[0]!), vtd.contextType(w[0]!), vtd.entryFrame(w[0]!, w[1]!)]).toEqual([
            true,
            type,
            root,
          ]);
          expect([vtd.levelsOfWidth(vtd.contextWidth(w[2]!)), vtd.contextDid(w[2]!)]).toEqual([levels, did]);
          expect(vtd.contextReserved(w[0]!, w[2]!, w[3]!)).toBe(false);
          vtd.writeRootEntry(memory, 0x3000, root);
          const r = [0, 4, 8, 12].map((offset) => memory.read32(0x3000 + offset));
          expect(decode(vtd.VTD_ROOT_ENTRY, r)).toMatchObject({ present: 1, contextTable: root });
          expect(vtd.rootReserved(r[0]!, r[2]!, r[3]!)).toBe(false);
          vtd.clearEntry(memory, 0x2010);
          expect([0, 4, 8, 12].map((offset) => memory.read32(0x2010 + offset))).toEqual([0, 0, 0, 0]);
        },
      ),
    );
  });

  test('the reserved-bit checks see exactly the reserved fields below the frame and above it', () => {
    const check = (layout: typeof vtd.VTD_ROOT_ENTRY, reserved: (w: Int32Array) => boolean) => {
      for (const field of layout.fields) {
        const expected = field.kind === 'reserved';
        for (let bit = field.lo; bit <= field.hi; bit++) {
          const words = encode(layout, { present: 1 });
          words[bit >>> 5]! |= 1 << (bit & 31);
          expect([field.name, bit, reserved(words)]).toEqual([field.name, bit, expected]);
        }
      }
    };
    check(vtd.VTD_ROOT_ENTRY, (w) => vtd.rootReserved(w[0]!, w[2]!, w[3]!));
    check(vtd.VTD_CONTEXT_ENTRY, (w) => vtd.contextReserved(w[0]!, w[2]!, w[3]!));
  });

  test('levels follow from widths and from what the unit supports', () => {
    expect([0, 1, 2, 3, 4].map(vtd.levelsOfWidth)).toEqual([0, 3, 4, 5, 0]);
    expect([3, 4, 5].map(vtd.bitsOfLevels)).toEqual([39, 48, 57]);
    expect([0, 0b10, 0b110, 0b1110, 0b1000].map(vtd.levelsOfSagaw)).toEqual([0, 3, 4, 4, 0]);
  });
});
