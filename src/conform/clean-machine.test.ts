import { describe, expect, it } from 'vitest';
import type { Call } from '../lab/agent/protocol.js';
import { parseProgramText } from '../program/load.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { STAINED } from './clean-machine.js';
import { type Judge, runLockstep } from './lockstep.js';
import { SimulatedMachine } from './simulated.fixture.js';

const EBUSY = 16;
const edition = resolveEdition('4.17');
type Mode = Judge['dom0Mode'];

/** A judge whose machine answers a reset with `rc`, and what it was asked. */
function judgeThat(rc: number, mode: Mode): { judge: Judge; asked: string[] } {
  const judge = new SimulatedMachine(edition, mode).judge();
  const { agent } = judge.machine;
  const asked: string[] = [];
  const perform = async (calls: readonly Call[]): Promise<unknown> => {
    asked.push(...calls.map(({ call }) => call));
    const results: readonly unknown[] = await agent.perform(calls);
    return results.map((result, i) => (calls[i]!.call === 'reset' ? { rc } : result));
  };
  return { judge: { ...judge, machine: { ...judge.machine, agent: { ...agent, perform } as never } }, asked };
}

const program = (mode: Mode) =>
  parseProgramText(new SourceText('t.dommu', `dom0 ${mode}\ncreatedomain a\npopulate_physmap a P`));

describe('a machine on which programs ran before', () => {
  it('is used again when it has given all of that back', async () => {
    const { judge, asked } = judgeThat(0, 'strict');
    const renew = () => expect.unreachable();
    expect(await runLockstep(program('strict'), { ...judge, renew })).toEqual({ operations: 2 });
    expect(asked).toEqual(['reset', 'createdomain', 'populate_physmap']);
  });

  it('is replaced when something of it stays, and asked no more', async () => {
    const [old, another] = [judgeThat(-EBUSY, 'strict'), judgeThat(0, 'strict')];
    let machine = old.judge.machine;
    const judge: Judge = {
      ...old.judge,
      get machine() {
        return machine;
      },
      renew: async () => {
        machine = another.judge.machine;
      },
    };
    expect(await runLockstep(program('strict'), judge)).toEqual({ operations: 2 });
    expect(old.asked).toEqual(['reset']);
    expect(another.asked).toEqual(['reset', 'createdomain', 'populate_physmap']);
  });

  it.each([
    ['strict', { operations: 0, skipped: STAINED }],
    ['relaxed', { operations: 2 }],
  ] as const)(
    'and cannot be replaced judges nothing where its dom0’s tables tell of them: %s',
    async (mode, result) => {
      const { judge } = judgeThat(-EBUSY, mode);
      expect(await runLockstep(program(mode), judge)).toEqual(result);
    },
  );

  it('and whose tables nobody looks at judges answers', async () => {
    const { judge } = judgeThat(-EBUSY, 'strict');
    const { agent } = judge.machine;
    expect(await runLockstep(program('strict'), { ...judge, machine: { agent } })).toEqual({ operations: 2 });
  });
});
