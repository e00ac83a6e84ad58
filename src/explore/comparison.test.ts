import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BIG_MACHINE } from './big-machine.fixture.js';
import { Explorer } from './explorer.js';

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

function open(name: string, edition: string, configs: readonly string[] = []): Explorer {
  const found = Object.fromEntries(
    configs.map((config) => [config, { name: config, content: read(config) }]),
  );
  return new Explorer({ name, text: read(name), configs: found, edition });
}

function comparedWith(explorer: Explorer, edition: string): Explorer {
  explorer.compareWith(edition);
  while (!explorer.workFor(50));
  return explorer;
}

const at = (explorer: Explorer, step: number) => explorer.answer(step, 'difference', { inDetail: false })!;

describe('a run beside that of another edition', () => {
  it('shows where the bug of the report begins, and in words what an observer sees of it', () => {
    const explorer = comparedWith(open('arm-grant-fault.dommu', '4.12'), '4.22');
    const { marks } = explorer;
    expect(marks.comparison).toMatchObject({ phase: 'done', edition: '4.22', first: 4, onlyThere: 0 });
    // What is reached differs from the mapping to the unmapping; later the fault is on another level of the tables.
    expect(marks.differing).toEqual([4, 5, 6, 8]);
    const map = at(explorer, 4);
    expect(map.here.text).toMatch(/^map_grant_ref/);
    expect(map.differs).toContain('reach');
    expect(map.sentences[0]).toBe('Only on Xen 4.22 does eth0 reach 0x8424cb (r-).');
    expect(map).toMatchObject({ previous: undefined, next: 5 });
    const read = at(explorer, 5);
    expect(read.sentences.slice(0, 2)).toEqual([
      'Xen 4.12 answers fault, Xen 4.22 answers ok.',
      'Only Xen 4.12 logs something: 1 line.',
    ]);
    expect(read.here.log[0]).toContain('Unhandled context fault');
    expect(read.there!.log).toEqual([]);
    expect(read).toMatchObject({ previous: 4, next: 6 });
  });

  it('says that an observer sees the same where only records of the hypervisor differ', () => {
    const explorer = comparedWith(open('arm-grant-fault.dommu', '4.12'), '4.22');
    const { first } = explorer.marks.comparison!.recordsOnly;
    expect(explorer.marks.differing).not.toContain(first);
    const { differs, sentences } = at(explorer, first!);
    expect(differs).toEqual(['words']);
    expect(sentences[0]).toMatch(/^What an observer sees is the same/);
    expect(sentences.length).toBeGreaterThan(1);
  });

  it('finds no difference where there is none, and forgets it when it is compared with none', () => {
    const explorer = comparedWith(open('arm-grant-fault.dommu', '4.22'), 'staging');
    expect(explorer.marks.differing).toEqual([]);
    expect(at(explorer, 5).sentences).toEqual([]);
    explorer.compareWith(undefined);
    expect(explorer.marks.comparison).toBeUndefined();
    expect(explorer.answer(5, 'difference', { inDetail: true })).toBeUndefined();
  });

  it('shows rounds of a loop that only one design goes through as standing alone', () => {
    const configs = ['guest-pv-hotplug.cfg'];
    const late = comparedWith(open('late-enable.dommu', 'late-enable', configs), 'up-front');
    const upFront = comparedWith(open('late-enable.dommu', 'up-front', configs), 'late-enable');
    const difference = Math.abs(late.timeline.length - upFront.timeline.length);
    const longer = late.timeline.length > upFront.timeline.length ? late : upFront;
    const shorter = longer === late ? upFront : late;
    expect(shorter.marks.comparison!.onlyThere).toBe(difference);
    const alone = longer.marks.differing.filter((step) => at(longer, step).there === undefined);
    expect(alone).toHaveLength(difference);
    const begin = late.marks.differing[0]!;
    expect(at(late, begin).sentences[0]).toContain('Xen up-front answers');
    const before = shorter.marks.differing.find((step) => at(shorter, step).onlyThereCount > 0);
    if (difference > 0) expect(at(shorter, before!).onlyThere[0]!.text).not.toBe('');
  });

  it('is worked out in slices that leave the machine where it stands', () => {
    const explorer = open('arm-grant-fault.dommu', '4.12');
    explorer.answer(3, 'outcome', { lines: 8 });
    explorer.compareWith('4.22');
    expect(at(explorer, 3).compared).toBe(false);
    for (let slices = 0; !explorer.workFor(0.2); slices++) {
      expect(explorer.timeline.position).toBe(3);
      expect(slices).toBeLessThan(100_000);
    }
    expect(explorer.timeline.position).toBe(3);
    expect(at(explorer, 3).compared).toBe(true);
  });

  it('says what devices of a large machine reach when it is asked for in detail', () => {
    const source = { name: 'big.dommu', text: BIG_MACHINE, configs: {}, edition: 'late-enable' };
    const explorer = comparedWith(new Explorer(source), 'up-front');
    const reach = (inDetail: boolean) =>
      explorer.answer(7, 'difference', { inDetail })!.sentences.filter((one) => / reach/.test(one));
    expect(reach(false)).toEqual(['What devices reach differs.']);
    expect(reach(true)[0]).toMatch(/^Only on Xen (late-enable|up-front) does \w+ reach 0x.* more\.$/);
  });

  it('cannot be had on an edition that there is not, which is no end of what was there', () => {
    const explorer = open('arm-grant-fault.dommu', '4.12');
    expect(() => explorer.compareWith('4.99')).toThrow(/unknown Xen release/);
    expect(explorer.answer(5, 'outcome', { lines: 8 }).status).toBe('fault');
  });

  it('leads to the corresponding step of the other run', () => {
    const configs = ['guest-pv-hotplug.cfg'];
    const late = open('late-enable.dommu', 'late-enable', configs);
    const upFront = open('late-enable.dommu', 'up-front', configs);
    expect(upFront.besideStep(late, 0)).toBe(0);
    expect(upFront.besideStep(late, 5)).toBe(5);
    expect(upFront.besideStep(late, late.timeline.length)).toBe(upFront.timeline.length);
  });
});

describe('all editions', () => {
  it('can be compared with, releases and designs and bugs', () => {
    const explorer = open('arm-grant-fault.dommu', '4.12');
    const names = explorer.answer(0, 'editions', undefined).map(({ name }) => name);
    expect(names.length).toBeGreaterThan(150);
    for (const name of ['4.22', '4.12.1', 'staging', 'late-enable']) expect(names).toContain(name);
    for (const name of names) expect(() => explorer.compareWith(name), name).not.toThrow();
  });

  it('are told apart by what an observer sees of the program', () => {
    const explorer = open('arm-grant-fault.dommu', '4.12');
    explorer.askAllEditions();
    while (!explorer.workFor(50));
    const { rows, done, total } = explorer.marks.survey!;
    expect(done).toBe(total);
    expect(rows.flatMap(({ editions }) => editions)).toHaveLength(total);
    const asHere = rows.find(({ editions }) => editions.includes('4.12'))!;
    expect(asHere.differing).toBe(0);
    const repaired = rows.find(({ editions }) => editions.includes('4.22'))!;
    expect(repaired).toMatchObject({ first: { step: 4 }, answer: { step: 5, there: { status: 'ok' } } });
    expect(repaired.last!.text).toBe('dma eth0 read 0x8424cb148');
  });
});
