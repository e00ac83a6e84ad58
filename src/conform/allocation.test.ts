import { describe, expect, it } from 'vitest';
import { bootMachine } from '../program/build.js';
import { parseProgramText } from '../program/load.js';
import { Names } from '../program/names.js';
import { performStatement } from '../program/perform.js';
import type { Program, Statement } from '../program/program.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { allocate, allocates } from './allocation.js';
import { CannotRun, RealXen } from './real-xen.js';
import { SimulatedMachine } from './simulated.fixture.js';

const edition = resolveEdition('4.17');

/** A program's steps on the model and a simulated machine, allocations as the adapter does them. */
class Bench {
  readonly real: RealXen;
  private readonly statements: Statement[];

  constructor(text: string) {
    const program: Program = parseProgramText(new SourceText('a.dommu', text));
    const model = bootMachine(program.machine, edition.profile);
    const { machine } = new SimulatedMachine(edition).judge();
    this.real = new RealXen(machine, machine.agent, model, new Names(model), new Map(), false);
    this.statements = program.steps.filter((step): step is Statement => 'op' in step);
  }

  /** Carries all out. @returns statuses of both sides, statement by statement. */
  async run(): Promise<string[]> {
    const { real } = this;
    const answers: string[] = [];
    for (const statement of this.statements) {
      if (allocates(statement)) {
        const { model, real: xen } = await allocate(real, statement, 'a.dommu');
        answers.push(`${model.status} ${xen.status}`);
      } else {
        const model = performStatement(real.model, real.names, statement, 'a.dommu');
        answers.push(`${model.status} ${(await real.perform(statement, model)).status}`);
      }
    }
    return answers;
  }

  mfnOf(page: string): number | undefined {
    return this.real.bindings.mfn(this.real.names.pages.get(page)!);
  }
}

describe('pages that a domain gets', () => {
  it('are bound to those that Xen chose, and hold zeros on both sides', async () => {
    const bench = new Bench('createdomain a\npopulate_physmap a P\npopulate_physmap a Q');
    expect(await bench.run()).toEqual(['ok ok', 'ok ok', 'ok ok']);
    const [p, q] = [bench.mfnOf('P')!, bench.mfnOf('Q')!];
    expect(p).toBeGreaterThanOrEqual(0x4000);
    expect(q).not.toBe(p);
    expect(bench.real.machine.memory!.read32(p * 4096 + 8)).toBe(0);
  });

  it('are many at once when the statement says so', async () => {
    const bench = new Bench('createdomain a\npopulate_physmap a 0x104 count=3');
    expect(await bench.run()).toEqual(['ok ok', 'ok ok']);
    const mfns = [0x104, 0x105, 0x106].map((frame) => bench.real.bindings.mfn(frame));
    expect(new Set(mfns).size).toBe(3);
    expect(mfns).not.toContain(undefined);
  });

  it('keep their meaning when Xen gives one out again: the name that was left means the page', async () => {
    const bench = new Bench(
      'createdomain a\npopulate_physmap a P\ndecrease_reservation a P\npopulate_physmap a Q\n' +
        'populate_physmap a R\ndecrease_reservation a Q\npopulate_physmap a S',
    );
    expect(new Set(await bench.run())).toEqual(new Set(['ok ok']));
    for (const [one, other] of [
      ['P', 'Q'],
      ['Q', 'S'],
      ['P', 'R'],
    ] as const) {
      const sameFrame = bench.real.names.pages.get(one) === bench.real.names.pages.get(other);
      expect(bench.mfnOf(one) === bench.mfnOf(other), `${one} and ${other}`).toBe(sameFrame);
    }
  });

  it('are refused on both sides when there are no more, or nobody is there to get them', async () => {
    expect(
      await new Bench('createdomain a max_pages=1\npopulate_physmap a P\npopulate_physmap a Q').run(),
    ).toEqual(['ok ok', 'ok ok', 'EBUSY EBUSY']);
    const gone = await new Bench('createdomain a\ndestroydomain a\npopulate_physmap a P').run();
    expect(gone.at(-1)!.split(' ')[0]).toBe(gone.at(-1)!.split(' ')[1]);
  });

  it('are exchanged one for another', async () => {
    const bench = new Bench('createdomain a\npopulate_physmap a P\nmemory_exchange a P N');
    expect((await bench.run()).at(-1)).toBe('ok ok');
    expect(bench.mfnOf('N')).toBeDefined();
    expect(bench.real.names.pages.get('N')).toBeDefined();
  });

  it('cannot be had beyond the frames of the program’s machine, which is said', async () => {
    const bench = new Bench('ram 0x100..0x103\ncreatedomain a\npopulate_physmap a P');
    await bench.run();
    for (let mfn = 0x5000; mfn < 0x5010; mfn++) {
      try {
        bench.real.bindings.bind(bench.real.frameFor(mfn), mfn);
      } catch (error) {
        expect(error).toBeInstanceOf(CannotRun);
        expect((error as Error).message).toMatch(/give it more ram/);
        return;
      }
    }
    throw new Error('there is always another frame');
  });
});
