import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { BIG_MACHINE } from '../big-machine.fixture.js';
import { Explorer } from '../explorer.js';
import type { DomainEntriesArgs } from './domain-entries.js';
import type { FramesArgs } from './frames.js';
import { Standing } from './standing.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url)), 'utf8');

function open(text: string, edition?: string): Explorer {
  const configs = Object.fromEntries(
    [...text.matchAll(/"(\S+\.cfg)"/g)].map(([, name]) => [name, { name, content: example(name!) }]),
  ) as Record<string, { name: string; content: string }>;
  return new Explorer({ name: 'test.dommu', text, configs, ...(edition !== undefined && { edition }) });
}

const ALL = { from: 0, count: 1000, fold: false, opened: [], only: 'all', find: undefined } as const;
const entries = (explorer: Explorer, step: number, args: Partial<DomainEntriesArgs>) =>
  explorer.answer(step, 'domainEntries', { ...ALL, slot: 1, ...args });
const frames = (explorer: Explorer, step: number, args: Partial<FramesArgs> = {}) =>
  explorer.answer(step, 'frames', { ...ALL, owner: undefined, xens: false, ...args });
const totals = (explorer: Explorer): number[] =>
  Array.from(
    { length: explorer.opened.length + 1 },
    (_, step) => explorer.answer(step, 'disagreements', { count: 5 }).total,
  );
/** What a row says, cell by cell. */
const said = (explorer: Explorer, step: number, slot: number) =>
  entries(explorer, step, { slot }).rows.map(({ place, cpu, iommu, permitted }) => [
    place,
    cpu.text,
    iommu.text,
    permitted,
  ]);

describe('the machine, as the explorer shows it', () => {
  it('marks the granted page that the SMMU lacks, from the map to the unmap', () => {
    const explorer = open(example('arm-grant-fault.dommu'), '4.12');
    expect(totals(explorer)).toEqual([0, 0, 0, 0, 1, 1, 1, 0, 0]);
    const { first, domains } = explorer.answer(5, 'disagreements', { count: 5 });
    expect(first).toMatchObject([{ sign: 'missing', domain: 'd0', place: 'dfn 0x8424cb', frame: 0x8424cb }]);
    expect(first[0]!.text).toContain('dev_bus_addr');
    expect(domains[0]).toMatchObject({ name: 'd0', total: 1, counts: { missing: 1, excess: 0 } });
    expect(entries(explorer, 5, { slot: 0, only: 'disagreeing' }).rows).toMatchObject([
      { place: '0x8424cb', cpu: { text: 'nothing' }, iommu: { text: 'nothing' }, permitted: 'r-' },
    ]);
    const [row] = frames(explorer, 5, { only: 'disagreeing' }).rows;
    expect(row).toMatchObject({ name: '0x8424cb', owner: { text: 'd1' } });
    expect(row!.views.map(({ slot, marks }) => [slot, marks.map(({ sign }) => sign)])).toEqual([
      [0, ['missing']],
      [0, []],
      [1, []],
    ]);
  });

  it('marks nothing of it with the repaired predicate', () => {
    expect(totals(open(example('arm-grant-fault.dommu'), '4.15'))).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('shows what the late walk has still to map, which is no disagreement, and that the guest’s changes keep up with it', () => {
    const explorer = open(example('late-enable.dommu'), 'late-enable');
    expect(Math.max(...totals(explorer))).toBe(0);
    const { domains } = explorer.answer(7, 'disagreements', { count: 5 });
    expect(domains.find(({ name }) => name === 'd1')!.counts.pending).toBe(1);
    const summary = explorer.answer(8, 'domains', undefined)[1]!;
    expect(summary).toMatchObject({ context: 'split', status: { text: 'initializing' }, called: 'guest' });
    expect(summary.meaning).toContain('being built');
    expect(said(explorer, 8, 1)[0]).toEqual(['0x101', 'writable ×0 validated', 'rw → 0x101', 'rw']);
    expect(said(explorer, 9, 1)[0]).toEqual(['0x101', 'l1 ×1 pinned validated', 'nothing', '--']);
  });

  it('marks what a device reaches and its domain may not', () => {
    const explorer = open(example('death-window.dommu'));
    const { first } = explorer.answer(9, 'disagreements', { count: 5 });
    expect(first).toMatchObject([{ sign: 'excess', word: 'excess: unsafe', domain: 'd2', frame: 0x101 }]);
    expect(first[0]!.text).toContain('the rule permits nothing');
  });

  it('marks what an IOMMU remembers of the domain that had the id before', () => {
    const explorer = open(example('smmuv3-vmid-reuse.dommu'));
    expect(explorer.answer(8, 'disagreements', { count: 5 }).first).toMatchObject([
      { sign: 'stale', domain: 'd2', place: 'dfn 0x40000' },
    ]);
  });
});

const GUEST = (flags: string, map: string): string => `ram 0x100..0x10f
device nic 0000:03:00.0
createdomain guest ${flags}
populate_physmap guest 0x104 ${map}
assign_device guest nic
`;

describe('a domain, as the explorer shows it', () => {
  it('PV: types of its pages beside tables of its own', () => {
    const explorer = open(`${GUEST('iommu', 'count=2')}update_va_mapping guest va=0 0x104 rw
update_va_mapping guest va=0
pin_l1_table guest 0x104
`);
    expect(explorer.answer(3, 'domains', undefined)[1]).toMatchObject({
      context: 'split',
      needSync: { text: 'yes' },
      devices: ['nic'],
      p2mRoot: undefined,
    });
    expect(said(explorer, 4, 1)[0]).toEqual(['0x104', 'writable ×1 validated', 'rw → 0x104', 'rw']);
    expect(said(explorer, 6, 1)[0]).toEqual(['0x104', 'l1 ×1 pinned validated', 'nothing', '--']);
    const [row] = entries(explorer, 6, {}).rows;
    expect(row).toMatchObject({
      changed: true,
      ground: 'its own page, and its type is not writable',
      iommu: { was: 'rw → 0x104' },
    });
    expect([...explorer.timeline.writers(row!.iommu.words![0]!).steps]).toEqual([2, 6]);
  });

  it('HVM, shared: the IOMMU’s entry is the p2m’s own', () => {
    const explorer = open(GUEST('hvm hap iommu', 'gfn=0x8'));
    const [, guest] = explorer.answer(3, 'domains', undefined);
    expect(guest).toMatchObject({ context: 'shared', share: { text: 'yes' }, iommuRoot: { text: 'none' } });
    const [row] = entries(explorer, 3, {}).rows;
    expect(row).toMatchObject({
      place: '0x8',
      cpu: { text: 'ram_rw rwx → 0x104' },
      iommu: { text: 'rw → 0x104' },
    });
    expect(row!.cpu.words).toEqual(row!.iommu.words);
  });

  it('HVM, split: the p2m beside tables that mirror it', () => {
    const explorer = open(`${GUEST('hvm hap iommu iommu_opts=1', 'gfn=0x8')}set_mem_type guest ram_ro gfn=8
`);
    expect(explorer.answer(3, 'domains', undefined)[1]).toMatchObject({ context: 'split' });
    const [row] = entries(explorer, 4, {}).rows;
    expect(row).toMatchObject({
      cpu: { text: 'ram_ro r-x → 0x104', was: 'ram_rw rwx → 0x104' },
      iommu: { text: 'r- → 0x104', was: 'rw → 0x104' },
      permitted: 'r-',
    });
    expect(row!.cpu.words).not.toEqual(row!.iommu.words);
  });

  it('Arm: stage 2, which the SMMU walks, too', () => {
    const explorer = open(`machine arm
ram 0x100..0x10f
device eth0 /ethernet stream=1
createdomain guest iommu
populate_physmap guest 0x104 gfn=0x40000
`);
    expect(explorer.answer(2, 'domains', undefined)[1]).toMatchObject({
      context: 'shared',
      kind: { text: 'arm' },
    });
    expect(said(explorer, 2, 1)).toEqual([['0x40000', 'ram_rw rwx → 0x104', 'rw → 0x104', 'rw']]);
  });

  it('AMD-Vi: the p2m in the CPU’s format beside tables in the IOMMU’s', () => {
    const explorer = open(`iommu amdvi
${GUEST('hvm hap iommu', 'gfn=0x8')}`);
    expect(explorer.answer(3, 'domains', undefined)[1]).toMatchObject({
      context: 'split',
      share: { text: 'no' },
    });
    expect(said(explorer, 3, 1)).toEqual([['0x8', 'ram_rw rwx → 0x104', 'rw → 0x104', 'rw']]);
  });

  it('a large page is one row', () => {
    const explorer = open(`ram 0x200..0x7ff
createdomain guest hvm hap iommu max_pages=512
populate_physmap guest 0x400 gfn=0x200 order=9
`);
    expect(said(explorer, 2, 1)).toEqual([
      ['0x200 to 0x3ff', 'ram_rw rwx → 0x400 (2 MiB)', 'rw → 0x400 (2 MiB)', 'rw'],
    ]);
    const row = frames(explorer, 2, { find: 0x455 });
    expect(row.rows[row.found!]!.views).toMatchObject([{ place: 'dfn 0x455' }, { place: 'gfn 0x255' }]);
  });
});

describe('rows of frames', () => {
  const explorer = open(`ram 0x100..0x11f
createdomain guest iommu
populate_physmap guest 0x108 count=8
update_va_mapping guest va=0 0x10a rw
`);

  it('fold runs that say the same, and open those that the reader opens', () => {
    const names = (args: Partial<FramesArgs>) =>
      frames(explorer, 3, { fold: true, ...args }).rows.map(({ name }) => name);
    expect(names({})).toEqual([
      '0x100 to 0x107',
      '0x108',
      '0x109',
      '0x10a',
      '0x10b to 0x10f',
      '0x110 to 0x11f',
    ]);
    expect(names({ opened: [0x10c] })).toEqual([
      ...['0x100 to 0x107', '0x108', '0x109', '0x10a', '0x10b', '0x10c', '0x10d', '0x10e', '0x10f'],
      '0x110 to 0x11f',
    ]);
  });

  it('are told what the step changed of them', () => {
    const { rows } = frames(explorer, 3, { only: 'changed' });
    expect(rows).toMatchObject([{ name: '0x10a', typeCount: { text: '1', was: '0' }, changed: true }]);
    expect(rows[0]!.references).toMatchObject({ text: '2', was: '1' });
  });

  it('are those of one owner, and Xen’s own only where they are wanted', () => {
    expect(frames(explorer, 3, { owner: 1 }).total).toBe(8);
    expect(frames(explorer, 3, { owner: -1 }).total).toBe(24);
    expect(frames(explorer, 3, { owner: explorer.timeline.xen.domXen, xens: true }).total).toBeGreaterThan(0);
    expect(frames(explorer, 3).total).toBe(32);
  });

  it('are a window, in which a frame that is sought is never hidden', () => {
    const { rows, total, found } = frames(explorer, 3, { from: 2, count: 3, find: 0x11f });
    expect([rows.map(({ name }) => name), total, found]).toEqual([['0x102', '0x103', '0x104'], 32, 31]);
    expect(frames(explorer, 3, { only: 'disagreeing', find: 0x11f }).rows).toHaveLength(1);
  });
});

describe('what is kept from step to step', () => {
  it('is all but the neighbourhood of what the step touched: of 4,096 frames a few hundred are looked at again', () => {
    const explorer = open(BIG_MACHINE);
    const looks = vi.spyOn(Standing.prototype, 'look');
    try {
      const looked = (step: number): number => {
        looks.mockClear();
        explorer.answer(step, 'domains', undefined);
        return looks.mock.calls.length;
      };
      expect(looked(600)).toBeGreaterThan(3000);
      // A step maps a page in the place of another: each lies in a piece of 256.
      for (const step of [601, 602, 900, 601]) expect(looked(step)).toBeLessThanOrEqual(2 * 256);
      expect(looked(601)).toBe(0);
    } finally {
      looks.mockRestore();
    }
  });

  it('tells frames of which nobody ever did anything from no others, however many there are', () => {
    const explorer = open(`ram 0x1000..0x10fff
createdomain guest hvm hap iommu max_pages=513
populate_physmap guest 0x4000 gfn=0x4000 order=9
populate_physmap guest 0x8000 gfn=0x10
`);
    expect(frames(explorer, 3, { fold: true }).rows.map(({ name, owner }) => [name, owner.text])).toEqual([
      ['0x1000 to 0x3fff', 'none'],
      ['0x4000', 'd1'],
      ['0x4001 to 0x41ff', 'd1'],
      ['0x4200 to 0x7fff', 'none'],
      ['0x8000', 'd1'],
      ['0x8001 to 0x10fff', 'none'],
    ]);
    const { rows, found } = frames(explorer, 3, { fold: true, find: 0x4123 });
    expect(rows[found!]).toMatchObject({ name: '0x4123', gfn: { text: '0x4123' }, ownerSlot: 1 });
    expect(frames(explorer, 3, { owner: 1, count: 1 }).total).toBe(513);
  });

  it.each(['death-window.dommu', 'grant-overwritten.dommu', 'quarantine-life.dommu', 'three-checks.dommu'])(
    'is what a fresh look finds, wherever one goes: %s',
    (name) => {
      const kept = open(example(name));
      const { length } = kept.opened;
      for (let i = 0; i <= length; i++) {
        const step = (i * 7) % (length + 1);
        const fresh = open(example(name));
        for (const explorer of [kept, fresh]) explorer.answer(step, 'domains', undefined);
        expect(frames(kept, step)).toEqual(frames(fresh, step));
        for (let slot = 0; slot < 4; slot++)
          expect(entries(kept, step, { slot })).toEqual(entries(fresh, step, { slot }));
      }
    },
  );
});
