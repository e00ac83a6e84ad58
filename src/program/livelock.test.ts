import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { DEFAULT_ALPHABET } from './alphabet-bounds.js';
import type { Counterexample } from './counterexample.js';
import { parseProgram } from './parse.js';
import { printProgram, printStatement } from './print.js';
import { isRepeat } from './program.js';
import { runProgram } from './runner.js';
import { program } from './scene.fixture.js';
import { type VerifyBounds, type VerifyResult, verifyProgram } from './verify.js';

/** A guest without a device, which the toolstack can give one. */
const HOTPLUG = `machine x86
ram 0x100..0x101
dom0 pages=1
device nic 0000:03:00.0
limits domains=2 grants=1 handles=1 va_slots=1 iotlb=4 gfns=2
createdomain guest max_pages=1
populate_physmap guest 0x101
`;

const BOUNDS: VerifyBounds = {
  ...DEFAULT_ALPHABET,
  pages: 1,
  levels: [1],
  refs: 0,
  search: { maxStates: 1e6, deeper: 1 },
};

const verify = (
  text: string,
  edition: string,
  bounds: Partial<VerifyBounds> = {},
  options: Parameters<typeof verifyProgram>[3] = {},
): Promise<VerifyResult> =>
  verifyProgram(program(text), resolveEdition(edition), { ...BOUNDS, ...bounds }, options);

const told = ({ program: { steps }, scene }: Counterexample): string[] =>
  steps
    .slice(scene)
    .flatMap((step) => (isRepeat(step) ? step.body : [step]))
    .map((step) => printStatement(step as Parameters<typeof printStatement>[0]));

describe('the late walk that a guest keeps from ending (NX-LATE-LIVELOCK)', () => {
  it.each(['late-enable', '4.12', '4.11.2'])('is found on %s as a loop that replays', async (name) => {
    const { verdict, counterexamples } = await verify(HOTPLUG, name);
    expect(verdict).toBe('livelock');
    const [found] = counterexamples as [Counterexample];
    expect(found).toMatchObject({
      kind: 'livelock',
      invariant: { id: 'livelock', harm: 'livelock' },
      message: 'assign_device of d0 makes 5 steps a round and never ends',
      scene: 2,
      shortest: true,
    });
    const { loop, length, steps, scene } = found;
    expect(steps.at(-1)).toMatchObject({ op: 'repeat forever', status: 'livelock', index: steps.length - 1 });
    expect([loop! > scene, steps.length]).toEqual([true, scene + length + 1]);
    const again = parseProgram(new SourceText('again.dommu', printProgram(found.program)));
    const run = runProgram(again, resolveEdition(again.edition!));
    expect([run.failed, run.steps.at(-1)!.status]).toEqual([true, 'livelock']);
  });

  it('takes five steps of the walk and two of the guest, and nothing is shorter', async () => {
    const [found] = (await verify(HOTPLUG, 'late-enable')).counterexamples as [Counterexample];
    const statements = told(found);
    const loop = statements.slice(found.loop! - found.scene);
    expect(loop.filter((statement) => statement === 'step')).toHaveLength(5);
    expect(loop.filter((statement) => statement !== 'step')).toHaveLength(2);
    expect(statements[0]).toBe('begin assign_device guest nic');
  });

  it.each(['up-front', '4.13', '4.22'])(
    'is not there on %s, where nothing of it can be interrupted',
    async (name) => {
      const iommu = HOTPLUG.replace('createdomain guest', 'createdomain guest iommu');
      const { verdict, search } = await verify(iommu, name, { selfGrants: false });
      expect(verdict).toBe('safe');
      expect(search.livelock).toMatchObject({ obligations: 0, livelocks: [] });
      expect(search.stop).toBe('exhausted');
    },
  );

  it('is not there on 4.11.0, which looks at a page once; what it breaks is something else', async () => {
    const { verdict, search } = await verify(HOTPLUG, '4.11.0', { search: { maxStates: 1e6, deeper: 9 } });
    expect(verdict).toBe('unsafe');
    expect(search.livelock).toMatchObject({ obligations: 1, livelocks: [] });
    expect(search.livelock!.states).toBeGreaterThan(0);
  });

  it('is as short, and closes, where two pages count as one', async () => {
    const two = HOTPLUG.replace('ram 0x100..0x101', 'ram 0x100..0x102')
      .replace('max_pages=1', 'max_pages=2')
      .concat('populate_physmap guest 0x102\n');
    const asked = { memory: false, entries: 0, search: { maxStates: 1e6, deeper: 0 } };
    const lengths = await Promise.all(
      [true, false].map(async (symmetries) => {
        const { verdict, counterexamples, search } = await verify(two, 'late-enable', asked, { symmetries });
        const [{ length, loop, scene }] = counterexamples as [Counterexample];
        return { verdict, symmetries: search.symmetries, loop: length - (loop! - scene) };
      }),
    );
    expect(lengths).toEqual([
      { verdict: 'livelock', symmetries: 2, loop: lengths[1]!.loop },
      { verdict: 'livelock', symmetries: 1, loop: lengths[0]!.loop },
    ]);
  });

  it('comes last where an invariant breaks, too', async () => {
    const bounds = { refs: 1, selfGrants: true, search: { maxStates: 1e6, deeper: 9 } };
    const { verdict, counterexamples } = await verify(HOTPLUG, '4.12', bounds);
    expect(verdict).toBe('unsafe');
    const kinds = counterexamples.map(({ kind }) => kind);
    expect([kinds[0], kinds.at(-1)]).toEqual(['safety', 'livelock']);
    expect(kinds.filter((kind) => kind === 'livelock')).toHaveLength(1);
  });
});

describe('two assignments at a time, up to 4.13 (the lock of the devices is tried, and tried again)', () => {
  const TWO = `machine x86
ram 0x100..0x102
dom0 pages=1
device nic 0000:03:00.0
device disk 0000:04:00.0
limits domains=3 grants=1 handles=1 va_slots=1 iotlb=4 gfns=2 calls=2
createdomain one max_pages=1
createdomain two max_pages=1
begin assign_device one nic
begin assign_device two disk
`;
  const asked = { steps: true, hotplug: false, memory: false };

  it('do not keep each other from ending where every vCPU goes on', async () => {
    const { verdict, search } = await verify(TWO, '4.12', asked);
    expect(verdict).toBe('safe');
    expect(search.livelock).toMatchObject({ fairness: 'weak', obligations: 6, livelocks: [] });
  });

  it('do where the one that has the lock need not go on', async () => {
    const { verdict, counterexamples } = await verify(TWO, '4.12', asked, { fairness: 'none' });
    expect(verdict).toBe('livelock');
    const [found] = counterexamples as [Counterexample];
    expect(told(found)).toEqual(['step call=1']);
    expect(found.message).toBe('assign_device of d0 makes a step a round and never ends');
  });
});

describe('a page type that a guest keeps from itself', () => {
  /** A vCPU begins to pin a table; another one pins it and takes that back again and again (XSA-264 in the small). */
  const RETRY = `machine x86
ram 0x100..0x103
dom0 pages=1
limits domains=2 grants=1 handles=1 va_slots=1
createdomain guest max_pages=3
populate_physmap guest 0x101
populate_physmap guest 0x102
pin_l2_table guest 0x101
mmu_update guest 0x101[0] 0x102 rw
unpin_table guest 0x101
`;
  const asked = { steps: true, memory: false, levels: [1, 2], selfGrants: false, entries: 0, search: {} };

  it('is no livelock: nobody else waits for that hypercall', async () => {
    for (const fairness of ['weak', 'none'] as const) {
      const { search } = await verify(RETRY, '4.16.1', asked, { fairness });
      expect(search.livelock).toMatchObject({ livelocks: [] });
      expect(search.livelock!.states).toBeGreaterThan(0);
    }
  });
});

describe('a search that does not see everything', () => {
  it('does not say that there is no livelock', async () => {
    const result = await verify(HOTPLUG, 'late-enable', { search: { maxStates: 20 } });
    expect([result.verdict, result.counterexamples]).toEqual(['bounded', []]);
  });

  it('finds the loops of what it saw', async () => {
    const result = await verify(HOTPLUG, 'late-enable', { search: { maxDepth: 9 } });
    expect(result.verdict).toBe('livelock');
  });
});
