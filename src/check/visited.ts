/** States in a piece of the arena. */
const PIECE = 1 << 14;
const PIECE_BITS = 14;
const NO_PARENT = -1;

/** Array of small numbers: 16 bits where they suffice. */
type Numbers = Uint16Array | Int32Array;

/**
 * The states seen, numbered from 0 in the order in which they were found, each with its identity, the state it was found
 * from and the action that led here. They stand in an arena of equal pieces, which grows without being copied. An
 * open-addressing table finds a state's number by its identity: a slot holds the number + 1 in as many bits as the table
 * has slots, and in the bits above them what the identity's hash has there, so that few others are looked at.
 */
export class Visited {
  /** States seen. */
  size = 0;
  /** Words of an identity. */
  words: number;
  private readonly identities: Int32Array[] = [];
  private readonly parents: Int32Array[] = [];
  private readonly actions: Numbers[] = [];
  private readonly wideActions: boolean;
  private table: Int32Array;
  private mask: number;

  /**
   * @param words words of an identity.
   * @param actionCount numbers of actions are below this.
   * @param slots to begin with: a power of two, from 4 on.
   */
  constructor(words: number, actionCount: number, slots = 1 << 12) {
    if (slots < 4 || (slots & (slots - 1)) !== 0)
      throw new RangeError(`a table of states has a power of two of slots, from 4 on, not ${slots}`);
    this.words = words;
    this.wideActions = actionCount > 1 << 16;
    this.table = new Int32Array(slots);
    this.mask = slots - 1;
  }

  /** Bytes of arena and table. */
  get bytes(): number {
    return this.table.byteLength + this.parents.length * this.pieceBytes(this.words);
  }

  /** Bytes while the next state is added: a table that must grow is there twice, once at double size. */
  get bytesToAdd(): number {
    const piece = this.size === this.parents.length << PIECE_BITS ? this.pieceBytes(this.words) : 0;
    return this.bytes + piece + (this.isFull ? this.table.byteLength * 2 : 0);
  }

  /** Bytes while identities become `words` words. */
  bytesToRewrite(words: number): number {
    const piece = this.pieceBytes(Math.max(words, this.words));
    return this.table.byteLength + (this.parents.length + 1) * piece;
  }

  private pieceBytes(words: number): number {
    return PIECE * (words * 4 + 4 + (this.wideActions ? 4 : 2));
  }

  private get isFull(): boolean {
    return this.size * 4 >= this.table.length * 3;
  }

  /** The number of the state whose identity stands in `vector` at `at`, or -1. */
  find(vector: Int32Array, at: number): number {
    const slot = this.slotOf(vector, at, this.hash(vector, at));
    return (this.table[slot]! & this.mask) - 1;
  }

  /** Adds a state. @returns its number, or -1 when it was there. */
  add(vector: Int32Array, at: number, parent: number, action: number): number {
    const hash = this.hash(vector, at);
    let slot = this.slotOf(vector, at, hash);
    if (this.table[slot] !== 0) return -1;
    if (this.isFull) {
      this.growTable();
      slot = this.slotOf(vector, at, hash);
    }
    const state = this.size++;
    this.put(state, vector, at, parent, action);
    this.table[slot] = (hash & ~this.mask) | (state + 1);
    return state;
  }

  private put(state: number, vector: Int32Array, at: number, parent: number, action: number): void {
    const piece = state >>> PIECE_BITS;
    if (piece === this.parents.length) this.addPiece();
    const offset = state & (PIECE - 1);
    const identities = this.identities[piece]!;
    const base = offset * this.words;
    for (let n = 0; n < this.words; n++) identities[base + n] = vector[at + n]!;
    this.parents[piece]![offset] = parent;
    if (parent !== NO_PARENT) this.actions[piece]![offset] = action;
  }

  private addPiece(): void {
    this.identities.push(new Int32Array(PIECE * this.words));
    this.parents.push(new Int32Array(PIECE));
    this.actions.push(this.wideActions ? new Int32Array(PIECE) : new Uint16Array(PIECE));
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

  /** The slot of an identity, or the free one where it belongs. */
  private slotOf(vector: Int32Array, at: number, hash: number): number {
    const { table, mask } = this;
    const tag = hash & ~mask;
    let slot = hash & mask;
    for (;;) {
      const held = table[slot]!;
      if (held === 0) return slot;
      if ((held & ~mask) === tag && this.equals((held & mask) - 1, vector, at)) return slot;
      slot = (slot + 1) & mask;
    }
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

  private growTable(): void {
    this.table = new Int32Array(this.table.length * 2);
    this.mask = this.table.length - 1;
    this.fillTable();
  }

  private fillTable(): void {
    const { table, mask, words } = this;
    for (let state = 0; state < this.size; state++) {
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
      const to = new Int32Array(PIECE * words);
      const states = Math.min(PIECE, this.size - (piece << PIECE_BITS));
      for (let n = 0; n < states; n++) encode(from, n * this.words, to, n * words);
      this.identities[piece] = to;
    }
    this.words = words;
    this.table.fill(0);
    this.fillTable();
  }
}
