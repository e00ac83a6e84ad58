import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCampaign } from '../../src/conform/campaign.js';
import { STAINED } from '../../src/conform/clean-machine.js';
import { dom0PageTables } from '../../src/conform/dom0-tables.js';
import { labJudge } from '../../src/conform/judge.js';
import { type Judge, runLockstep } from '../../src/conform/lockstep.js';
import type { LabMachine } from '../../src/lab/machine-api.js';
import { startLab } from '../../src/lab/qemu/lab.js';
import { loadProgram, parseProgramText } from '../../src/program/load.js';
import { SourceText } from '../../src/text/source.js';
import { resolveEdition } from '../../src/xen/editions/edition.js';

const folder = fileURLToPath(new URL('../../suites/', import.meta.url));
const suites = readdirSync(folder)
  .filter((name) => name.endsWith('.dommu'))
  .map((name) => loadProgram(`${folder}${name}`));

const program = (text: string) => parseProgramText(new SourceText('t.dommu', text));

describe.each(['relaxed', 'strict', 'passthrough'] as const)('a real Xen with a %s dom0', (mode) => {
  let machine: LabMachine;
  let judge: Judge;
  beforeAll(async () => {
    machine = await startLab({ dom0Iommu: mode });
    judge = labJudge(machine);
  });
  afterAll(() => machine?.close());

  it('says how it was booted', () => {
    expect(judge.dom0Mode).toBe(mode);
    expect(judge.edition.name).toMatch(/^4\.17/);
  });

  const own = suites.filter(({ machine: { dom0Mode, iommu } }) => dom0Mode === mode && iommu === 'vtd');
  it.each(own.map((one) => [one.file.slice(folder.length), one] as const))(
    'agrees with the model on %s',
    async (_, suite) => {
      const result = await runLockstep(suite, judge);
      expect(result).toEqual({ operations: expect.any(Number) });
    },
  );

  it(`has ${mode === 'strict' ? 'none' : 'all'} of dom0's page tables in reach of dom0's devices`, async () => {
    const { tables, readable, writable } = await dom0PageTables(machine, machine.devices[0]!.sbdf);
    const expected = mode === 'strict' ? 0 : tables;
    expect({ readable, writable }).toEqual({ readable: expected, writable: expected });
  });

  it('agrees with the model on random programs', async () => {
    const options = { programs: [], random: 5, seed: 11, length: 30, maxDivergences: 1 };
    const { divergences, operations } = await runCampaign([judge], options);
    expect(divergences).toEqual([]);
    expect(operations).toBeGreaterThan(100);
  });
});

describe('what a program leaves behind under a strict dom0', () => {
  const GRANT = `dom0 strict
device nic 0000:03:00.0
createdomain frontend
populate_physmap frontend P
grant frontend 1 dom0 P`;
  const OVERWRITTEN = `${GRANT}
map_grant_ref dom0 A frontend 1 host va=0
update_va_mapping dom0 va=0
decrease_reservation frontend P`;
  const FRESH = program('dom0 strict\ndevice nic 0000:03:00.0\ncreatedomain a\npopulate_physmap a P');

  let machine: LabMachine;
  beforeEach(async () => {
    machine = await startLab({ dom0Iommu: 'strict' });
  });
  afterEach(() => machine?.close());

  it.each([
    ['a grant at a virtual page', 'map_grant_ref dom0 A frontend 1 host va=0'],
    ['one for devices, too', 'map_grant_ref dom0 A frontend 1 host device va=0'],
    [
      'one that came in the place of another page',
      `populate_physmap frontend Q
update_va_mapping dom0 va=0 Q rw of=frontend
map_grant_ref dom0 A frontend 1 host va=0`,
    ],
  ])('is taken back: %s', async (_, mapping) => {
    const judge = labJudge(machine);
    expect(await runLockstep(program(`${GRANT}\n${mapping}`), judge)).not.toHaveProperty('divergence');
    expect(await machine.agent.perform([{ call: 'reset' }])).toEqual([{ rc: 0 }]);
    expect(await runLockstep(FRESH, judge)).toEqual({ operations: 2 });
  });

  it.each([
    ['over the entry of whose mapping something else was written', OVERWRITTEN],
    ['whose granter is gone besides', `${OVERWRITTEN}\ndestroydomain frontend`],
    [
      'whose granter goes with the last page of its that dom0 unmaps',
      `${GRANT}
map_grant_ref dom0 A frontend 1 host
map_grant_ref dom0 B frontend 1 host va=0
update_va_mapping dom0 va=0
destroydomain frontend`,
    ],
    [
      'whose page is granted, mapped and unmapped again',
      `${OVERWRITTEN}
populate_physmap frontend Q
grant frontend 2 dom0 Q
map_grant_ref dom0 B frontend 2 host
unmap_grant_ref dom0 B`,
    ],
  ])('and nobody can take back ends with the machine: a grant %s', async (_, text) => {
    const stained = labJudge(machine);
    expect(await runLockstep(program(text), stained)).not.toHaveProperty('divergence');
    expect(await runLockstep(FRESH, stained)).toEqual({ operations: 0, skipped: STAINED });
    const judge = labJudge(machine, stained.edition, async (old) => {
      await old.close();
      machine = await startLab({ dom0Iommu: 'strict' });
      return machine;
    });
    expect(await runLockstep(FRESH, judge)).toEqual({ operations: 2 });
  });
});

describe('a real Xen with AMD-Vi', () => {
  it('agrees with the model on its tables, HVM guests among them, and on random programs', async () => {
    const machine = await startLab({ iommu: 'amdvi' });
    try {
      const judge = labJudge(machine);
      const programs = suites.filter(({ machine: { dom0Mode } }) => dom0Mode === 'relaxed');
      const options = { programs, random: 5, seed: 12, length: 30, maxDivergences: 1 };
      const result = await runCampaign([judge], options);
      expect(result.divergences).toEqual([]);
      expect(result.programs.filter(({ skipped }) => skipped !== undefined)).toEqual([]);
    } finally {
      await machine.close();
    }
  });
});

describe('a real Xen held against what it is not', () => {
  let machine: LabMachine;
  beforeAll(async () => {
    machine = await startLab({});
  });
  afterAll(() => machine?.close());

  it('shows a page that an older Xen would have left in reach of a device', async () => {
    const edition = resolveEdition('4.17');
    const profile = { ...edition.profile, pvPageAdded: 'mapped-untyped' } as const;
    const judge = labJudge(machine, { ...edition, profile });
    const text =
      'device e 0000:00:04.0\ncreatedomain a iommu\npopulate_physmap a P\nassign_device a e\npin_l1_table a P';
    const { divergence } = await runLockstep(program(text), judge);
    expect(divergence).toMatchObject({
      op: 'pin_l1_table a P',
      differences: [{ model: 'rw', real: 'absent' }],
    });
  });

  it('shows an answer that an older Xen would have given', async () => {
    const judge = labJudge(machine, resolveEdition('4.12'));
    const { divergence } = await runLockstep(program('createdomain a hap'), judge);
    expect(divergence?.differences).toEqual([{ what: 'status', model: 'ok', real: 'EINVAL' }]);
  });
});
