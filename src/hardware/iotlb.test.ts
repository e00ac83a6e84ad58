import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { R, W } from '../formats/address.js';
import { changeLines, changesSince } from '../store/changes.js';
import { Store } from '../store/store.js';
import { Layout } from '../store/table.js';
import { Iotlb, iotlbRow } from './iotlb.js';

const SIZE = 8;

function empty() {
  const store = new Store();
  const layout = new Layout(store);
  return { store, layout, iotlb: new Iotlb(layout, 'VT-d', SIZE) };
}

/** What the IOTLB says of one input under one domain id. */
function lookup(iotlb: Iotlb, did: number, input: number) {
  const row = iotlb.find(did, input);
  return row < 0 ? undefined : { frame: iotlb.frameFor(row, input), rights: iotlb.rights(row) };
}

// Inputs that meet in the rows, also such as differ in the high bits of 48-bit and 57-bit addresses only.
const input = fc.oneof(
  fc.nat(20),
  fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 32 + 5, 3 * 2 ** 32 + 5, 2 ** 36 - 1),
);
const did = fc.constantFrom(0, 1, 2, 0x8000, 0xffff);
const rights = fc.constantFrom(R, W, R | W);

type Action =
  | {
      readonly kind: 'fill';
      readonly did: number;
      readonly input: number;
      readonly frame: number;
      readonly rights: number;
      readonly order: number;
    }
  | { readonly kind: 'pages'; readonly did: number; readonly input: number; readonly count: number }
  | { readonly kind: 'domain'; readonly did: number };

const anyFill = fc.record({
  kind: fc.constant('fill' as const),
  did,
  input,
  frame: fc.oneof(fc.nat(9), fc.constantFrom(0x84_24cb, 0xffff_ffff, 2 ** 32 + 1, 2 ** 40 - 1)),
  rights,
  order: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(3, 9, 12, 18, 27)),
});

/** Frames that an entry for a page of 2^order spans: a power of 512. */
const spanOf = (order: number): number => 512 ** Math.floor(order / 9);
const pageOf = ({ input, order }: { input: number; order: number }): number =>
  Math.floor(input / spanOf(order));
// A page lies in its frames as it lies among the inputs.
const fill = anyFill.map((fill) => {
  const span = spanOf(fill.order);
  return span === 1 ? fill : { ...fill, frame: (fill.frame % 4096) * span + (fill.input % span) };
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fill },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pages' as const),
      did,
      input,
      count: fc.oneof(fc.nat(12), fc.constant(2 ** 18)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('domain' as const), did }) },
);

describe('an IOTLB', () => {
  test('holds what a map does of which each row keeps its last fill', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const { store, iotlb } = empty();
        const model = new Map<number, Extract<Action, { kind: 'fill' }>>();
        for (const action of actions) {
          if (action.kind === 'fill') {
            iotlb.fill(action.did, action.input, action.frame, action.rights, action.order);
            model.set(iotlbRow(pageOf(action), SIZE), action);
            continue;
          }
          if (action.kind === 'pages') iotlb.invalidatePages(action.did, action.input, action.count);
          else iotlb.invalidateDomain(action.did);
          for (const [row, entry] of model) {
            const inside =
              action.kind === 'domain' ||
              (action.count > 0 &&
                pageOf(entry) >= pageOf({ ...action, order: entry.order }) &&
                pageOf(entry) <= pageOf({ input: action.input + action.count - 1, order: entry.order }));
            if (entry.did === action.did && inside) model.delete(row);
          }
        }
        for (const { did, input } of actions.filter((action) => action.kind === 'fill')) {
          const [expected] = [...model.values()]
            .filter((entry) => entry.did === did && pageOf(entry) === pageOf({ input, order: entry.order }))
            .sort((a, b) => a.order - b.order);
          expect(lookup(iotlb, did, input)).toEqual(
            expected && { frame: expected.frame + input - expected.input, rights: expected.rights },
          );
        }
        for (let row = 0; row < iotlb.rows; row++) {
          const entry = model.get(row);
          expect(iotlb.did(row)).toBe(entry?.did ?? -1);
          if (entry === undefined) continue;
          expect(iotlb.input(row)).toBe(pageOf(entry) * spanOf(entry.order));
          expect(2 ** iotlb.order(row)).toBe(spanOf(entry.order));
        }
        // The same entries filled in the order of their rows, into an empty one: an equal state.
        const other = empty();
        for (const [, entry] of [...model].sort(([a], [b]) => a - b)) {
          other.iotlb.fill(entry.did, entry.input, entry.frame, entry.rights, entry.order);
        }
        expect(other.store.hashText()).toBe(store.hashText());
      }),
      { numRuns: 300 },
    );
  });

  test('finds nothing when empty, not even for domain 0 and input 0', () => {
    const { iotlb } = empty();
    expect([iotlb.find(0, 0), iotlb.find(-1, 0), iotlb.did(0)]).toEqual([-1, -1, -1]);
  });

  test.each([0, 1, 2, 7, 8, 9, 2 ** 18])('drops exactly the %i pages that it is told to', (count) => {
    const { iotlb } = empty();
    const inputs = [8, 9, 18, 11, 12, 13, 14, 23];
    for (const input of inputs) iotlb.fill(1, input, input, R);
    iotlb.invalidatePages(1, 9, count);
    const left = inputs.filter((input) => input < 9 || input >= 9 + count);
    expect(inputs.filter((input) => iotlb.find(1, input) >= 0)).toEqual(left);
  });

  test('keeps domains apart', () => {
    const { iotlb } = empty();
    iotlb.fill(1, 5, 0x105, R);
    expect(lookup(iotlb, 2, 5)).toBeUndefined();
    iotlb.invalidateDomain(2);
    iotlb.invalidatePages(2, 5, 1);
    expect(lookup(iotlb, 1, 5)).toEqual({ frame: 0x105, rights: R });
  });

  test('never takes one input for another that differs in high bits only', () => {
    const { iotlb } = empty();
    iotlb.fill(1, 5, 0x105, R | W);
    for (const alias of [2 ** 32 + 5, 2 ** 33 + 5, 2 ** 35 + 5, 2 ** 36 - 2 ** 32 + 5]) {
      expect(lookup(iotlb, 1, alias)).toBeUndefined();
    }
    iotlb.fill(1, 2 ** 33 + 5, 2 ** 39 + 1, R);
    expect(lookup(iotlb, 1, 2 ** 33 + 5)).toEqual({ frame: 2 ** 39 + 1, rights: R });
    expect(lookup(iotlb, 1, 5)).toBeUndefined();
  });

  test('shows fills and invalidations as changes', () => {
    const { store, layout, iotlb } = empty();
    iotlb.fill(1, 0x84_24cb, 0x84_24cb, R);
    const lines = () => changeLines(changesSince(layout, mark, () => []));
    let mark = 0;
    expect(lines()).toEqual([
      'VT-d IOTLB entry 3: did none → 1, input 0x0 → 0x8424cb, frame 0x0 → 0x8424cb, rights -- → r-',
    ]);
    mark = store.mark();
    iotlb.invalidatePages(1, 0x84_24cb, 1);
    expect(lines()).toEqual([
      'VT-d IOTLB entry 3: did 1 → none, input 0x8424cb → 0x0, frame 0x8424cb → 0x0, rights r- → --',
    ]);
  });

  test('translates all of a large page after one access to it, and forgets all of it at once', () => {
    const { iotlb } = empty();
    iotlb.fill(1, 0x4_0205, 0x8_0005, R | W, 9);
    expect([0x4_01ff, 0x4_0200, 0x4_03ff, 0x4_0400].map((input) => lookup(iotlb, 1, input)?.frame)).toEqual([
      undefined,
      0x8_0000,
      0x8_01ff,
      undefined,
    ]);
    iotlb.invalidatePages(1, 0x4_0400, 2 ** 18);
    expect(lookup(iotlb, 1, 0x4_0200)).toBeDefined();
    iotlb.invalidatePages(1, 0x4_03ff, 1);
    expect(lookup(iotlb, 1, 0x4_0200)).toBeUndefined();
  });

  test('drops everything when told to', () => {
    const { store, iotlb } = empty();
    const before = store.hashText();
    for (let did = 0; did < 4; did++) iotlb.fill(did, did * 513, did * 512, R, did % 2 ? 9 : 0);
    iotlb.invalidateAll();
    expect(store.hashText()).toBe(before);
  });

  test('refuses a size that is no power of two', () => {
    for (const size of [0, 3, 48, -8]) {
      expect(() => new Iotlb(new Layout(new Store()), 'VT-d', size)).toThrow(RangeError);
    }
  });
});
