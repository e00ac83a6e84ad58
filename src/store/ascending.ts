/** How many of some numbers, which ascend, are no greater than `most`; of the first `length` of them where that is said. */
export function countUpTo(ascending: ArrayLike<number>, most: number, length = ascending.length): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}
