import { sharedBuffer } from '../store/shared.js';
import { CONTROL, type Control, newControl, sharedWords, type Words } from './control.js';

/** States in a piece of the arena. */
const PIECE = 1 << 14;
const PIECE_BITS = 14;

/** Answers of {@link Visited.add} that are no numbers of states: it was there; tables must grow first; no more are wanted. */
export const KNOWN = -1;
export const NO_ROOM = -2;
export const FULL = -3;
/** Threads that may find room for a state at the same time: one that was made for fewer would be too little. */
const MOST_THREADS = 64;
/** How often a thread looks at a mark before it lets others run: who set it has but a few words to write. */
const SPINS = 1000;
/** Another thread was faster. */
const TAKEN = -4;

/** Array of small numbers: 16 bits where they suffice. */
type Numbers = Uint16Array<ArrayBufferLike> | Words;

/** The tables, as threads hand them to one another. */
export interface VisitedTables {
  readonly words: number;
  readonly wideActions: boolean;
  readonly control: Control;
  readonly table: Words;
  readonly identities: readonly Words[];
  readonly parents: readonly Words[];
  readonly actions: readonly Numbers[];
}

/**
 * The states seen, numbered from 0 in the order in which they were found, each with its identity, the state it was found
 * from and the action that led here. They stand in an arena of equal pieces, which grows without being copied. An
 * open-addressing table finds a state's number by its identity: a slot holds the number + 1 in as many bits as the table
 * has slots, and in the bits above them what the identity's hash has there, so that few others are looked at.
 *
 * Any number of threads can add states at once. Who finds the slot free in which its state belongs marks it, takes a
 * number, writes the state, and puts the number in place of the mark; who finds a mark waits. Only one thread may replace
 * tables ({@link grow}, {@link rewrite}), and only while no other adds.
 */
export class Visited {
  /** Words of an identity. */
  words: number;
  /** States after which no more are wanted. */
  limit = Number.POSITIVE_INFINITY;
  private control: Control;
  private identities: Words[] = [];
  private parents: Words[] = [];
  private actions: Numbers[] = [];
  private readonly wideActions: boolean;
  private table: Words;
  /** All bits of a slot that hold a number; a slot that holds this is marked. */
  private mask: number;

  /**
   * @param words words of an identity.
   * @param actionCount numbers of actions are below this.
   * @param slots to begin with: a power of two, from 16 on.
   */
  constructor(words: number, actionCount: number, slots = 1 << 12) {
    if (slots < 16 || (slots & (slots - 1)) !== 0)
      throw new RangeError(`a table of states has a power of two of slots, from 16 on, not ${slots}`);
    this.words = words;
    this.wideActions = actionCount > 1 << 16;
    this.control = newControl();
    this.table = sharedWords(slots);
    this.mask = slots - 1;
    this.addPiece();
  }

  /** The tables, for another thread to {@link adopt}. */
  get tables(): VisitedTables {
    const { words, wideActions, control, table, identities, parents, actions } = this;
    return { words, wideActions, control, table, identities, parents, actions };
  }

  /** Uses another thread's tables. */
  adopt({ words, control, table, identities, parents, actions }: VisitedTables): void {
    this.words = words;
    this.control = control;
    this.table = table;
    this.mask = table.length - 1;
    this.identities = [...identities];
    this.parents = [...parents];
    this.actions = [...actions];
  }

  /** Whether somebody is about to replace the tables. */
  get isPaused(): boolean {
    return Atomics.load(this.control, CONTROL.pause) !== 0;
  }

  /** States seen. */
  get size(): number {
    return Atomics.load(this.control, CONTROL.states);
  }

  private get capacity(): number {
    return this.parents.length << PIECE_BITS;
  }

  /** Bytes of arena and table. */
  get bytes(): number {
    return this.table.byteLength + this.parents.length * this.pieceBytes(this.words);
  }

  /** Bytes while identities become `words` words. */
  bytesToRewrite(words: number): number {
    const piece = this.pieceBytes(Math.max(words, this.words));
    return this.table.byteLength + (this.parents.length + 1) * piece;
  }

  private pieceBytes(words: number): number {
    return PIECE * (words * 4 + 4 + (this.wideActions ? 4 : 2));
  }

  /** The number of the state whose identity stands in `vector` at `at`, or -1. */
  find(vector: Int32Array, at: number): number {
    const { mask } = this;
    const hash = this.hash(vector, at);
    const tag = hash & ~mask;
    let slot = hash & mask;
    for (;;) {
      const held = this.read(slot);
      if (held === 0) return -1;
      if ((held & ~mask) === tag && this.equals((held & mask) - 1, vector, at)) return (held & mask) - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** What a slot holds, which is no mark. */
  private read(slot: number): number {
    const { table, mask } = this;
    for (let tries = 0; ; tries++) {
      const held = Atomics.load(table, slot);
      if ((held & mask) !== mask) return held;
      if (tries > SPINS) Atomics.wait(table, slot, held, 1);
    }
  }

  /**
   * Adds a state.
   * @returns its number, or {@link KNOWN}, {@link NO_ROOM}, {@link FULL}.
   */
  add(vector: Int32Array, at: number, parent: number, action: number): number {
    const { mask } = this;
    const hash = this.hash(vector, at);
    const tag = hash & ~mask;
    let slot = hash & mask;
    for (;;) {
      const held = this.read(slot);
      if (held === 0) {
        const state = this.claim(slot, tag, vector, at, parent, action);
        if (state !== TAKEN) return state;
      } else {
        if ((held & ~mask) === tag && this.equals((held & mask) - 1, vector, at)) return KNOWN;
        slot = (slot + 1) & mask;
      }
    }
  }

  private claim(
    slot: number,
    tag: number,
    vector: Int32Array,
    at: number,
    parent: number,
    action: number,
  ): number {
    const { control, table, mask } = this;
    const refused = this.refusal(Atomics.load(control, CONTROL.states));
    if (refused !== 0) return refused;
    if (Atomics.compareExchange(table, slot, 0, mask) !== 0) return TAKEN;
    const state = Atomics.add(control, CONTROL.states, 1);
    const tooLate = this.refusal(state);
    if (tooLate !== 0) {
      Atomics.sub(control, CONTROL.states, 1);
      Atomics.store(table, slot, 0);
      return tooLate;
    }
    this.put(state, vector, at, parent, action);
    Atomics.store(table, slot, tag | (state + 1));
    return state;
  }

  /** Why there can be no state with this number; 0 when there can. */
  private refusal(state: number): number {
    if (state >= this.limit) return FULL;
    return state >= this.capacity || state * 4 >= this.table.length * 3 ? NO_ROOM : 0;
  }

  private put(state: number, vector: Int32Array, at: number, parent: number, action: number): void {
    const piece = state >>> PIECE_BITS;
    const offset = state & (PIECE - 1);
    const identities = this.identities[piece]!;
    const base = offset * this.words;
    for (let n = 0; n < this.words; n++) identities[base + n] = vector[at + n]!;
    this.parents[piece]![offset] = parent;
    this.actions[piece]![offset] = action;
  }

  /** The state that `state` was found from; -1 for the first. */
  parentOf(state: number): number {
    return this.parents[state >>> PIECE_BITS]![state & (PIECE - 1)]!;
  }

  /** The action that led to it from there. */
  actionOf(state: number): number {
    return this.actions[state >>> PIECE_BITS]![state & (PIECE - 1)]!;
  }

  /** Whether the identity of `state` is the one that stands in `vector` at `at`. */
  equals(state: number, vector: Int32Array, at: number): boolean {
    const identities = this.identities[state >>> PIECE_BITS]!;
    const base = (state & (PIECE - 1)) * this.words;
    for (let n = 0; n < this.words; n++) if (identities[base + n] !== vector[at + n]) return false;
    return true;
  }

  private hash(vector: Int32Array, at: number): number {
    let h = 0x2545f491;
    for (let n = 0; n < this.words; n++) {
      h = Math.imul(h ^ vector[at + n]!, 0x85ebca6b);
      h ^= h >>> 15;
    }
    h = Math.imul(h, 0xc2b2ae35);
    return h ^ (h >>> 16);
  }

  /**
   * Makes room: in the arena for `spare` states more, in the table for as many as it takes until it is full again.
   * @returns false when that would take more than `maxBytes`, also for a moment; then nothing has changed.
   */
  grow(spare: number, maxBytes: number): boolean {
    const wanted = this.size + spare;
    const pieces = Math.ceil(wanted / PIECE) - this.parents.length;
    const isFull = (this.size + MOST_THREADS) * 4 > this.table.length * 3;
    const needed =
      Math.max(0, pieces) * this.pieceBytes(this.words) + (isFull ? this.table.byteLength * 2 : 0);
    if (this.bytes + needed > maxBytes) return false;
    for (let piece = 0; piece < pieces; piece++) this.addPiece();
    if (isFull) {
      this.table = sharedWords(this.table.length * 2);
      this.mask = this.table.length - 1;
      this.fillTable();
    }
    return true;
  }

  /** Calls `visit` with the bytes of all states, to be written or to be filled: `count` of them, whose room is made here. */
  eachArray(count: number, visit: (bytes: Uint8Array<ArrayBufferLike>) => void): void {
    while (this.capacity < count) this.addPiece();
    for (let piece = 0; piece << PIECE_BITS < count; piece++) {
      const states = Math.min(PIECE, count - (piece << PIECE_BITS));
      const bytesOf = (array: Numbers, each: number) =>
        new Uint8Array(array.buffer, 0, states * each * array.BYTES_PER_ELEMENT);
      visit(bytesOf(this.identities[piece]!, this.words));
      visit(bytesOf(this.parents[piece]!, 1));
      visit(bytesOf(this.actions[piece]!, 1));
    }
  }

  /** Takes up states that were filled in by {@link eachArray}, in tables that had none. */
  restore(count: number): void {
    Atomics.store(this.control, CONTROL.states, count);
    let slots = this.table.length;
    while (count * 4 >= slots * 3) slots *= 2;
    this.table = sharedWords(slots);
    this.mask = slots - 1;
    this.fillTable();
  }

  private addPiece(): void {
    this.identities.push(sharedWords(PIECE * this.words));
    this.parents.push(sharedWords(PIECE));
    const actions = this.wideActions ? sharedWords(PIECE) : new Uint16Array(sharedBuffer(PIECE * 2));
    this.actions.push(actions);
  }

  private fillTable(): void {
    const { table, mask, words, size } = this;
    for (let state = 0; state < size; state++) {
      const identities = this.identities[state >>> PIECE_BITS]!;
      const hash = this.hash(identities, (state & (PIECE - 1)) * words);
      let slot = hash & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = (hash & ~mask) | (state + 1);
    }
  }

  /** Replaces all identities: `encode` reads one from `from` at `at` and writes the other, `words` long, into `to`. */
  rewrite(
    words: number,
    encode: (from: Int32Array, at: number, to: Int32Array, there: number) => void,
  ): void {
    for (let piece = 0; piece < this.identities.length; piece++) {
      const from = this.identities[piece]!;
      const to = sharedWords(PIECE * words);
      const states = Math.min(PIECE, this.size - (piece << PIECE_BITS));
      for (let n = 0; n < states; n++) encode(from, n * this.words, to, n * words);
      this.identities[piece] = to;
    }
    this.words = words;
    this.table.fill(0);
    this.fillTable();
  }
}
