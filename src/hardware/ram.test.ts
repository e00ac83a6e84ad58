import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Store } from '../store/store.js';
import { Ram } from './ram.js';

/** Low memory, a far range as the founding bug's machine has, and one near the top of 16 TiB. */
const RANGES = [
  { base: 0x84_24c0, count: 0x40 },
  { base: 0, count: 0x100 },
  { base: 0x8000_0000, count: 8 },
];

function sparse() {
  const store = new Store();
  return { store, ram: new Ram(store, RANGES) };
}

const frame = fc.constantFrom(0, 1, 0xff, 0x84_24c0, 0x84_24cb, 0x84_24ff, 0x8000_0000, 0x8000_0007);
const address = fc.tuple(frame, fc.nat(1023)).map(([frame, word]) => frame * 4096 + word * 4);
const value = fc.oneof(fc.constantFrom(0, 1, -1), fc.integer());

describe('RAM', () => {
  test('reads back what was written, at sparse addresses, and zero elsewhere', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(address, value)), fc.array(address), (writes, probes) => {
        const { ram } = sparse();
        const model = new Map<number, number>();
        for (const [pa, word] of writes) {
          ram.write32(pa, word);
          model.set(pa, word);
        }
        for (const pa of [...model.keys(), ...probes]) expect(ram.read32(pa)).toBe(model.get(pa) ?? 0);
      }),
    );
  });

  test('has one index for each frame of its ranges, in the order of addresses, and none for others', () => {
    const { ram } = sparse();
    expect(ram.frames).toBe(0x148);
    const frames = Array.from({ length: ram.frames }, (_, index) => ram.frameAt(index));
    expect(frames).toEqual([...frames].sort((a, b) => a - b));
    expect(frames.map((frame) => ram.indexOf(frame))).toEqual(frames.map((_, index) => index));
    expect([ram.frameAt(0x100), ram.indexOf(0x84_24cb)]).toEqual([0x84_24c0, 0x10b]);
    for (const frame of [-1, 0x100, 0x84_24bf, 0x84_2500, 0x7fff_ffff, 0x8000_0008]) {
      expect(ram.indexOf(frame)).toBe(-1);
    }
    expect(() => ram.frameAt(0x148)).toThrow(RangeError);
    expect(() => ram.frameAt(-1)).toThrow(RangeError);
  });

  test('refuses ranges that overlap, in any order, and takes ranges that touch', () => {
    const ram = (...ranges: [base: number, count: number][]) =>
      new Ram(
        new Store(),
        ranges.map(([base, count]) => ({ base, count })),
      );
    expect(() => ram([0, 16], [15, 1])).toThrow('RAM ranges overlap at frame 0xf');
    expect(() => ram([0x20, 4], [0, 0x21])).toThrow('RAM ranges overlap at frame 0x20');
    expect(() => ram([8, 4], [8, 4])).toThrow(RangeError);
    expect(ram([16, 16], [0, 16]).frames).toBe(32);
  });

  test('refuses ranges that are none', () => {
    for (const [base, count] of [
      [-1, 4],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
      [2 ** 40 - 1, 2],
    ] as const) {
      expect(() => new Ram(new Store(), [{ base, count }])).toThrow(RangeError);
    }
  });

  test('backs only frames that hold something: reads, scrubs and zeros touch nothing', () => {
    const { store, ram } = sparse();
    ram.read32(0x84_24cb * 4096);
    ram.clear(0x84_24cb);
    ram.write32(0x84_24cb * 4096, 0);
    expect(store.pageCount).toBe(0);
    ram.write32(0x84_24cb * 4096 + 8, 1);
    ram.write32(0x84_24cb * 4096 + 4092, 2);
    expect(store.pageCount).toBe(1);
    ram.write32(0, 1);
    expect(store.pageCount).toBe(2);
  });

  test('that backs nothing costs no words however much of it there is', () => {
    const store = new Store();
    const ram = new Ram(store, [{ base: 0, count: 2 ** 20 }]);
    ram.write32((2 ** 20 - 1) * 4096, 1);
    expect(store.pageCount).toBe(1);
  });

  test('refuses a write outside, naming the address, and reads zero there', () => {
    const { store, ram } = sparse();
    expect(() => ram.write32(0x100 * 4096, 1)).toThrow(
      new RangeError('write to physical address 0x100000, which is no RAM'),
    );
    expect(() => ram.write32(-4, 1)).toThrow(RangeError);
    expect(() => ram.write32(0x100 * 4096, 0)).toThrow(RangeError);
    expect(() => ram.clear(0x100)).toThrow(RangeError);
    expect([ram.read32(0x100 * 4096), ram.read32(-4), store.mark()]).toEqual([0, 0, 0]);
  });

  test('clears one frame whole and no other', () => {
    const { store, ram } = sparse();
    for (const frame of [0x84_24ca, 0x84_24cb, 0x84_24cc]) {
      ram.write32(frame * 4096, frame);
      ram.write32(frame * 4096 + 4092, frame);
    }
    const before = store.hashText();
    const mark = store.mark();
    ram.clear(0x84_24cb);
    const words = [0x84_24ca, 0x84_24cb, 0x84_24cc].map((frame) => [
      ram.read32(frame * 4096),
      ram.read32(frame * 4096 + 4092),
    ]);
    expect(words).toEqual([
      [0x84_24ca, 0x84_24ca],
      [0, 0],
      [0x84_24cc, 0x84_24cc],
    ]);
    store.rollback(mark);
    expect([ram.read32(0x84_24cb * 4096), store.hashText()]).toEqual([0x84_24cb, before]);
  });

  test('finds the address behind each store word, and none behind words of others', () => {
    const { store, ram } = sparse();
    store.addPages(1, 1);
    fc.assert(
      fc.property(address, (pa) => {
        const mark = store.mark();
        ram.write32(pa, ram.read32(pa) + 1);
        let word = -1;
        store.forEachWrite(mark, store.mark(), (index) => (word = index));
        expect(ram.addressOf(word)).toBe(pa);
      }),
    );
    expect(ram.addressOf(5)).toBe(-1);
  });

  test('has equal hashes for equal contents, whichever frames were backed first or in vain', () => {
    const words = fc.uniqueArray(fc.tuple(address, fc.integer({ min: 1 })), { selector: ([pa]) => pa });
    fc.assert(
      fc.property(words, fc.array(address), (words, touched) => {
        const [one, other] = [sparse(), sparse()];
        for (const [pa, word] of words) one.ram.write32(pa, word);
        for (const pa of touched) other.ram.write32(pa, 7);
        other.store.rollback(0);
        for (const [pa, word] of [...words].reverse()) other.ram.write32(pa, word);
        expect(other.store.hashText()).toBe(one.store.hashText());
      }),
    );
  });
});
