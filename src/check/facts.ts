import type { CodedFact, Coding } from './coding.js';
import type { Model, SearchableState, Symmetry } from './model.js';

/** Words of a slot in the table of facts: its number + 1 (0 is free), the word, the value. */
const SLOT = 3;

/**
 * The facts met so far, and what each contributes to the identities of a state and of its images: a row of `group` times
 * `coding.words` words, the state's own first. A write therefore changes all of them by the XOR of two rows.
 */
export class Facts {
  /** Elements of the group, the identity included. */
  readonly group: number;
  /** Words of a row. */
  width: number;
  /** One row a fact; replaced by a longer one: do not keep a reference. */
  rows: Int32Array;
  private readonly state: SearchableState;
  private readonly symmetries: readonly Symmetry[];
  private readonly isDerived: (word: number) => boolean;
  private coding: Coding;
  /** The words where the search began. Those that were added later began as 0. */
  private readonly root: Int32Array;
  /** Where the words stand in this process's store, by name: those of which something was coded. */
  private readonly places = new Map<number, number>();
  private count = 0;
  private table = new Int32Array(SLOT * 256);
  private mask = 255;

  constructor(model: Model, symmetries: readonly Symmetry[], coding: Coding) {
    this.state = model.state;
    this.symmetries = symmetries;
    this.group = symmetries.length + 1;
    this.isDerived = (word) => model.derived?.(word) === true;
    this.coding = coding;
    this.width = this.group * coding.words;
    this.rows = new Int32Array(64 * this.width);
    this.root = Int32Array.from({ length: model.state.wordCount }, (_, word) => model.state.read(word));
  }

  /** The number of a fact, or -1 when it was not met yet. */
  find(word: number, value: number): number {
    const { table, mask } = this;
    let slot = slotOf(word, value) & mask;
    for (;;) {
      const at = slot * SLOT;
      const fact = table[at]!;
      if (fact === 0) return -1;
      if (table[at + 1] === word && table[at + 2] === value) return fact - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** The row of a fact by its word's name; the word must have been met here, at least as an image. */
  rowOf({ name, value }: CodedFact): number {
    const word = this.places.get(name)!;
    const fact = this.find(word, value);
    return (fact < 0 ? this.learn(word, value, true) : fact) * this.width;
  }

  /**
   * A fact that was not met yet, with what it contributes. When it may not be coded anew (`fresh` is false) and would have
   * to be, or when there is no room for its code: -1, and nothing is changed.
   */
  learn(word: number, value: number, fresh: boolean): number {
    if (!fresh && !this.isCoded(word, value)) return -1;
    const at = this.count * this.width;
    if (at === this.rows.length) this.rows = longer(this.rows);
    if (!this.contribute(word, value, at)) {
      this.rows.fill(0, at, at + this.width);
      return -1;
    }
    if ((this.count + 1) * 2 > this.mask) this.growTable();
    this.enter(word, value, this.count);
    return this.count++;
  }

  /** XORs what the fact contributes, to the state and to each image, into the row at `at`. False when there is no room. */
  private contribute(word: number, value: number, at: number): boolean {
    if (!this.code(word, value, at)) return false;
    for (let image = 1; image < this.group; image++) {
      const symmetry = this.symmetries[image - 1]!;
      const there = symmetry.word(word);
      const { words } = this.coding;
      if (!this.code(there, symmetry.value(word, value), at + image * words)) return false;
    }
    return true;
  }

  private code(word: number, value: number, at: number): boolean {
    if (!this.tells(word, value)) return true;
    const name = this.state.nameOf(word);
    this.places.set(name, word);
    return this.coding.contribute(name, value, this.rootOf(word), this.rows, at);
  }

  /** Whether a word's value says anything of a state: it is not derived, and differs from what it began with. */
  private tells(word: number, value: number): boolean {
    return value !== this.rootOf(word) && !this.isDerived(word);
  }

  private isCoded(word: number, value: number): boolean {
    const known = (at: number, what: number) =>
      !this.tells(at, what) || this.coding.knows(this.state.nameOf(at), what);
    return (
      known(word, value) &&
      this.symmetries.every((symmetry) => known(symmetry.word(word), symmetry.value(word, value)))
    );
  }

  private rootOf(word: number): number {
    return word < this.root.length ? this.root[word]! : 0;
  }

  /**
   * The identities of the images of the state where the search began, which need not be symmetric itself.
   * @returns undefined when there is no room for the codes.
   */
  rootRow(): Int32Array | undefined {
    const at = this.count * this.width;
    if (at === this.rows.length) this.rows = longer(this.rows);
    let roomy = true;
    for (let image = 1; image < this.group && roomy; image++) roomy = this.imageOfRoot(image, at);
    const row = this.rows.slice(at, at + this.width);
    this.rows.fill(0, at, at + this.width);
    return roomy ? row : undefined;
  }

  private imageOfRoot(image: number, row: number): boolean {
    const symmetry = this.symmetries[image - 1]!;
    const at = row + image * this.coding.words;
    const taken = new Set<number>();
    for (let word = 0; word < this.root.length; word++) {
      if (this.root[word] === 0) continue;
      const there = symmetry.word(word);
      taken.add(there);
      if (!this.code(there, symmetry.value(word, this.root[word]!), at)) return false;
    }
    for (let word = 0; word < this.root.length; word++) {
      if (this.root[word] !== 0 && !taken.has(word) && !this.code(word, 0, at)) return false;
    }
    return true;
  }

  /** Takes up another coding, or the same one after it was widened. */
  recode(coding: Coding): void {
    this.coding = coding;
    this.width = this.group * coding.words;
    this.rows = new Int32Array(Math.max(64, this.mask + 1) * this.width);
    for (let at = 0; at < this.table.length; at += SLOT) {
      const fact = this.table[at]! - 1;
      if (fact >= 0) this.contribute(this.table[at + 1]!, this.table[at + 2]!, fact * this.width);
    }
  }

  private enter(word: number, value: number, fact: number): void {
    let slot = slotOf(word, value) & this.mask;
    while (this.table[slot * SLOT] !== 0) slot = (slot + 1) & this.mask;
    this.table[slot * SLOT] = fact + 1;
    this.table[slot * SLOT + 1] = word;
    this.table[slot * SLOT + 2] = value;
  }

  private growTable(): void {
    const before = this.table;
    this.table = new Int32Array(before.length * 2);
    this.mask = this.mask * 2 + 1;
    for (let at = 0; at < before.length; at += SLOT) {
      if (before[at] !== 0) this.enter(before[at + 1]!, before[at + 2]!, before[at]! - 1);
    }
  }

  get bytes(): number {
    return this.rows.byteLength + this.table.byteLength + this.coding.bytes;
  }

  /** Bytes while the next fact is learnt: an array that must grow is there twice, once at double size. */
  get bytesToLearn(): number {
    const rows = (this.count + 1) * this.width > this.rows.length - this.width ? this.rows.byteLength * 2 : 0;
    const table = (this.count + 2) * 2 > this.mask ? this.table.byteLength * 2 : 0;
    return this.bytes + rows + table;
  }
}

function slotOf(word: number, value: number): number {
  const mixed = Math.imul(word, 0x9e3779b1) ^ Math.imul(value, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

function longer(array: Int32Array): Int32Array {
  const twice = new Int32Array(array.length * 2);
  twice.set(array);
  return twice;
}
