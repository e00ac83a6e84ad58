import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Change, changeLines, changesBetween, changesSince, type ForeignWords } from './changes.js';
import { Store } from './store.js';
import { bitParts, decimal, enumeration, flag, hex, Layout, optional } from './table.js';

const none: ForeignWords = () => {
  throw new Error('no foreign word was expected');
};

/** Changes as a reader is told of them. */
const textsOf = (changes: readonly Change[]) =>
  changes.map(({ what, field, before, after }) => ({ what, field, before, after }));

function machine() {
  const store = new Store();
  const layout = new Layout(store);
  const typeInfo = bitParts([
    { name: 'type', low: 29, width: 3, show: enumeration(['none', 'L1', 'L2', 'writable']).show },
    { name: 'pinned', low: 27, width: 1, show: flag.show },
    { name: 'count', low: 0, width: 24, show: decimal.show },
  ]);
  const label = (row: number) => `frame 0x${(0x100 + row).toString(16)}`;
  const frame = layout.table('frame', 16, { owner: optional(decimal), typeInfo }, label);
  const domain = layout.table(
    'domain',
    4,
    { life: enumeration(['absent', 'alive', 'dying']) },
    (row) => `d${row}`,
  );
  const foreignBase = store.addPages(0x4000_0000, 1);
  return { store, layout, frame, domain, foreignBase };
}

describe('changes', () => {
  test('name the thing, the field and both values; parts of a word one by one', () => {
    const { layout, frame, domain } = machine();
    frame.columns.owner.set(5, 2);
    frame.columns.typeInfo.set(5, (3 << 29) | 1);
    domain.columns.life.set(1, 1);
    expect(textsOf(changesSince(layout, 0, none))).toEqual([
      { what: 'frame 0x105', field: 'owner', before: 'none', after: '1' },
      { what: 'frame 0x105', field: 'type', before: 'none', after: 'writable' },
      { what: 'frame 0x105', field: 'count', before: '0', after: '1' },
      { what: 'd1', field: 'life', before: 'absent', after: 'alive' },
    ]);
  });

  test('say in which word of the store they stand, and in which of its bits', () => {
    const { store, layout, frame, domain } = machine();
    frame.columns.owner.set(5, 2);
    frame.columns.typeInfo.set(5, (3 << 29) | (1 << 25) | 1);
    domain.columns.life.set(1, 1);
    const written: number[] = [];
    store.forEachWrite(0, store.mark(), (word) => written.push(word));
    const [owner, typeInfo, life] = written.map((word) => [word]);
    const places = changesSince(layout, 0, none).map(({ field, words, low, width }) => {
      return { field, words, low, width };
    });
    expect(places).toEqual([
      { field: 'owner', words: owner, low: undefined, width: undefined },
      { field: 'type', words: typeInfo, low: 29, width: 3 },
      { field: 'count', words: typeInfo, low: 0, width: 24 },
      { field: 'typeInfo', words: typeInfo, low: undefined, width: undefined },
      { field: 'life', words: life, low: undefined, width: undefined },
    ]);
  });

  test('read as one line a thing, in the order of the tables', () => {
    const { layout, frame, domain } = machine();
    domain.columns.life.set(1, 1);
    frame.columns.typeInfo.set(6, 1);
    frame.columns.typeInfo.set(5, (3 << 29) | (1 << 27) | 1);
    frame.columns.owner.set(5, 2);
    expect(changeLines(changesSince(layout, 0, none))).toEqual([
      'frame 0x105: owner none → 1, type none → writable, pinned no → yes, count 0 → 1',
      'frame 0x106: count 0 → 1',
      'd1: life absent → alive',
    ]);
  });

  test('are net: a word written twice changes once, one that came back not at all', () => {
    const { store, layout, frame, domain } = machine();
    domain.columns.life.set(0, 1);
    const from = store.mark();
    domain.columns.life.set(0, 2);
    domain.columns.life.set(0, 1);
    domain.columns.life.set(1, 1);
    domain.columns.life.set(1, 2);
    frame.columns.typeInfo.set(0, (1 << 29) | 3);
    frame.columns.typeInfo.set(0, (1 << 29) | 0);
    expect(changeLines(changesSince(layout, from, none))).toEqual([
      'frame 0x100: type none → L1',
      'd1: life absent → dying',
    ]);
  });

  test('of a range say what its end was, whatever came later', () => {
    const { store, layout, domain } = machine();
    const marks = [0, 1, 2, 0].map((life) => {
      domain.columns.life.set(2, life);
      return store.mark();
    });
    const lines = (from: number, to: number) =>
      changeLines(changesBetween(layout, marks[from]!, marks[to]!, none));
    expect(lines(0, 1)).toEqual(['d2: life absent → alive']);
    expect(lines(1, 2)).toEqual(['d2: life alive → dying']);
    expect(lines(0, 2)).toEqual(['d2: life absent → dying']);
    expect(lines(0, 3)).toEqual([]);
    expect(lines(1, 1)).toEqual([]);
    expect(lines(2, 3)).toEqual(['d2: life dying → absent']);
  });

  test('of a range outside the journal are refused', () => {
    const { store, layout } = machine();
    store.write(0, 1);
    expect(() => changesSince(layout, 2, none)).toThrow(RangeError);
    expect(() => changesBetween(layout, 0, 5, none)).toThrow(RangeError);
  });

  test('in bits that belong to no part show as the whole word, beside the parts that changed', () => {
    const { layout, frame } = machine();
    frame.columns.typeInfo.set(0, 1 << 28);
    frame.columns.typeInfo.set(1, (1 << 25) | 2);
    expect(changeLines(changesSince(layout, 0, none))).toEqual([
      'frame 0x100: typeInfo 0x0 → 0x10000000',
      'frame 0x101: count 0 → 2, typeInfo 0x0 → 0x2000002',
    ]);
  });

  test('between values that read alike show their bits', () => {
    const { store, layout } = machine();
    const table = layout.table('unit', 1, { enabled: flag }, () => 'unit');
    table.columns.enabled.set(0, 1);
    const from = store.mark();
    table.columns.enabled.set(0, 3);
    expect(changeLines(changesSince(layout, from, none))).toEqual(['unit: enabled 0x1 → 0x3']);
  });

  test('of words that no table holds go to the caller, with values before and after, and come last', () => {
    const { store, layout, domain, foreignBase } = machine();
    store.write(foreignBase + 7, 1);
    const from = store.mark();
    store.write(foreignBase + 7, 2);
    store.write(foreignBase + 8, 3);
    store.write(foreignBase + 8, 0);
    domain.columns.life.set(0, 1);
    const to = store.mark();
    store.write(foreignBase + 7, 9);
    const foreign: ForeignWords = (before, after) =>
      [...before].map(([index, old]) => {
        return {
          what: `ram +${index - foreignBase}`,
          field: 'word',
          before: `${old}`,
          after: `${after.get(index)}`,
          words: [index],
        };
      });
    expect(changeLines(changesBetween(layout, from, to, foreign))).toEqual([
      'd0: life absent → alive',
      'ram +7: word 1 → 2',
    ]);
    expect(changeLines(changesSince(layout, from, foreign))[1]).toBe('ram +7: word 1 → 9');
  });

  test('are none exactly when nothing differs, over any range of any journal', () => {
    const write = fc.tuple(fc.nat(7), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), fc.nat(), fc.nat(), (writes, a, b) => {
        const { store, layout, frame } = machine();
        const column = frame.columns.owner;
        const states = [Array<number>(8).fill(0)];
        for (const [row, value] of writes) {
          const mark = store.mark();
          column.set(row, value);
          if (store.mark() > mark) states.push(Array.from({ length: 8 }, (_, r) => column.get(r)));
        }
        const [from = 0, to = 0] = [a % states.length, b % states.length].sort((x, y) => x - y);
        const name = (word: number) => (word === 0 ? 'none' : String(word - 1));
        const expected = states[to]!.flatMap((after, row) => {
          const before = states[from]![row]!;
          if (before === after) return [];
          return [{ what: `frame 0x10${row}`, field: 'owner', before: name(before), after: name(after) }];
        });
        expect(textsOf(changesBetween(layout, from, to, none))).toEqual(expected);
      }),
    );
  });
});

test('hex shows a word unsigned', () => {
  expect([hex.show(-1), hex.show(0x8424cb)]).toEqual(['0xffffffff', '0x8424cb']);
});
