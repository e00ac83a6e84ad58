import { describe, expect, it } from 'vitest';
import { ReachedRules } from '../coverage/reached.js';
import { situationOf } from '../coverage/situation.js';
import { bootMachine } from '../program/build.js';
import { parseProgramText } from '../program/load.js';
import { Names } from '../program/names.js';
import { performStatement } from '../program/perform.js';
import { printProgram, printStatement } from '../program/print.js';
import type { Program, Statement } from '../program/program.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { isPageTable } from '../xen/page-info.js';
import { randomProgram } from './generate.js';
import type { ProgramShape } from './generate-stock.js';
import { Random } from './random.js';

const shape = (change: Partial<ProgramShape> = {}): ProgramShape => ({
  edition: resolveEdition('4.17'),
  iommu: 'vtd',
  dom0Mode: 'relaxed',
  length: 40,
  edus: 2,
  nics: 2,
  dma: true,
  ...change,
});

const generate = (seed: number, like = shape(), reached = new ReachedRules()): Program =>
  randomProgram(`random-${seed}`, new Random(seed), like, reached);

const statements = ({ steps }: Program): Statement[] =>
  steps.filter((step): step is Statement => 'op' in step);

describe('a random program', () => {
  const shapes = [
    shape(),
    shape({ dom0Mode: 'strict' }),
    shape({ dom0Mode: 'passthrough', edition: resolveEdition('4.13') }),
    shape({ iommu: 'amdvi', dma: false, edition: resolveEdition('4.20') }),
    shape({ edus: 0, nics: 1, dma: false }),
  ];

  it.each(shapes)('is what the language says when it is printed ($iommu, $dom0Mode, $edus)', (like) => {
    for (let seed = 0; seed < 12; seed++) {
      const program = generate(seed, like);
      const text = printProgram(program);
      const read = parseProgramText(new SourceText('r.dommu', text));
      expect(statements(read).map(printStatement)).toEqual(statements(program).map(printStatement));
      expect(statements(read)).toHaveLength(like.length);
      expect(read.machine).toEqual(program.machine);
    }
  });

  it('is the same again from the same seed, and another from another', () => {
    const text = (seed: number) => printProgram(generate(seed));
    expect(text(5)).toBe(text(5));
    expect(text(5)).not.toBe(text(6));
  });

  it('never has a trusted device write over a page table that is in use, nor brings the host down', () => {
    let writes = 0;
    for (let seed = 0; seed < 120; seed++) {
      const program = generate(seed, shape({ length: 60 }));
      const model = bootMachine(program.machine, resolveEdition('4.17').profile);
      const names = new Names(model);
      for (const statement of statements(program)) {
        const { device, type, count } = situationOf(model, names, statement);
        if (statement.op === 'dma' && statement.args.access === 'write') {
          writes++;
          expect(device === 'dom0' && isPageTable(type) && count > 0).toBe(false);
        }
        performStatement(model, names, statement, program.file);
        expect(model.hostBug).toBeUndefined();
      }
    }
    expect(writes).toBeGreaterThan(10);
  });

  it('has no DMA where that tells nothing', () => {
    const programs = Array.from({ length: 20 }, (_, seed) => generate(seed, shape({ dma: false })));
    expect(programs.flatMap(statements).filter(({ op }) => op === 'dma')).toEqual([]);
  });

  it('is steered towards what no program has met: twenty of them meet more rules together than one would', () => {
    const reached = new ReachedRules();
    for (let seed = 0; seed < 5; seed++) generate(seed, shape(), reached);
    const early = reached.size;
    for (let seed = 5; seed < 25; seed++) generate(seed, shape(), reached);
    expect(early).toBeGreaterThan(40);
    expect(reached.size).toBeGreaterThan(early);
  });

  it('mostly succeeds: Xen refuses less than half of it', () => {
    const programs = Array.from({ length: 20 }, (_, seed) => generate(seed));
    let [ok, all] = [0, 0];
    for (const program of programs) {
      const model = bootMachine(program.machine, resolveEdition('4.17').profile);
      const names = new Names(model);
      for (const statement of statements(program)) {
        all++;
        if (performStatement(model, names, statement, program.file).status === 'ok') ok++;
      }
    }
    expect(ok / all).toBeGreaterThan(0.5);
  });
});
