/**
 * Which clause of an invariant a violation breaks: what it says, without the frames, numbers and names that it happened to.
 * `nic (0000:03:00.0) of d1 can write frame 0x101 (owned by d1, type l1, …) through its tables` is the same as of d2 and 0x102,
 * and another than through the IOTLB.
 */
export function clauseOf(message: string): string {
  return message
    .replace(/\S+ \((?:[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|\/[^)]*)\)/gi, 'a device')
    .replace(/0x[0-9a-f]+/gi, '#')
    .replace(/\bd(?:\d+|om\w*)(?:’s|'s)?/g, 'a domain')
    .replace(/\d+/g, '#');
}
