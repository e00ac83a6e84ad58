import { getHeapStatistics } from 'node:v8';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE_WORDS, Store } from './store.js';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
/** Mostly few places and few values, so that writes meet. */
const place = fc.oneof(fc.nat(7), fc.nat(3 * PAGE_WORDS - 1));
const value = fc.oneof(fc.integer({ min: -1, max: 3 }), word);

type Step =
  | { readonly kind: 'write'; readonly at: number; readonly value: number }
  | { readonly kind: 'mark' }
  /** To the mark that stands `back` marks below the newest, or to the beginning. */
  | { readonly kind: 'rollback'; readonly back: number };

const write = fc.record({ kind: fc.constant('write' as const), at: place, value });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 2, arbitrary: fc.constant({ kind: 'mark' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rollback' as const), back: fc.nat(3) }) },
);

function emptyStore(): Store {
  const store = new Store(4);
  store.addPages(1, 3);
  return store;
}

/** A store that holds these words, written in this order. */
function storeOf(words: Iterable<readonly [number, number]>): Store {
  const store = emptyStore();
  for (const [at, value] of words) store.write(at, value);
  return store;
}

/** The store's non-zero words. */
function contents(store: Store): Map<number, number> {
  const words = new Map<number, number>();
  for (let at = 0; at < store.pageCount * PAGE_WORDS; at++) {
    if (store.read(at) !== 0) words.set(at, store.read(at));
  }
  return words;
}

describe('a store', () => {
  test('holds, under any writes, marks and rollbacks, what a map with saved copies holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const store = emptyStore();
        let model = new Map<number, number>();
        const marks = [{ mark: store.mark(), saved: new Map(model), hash: store.hashText() }];
        for (const step of steps) {
          if (step.kind === 'write') {
            store.write(step.at, step.value);
            if (step.value === 0) model.delete(step.at);
            else model.set(step.at, step.value);
          } else if (step.kind === 'mark') {
            marks.push({ mark: store.mark(), saved: new Map(model), hash: store.hashText() });
          } else {
            marks.length = Math.max(1, marks.length - step.back);
            const { mark, saved, hash } = marks[marks.length - 1]!;
            store.rollback(mark);
            model = new Map(saved);
            expect(store.hashText()).toBe(hash);
            expect(store.mark()).toBe(mark);
          }
          if (step.kind === 'write') expect(store.read(step.at)).toBe(model.get(step.at) ?? 0);
        }
        expect(contents(store)).toEqual(new Map([...model].sort(([a], [b]) => a - b)));
        expect(store.hashText()).toBe(storeOf(model).hashText());
      }),
      { numRuns: 300 },
    );
  });

  test('has the hash of its contents whenever it is asked, however seldom', () => {
    const write = fc.record({ at: fc.nat(5), value: fc.integer({ min: 0, max: 3 }), ask: fc.boolean() });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 30 }), fc.nat(), (writes, back) => {
        const store = emptyStore();
        for (const { at, value, ask } of writes) {
          store.write(at, value);
          if (ask) expect(store.hashText()).toBe(storeOf(contents(store)).hashText());
        }
        store.rollback(back % (store.mark() + 1));
        expect(store.hashText()).toBe(storeOf(contents(store)).hashText());
      }),
    );
  });

  test('knows whether anything is different since a mark, when writes cancelled out', () => {
    const write = fc.record({ at: fc.nat(3), value: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 8 }), fc.nat(), (writes, from) => {
        const store = emptyStore();
        const states = [contents(store)];
        for (const { at, value } of writes) {
          const { journalLength } = store;
          store.write(at, value);
          if (store.journalLength > journalLength) states.push(contents(store));
        }
        const mark = from % states.length;
        const before = JSON.stringify([...states[mark]!]);
        expect(store.isChangedSince(mark)).toBe(JSON.stringify([...contents(store)]) !== before);
      }),
    );
  });

  test('takes values as signed 32-bit integers', () => {
    const store = emptyStore();
    store.write(5, 0xffff_ffff);
    store.write(6, 2 ** 32 + 7);
    expect([store.read(5), store.read(6)]).toEqual([-1, 7]);
    const mark = store.mark();
    store.write(5, 0xffff_ffff);
    expect(store.mark()).toBe(mark);
    expect(store.hashText()).toBe(
      storeOf([
        [5, -1],
        [6, 7],
      ]).hashText(),
    );
  });

  test('journals only writes that change something', () => {
    const store = storeOf([[3, 9]]);
    const mark = store.mark();
    store.write(3, 9);
    store.write(4, 0);
    expect(store.mark()).toBe(mark);
  });

  test('keeps journal and words when both grow', () => {
    const store = new Store(1);
    const base = store.addPages(1, 1);
    for (let i = 1; i <= 10_000; i++) store.write(base + (i % PAGE_WORDS), i);
    const before = store.hashText();
    const words = contents(store);
    const mark = store.mark();
    const more = store.addPages(2, 40);
    expect(store.hashText()).toBe(before);
    store.write(more + 39 * PAGE_WORDS, 1);
    store.write(base, -1);
    store.rollback(mark);
    expect([store.hashText(), contents(store)]).toEqual([before, words]);
    store.rollback(0);
    expect([store.hashText(), contents(store).size]).toEqual(['0'.repeat(16), 0]);
  });

  test('forgets its journal without changing state; marks start anew', () => {
    const store = storeOf([
      [1, 1],
      [2, 2],
    ]);
    const hash = store.hashText();
    store.forget();
    expect([store.mark(), store.hashText(), store.read(2)]).toEqual([0, hash, 2]);
    store.write(1, 5);
    store.rollback(0);
    expect([store.read(1), store.hashText()]).toEqual([1, hash]);
  });

  test('visits the journal in order, with the values before', () => {
    const store = emptyStore();
    const from = store.mark();
    for (const [at, value] of [
      [1, 4],
      [2, 5],
      [1, 6],
    ] as const)
      store.write(at, value);
    const seen: number[][] = [];
    store.forEachWrite(from + 1, store.mark(), (index, before) => seen.push([index, before]));
    expect(seen).toEqual([
      [2, 0],
      [1, 4],
    ]);
  });

  test('refuses a mark that is none', () => {
    const store = storeOf([[1, 1]]);
    const hash = store.hashText();
    expect(() => store.rollback(2)).toThrow(new RangeError("mark 2 lies beyond the journal's end 1"));
    expect(() => store.rollback(-1)).toThrow(RangeError);
    expect([store.mark(), store.read(1), store.hashText()]).toEqual([1, 1, hash]);
  });

  test('refuses to write outside its pages, leaving hash and journal alone', () => {
    const store = storeOf([[1, 1]]);
    const hash = store.hashText();
    for (const index of [-1, 3 * PAGE_WORDS, 10 * PAGE_WORDS]) {
      expect(() => store.write(index, 7)).toThrow(RangeError);
    }
    expect([store.mark(), store.hashText()]).toEqual([1, hash]);
  });
});

describe('the hash', () => {
  test('is equal for equal contents, whatever the order of writes and the detours', () => {
    const target = fc.uniqueArray(fc.tuple(place, value), { selector: ([at]) => at, maxLength: 20 });
    const detour = fc.array(fc.tuple(place, value), { maxLength: 20 });
    fc.assert(
      fc.property(target, detour, detour, fc.infiniteStream(fc.nat()), (words, early, undone, keys) => {
        const straight = storeOf(words);
        const store = emptyStore();
        // Wrong values first, some of them at places that the target leaves zero.
        for (const [at, wrong] of early) store.write(at, wrong);
        const mark = store.mark();
        for (const [at, wrong] of undone) store.write(at, wrong);
        store.rollback(mark);
        for (const [at] of early) if (!words.some(([place]) => place === at)) store.write(at, 0);
        const order = words.map((word) => [keys.next().value, word] as const).sort(([a], [b]) => a - b);
        for (const [, [at, right]] of order) store.write(at, right);
        expect(contents(store)).toEqual(contents(straight));
        expect(store.hashText()).toBe(straight.hashText());
      }),
      { numRuns: 300 },
    );
  });

  test('depends on a page’s key, not on where the page stands', () => {
    const [one, other] = [new Store(), new Store()];
    const [first, second] = [one.addPages(7, 1), one.addPages(9, 1)];
    const [late, early] = [other.addPages(9, 1), other.addPages(7, 1)];
    one.write(first + 3, 5);
    one.write(second + 4, 6);
    other.write(late + 4, 6);
    other.write(early + 3, 5);
    expect(one.hashText()).toBe(other.hashText());
    other.write(early + 3, 0);
    other.write(late + 3, 5);
    expect(one.hashText()).not.toBe(other.hashText());
  });

  test('differs for different contents', () => {
    const some = fc.array(fc.tuple(place, value), { maxLength: 12 });
    fc.assert(
      fc.property(some, some, (a, b) => {
        const [one, other] = [storeOf(a), storeOf(b)];
        const equal = JSON.stringify([...contents(one)]) === JSON.stringify([...contents(other)]);
        expect(one.hashText() === other.hashText()).toBe(equal);
      }),
      { numRuns: 300 },
    );
  });
});

/** Hashes of many states, lane by lane. */
interface Lanes {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Each lane's hash of a store after each of `states` changes, undone again. */
function hashes(states: number, change: (store: Store, state: number) => void): Lanes {
  const store = new Store(64);
  store.addPages(1, 32);
  store.addPages(0x4000_0000, 32);
  for (let i = 0; i < 200; i++) store.write(60_000 + i, i + 1);
  const lanes = { low: new Int32Array(states), high: new Int32Array(states) };
  for (let state = 0; state < states; state++) {
    const mark = store.mark();
    change(store, state);
    lanes.low[state] = store.hashLow;
    lanes.high[state] = store.hashHigh;
    store.rollback(mark);
  }
  return lanes;
}

/** How many of these occurred before. */
function repeats(values: ArrayLike<number | bigint>): number {
  return values.length - new Set(Array.from(values)).size;
}

const together = ({ low, high }: Lanes): BigInt64Array =>
  BigInt64Array.from(low, (lane, i) => (BigInt(high[i]!) << 32n) | BigInt(lane >>> 0));

const STATES = 200_000;
/** Pairs of STATES random 32-bit numbers that are expected to be equal: 4.7. */
const EXPECTED = STATES ** 2 / 2 / 2 ** 32;

const families: readonly { name: string; change: (store: Store, state: number) => void }[] = [
  {
    name: 'one small value at any place',
    change: (store, s) => store.write((s * 0x51) % 50_000, 1 + ((s / 50_000) | 0)),
  },
  { name: 'any value at one place', change: (store, s) => store.write(77, s + 100) },
  { name: 'one bit of one word', change: (store, s) => store.write(s >>> 5, 1 << (s & 31)) },
  {
    name: 'one reference moved between neighbouring rows',
    change: (store, s) => {
      const at = 10_000 + (s % 447) * 4;
      store.write(at, (s / 447) | 0);
      store.write(at + 4, 3);
    },
  },
  {
    name: 'two small words close together',
    change: (store, s) => {
      const at = 8192 + (s & 31);
      store.write(at, 1 + ((s >>> 5) & 63));
      store.write(at + 1 + ((s >>> 11) & 7), 1000 + (s >>> 14));
    },
  },
  {
    name: 'nine words of four values each, all combinations',
    change: (store, s) => {
      for (let i = 0; i < 9; i++) store.write(50_000 + i * 7, (s >>> (2 * i)) & 3);
    },
  },
];

describe.each(families)('over 200,000 states that differ in $name', ({ change }) => {
  const lanes = hashes(STATES, change);

  test('no two hashes are equal', () => {
    expect(repeats(together(lanes))).toBe(0);
  });

  test('each lane alone collides as rarely as random numbers do', () => {
    for (const lane of [lanes.low, lanes.high]) expect(repeats(lane)).toBeLessThan(EXPECTED + 16);
  });
});

/** Bit `bit` of each word, packed 32 to a word. */
function column(lane: Int32Array, bit: number): Int32Array {
  const packed = new Int32Array(Math.ceil(lane.length / 32));
  for (let i = 0; i < lane.length; i++) packed[i >>> 5]! |= ((lane[i]! >>> bit) & 1) << (i & 31);
  return packed;
}

function ones(words: Int32Array, other?: Int32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    let v = words[i]! ^ (other === undefined ? 0 : other[i]!);
    v -= (v >>> 1) & 0x55555555;
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
    count += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

// XOR of contributions: with few words of few values, bits agree too often even for random contributions.
const unrelated = families.slice(0, -1);

describe.each(unrelated)('over 200,000 states that differ in $name', ({ change }) => {
  test('all 64 bits are balanced, and no two of them agree or differ too often, within a lane or across', () => {
    const { low, high } = hashes(STATES, change);
    const bits = [low, high].flatMap((lane) => Array.from({ length: 32 }, (_, bit) => column(lane, bit)));
    // 64 bits and 2016 pairs, each a binomial count: six standard deviations.
    const most = 6 * Math.sqrt(STATES / 4);
    const off = (count: number) => Math.abs(count - STATES / 2);
    expect(Math.max(...bits.map((bit) => off(ones(bit))))).toBeLessThan(most);
    const pairs = bits.flatMap((a, i) => bits.slice(i + 1).map((b) => off(ones(a, b))));
    expect(pairs.length).toBe(2016);
    expect(Math.max(...pairs)).toBeLessThan(most);
  });
});

/**
 * The bytes that the median of many rounds of `work` allocates. A round is so short that most see no collection;
 * the ones that do, and the ones in which the compiler works, are outliers on either side.
 */
function bytesAllocated(work: () => void): number {
  const rounds: number[] = [];
  for (let round = 0; round < 101; round++) {
    const before = getHeapStatistics().used_heap_size;
    work();
    rounds.push(getHeapStatistics().used_heap_size - before);
  }
  return rounds.sort((a, b) => a - b)[50]!;
}

describe('writing', () => {
  const WRITES = 10_000;

  test('allocates nothing, nor does rolling back', () => {
    const store = emptyStore();
    const work = () => {
      const mark = store.mark();
      for (let i = 0; i < WRITES; i++) store.write(i % (3 * PAGE_WORDS), Math.imul(i, 0x9e3779b1));
      store.rollback(mark);
    };
    work();
    // 101 rounds, a million writes and as many undone; a byte a write would be 10,000.
    expect(bytesAllocated(work)).toBeLessThan(WRITES / 2);
  });

  test('would be caught allocating a single object a write', () => {
    let last: object = {};
    const allocated = bytesAllocated(() => {
      for (let i = 0; i < WRITES; i++) last = { i };
    });
    expect(last).toEqual({ i: WRITES - 1 });
    expect(allocated).toBeGreaterThan(WRITES * 8);
  });
});
