import { laneHigh, laneLow } from './hash.js';
import type { Trace } from './trace.js';

/** Words in a page of the store; RAM frames and tables are made of such pages. */
export const PAGE_WORDS = 1024;

/** A position in the journal to which {@link Store.rollback} returns. */
export type Mark = number;

/** Words of a journal entry: word index, the value before, and the value after. */
export const ENTRY = 3;

/** Stands for the position of a hash that nobody knows, as words were set that no journal tells of. */
const UNKNOWN = -1;

/**
 * All state of a model: 32-bit words behind `read` and `write`. A write records the old value in a journal, and rolling
 * back to a mark restores it. Undo, state identity, time travel and "what did this step change" all follow from this.
 *
 * Words are signed 32-bit integers. Pages are handed out by {@link addPages} and never given back; each has a key, its
 * place in the hash, so that a RAM frame counts the same whichever page happens to back it.
 */
export class Store {
  /** All words. Replaced by a larger array when pages are added: do not keep a reference. */
  words: Int32Array;
  /** The hash of the state after the first `hashed` entries of the journal. */
  private low = 0;
  private high = 0;
  private hashed: Mark = 0;
  /** Entries in the journal. */
  journalLength: Mark = 0;
  /** While one is set, it is told of every word that is read or written. */
  trace: Trace | undefined = undefined;
  private journal: Int32Array;
  private pageKeys: Int32Array;
  private pages = 0;

  constructor(expectedPages = 16) {
    this.words = new Int32Array(expectedPages * PAGE_WORDS);
    this.pageKeys = new Int32Array(expectedPages);
    this.journal = new Int32Array(ENTRY * 4096);
  }

  /** Pages handed out so far. */
  get pageCount(): number {
    return this.pages;
  }

  /**
   * Adds `count` consecutive pages of zero words, whose hash keys are `key`, `key + 1`, … (unique in this store), and
   * returns the index of the first word. This is no change of state: a page of zeros equals no page.
   */
  addPages(key: number, count: number): number {
    const first = this.pages;
    this.pages += count;
    if (this.pages > this.pageKeys.length) this.grow();
    for (let page = 0; page < count; page++) this.pageKeys[first + page] = key + page;
    return first * PAGE_WORDS;
  }

  private grow(): void {
    const pages = Math.ceil(this.pages * 1.5) + 16;
    const words = new Int32Array(pages * PAGE_WORDS);
    words.set(this.words);
    this.words = words;
    const keys = new Int32Array(pages);
    keys.set(this.pageKeys);
    this.pageKeys = keys;
  }

  /** The word at `index`. */
  read(index: number): number {
    const value = this.words[index]!;
    if (this.trace !== undefined) this.trace.note(index, value);
    return value;
  }

  /**
   * Sets the word at `index` to `value` (taken as a signed 32-bit integer), journaled. No allocation.
   * @throws RangeError when no page holds the word; nothing has changed then.
   */
  write(index: number, value: number): void {
    if (index >>> 10 >= this.pages) throw this.outside(index);
    const old = this.read(index);
    const now = value | 0;
    if (old === now) return;
    const at = this.journalLength * ENTRY;
    if (at === this.journal.length) this.growJournal();
    this.journal[at] = index;
    this.journal[at + 1] = old;
    this.journal[at + 2] = now;
    this.journalLength++;
    this.words[index] = now;
  }

  /**
   * Both lanes of the state's hash. Zero words contribute nothing. It is worked out when it is asked for, from what was
   * written since it last was: a search that tells states apart by their facts never pays for it.
   */
  get hashLow(): number {
    if (this.hashed !== this.journalLength) this.hashTo(this.journalLength);
    return this.low;
  }

  get hashHigh(): number {
    if (this.hashed !== this.journalLength) this.hashTo(this.journalLength);
    return this.high;
  }

  /** Takes the hash to another position of the journal: what an entry changes of it forwards, it changes backwards. */
  private hashTo(mark: Mark): void {
    if (this.hashed === UNKNOWN) {
      this.hashAnew();
      return;
    }
    const { journal } = this;
    const end = Math.max(mark, this.hashed) * ENTRY;
    for (let at = Math.min(mark, this.hashed) * ENTRY; at < end; at += ENTRY) {
      const index = journal[at]!;
      this.moveHash(index, journal[at + 1]!);
      this.moveHash(index, journal[at + 2]!);
    }
    this.hashed = mark;
  }

  /** Works the hash of the present state out from all words. */
  private hashAnew(): void {
    this.low = 0;
    this.high = 0;
    const end = this.wordCount;
    for (let index = 0; index < end; index++) this.moveHash(index, this.words[index]!);
    this.hashed = this.journalLength;
  }

  private moveHash(index: number, value: number): void {
    if (value === 0) return;
    const key = this.pageKeys[index >>> 10]!;
    const offset = index & (PAGE_WORDS - 1);
    this.low ^= laneLow(key, offset, value);
    this.high ^= laneHigh(key, offset, value);
  }

  private outside(index: number): RangeError {
    return new RangeError(
      `write to word ${index} of a store that has ${this.pages * PAGE_WORDS}; add pages first`,
    );
  }

  private growJournal(): void {
    const journal = new Int32Array(this.journal.length * 2);
    journal.set(this.journal);
    this.journal = journal;
  }

  /** The present position in the journal. */
  mark(): Mark {
    return this.journalLength;
  }

  /**
   * Undoes every write since `mark`, newest first.
   * @throws RangeError when `mark` lies beyond the journal's end (the journal was forgotten or rolled back further).
   */
  rollback(mark: Mark): void {
    this.checkMark(mark);
    if (mark === this.journalLength) return;
    if (mark < this.hashed) this.hashTo(mark);
    const { journal, words } = this;
    const oldest = mark * ENTRY;
    for (let at = (this.journalLength - 1) * ENTRY; at >= oldest; at -= ENTRY) {
      words[journal[at]!] = journal[at + 1]!;
    }
    this.journalLength = mark;
  }

  private checkMark(mark: Mark): void {
    if (mark >= 0 && mark <= this.journalLength) return;
    const where = mark < 0 ? 'before its beginning' : `beyond the journal's end ${this.journalLength}`;
    throw new RangeError(`mark ${mark} lies ${where}`);
  }

  /** Forgets the journal: the present state becomes the one that cannot be undone. Marks taken before are void. */
  forget(): void {
    if (this.hashed !== UNKNOWN) {
      this.hashTo(this.journalLength);
      this.hashed = 0;
    }
    this.journalLength = 0;
  }

  /**
   * Hands the journal over to who keeps the history himself, three words an entry (word index, value before, value after),
   * oldest first, and {@link forget}s it. With {@link replay} he can go back and forth in it.
   */
  takeJournal(): Int32Array {
    const entries = this.journal.slice(0, this.journalLength * ENTRY);
    this.journal = new Int32Array(ENTRY * 4096);
    this.journalLength = 0;
    this.hashed = UNKNOWN;
    return entries;
  }

  /**
   * Goes from entry `from` to entry `to` of a journal that was handed over, forwards or backwards. Nothing of it is
   * journaled; the hash is worked out anew when it is next asked for.
   * @throws Error where the store's own journal is not empty: what it tells of would be lost.
   */
  replay(entries: Int32Array, from: Mark, to: Mark): void {
    this.checkUnjournaled();
    const { words } = this;
    for (let at = from * ENTRY; at < to * ENTRY; at += ENTRY) words[entries[at]!] = entries[at + 2]!;
    for (let at = (from - 1) * ENTRY; at >= to * ENTRY; at -= ENTRY) words[entries[at]!] = entries[at + 1]!;
    if (from !== to) this.hashed = UNKNOWN;
  }

  /** Sets the words `indexes` to `values`, as {@link replay} does. */
  setWords(indexes: Int32Array, values: Int32Array): void {
    this.checkUnjournaled();
    const { words } = this;
    for (let i = 0; i < indexes.length; i++) words[indexes[i]!] = values[i]!;
    this.hashed = UNKNOWN;
  }

  private checkUnjournaled(): void {
    if (this.journalLength === 0) return;
    throw new Error(
      `${this.journalLength} writes stand in the journal; roll them back, or forget them, first`,
    );
  }

  /**
   * Calls `visit` with (word index, value before) for each journal entry in [from, to), oldest first.
   * @throws RangeError when either mark lies beyond the journal's end.
   */
  forEachWrite(from: Mark, to: Mark, visit: (index: number, before: number) => void): void {
    this.checkMark(from);
    this.checkMark(to);
    for (let entry = from; entry < to; entry++) {
      visit(this.journal[entry * ENTRY]!, this.journal[entry * ENTRY + 1]!);
    }
  }

  /** The word that entry `entry` of the journal wrote; for loops that cannot afford {@link forEachWrite}'s call. */
  writtenWord(entry: number): number {
    return this.journal[entry * ENTRY]!;
  }

  /** What the word of entry `entry` held before. */
  valueBefore(entry: number): number {
    return this.journal[entry * ENTRY + 1]!;
  }

  /** Whether any word holds something else than it did at `mark`: writes may have cancelled out. */
  isChangedSince(mark: Mark): boolean {
    for (let entry = mark; entry < this.journalLength; entry++) {
      const index = this.writtenWord(entry);
      if (this.valueBefore(entry) !== this.words[index]! && this.isFirstWrite(index, mark, entry))
        return true;
    }
    return false;
  }

  private isFirstWrite(index: number, mark: Mark, entry: number): boolean {
    for (let earlier = mark; earlier < entry; earlier++) {
      if (this.writtenWord(earlier) === index) return false;
    }
    return true;
  }

  /** Words of all pages handed out. */
  get wordCount(): number {
    return this.pages * PAGE_WORDS;
  }

  /**
   * A word's name by its page's key and its offset there, key · 1024 + offset: the same in every store that was built
   * alike, in whatever order its pages were added.
   */
  nameOf(index: number): number {
    return (this.pageKeys[index >>> 10]! >>> 0) * PAGE_WORDS + (index & (PAGE_WORDS - 1));
  }

  /** The 64-bit hash as 16 hexadecimal digits. */
  hashText(): string {
    const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, '0');
    return hex(this.hashHigh) + hex(this.hashLow);
  }
}
