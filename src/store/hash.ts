/**
 * Incremental state identity. Every non-zero word contributes a pseudo-random 64-bit value that depends on where it
 * stands and what it holds; the state's hash is the XOR of all contributions. So a write updates the hash by two
 * contributions, and equal contents have equal hashes however they were reached.
 *
 * A contribution is two independent 32-bit lanes, each a finaliser in the manner of MurmurHash3 over (key, value).
 */

/** Scrambles all 32 bits (MurmurHash3's 32-bit finaliser). */
export function scramble(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Low lane of the contribution of `value` standing at `offset` within the page whose key is `pageKey`. */
export function laneLow(pageKey: number, offset: number, value: number): number {
  const place = scramble(pageKey ^ Math.imul(offset, 0x9e3779b1));
  return scramble(place ^ Math.imul(value, 0x27d4eb2f));
}

/** High lane; other constants, and the value enters first, so that the lanes do not collide together. */
export function laneHigh(pageKey: number, offset: number, value: number): number {
  const content = scramble(Math.imul(value, 0x165667b1) ^ 0x3c6ef372);
  return scramble(content ^ scramble(Math.imul(pageKey, 0xc2b2ae3d) ^ (offset + 0x7f4a7c15)));
}
