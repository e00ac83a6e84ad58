import { countUpTo } from '../store/ascending.js';

/** A list of 32-bit integers in one typed array that doubles as it grows. */
export class GrowingList {
  length = 0;
  private words: Int32Array<ArrayBuffer>;

  constructor(capacity = 1 << 10) {
    this.words = new Int32Array(capacity);
  }

  push(word: number): void {
    if (this.length === this.words.length) {
      const longer = new Int32Array(this.length * 2);
      longer.set(this.words);
      this.words = longer;
    }
    this.words[this.length++] = word;
  }

  get(index: number): number {
    return this.words[index]!;
  }

  set(index: number, word: number): void {
    this.words[index] = word;
  }

  /** How many words are no greater than `most`, in a list whose words ascend. */
  countUpTo(most: number): number {
    return countUpTo(this.words, most, this.length);
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  /** Bytes while so many words are added: an array that grows is there twice. */
  bytesToAdd(words: number): number {
    let bytes = this.bytes;
    while (this.length + words > bytes / 4) bytes *= 2;
    return bytes === this.bytes ? bytes : bytes + bytes / 2;
  }
}
