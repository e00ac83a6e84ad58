import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { INVARIANTS } from '../invariants.js';
import { harmsText } from './harm.js';

const page = readFileSync(new URL('../../../docs/invariants.md', import.meta.url), 'utf8');

/** Rows of the table whose first column is headed `id`, after `heading`. */
function tableAfter(heading: string): string[][] {
  const [, text = ''] = page.split(`${heading}\n`);
  const lines = text.split('\n');
  const first = lines.findIndex((line) => line.startsWith('| id '));
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'));
  return lines.slice(first + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Dossier §10, and the catalogue of the bug gallery. */
const CATALOGUE = [
  ...Array.from({ length: 19 }, (_, n) => `I${n + 1}`),
  ...['DMA-OWN', 'DMA-PERM', 'DMA-TYPE', 'IOMMU-EQ', 'IOMMU-COMPLETE', 'SYNC', 'TLB', 'PTSTRUCT', 'ATOMIC'],
  ...['CPU-WRITE', 'REF', 'PIN', 'M2P', 'OWNER', 'QUAR', 'RMRR', 'DID', 'LEAK', 'PROGRESS', 'NOCRASH'],
  ...['CONTRACT', 'AUTH', 'SCRUB', 'DIRTY', 'QUOTA'],
].map((name) => (/^I\d/.test(name) ? name : `INV-${name}`));

it('the page lists what the code states, in its order and its words', () => {
  const rows = INVARIANTS.map((invariant) => {
    const { id, title, reason, dear, remember, states = [] } = invariant;
    const cost = dear ? 'check' : remember ? 'step' : 'state';
    return [id, title, reason, harmsText(invariant), cost, states.join(', ')];
  });
  expect(tableAfter('# What must always hold')).toEqual(rows);
});

it('every invariant of the dossier and the catalogue is stated, or the page says why not', () => {
  const stated = new Set(INVARIANTS.flatMap(({ id, states = [] }) => [id, ...states]));
  const excused = tableAfter('## What is not stated').map(([id]) => id);
  expect(excused.filter((id) => stated.has(id!))).toEqual([]);
  expect(CATALOGUE.filter((id) => !stated.has(id) && !excused.includes(id))).toEqual([]);
  expect([...stated, ...excused].filter((id) => /^(I\d|INV-)/.test(id!) && !CATALOGUE.includes(id!))).toEqual(
    [],
  );
});

it('no reason of what is not stated is empty', () => {
  for (const [id, reason] of tableAfter('## What is not stated')) expect([id, reason]).not.toContain('');
});
