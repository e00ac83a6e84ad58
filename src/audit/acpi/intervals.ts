/** Something that covers numbers from `start` to `end`, both included, and belongs to `owner`. */
export interface Interval<Owner> {
  readonly start: bigint;
  readonly end: bigint;
  readonly owner: Owner;
}

/**
 * Overlaps among intervals: for each one that begins before another has ended, that other. At most one for each interval,
 * so a table of thousands of equal ranges gives thousands of answers and not millions.
 */
export function overlaps<Owner>(
  intervals: readonly Interval<Owner>[],
): { first: Interval<Owner>; second: Interval<Owner> }[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const found: { first: Interval<Owner>; second: Interval<Owner> }[] = [];
  let reaching: Interval<Owner> | undefined;
  for (const second of sorted) {
    if (second.end < second.start) continue;
    if (reaching !== undefined && second.start <= reaching.end) found.push({ first: reaching, second });
    if (reaching === undefined || second.end > reaching.end) reaching = second;
  }
  return found;
}

/** The same for what belongs to different owners only. */
export function foreignOverlaps<Owner>(
  intervals: readonly Interval<Owner>[],
): { first: Interval<Owner>; second: Interval<Owner> }[] {
  const merged: Interval<Owner>[] = [];
  const byOwner = new Map<Owner, Interval<Owner>[]>();
  for (const interval of intervals) {
    const own = byOwner.get(interval.owner);
    if (own === undefined) byOwner.set(interval.owner, [interval]);
    else own.push(interval);
  }
  // What one owner has twice must not hide what it shares with another.
  for (const own of byOwner.values()) merged.push(...united(own));
  return overlaps(merged);
}

/** The same numbers, in order and without overlaps. */
export function united<Owner>(intervals: readonly Interval<Owner>[]): Interval<Owner>[] {
  const sorted = [...intervals].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const found: { start: bigint; end: bigint; owner: Owner }[] = [];
  for (const { start, end, owner } of sorted) {
    const last = found.at(-1);
    if (end < start) continue;
    if (last !== undefined && start <= last.end + 1n) last.end = end > last.end ? end : last.end;
    else found.push({ start, end, owner });
  }
  return found;
}

/** Whether `value` lies in one of some united intervals. */
export function covers(intervals: readonly Interval<unknown>[], value: bigint): boolean {
  let low = 0;
  let high = intervals.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { start, end } = intervals[middle]!;
    if (value < start) high = middle - 1;
    else if (value > end) low = middle + 1;
    else return true;
  }
  return false;
}
