import type { Rights } from '../formats/address.js';
import type { RangeList } from './survey.js';

export type RangeRow = readonly [
  input: number,
  count: number,
  frame: number,
  rights: Rights,
  shared?: number,
];

/** A range list of the given rows. */
export const rangeList = (rows: readonly RangeRow[]): RangeList => ({
  length: rows.length,
  input: (i) => rows[i]![0],
  count: (i) => rows[i]![1],
  frame: (i) => rows[i]![2],
  rights: (i) => rows[i]![3],
  sharedInput: (i) => rows[i]![4] ?? -1,
});
