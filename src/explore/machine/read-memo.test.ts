import { expect, it } from 'vitest';
import { Store } from '../../store/store.js';
import { Trace } from '../../store/trace.js';
import { ReadMemo } from './read-memo.js';

function storeOf(...values: readonly number[]): Store {
  const store = new Store();
  store.addPages(1, 1);
  for (const [word, value] of values.entries()) store.write(word, value);
  return store;
}

it('looks again when a word that was read has changed, and not for any other', () => {
  const store = storeOf(1, 10, 20);
  const memo = new ReadMemo<number>(new Trace());
  let looks = 0;
  const look = (): number => {
    looks++;
    return store.read(store.read(0));
  };
  const ask = (): number[] => [memo.get(store, look), looks];
  expect(ask()).toEqual([10, 1]);
  store.write(2, 21);
  expect(ask()).toEqual([10, 1]);
  store.write(1, 11);
  expect(ask()).toEqual([11, 2]);
  store.write(0, 2);
  expect(ask()).toEqual([21, 3]);
});

it('knows what it found when the words are again as they were', () => {
  const store = storeOf(5);
  const memo = new ReadMemo<object>(new Trace());
  const look = (): object => ({ value: store.read(0) });
  const first = memo.get(store, look);
  const mark = store.mark();
  store.write(0, 6);
  store.rollback(mark);
  expect(memo.get(store, look)).toBe(first);
});

it('looks again for another key, and leaves the store untraced', () => {
  const store = storeOf(5);
  const memo = new ReadMemo<string>(new Trace());
  expect(memo.get(store, () => `a${store.read(0)}`, 'a')).toBe('a5');
  expect(memo.get(store, () => `b${store.read(0)}`, 'b')).toBe('b5');
  expect(store.trace).toBeUndefined();
});
