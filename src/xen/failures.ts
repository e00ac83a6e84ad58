import type { Xen } from './state.js';

/**
 * Failures on request: the n-th time from now that something could fail, it does. What can fail: an allocation (a frame
 * for Xen or for a domain, or memory for Xen's records), the driver's map, unmap and flush, an access to a device's
 * registers or its configuration space, and the exchange of a device's live entry in its IOMMU's table, which finds another
 * there than was read. What the caller makes of it is Xen's unwinding, as it is everywhere else.
 */
export const FAILURES = ['alloc', 'map', 'unmap', 'flush', 'device', 'exchange'] as const;
export type Failure = (typeof FAILURES)[number];

/**
 * What a search may make fail: not the exchange of an entry, which no hardware changes behind Xen's back. Its unwinding is
 * there to be tried by a program (dossier §6.5, -EILSEQ).
 */
export const POSSIBLE_FAILURES: readonly Failure[] = FAILURES.filter((kind) => kind !== 'exchange');

/** Their rows in the table `failure`. */
const ROW = { alloc: 0, map: 1, unmap: 2, flush: 3, device: 4, exchange: 5 } as const satisfies Record<
  Failure,
  number
>;

/** Makes the `nth` operation of this kind from now fail, 1 for the next; 0 takes it back. */
export function failNth(xen: Xen, kind: Failure, nth: number): void {
  xen.failure.countdown.set(ROW[kind], nth);
}

/** {@link failNth}, counted: what a search may make fail is bounded. From the first on, `times` in a row fail. */
export function askToFail(xen: Xen, kind: Failure, nth: number, times = 1): void {
  failNth(xen, kind, nth);
  xen.failure.more.set(ROW[kind], nth === 0 ? 0 : Math.max(0, times - 1));
  if (nth !== 0) xen.failure.askedFor.add(ROW[kind], 1);
}

/** How many failures have been asked for, whether or not they have come. */
export function failuresAskedFor(xen: Xen): number {
  let count = 0;
  for (let row = 0; row < FAILURES.length; row++) count += xen.failure.askedFor.get(row);
  return count;
}

/** Whether a failure of this kind has been asked for and has not come yet. */
export function isFailureDue(xen: Xen, kind: Failure): boolean {
  return xen.failure.countdown.get(ROW[kind]) !== 0;
}

/** To be asked wherever an operation of this kind is carried out: true when it is to fail. */
export function fails(xen: Xen, kind: Failure): boolean {
  const { countdown, more } = xen.failure;
  const left = countdown.get(ROW[kind]);
  if (left === 0) return false;
  if (left > 1) {
    countdown.set(ROW[kind], left - 1);
    return false;
  }
  if (more.get(ROW[kind]) === 0) countdown.set(ROW[kind], 0);
  else more.add(ROW[kind], -1);
  return true;
}

/** Takes everything back since `mark`, but for failures that have happened: they do not happen again. */
export function rollbackAfterFailure(xen: Xen, mark: number): void {
  const { countdown, more } = xen.failure;
  const left = FAILURES.map((_, row) => [countdown.get(row), more.get(row)] as const);
  xen.store.rollback(mark);
  left.forEach(([count, others], row) => {
    countdown.set(row, count);
    more.set(row, others);
  });
}
