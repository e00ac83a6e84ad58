import { countUpTo } from '../../store/ascending.js';
/** Which rows of a long table are shown: some are left out, and runs of rows that say the same are one. */
export interface Folding {
  /** Whether a row is shown at all. */
  shown(row: number): boolean;
  /** Whether a row has nothing of its own to say: it may be folded with its neighbours. */
  plain(row: number): boolean;
  /** Whether a row goes on with what the row before it said. */
  continues(row: number): boolean;
  /** Whether a run from `row` on, so long, has been opened by the reader. */
  opened(row: number, count: number): boolean;
}

/** Rows as they are shown: each begins at a row of the table and stands for one, or for a run. */
export interface Folded {
  readonly length: number;
  readonly rows: Int32Array;
  readonly counts: Int32Array;
}

/** A run that is shorter is not worth folding. */
const SHORTEST_RUN = 4;

/** Whether so many rows that are alike are shown as one. */
export const isWorthFolding = (count: number): boolean => count >= SHORTEST_RUN;

/** Folds a table of so many rows. */
export function foldRows(length: number, folding: Folding | Omit<Folding, 'plain'>): Folded {
  const rows = new Int32Array(length);
  const counts = new Int32Array(length);
  const plain = 'plain' in folding ? (row: number) => folding.plain(row) : () => false;
  let shown = 0;
  for (let row = 0; row < length; ) {
    if (!folding.shown(row)) {
      row++;
      continue;
    }
    let end = row + 1;
    if (plain(row)) while (end < length && folding.continues(end) && plain(end) && folding.shown(end)) end++;
    const count = end - row;
    const whole = isWorthFolding(count) && !folding.opened(row, count);
    for (let at = row; at < end; at += whole ? count : 1) {
      rows[shown] = at;
      counts[shown] = whole ? count : 1;
      shown++;
    }
    row = end;
  }
  return { length: shown, rows, counts };
}

/** The shown row in which a row of the table is, or -1. */
export function shownRowOf({ length, rows, counts }: Folded, row: number): number {
  const at = countUpTo(rows, row, length) - 1;
  return at >= 0 && row < rows[at]! + counts[at]! ? at : -1;
}

/** What part of a long table is asked for, and how it is folded. */
export interface Window {
  readonly from: number;
  readonly count: number;
  /** Whether runs that say the same are one row. */
  readonly fold: boolean;
  /** Runs that the reader has opened: a frame in each. */
  readonly opened: readonly number[];
}
