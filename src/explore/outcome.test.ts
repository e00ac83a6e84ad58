import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../program/runner.js';
import type { ChangedLine } from './changed-things.js';
import { Explorer } from './explorer.js';
import { readSource } from './source.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

const open = (text: string, edition?: string) =>
  new Explorer({ name: 'test.dommu', text, configs: {}, ...(edition !== undefined && { edition }) });

/** A line as `dommu run` prints it. */
const textOf = ({ kind, things, fields }: ChangedLine): string =>
  `${kind}${things.map(({ name }) => name).join(', ')}: ${fields
    .map((field, i) => `${field} ${things[0]!.values[i]!.was} → ${things[0]!.values[i]!.text}`)
    .join(', ')}`;

function judge(explorer: Explorer): void {
  while (!explorer.workFor(50));
}

describe('what a step did', () => {
  it('is what `dommu run` says of it', () => {
    const text = example('arm-grant-fault.dommu');
    const source = { name: 'test.dommu', text, configs: {}, edition: '4.12' };
    const { program, edition } = readSource(source);
    const explorer = new Explorer(source);
    judge(explorer);
    for (const result of runProgram(program, edition).steps) {
      const did = explorer.answer(result.index + 1, 'outcome', { lines: 100 });
      expect(did.changes.flatMap(({ lines }) => lines.map(textOf)).sort()).toEqual(
        [...result.changes].sort(),
      );
      expect(did.log.join('\n')).toBe(result.faults.map((fault) => fault.text).join('\n'));
      const surprises = did.broken!.filter(({ isExpected }) => !isExpected);
      expect([
        ...did.unexpected!,
        ...surprises.map(({ invariant, title }) => `${invariant} is broken: ${title}`),
      ]).toEqual(result.unexpected);
      expect(did.broken!.map(({ isExpected, ...violation }) => violation)).toEqual(result.violations);
    }
    expect(explorer.marks.unexpected).toContain(5);
  });

  it('is grouped by kind, each up to as many lines as are wanted, and says how many there are', () => {
    const explorer = open(`ram 0x100..0x1ff
dom0 pages=1
createdomain a hvm hap iommu max_pages=64
populate_physmap a 0x110 gfn=0 count=64
`);
    const { changes } = explorer.answer(2, 'outcome', { lines: 5 });
    const table = changes.find(({ kind }) => kind.includes('p2m'))!;
    expect(table.kind).not.toMatch(/\d\)|0x/);
    expect(table.count).toBeGreaterThan(60);
    expect(table.lines).toHaveLength(5);
    expect(new Set(changes.map(({ kind }) => kind)).size).toBe(changes.length);
  });

  it('knows nothing of invariants before the step has been judged, and does not wait for it', () => {
    const explorer = open(example('arm-grant-fault.dommu'));
    const { broken, unexpected } = explorer.answer(8, 'outcome', { lines: 5 });
    expect([broken, unexpected]).toEqual([undefined, undefined]);
    expect(explorer.marks.judged).toBe(0);
  });

  it('is shown where a name has a million letters', () => {
    const explorer = open(`ram 0x100..0x10f\ndom0 pages=1\ncreatedomain ${'a'.repeat(1e6)}\n`);
    expect(explorer.answer(1, 'outcome', { lines: 5 }).text.length).toBeLessThan(3000);
    const [row] = explorer.answer(1, 'steps', { from: 1, count: 1 });
    expect(row!.text).toMatch(/^createdomain a+ … \(1000013 letters\)$/);
  });
});
