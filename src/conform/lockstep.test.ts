import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadProgram, parseProgramText } from '../program/load.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { runCampaign } from './campaign.js';
import { runLockstep, unsuitable } from './lockstep.js';
import { divergenceProgram } from './report.js';
import { SimulatedMachine } from './simulated.fixture.js';

const suites = fileURLToPath(new URL('../../suites/', import.meta.url));
const program = (text: string) => parseProgramText(new SourceText('t.dommu', text));
const edition = (text: string) => resolveEdition(text);

describe('a program in lockstep with a machine that behaves as the model', () => {
  const simulated = readdirSync(suites).filter((name) => name.endsWith('.dommu') && name !== 'hvm.dommu');

  it.each(simulated)('shows no difference: %s', async (name) => {
    const loaded = loadProgram(`${suites}${name}`);
    const machine = new SimulatedMachine(edition('4.17'), loaded.machine.dom0Mode);
    const result = await runLockstep(loaded, machine.judge());
    expect(result).toEqual({ operations: expect.any(Number) });
    expect(result.operations).toBeGreaterThan(5);
  });

  it('ends before a domain that no Xen would survive the end of', async () => {
    const judge = new SimulatedMachine(edition('4.17')).judge();
    const text = `createdomain guest domid=3
populate_physmap guest P
createdomain backend
grant guest 1 backend P
map_grant_ref backend A guest 1 host va=0
update_va_mapping backend va=0
destroydomain guest
createdomain other domid=3`;
    const result = await runLockstep(program(text), judge);
    expect(result).toMatchObject({ operations: 7, skipped: expect.stringContaining('does not survive') });
  });

  it('compares frames by what they stand for, not by number', async () => {
    const judge = new SimulatedMachine(edition('4.17')).judge();
    const text =
      'device e 0000:00:04.0\ncreatedomain a iommu\npopulate_physmap a P\nassign_device a e\ndma e write P+8';
    expect(await runLockstep(program(text), judge)).toEqual({ operations: 4 });
  });
});

describe('a program in lockstep with a machine that behaves otherwise', () => {
  it('ends where the tables part, and says how', async () => {
    // Up to 4.11.1 a fresh page becomes a page table and stays in reach (XSA-288); 4.13 is the first that can be told.
    const profile = { ...edition('4.17').profile, pvPageAdded: 'mapped-untyped' } as const;
    const judge = new SimulatedMachine({ ...edition('4.17'), profile }).judge(edition('4.17'));
    const text =
      'device e 0000:00:04.0\ncreatedomain a iommu\npopulate_physmap a P\nassign_device a e\npin_l1_table a P\nunpin_table a P';
    const { operations, divergence } = await runLockstep(program(text), judge);
    expect(operations).toBe(4);
    expect(divergence).toMatchObject({
      step: 3,
      op: 'pin_l1_table a P',
      differences: [{ what: 'e at 0x104', model: 'absent', real: 'rw' }],
    });
  });

  it('ends where the answers part', async () => {
    const judge = new SimulatedMachine(edition('4.17')).judge(edition('4.13'));
    const text = 'createdomain a hap\ncreatedomain b domid=2\ncreatedomain c domid=2';
    const { divergence } = await runLockstep(program(text), judge);
    expect(divergence?.differences[0]).toMatchObject({ what: 'status' });
  });
});

describe('a program that the machine cannot judge', () => {
  const judge = new SimulatedMachine(edition('4.17')).judge();

  it.each([
    ['machine arm\ncreatedomain a', /Arm/],
    ['iommu none\ncreatedomain a', /IOMMU none/],
    ['dom0 strict\ncreatedomain a', /strict dom0/],
    ['device e 0000:00:04.0\nreserved 0x80..0x81 e\ncreatedomain a', /reserved/],
    ['createdomain a hvm hap', /HVM/],
    [
      'createdomain a\nrepeat forever\npopulate_physmap a 0x100\ndecrease_reservation a 0x100\nend',
      /forever/,
    ],
  ])('is left out with the reason: %s', async (text, reason) => {
    expect(unsuitable(program(text), judge)).toMatch(reason);
    expect(await runLockstep(program(text), judge)).toEqual({
      operations: 0,
      skipped: expect.stringMatching(reason),
    });
  });

  it('half-way is given up there', async () => {
    const result = await runLockstep(program('createdomain a\nmark here\npopulate_physmap a P'), judge);
    expect(result).toEqual({ operations: 1, skipped: '`mark` exists on the model only' });
  });
});

describe('a campaign', () => {
  const options = { programs: [], seed: 1, length: 30, maxDivergences: 1 };

  it('finds nothing where there is nothing, and reaches most rules', async () => {
    const judge = new SimulatedMachine(edition('4.17')).judge();
    const result = await runCampaign([judge], { ...options, random: 50 });
    expect(result.divergences).toEqual([]);
    expect(result.operations).toBeGreaterThanOrEqual(1500);
    expect(result.reached.size).toBeGreaterThan(60);
  });

  it('is the same again from the same seed, whatever the number of machines', async () => {
    const names = async (machines: number) => {
      const judges = Array.from({ length: machines }, () => new SimulatedMachine(edition('4.17')).judge());
      const { programs, reached } = await runCampaign(judges, { ...options, random: 10 });
      return [programs.map(({ name, operations }) => `${name}: ${operations}`).sort(), reached.missing];
    };
    expect(await names(1)).toEqual(await names(2));
  });

  it('finds a page table in reach by itself, and shows it by the shortest program', async () => {
    const profile = { ...edition('4.17').profile, pvPageAdded: 'mapped-untyped' } as const;
    const judge = new SimulatedMachine({ ...edition('4.17'), profile }).judge(edition('4.17'));
    const { divergences } = await runCampaign([judge], { ...options, random: 100 });
    const [found] = divergences;
    expect(found!.program.steps.length).toBeLessThanOrEqual(5);
    const text = divergenceProgram(found!, '4.17');
    expect(parseProgramText(new SourceText('d.dommu', text)).steps).toHaveLength(found!.program.steps.length);
    expect(text).toMatch(/# Model and Xen 4.17 part at the last step/);
  });
});
