import { expect, it } from 'vitest';
import { type Folding, foldRows, shownRowOf } from './fold.js';

/** Folds letters: a run of equal small ones is one row, capitals stand alone, dots are left out. */
function folded(text: string, opened: Folding['opened'] = () => false) {
  const rows = foldRows(text.length, {
    shown: (row) => text[row] !== '.',
    plain: (row) => text[row] === text[row]!.toLowerCase(),
    continues: (row) => text[row] === text[row - 1],
    opened,
  });
  return { rows, said: Array.from({ length: rows.length }, (_, at) => [rows.rows[at], rows.counts[at]]) };
}

it('folds runs of four and more, and leaves shorter ones and what stands alone', () => {
  expect(folded('aaaabbbAAAAAcccc').said).toEqual([
    [0, 4],
    ...[4, 5, 6, 7, 8, 9, 10, 11].map((row) => [row, 1]),
    [12, 4],
  ]);
});

it('folds nothing across rows that are left out', () => {
  expect(folded('aaa.aaa').said).toEqual([0, 1, 2, 4, 5, 6].map((row) => [row, 1]));
});

it('opens the runs that the reader has opened', () => {
  expect(folded('aaaaabbbbb', (row) => row === 5).said).toEqual([
    [0, 5],
    ...[5, 6, 7, 8, 9].map((row) => [row, 1]),
  ]);
});

it('finds the row in which another is folded, and none for what is left out', () => {
  const { rows } = folded('aaaaa.B');
  expect([0, 4, 5, 6].map((row) => shownRowOf(rows, row))).toEqual([0, 0, -1, 1]);
});
