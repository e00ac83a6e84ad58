import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE_WORDS, Store } from './store.js';
import { bitParts, decimal, enumeration, hex, Layout, optional, partText } from './table.js';

describe('a table', () => {
  test('keeps every field of every row apart', () => {
    const store = new Store();
    const layout = new Layout(store);
    const first = layout.table('first', 700, { a: decimal, b: decimal, c: decimal }, String);
    const second = layout.table('second', 3, { a: decimal }, String);
    const columns = [first.columns.a, first.columns.b, first.columns.c];
    columns.forEach((column, field) => {
      for (let row = 0; row < first.rows; row++) column.set(row, row * 10 + field + 1);
    });
    for (let row = 0; row < 3; row++) second.columns.a.set(row, -row - 1);
    columns.forEach((column, field) => {
      for (let row = 0; row < first.rows; row++) expect(column.get(row)).toBe(row * 10 + field + 1);
    });
    expect([0, 1, 2].map((row) => second.columns.a.get(row))).toEqual([-1, -2, -3]);
    expect(store.pageCount).toBe(4);
  });

  test('adds to a field, journaled like any write', () => {
    const store = new Store();
    const { columns } = new Layout(store).table('t', 2, { count: decimal }, String);
    columns.count.add(1, 5);
    const mark = store.mark();
    columns.count.add(1, -2);
    expect(columns.count.get(1)).toBe(3);
    store.rollback(mark);
    expect([columns.count.get(0), columns.count.get(1)]).toEqual([0, 5]);
  });

  test('is found again from each of its words, and from none beyond its rows', () => {
    const store = new Store();
    const layout = new Layout(store);
    layout.table('before', 1, { x: decimal }, String);
    const table = layout.table('t', 400, { a: decimal, b: decimal, c: decimal }, String);
    fc.assert(
      fc.property(fc.nat(399), fc.nat(2), (row, field) => {
        const place = layout.locate(table.base + row * 3 + field);
        expect([place?.table.name, place?.row, place?.field]).toEqual(['t', row, 'abc'[field]]);
      }),
    );
    expect(layout.locate(table.base + 1200)).toBeUndefined();
    expect(layout.locate(table.base - 1)).toBeUndefined();
    expect(layout.locate(store.addPages(0x4000_0000, 1))).toBeUndefined();
  });

  test('counts in the hash by its place in the layout: tables that hold equal words are not exchangeable', () => {
    const hash = (inFirst: boolean) => {
      const store = new Store();
      const layout = new Layout(store);
      const tables = [
        layout.table('a', 1500, { x: decimal }, String),
        layout.table('b', 1500, { x: decimal }, String),
      ];
      tables[inFirst ? 0 : 1]!.columns.x!.set(PAGE_WORDS + 3, 7);
      return store.hashText();
    };
    expect(hash(true)).not.toBe(hash(false));
  });

  test('stands when the store grows under it', () => {
    const store = new Store(1);
    const layout = new Layout(store);
    const { columns } = layout.table('t', 4, { x: decimal }, String);
    columns.x.set(2, 9);
    layout.table('large', 100_000, { y: decimal }, String);
    columns.x.add(2, 1);
    expect(columns.x.get(2)).toBe(10);
  });
});

describe('fields', () => {
  test('show words the way their readers write them', () => {
    const life = enumeration(['absent', 'alive']);
    expect([0, 1, 2, -1].map((word) => life.show(word))).toEqual(['absent', 'alive', '2', '-1']);
    expect([0, 1, 8].map((word) => optional(hex).show(word))).toEqual(['none', '0x0', '0x7']);
  });

  test('made of parts show each part, unsigned, up to the top bit and the whole word', () => {
    const parts = [
      { name: 'top', low: 29, width: 3, show: String },
      { name: 'low', low: 0, width: 24, show: String },
    ];
    expect(bitParts(parts).show((7 << 29) | 5)).toBe('top 7 low 5');
    expect(partText({ name: 'all', low: 0, width: 32, show: String }, -1)).toBe('4294967295');
  });
});
