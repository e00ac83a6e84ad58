/**
 * Bytes of a table as far as somebody has them: a file may be cut off, a listing pasted into a report may leave out
 * lines. A number of which one byte is missing reads as null, never as if the byte were zero.
 */
export class TableBytes {
  readonly bytes: Uint8Array;
  /** For each byte 1 when it is known; null when all are. */
  readonly known: Uint8Array | null;
  /** Offsets at which structures begin, in order, where somebody has said so: a way on over missing lengths. */
  readonly starts: readonly number[];

  /** @throws RangeError when `known` has another length than `bytes`. */
  constructor(bytes: Uint8Array, known: Uint8Array | null = null, starts: readonly number[] = []) {
    if (known !== null && known.length !== bytes.length) throw new RangeError('one mark a byte is needed');
    this.bytes = bytes;
    this.starts = starts;
    this.known = known === null || known.every((mark) => mark !== 0) ? null : known;
  }

  static of(bytes: Uint8Array | TableBytes): TableBytes {
    return bytes instanceof TableBytes ? bytes : new TableBytes(bytes);
  }

  /** Bytes from the start to the last one that is known, those between that are missing included. */
  get length(): number {
    return this.bytes.length;
  }

  /** The first structure that is known to begin behind `at`; undefined when nobody said of one. */
  startAfter(at: number): number | undefined {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return this.starts[low];
  }

  /** Whether all of `size` bytes from `at` are there. */
  has(at: number, size: number): boolean {
    if (at < 0 || size < 0 || at + size > this.bytes.length) return false;
    if (this.known === null) return true;
    for (let i = at; i < at + size; i++) if (this.known[i] === 0) return false;
    return true;
  }

  /** A little-endian number of 1 to 6 bytes, exact; null where a byte of it is missing. */
  number(at: number, size: number): number | null {
    if (!this.has(at, size)) return null;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.bytes[at + i]!;
    return value;
  }

  /** A little-endian number of any size; null where a byte of it is missing. */
  big(at: number, size: number): bigint | null {
    if (!this.has(at, size)) return null;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[at + i]!);
    return value;
  }

  /** Text up to its NUL or the end of the field, bytes that are no ASCII as `?`; null where a byte of it is missing. */
  text(at: number, size: number): string | null {
    let text = '';
    for (let i = at; i < at + size; i++) {
      if (!this.has(i, 1)) return null;
      const byte = this.bytes[i]!;
      if (byte === 0) break;
      text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
    }
    return text;
  }

  /** How many of the bytes below `end` are known. */
  knownBelow(end: number): number {
    const most = Math.min(end, this.bytes.length);
    if (this.known === null) return most;
    let count = 0;
    for (let i = 0; i < most; i++) count += this.known[i]! === 0 ? 0 : 1;
    return count;
  }
}
