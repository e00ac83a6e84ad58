import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Store } from '../store/store.js';
import { Trace } from '../store/trace.js';
import { Decisions, UNKNOWN } from './decisions.js';

const ALL = new Uint8Array(1024).fill(1);
const ROOM = 1 << 16;

function begin(maxBytes = ROOM) {
  const store = new Store(1);
  store.addPages(1, 1);
  const trace = new Trace();
  const decisions = new Decisions(maxBytes);
  const tree = decisions.addTree();
  /** Learns what a function answers in the present state. */
  const learn = (read: (store: Store) => number, asked = ALL) => {
    trace.begin();
    store.trace = trace;
    const answer = read(store);
    store.trace = undefined;
    return decisions.learn(tree, trace, asked, answer);
  };
  return { store, decisions, tree, learn, answer: () => decisions.answer(tree, store.words) };
}

/** Reads another word when the first is 1. */
const branching = (store: Store): number => (store.read(1) === 1 ? 10 + store.read(2) : 20 + store.read(3));

describe('a decision tree', () => {
  it('knows nothing at first, and what it was told afterwards', () => {
    const { learn, answer } = begin();
    expect(answer()).toBe(UNKNOWN);
    learn(branching);
    expect(answer()).toBe(20);
  });

  it('does not mind words that the function did not read', () => {
    const { store, learn, answer } = begin();
    learn(branching);
    store.write(2, 5);
    store.write(9, 5);
    expect(answer()).toBe(20);
    store.write(3, 5);
    expect(answer()).toBe(UNKNOWN);
  });

  it('answers as the function does wherever it answers', () => {
    const state = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 3 })));
    fc.assert(
      fc.property(fc.array(state), (states) => {
        const { store, learn, answer } = begin();
        for (const words of states) {
          for (const [word, value] of words) store.write(word, value);
          const known = answer();
          if (known === UNKNOWN) learn(branching);
          expect(answer()).toBe(branching(store));
        }
      }),
    );
  });

  it('does not ask for words that it is told not to', () => {
    const { store, learn, answer } = begin();
    const asked = ALL.slice();
    asked[3] = 0;
    learn(branching, asked);
    store.write(3, 5);
    expect(answer()).toBe(20);
  });

  it('learns nothing where there is no room, and still answers what it knew', () => {
    const { store, learn, answer } = begin(64);
    expect(learn(branching)).toBe(true);
    store.write(1, 1);
    expect(learn(branching)).toBe(false);
    expect(answer()).toBe(UNKNOWN);
    store.write(1, 0);
    expect(answer()).toBe(20);
  });

  it('refuses what reads other words in the same state', () => {
    const { learn } = begin();
    learn((store) => store.read(1));
    expect(() => learn((store) => store.read(2))).toThrow('more than the words that it reads');
    expect(() => learn(() => 0)).toThrow('more than the words that it reads');
  });
});
