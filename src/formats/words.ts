/**
 * Physical memory as the walkers see it: 32-bit words behind a byte address. The model's RAM, a memory image and
 * a live guest's RAM all look like this, so the same walker serves them all.
 */
export interface WordSource {
  /**
   * The 32-bit little-endian word at physical byte address `pa` (a multiple of 4, below 2^52), as a signed
   * 32-bit integer. Memory that does not exist reads as 0.
   */
  read32(pa: number): number;
}

/** A word source that can be written as well. */
export interface WordSink extends WordSource {
  write32(pa: number, value: number): void;
}
