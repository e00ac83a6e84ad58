import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeLines } from '../store/changes.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { Execution } from './execution.js';
import { loadProgram } from './load.js';
import { parseProgram } from './parse.js';
import type { Program } from './program.js';
import { Run } from './runner.js';
import { Timeline } from './timeline.js';

const example = (name: string) =>
  loadProgram(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)));
const parse = (text: string): Program => parseProgram(new SourceText('t.dommu', text));
const record = (text: string, edition = '4.22', options = {}) =>
  Timeline.record(parse(text), resolveEdition(edition), options);

const LOOP = `device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest P
assign_device guest nic
repeat 20
  dma nic read P+0x8
  pin_l1_table guest P
  unpin_table guest P
end
destroydomain guest
createdomain guest
populate_physmap guest Q
`;

/** What stood in the store, and what names stood for, after each step of a fresh run. */
function freshStates(program: Program, edition: string) {
  const states: { hash: string; words: Int32Array; names: string }[] = [];
  const run: Execution = new Execution(program, resolveEdition(edition), {
    before: () => {},
    after: () => note(),
  });
  const note = () => states.push({ ...standing(run), words: run.xen.store.words.slice() });
  note();
  run.run();
  return states;
}

const standing = ({ xen, names }: Pick<Execution, 'xen' | 'names'>) => ({
  hash: xen.store.hashText(),
  names: JSON.stringify([names.domains, names.pages, names.handles].map((table) => [...table].sort())),
});

describe('moving in a timeline', () => {
  it.each([
    ['late-enable.dommu', 'late-enable'],
    ['arm-grant-fault.dommu', '4.12'],
    ['death-window.dommu', '4.22'],
    ['quarantine-life.dommu', '4.13'],
    ['smmuv3-vmid-reuse.dommu', '4.22'],
    ['', '4.22'],
  ])('leads to the words, the hash and the names of a fresh run: %s on %s', (name, edition) => {
    const program = name === '' ? parse(LOOP) : example(name);
    const states = freshStates(program, edition);
    const timeline = Timeline.record(program, resolveEdition(edition));
    expect(timeline.length).toBe(states.length - 1);
    const places = fc.array(fc.nat(timeline.length), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(places, (steps) => {
        for (const step of steps) {
          timeline.seek(step);
          const { words, ...expected } = states[step]!;
          const { store } = timeline.xen;
          expect(standing(timeline)).toEqual(expected);
          expect(store.words.every((word, index) => word === (words[index] ?? 0))).toBe(true);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('undoes what was tried out at a step', () => {
    const timeline = record(LOOP);
    timeline.seek(3);
    const { hash } = standing(timeline);
    timeline.xen.store.write(0, 12345);
    timeline.seek(3);
    expect(standing(timeline).hash).toBe(hash);
    timeline.xen.store.write(0, 12345);
    timeline.lookAt(5, () => {});
    expect(standing(timeline).hash).toBe(hash);
  });

  it('has no steps beyond its ends', () => {
    const timeline = record('createdomain guest\n');
    for (const step of [-1, 2, 0.5])
      expect(() => timeline.seek(step)).toThrow(`there is no step ${step}; the last is 1`);
    expect(() => timeline.statement(0)).toThrow('step 0 is the boot');
  });

  it('stays where it is while one looks elsewhere, even where looking fails', () => {
    const timeline = record(LOOP);
    timeline.seek(2);
    expect(timeline.lookAt(0, () => timeline.position)).toBe(0);
    expect(() => timeline.lookAt(5, () => expect.fail('no'))).toThrow('no');
    expect(timeline.position).toBe(2);
  });
});

describe('what a timeline tells of a step', () => {
  it.each([
    ['late-enable.dommu', 'late-enable'],
    ['arm-grant-fault.dommu', '4.12'],
    ['untyped-page-dma.dommu', '4.22'],
  ])('is what a run tells of it: %s on %s', (name, edition) => {
    const run = new Run(example(name), resolveEdition(edition), { check: 'none' });
    run.execute();
    const timeline = Timeline.record(example(name), resolveEdition(edition));
    const told = run.results.map(({ line, status, faults, hypercallSteps }) => ({
      line,
      status,
      faults: faults.map(({ text }) => text),
      hypercallSteps,
    }));
    const recorded = run.results.map((_, index) => {
      const { statement, status, faults = [], hypercallSteps } = timeline.step(index + 1);
      return { line: statement.line, status, faults, hypercallSteps };
    });
    expect(recorded).toEqual(told);
    expect(timeline.length).toBe(told.length);
  });

  it('is the same list of changes that a run makes, wherever one stands', () => {
    const run = new Run(example('late-enable.dommu'), resolveEdition('late-enable'));
    run.execute();
    const timeline = Timeline.record(example('late-enable.dommu'), resolveEdition('late-enable'));
    timeline.seek(4);
    const lines = run.results.map((_, index) => changeLines(timeline.changesOf(index + 1)));
    expect(lines).toEqual(run.results.map(({ changes }) => changes));
    expect(timeline.position).toBe(4);
    expect(timeline.changesOf(0)).toEqual([]);
  });

  it('has what the registers said of an access, whether it passed or not', () => {
    const timeline = Timeline.record(example('arm-grant-fault.dommu'), resolveEdition('4.15'));
    const accesses = Array.from({ length: timeline.length }, (_, i) => timeline.step(i + 1).access);
    const [passed] = accesses.filter((one) => one?.fault === undefined && one !== undefined);
    expect(passed).toMatchObject({ device: 0, unit: 0, requester: 0x877, frame: 0x8424cb, write: false });
    const refused = accesses.filter((one) => one?.fault !== undefined);
    expect(refused[0]).toMatchObject({ frame: -1, write: true, fault: { address: 0x8424cb148 } });
  });
});

describe('an access that is made again', () => {
  it('is told anew where it leads elsewhere, and where its page’s name does', () => {
    const timeline = record(`iommu none
device nic 0000:03:00.0
createdomain guest
repeat 2
  populate_physmap guest P
  dma nic read P+0x8
  dma nic read P+0x8
end
`);
    const frames = [3, 4, 6, 7].map((step) => timeline.step(step).access?.frame);
    const pages = [2, 5].map((step) => timeline.lookAt(step, () => timeline.names.pages.get('P')));
    expect(frames).toEqual([pages[0], pages[0], pages[1], pages[1]]);
    expect(pages[0]).not.toBe(pages[1]);
    expect(Object.keys(timeline.step(4)).sort()).toEqual(['access', 'statement', 'status']);
  });

  it('is told anew where the tables lead it elsewhere, or nowhere', () => {
    const timeline = record(`device nic 0000:03:00.0
createdomain guest iommu
populate_physmap guest 0x120
assign_device guest nic
repeat 2
  dma nic read 0x120008
  decrease_reservation guest 0x120
end
`);
    expect(timeline.step(4).access).toMatchObject({ frame: 0x120 });
    expect(timeline.step(6)).toMatchObject({
      status: 'fault',
      access: { frame: -1, fault: { address: 0x120008 } },
    });
  });
});

describe('who wrote a word', () => {
  it('is told by step, with what the word held before and after', () => {
    const timeline = record(LOOP);
    const { frame, ram } = timeline.xen;
    timeline.seek(timeline.length);
    const word = timeline.lookAt(3, ({ layout }) => {
      const table = layout.tables.find(({ name }) => name === 'frame')!;
      return (
        table.base +
        ram.indexOf(timeline.names.pages.get('P')!) * table.fieldNames.length +
        table.fieldNames.indexOf('typeInfo')
      );
    });
    const { steps, before, after } = timeline.writers(word);
    expect([...steps].slice(0, 4)).toEqual([2, 5, 6, 8]);
    for (let i = 1; i < steps.length; i++) expect(before[i]).toBe(after[i - 1]);
    for (const [i, step] of steps.entries()) {
      expect(timeline.lookAt(step, ({ store }) => store.read(word))).toBe(after[i]);
      expect(timeline.lookAt(step - 1, ({ store }) => store.read(word))).toBe(before[i]);
    }
    expect(frame.typeInfo.get(ram.indexOf(timeline.names.pages.get('P')!))).toBe(
      timeline.xen.store.read(word),
    );
  });
});

describe('a run that does not get to its end', () => {
  it('ends with the steps before the one that goes beyond the bound, which says so', () => {
    const timeline = record(LOOP, '4.22', { maxWrites: 60 });
    expect(timeline.stopped?.diagnostic).toMatchObject({ code: 'recording-too-long', file: 't.dommu' });
    expect(timeline.stopped?.message).toContain('a recording holds 60');
    expect(timeline.writeCount).toBeLessThanOrEqual(60);
    expect(timeline.length).toBeGreaterThan(3);
    const states = freshStates(parse(LOOP), '4.22');
    for (const step of [timeline.length, 0, 2]) {
      timeline.seek(step);
      expect(standing(timeline).hash).toBe(states[step]!.hash);
    }
  });

  it('ends before a statement that cannot be carried out, and undoes what that had begun', () => {
    const program = parse(
      'createdomain guest\npopulate_physmap guest P\nmark m\nsame_state m\ncreatedomain b\n',
    );
    const without = { ...program, steps: program.steps.filter((_, index) => index !== 2) };
    const timeline = Timeline.record(without, resolveEdition('4.22'));
    expect(timeline.stopped?.diagnostic).toMatchObject({ code: 'operation', line: 4 });
    expect(timeline.length).toBe(2);
    timeline.seek(0);
    expect(timeline.names.pages.has('P')).toBe(false);
    timeline.seek(2);
    expect(timeline.names.pages.has('P')).toBe(true);
  });

  it('ends where a program comes to too many steps', () => {
    const timeline = record('repeat 200000\ncreatedomain g domid=1\nend\n');
    expect(timeline.stopped?.diagnostic.code).toBe('too-many-steps');
    expect(timeline.length).toBe(50_000);
  });
});

describe('the last access of a device', () => {
  it('is found for any step, and is none before the first', () => {
    const timeline = record(LOOP);
    const accesses: number[] = [];
    for (let step = 1; step <= timeline.length; step++) {
      if (timeline.step(step).access !== undefined) accesses.push(step);
      expect(timeline.lastAccessAt(step)).toBe(accesses.at(-1) ?? 0);
    }
    expect(accesses.length).toBeGreaterThan(1);
    expect(timeline.lastAccessAt(0)).toBe(0);
  });
});
