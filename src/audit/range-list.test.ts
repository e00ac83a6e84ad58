import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameList, GrowingRanges } from './range-list.js';

test('a list that grows says what was put in, over many blocks', () => {
  const list = new GrowingRanges();
  for (let i = 0; i < 100_000; i++) {
    if (i % 5 === 0) list.addRepeat(i * 10, 5, 1, i * 3);
    else list.add(i * 10, i, 7, 1 + (i % 3));
  }
  expect(list.length).toBe(100_000);
  for (const i of [0, 1, 15, 16, 17, 16_383, 16_384, 16_385, 40_000, 99_999]) {
    const repeat = i % 5 === 0;
    expect([list.input(i), list.count(i), list.frame(i), list.rights(i), list.sharedInput(i)]).toEqual(
      repeat ? [i * 10, 5, -1, 1, i * 3] : [i * 10, 7, i, 1 + (i % 3), -1],
    );
  }
});

test('a list joins what goes on, and nothing to a repeat', () => {
  const list = new GrowingRanges();
  list.add(0, 10, 5, 3);
  list.add(5, 15, 5, 3);
  list.add(10, 20, 5, 1);
  list.add(15, 99, 5, 1);
  list.addRepeat(20, 5, 1, 0);
  list.add(25, 104, 5, 1);
  list.add(31, 110, 5, 1);
  expect(Array.from({ length: list.length }, (_, i) => [list.input(i), list.count(i)])).toEqual([
    [0, 10],
    [10, 5],
    [15, 5],
    [20, 5],
    [25, 5],
    [31, 5],
  ]);
});

test('a list that is full takes no more, but still joins', () => {
  const list = new GrowingRanges(1);
  list.add(0, 0, 1, 3);
  list.add(1, 1, 1, 3);
  expect([list.full, list.count(0)]).toEqual([false, 2]);
  list.add(5, 5, 1, 3);
  list.add(6, 6, 1, 3);
  expect([list.full, list.length, list.count(0)]).toEqual([true, 1, 2]);
});

test('frames come out sorted and once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 500 }), (frames) => {
      const list = new FrameList();
      for (const frame of frames) list.add(frame);
      expect([...list.sorted()]).toEqual([...new Set(frames)].sort((a, b) => a - b));
    }),
  );
});
