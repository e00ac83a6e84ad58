/** Words of a set. */
export const SET = 4;

/**
 * Sets of words of a store, by the number of the word, in {@link SET} words each. Words whose numbers differ by a multiple
 * of 128 are taken for one another, so two sets can be held to meet that do not, and never the other way round.
 */

/** Adds the word of a number to the set that stands in `sets` at `at`. */
export function addWord(sets: Int32Array, at: number, number: number): void {
  sets[at + ((number >>> 5) & (SET - 1))]! |= 1 << (number & 31);
}

/** Whether two sets have a word in common. */
export function meet(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  return (
    ((a[atA]! & b[atB]!) |
      (a[atA + 1]! & b[atB + 1]!) |
      (a[atA + 2]! & b[atB + 2]!) |
      (a[atA + 3]! & b[atB + 3]!)) !==
    0
  );
}
