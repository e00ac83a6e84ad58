import type { ByteRange } from './survey.js';

/** Whether the byte at `address` is memory. @param ram in order, not overlapping. */
export function isRam(ram: readonly ByteRange[], address: number): boolean {
  let low = 0;
  let high = ram.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ram[middle]!.end > address) high = middle;
    else low = middle + 1;
  }
  return low < ram.length && ram[low]!.start <= address;
}
