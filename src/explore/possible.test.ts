import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { hex } from '../text/hex.js';
import { BIG_MACHINE } from './big-machine.fixture.js';
import { Explorer } from './explorer.js';
import type { Possible, PossiblePart } from './possible.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

const open = (text: string, edition?: string): Explorer =>
  new Explorer({ name: 't.dommu', text, configs: {}, ...(edition !== undefined && { edition }) });

function possibleAt(explorer: Explorer, step: number, picked?: number): Possible[] {
  const all: Possible[] = [];
  let from: number | undefined = 0;
  while (from !== undefined) {
    const args = { from, milliseconds: 5, ...(picked !== undefined && { picked }) };
    const part: PossiblePart = explorer.answer(step, 'possible', args);
    all.push(...part.found);
    from = part.next;
  }
  return all;
}

/** What the machine and the names are, in a word. */
function standing({ timeline: { xen, names } }: Explorer): string {
  const tables = [names.domains, names.pages, names.handles].map((table) =>
    JSON.stringify([...table].sort()),
  );
  return [xen.store.hashText(), ...tables].join(' ');
}

describe('what is possible now', () => {
  it('is what actors could try, with what it would come to', () => {
    const explorer = open(example('arm-grant-fault.dommu'));
    const all = possibleAt(explorer, 4);
    const of = (statement: string) => all.find((one) => one.statement === statement);
    expect(of('unmap_grant_ref dom0 tx')).toMatchObject({ actor: 'dom0', status: 'ok', effect: 'changes' });
    expect(of('end_grant guest 8')).toMatchObject({ actor: 'guest', status: 'in_use', effect: 'refused' });
    expect(of('dma eth0 write 0x8424cb000')).toMatchObject({
      actor: 'eth0',
      status: 'fault',
      effect: 'refused',
    });
    expect(of('destroydomain guest')).toMatchObject({ actor: 'toolstack', inSteps: true });
    expect(new Set(all.map(({ statement }) => statement)).size).toBe(all.length);
  });

  it('leaves the machine, its names and what is recorded as they were', () => {
    for (const text of [example('arm-grant-fault.dommu'), example('type-race.dommu')]) {
      const explorer = open(text);
      const { length } = explorer.opened;
      for (const step of [0, Math.floor(length / 2), length]) {
        explorer.answer(step, 'outcome', { lines: 4 });
        const before = standing(explorer);
        expect(possibleAt(explorer, step).length).toBeGreaterThan(10);
        expect(standing(explorer)).toBe(before);
        expect(explorer.timeline.position).toBe(step);
      }
      const fresh = open(text);
      for (let step = 0; step <= length; step++) {
        const [mine, its] = [explorer, fresh].map((one) =>
          JSON.stringify(one.answer(step, 'outcome', { lines: 4 })),
        );
        expect(mine).toBe(its);
        expect(standing(explorer)).toBe(standing(fresh));
      }
    }
  });

  it('is carried out as it was said when the program says it', () => {
    const text = example('arm-grant-fault.dommu');
    const head = text.slice(0, text.indexOf('# eth0 fetches'));
    const explorer = open(head);
    const { length } = explorer.opened;
    const all = possibleAt(explorer, length);
    for (let at = 0; at < all.length; at += 41) {
      const { statement, status } = all[at]!;
      const then = open(`${head}${statement}\n`);
      expect([statement, then.timeline.step(length + 1).status]).toEqual([statement, status]);
    }
  });

  it('says of a hypercall that is under way that its next step is possible', () => {
    const text =
      'device nic 0000:03:00.0\ncreatedomain guest\npopulate_physmap guest P\nbegin assign_device guest nic\n';
    const explorer = open(text, 'late-enable');
    const before = possibleAt(explorer, 2).map(({ statement }) => statement);
    expect(before).not.toContain('step');
    const now = possibleAt(explorer, 3).map(({ statement }) => statement);
    expect(now).toEqual(expect.arrayContaining(['step', 'finish']));
  });

  it('is tried with the frame that is picked, whichever was picked before', () => {
    const explorer = open(example('arm-grant-fault.dommu'));
    const { ram } = explorer.timeline.xen;
    const free = hex(ram.frameAt(ram.frames - 1));
    const speakOfIt = (all: readonly Possible[]) => all.some(({ statement }) => statement.includes(free));
    expect(speakOfIt(possibleAt(explorer, 4))).toBe(false);
    expect(speakOfIt(possibleAt(explorer, 4, Number(free)))).toBe(true);
    expect(speakOfIt(possibleAt(explorer, 4))).toBe(false);
  });

  it('is bounded on a machine of thousands of frames', () => {
    const explorer = open(BIG_MACHINE);
    const { total } = explorer.answer(30, 'possible', { from: 0, milliseconds: 1 });
    expect(total).toBeGreaterThan(500);
    expect(total).toBeLessThan(20_000);
  });
});
