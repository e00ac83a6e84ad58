import { describe, expect, it } from 'vitest';
import { Store } from '../store/store.js';
import { Effects } from './effects.js';
import { CHANGE } from './model.js';

function begin(): { store: Store; effects: Effects; effectOf: (...writes: [number, number][]) => number } {
  const store = new Store(1);
  store.addPages(1, 1);
  const effects = new Effects();
  const effectOf = (...writes: [number, number][]) => {
    const mark = store.mark();
    for (const [word, value] of writes) store.write(word, value);
    const effect = effects.ofJournal(store, mark);
    store.rollback(mark);
    return effect;
  };
  return { store, effects, effectOf };
}

describe('an effect', () => {
  it('has of each word that was written what it held first and what it holds last', () => {
    const { effects, effectOf } = begin();
    const effect = effectOf([5, 1], [6, 7], [5, 2]);
    expect([...effects.changes.subarray(effects.start(effect), effects.end(effect))]).toEqual([
      5, 0, 2, 6, 0, 7,
    ]);
  });

  it('leaves out words that hold in the end what they held', () => {
    const { effects, effectOf } = begin();
    const effect = effectOf([5, 1], [6, 7], [5, 0]);
    expect([...effects.changes.subarray(effects.start(effect), effects.end(effect))]).toEqual([6, 0, 7]);
  });

  it('is the same for equal changes, and another from another value', () => {
    const { store, effects, effectOf } = begin();
    const one = effectOf([5, 1]);
    expect(effectOf([5, 3], [5, 1])).toBe(one);
    expect(effectOf([6, 1])).not.toBe(one);
    store.write(5, 9);
    expect(effectOf([5, 1])).not.toBe(one);
    expect(effects.count).toBe(3);
  });

  it('does again what was done', () => {
    const { store, effects, effectOf } = begin();
    const effect = effectOf([5, 1], [6, 7]);
    effects.apply(effect, store);
    expect([store.read(5), store.read(6)]).toEqual([1, 7]);
  });

  it('that comes to nothing still is one: it writes, and leaves the state as it was', () => {
    const { store, effects, effectOf } = begin();
    store.write(5, 4);
    const effect = effectOf([5, 1], [5, 4]);
    const [hash, mark] = [store.hashText(), store.mark()];
    effects.apply(effect, store);
    expect(store.hashText()).toBe(hash);
    expect(store.journalLength).toBeGreaterThan(mark);
    expect(effects.end(effect) - effects.start(effect)).toBe(CHANGE);
  });

  it('keeps its number, however many there are', () => {
    const { effectOf } = begin();
    const all = Array.from({ length: 2000 }, (_, n) => effectOf([n % 1000, n + 1]));
    expect(new Set(all).size).toBe(2000);
    expect(Array.from({ length: 2000 }, (_, n) => effectOf([n % 1000, n + 1]))).toEqual(all);
  });
});
