import { describe, expect, it } from 'vitest';
import { Store } from './store.js';
import { Trace } from './trace.js';

function traced(run: (store: Store) => void): { words: number[]; values: number[] } {
  const store = new Store(2);
  store.addPages(1, 2);
  store.write(5, 50);
  const trace = new Trace();
  trace.begin();
  store.trace = trace;
  run(store);
  store.trace = undefined;
  store.read(9);
  const { words, values, length } = trace;
  return { words: [...words.subarray(0, length)], values: [...values.subarray(0, length)] };
}

describe('a trace', () => {
  it('lists words in the order of first use, each once', () => {
    const { words } = traced((store) => {
      for (const word of [7, 5, 7, 3, 5]) store.read(word);
    });
    expect(words).toEqual([7, 5, 3]);
  });

  it('has what a word held before the run, whether it is read or written first', () => {
    const { words, values } = traced((store) => {
      store.write(5, 51);
      store.read(5);
      store.read(6);
      store.write(6, 60);
    });
    expect(words).toEqual([5, 6]);
    expect(values).toEqual([50, 0]);
  });

  it('has words that are written with what they hold', () => {
    expect(traced((store) => store.write(5, 50)).words).toEqual([5]);
  });

  it('leaves out what it is told to', () => {
    const store = new Store(1);
    store.addPages(1, 1);
    const trace = new Trace();
    trace.begin();
    trace.leaveOut(3);
    store.trace = trace;
    store.read(3);
    store.read(4);
    expect([...trace.words.subarray(0, trace.length)]).toEqual([4]);
  });

  it('does not note what nobody wants to know', () => {
    const store = new Store(1);
    store.addPages(1, 1);
    const trace = new Trace();
    trace.ignored = new Uint8Array([0, 0, 0, 1]);
    trace.begin();
    store.trace = trace;
    for (const word of [3, 2, 9]) store.read(word);
    expect([...trace.words.subarray(0, trace.length)]).toEqual([2, 9]);
  });

  it('begins anew, and has room for any number of words', () => {
    const store = new Store(4);
    store.addPages(1, 4);
    const trace = new Trace();
    store.trace = trace;
    trace.begin();
    for (let word = 0; word < 4096; word++) store.read(word);
    expect(trace.length).toBe(4096);
    trace.begin();
    store.read(4095);
    expect([trace.length, trace.words[0]]).toEqual([1, 4095]);
  });
});
