import { pathToFileURL } from 'node:url';
import { laneHigh, laneLow } from '../src/store/hash.js';
import { PAGE_WORDS, Store } from '../src/store/store.js';

/** Search steps (some writes, the state's hash, all undone) a CPU second, of the store and of a plain peer. */
export interface StoreFigures {
  /** Non-zero words of the state in which the steps are made. */
  readonly stateWords: number;
  readonly stepsPerSecond: number;
  /** Writes a CPU second, each of them undone as well. */
  readonly writesPerSecond: number;
  readonly peerStepsPerSecond: number;
  /** How many times as many steps the store does. */
  readonly ratio: number;
}

/** Writes in a step; a typical hypercall changes about so many words. */
const WRITES = 8;
const STEPS = 400_000;
/** Words that the peer hashes in a round; its steps follow from the size of the state. */
const PEER_WORDS = 6_000_000;
const ROUNDS = 5;

/** What a model keeps its state in. */
interface State {
  write(index: number, value: number): void;
  mark(): number;
  rollback(mark: number): void;
  /** The low lane of the state's hash, the high lane folded into it. */
  identity(): number;
}

/**
 * The peer: what one writes first. Words in a map, an undo list of what they held, and the identity of a state
 * computed from all of it, with the same contributions, so that both must agree.
 */
class MapState implements State {
  private readonly words = new Map<number, number>();
  private readonly undo: { readonly index: number; readonly old: number }[] = [];

  write(index: number, value: number): void {
    const old = this.words.get(index) ?? 0;
    if (old === value) return;
    this.undo.push({ index, old });
    this.put(index, value);
  }

  private put(index: number, value: number): void {
    if (value === 0) this.words.delete(index);
    else this.words.set(index, value);
  }

  mark(): number {
    return this.undo.length;
  }

  rollback(mark: number): void {
    while (this.undo.length > mark) {
      const { index, old } = this.undo.pop()!;
      this.put(index, old);
    }
  }

  identity(): number {
    let low = 0;
    let high = 0;
    for (const [index, value] of this.words) {
      const key = 1 + (index >>> 10);
      low ^= laneLow(key, index % PAGE_WORDS, value);
      high ^= laneHigh(key, index % PAGE_WORDS, value);
    }
    return low ^ high;
  }
}

/** The store behind the same face. */
class StoreState implements State {
  private readonly store: Store;

  constructor(words: number) {
    this.store = new Store();
    this.store.addPages(1, Math.ceil(words / PAGE_WORDS));
  }

  write(index: number, value: number): void {
    this.store.write(index, value);
  }

  mark(): number {
    return this.store.mark();
  }

  rollback(mark: number): void {
    this.store.rollback(mark);
  }

  identity(): number {
    return this.store.hashLow ^ this.store.hashHigh;
  }
}

/** CPU seconds that `work` takes. */
function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Step `i`: the same writes for both, spread over the state; returns the identity of the state it led to. */
function step(state: State, words: number, i: number): number {
  const mark = state.mark();
  for (let w = 0; w < WRITES; w++) {
    const mixed = Math.imul(i * WRITES + w + 1, 0x9e3779b1) >>> 8;
    state.write(mixed % words, (mixed & 0xff) + words);
  }
  const identity = state.identity();
  state.rollback(mark);
  return identity;
}

function measure(words: number): StoreFigures {
  const store = new StoreState(words);
  const peer = new MapState();
  for (let index = 0; index < words; index++) {
    store.write(index, index + 1);
    peer.write(index, index + 1);
  }
  for (let i = 0; i < 100; i++) {
    if (step(store, words, i) !== step(peer, words, i)) throw new Error(`states differ after step ${i}`);
  }
  if (store.identity() !== peer.identity()) throw new Error('states differ after undoing');
  const peerSteps = Math.ceil(PEER_WORDS / words);
  let own = Number.POSITIVE_INFINITY;
  let other = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mine = cpuSeconds(() => {
      for (let i = 0; i < STEPS; i++) sum ^= step(store, words, i);
    });
    const theirs = cpuSeconds(() => {
      for (let i = 0; i < peerSteps; i++) sum ^= step(peer, words, i);
    });
    own = Math.min(own, mine / STEPS);
    other = Math.min(other, theirs / peerSteps);
  }
  if (sum === 0) throw new Error('nothing was hashed');
  return {
    stateWords: words,
    stepsPerSecond: 1 / own,
    writesPerSecond: WRITES / own,
    peerStepsPerSecond: 1 / other,
    ratio: other / own,
  };
}

/** Steps of eight writes in states of a small and a large machine, best of five rounds, store and peer in turn. */
export async function benchStore(): Promise<StoreFigures[]> {
  return [256, 4096, 65_536].map(measure);
}

const rate = (n: number): string => {
  if (n >= 1e6) return `${(n / 1e6).toFixed(2)} M`;
  return n >= 1e3 ? `${(n / 1e3).toFixed(1)} k` : n.toFixed(0);
};

/** The figures as lines of text. */
export function storeReport(figures: readonly StoreFigures[]): string {
  const lines = figures.map((each) => {
    const own = `${rate(each.stepsPerSecond)} steps of ${WRITES} writes, hash and rollback a CPU second`;
    const peer = `map with full hash ${rate(each.peerStepsPerSecond)}, ${each.ratio.toFixed(1)} times`;
    return `${each.stateWords} words: ${own} (${peer}); ${rate(each.writesPerSecond)} writes undone`;
  });
  return lines.join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log(storeReport(await benchStore()));
}
