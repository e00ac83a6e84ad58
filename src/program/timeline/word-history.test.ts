import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from '../../store/store.js';
import { WordHistory } from './word-history.js';

const WORDS = 6;

const writes = fc.array(fc.tuple(fc.nat(WORDS - 1), fc.integer({ min: -2, max: 2 })), { maxLength: 80 });

/** A store to which all was written, its history, and what it held after each write that changed something. */
function recorded(asked: readonly (readonly [number, number])[]) {
  const store = new Store(1);
  store.addPages(7, 1);
  store.write(0, 9);
  store.forget();
  const states = [{ words: store.words.slice(), hash: store.hashText() }];
  for (const [word, value] of asked) {
    const before = store.mark();
    store.write(word, value);
    if (store.mark() > before) states.push({ words: store.words.slice(), hash: store.hashText() });
  }
  return { store, states, history: new WordHistory(store.takeJournal(), store.wordCount, 3) };
}

describe('a history of words', () => {
  it('takes a store from any state to any other, its hash with it, over checkpoints or through all writes', () => {
    fc.assert(
      fc.property(writes, fc.array(fc.nat(1000), { maxLength: 12 }), (asked, places) => {
        const { store, states, history } = recorded(asked);
        expect(history.length).toBe(states.length - 1);
        let at = history.length;
        for (const place of places) {
          const to = place % states.length;
          history.move(store, at, to);
          at = to;
          expect(store.words).toEqual(states[to]!.words);
          expect(store.hashText()).toBe(states[to]!.hash);
        }
      }),
    );
  });

  it('knows all writes of a word, those of one step together', () => {
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 5 }), (asked, stepLength) => {
        const { history, states } = recorded(asked);
        const stepOf = (entry: number) => Math.floor(entry / stepLength) + 1;
        const valueAfter = (word: number, step: number) =>
          states[Math.min(step * stepLength, history.length)]!.words[word];
        const last = history.length === 0 ? 0 : stepOf(history.length - 1);
        for (let word = 0; word < WORDS; word++) {
          const { steps, before, after } = history.writesOf(word, stepOf);
          const expected = [];
          for (let step = 1; step <= last; step++) {
            const writers = Array.from({ length: stepLength }, (_, i) => (step - 1) * stepLength + i);
            const wrote = writers.some((entry) => entry < history.length && history.word(entry) === word);
            if (wrote) expected.push([step, valueAfter(word, step - 1), valueAfter(word, step)]);
          }
          expect([...steps].map((step, i) => [step, before[i], after[i]])).toEqual(expected);
        }
      }),
    );
  });

  it('knows nothing of words that nobody wrote, even of such as came later', () => {
    const { history } = recorded([[1, 1]]);
    expect(history.writesOf(2, () => 1).steps).toHaveLength(0);
    expect(history.writesOf(99_999, () => 1).steps).toHaveLength(0);
    expect(history.wordCount).toBe(1);
  });

  it('takes twelve bytes a write, and no more than a third of it for checkpoints', () => {
    const asked = Array.from({ length: 9000 }, (_, i) => [i % 1000, i + 1] as const);
    const { history } = recorded(asked);
    const rest = history.wordCount * 4 + 1024 * 4;
    expect(history.bytes - rest).toBeGreaterThan(9000 * 12);
    expect(history.bytes - rest).toBeLessThanOrEqual(9000 * 16 + 4000);
  });

  it('leaves a store whose hash goes along with writes, rollbacks and forgetting as ever', () => {
    fc.assert(
      fc.property(writes, writes, fc.nat(80), (asked, more, place) => {
        const { store, states, history } = recorded(asked);
        const to = place % states.length;
        history.move(store, history.length, to);
        const hashOf = (words: Int32Array) => {
          const fresh = new Store(1);
          fresh.addPages(7, 1);
          words.forEach((value, word) => {
            if (value !== 0) fresh.write(word, value);
          });
          return fresh.hashText();
        };
        for (const [word, value] of more) store.write(word, value);
        // Rolled back before it was ever asked for, the hash is still that of the state.
        if (place % 2 === 0) expect(store.hashText()).toBe(hashOf(store.words.slice(0, WORDS)));
        const half = store.mark() >> 1;
        store.rollback(half);
        expect(store.hashText()).toBe(hashOf(store.words.slice(0, WORDS)));
        store.rollback(0);
        store.forget();
        expect(store.hashText()).toBe(states[to]!.hash);
      }),
    );
  });

  it('does not overwrite what stands in the store’s journal', () => {
    const { store, history } = recorded([[1, 1]]);
    store.write(3, 3);
    expect(() => history.move(store, 1, 0)).toThrow('1 writes stand in the journal; roll them back');
    store.rollback(0);
    history.move(store, 1, 0);
    expect([...store.words.slice(0, 4)]).toEqual([9, 0, 0, 0]);
  });
});
