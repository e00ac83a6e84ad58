import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS } from '../xen/invariants.js';
import { parseProgram } from './parse.js';
import { printProgram } from './print.js';
import type { Program } from './program.js';
import { runProgram } from './runner.js';
import { bounds, configs, PV, program, verify } from './scene.fixture.js';
import { type Counterexample, sceneModel, type VerifyResult, verifyProgram } from './verify.js';
import { verifyThreads } from './verify-threads.js';

const FIRST = bounds({ pages: 2, search: { deeper: 0 } });

const ids = ({ counterexamples }: VerifyResult): string[] =>
  counterexamples.map(({ invariant }) => invariant.id);

/** What the search adds to the scene. */
const found = ({ program: { steps }, steps: results, scene }: Counterexample): string[] => {
  expect(steps).toHaveLength(results.length);
  return results.slice(scene).map(({ op }) => op);
};

function only(result: VerifyResult): Counterexample {
  expect(result.verdict).toBe('unsafe');
  const [one, ...others] = result.counterexamples;
  expect(others).toEqual([]);
  return one!;
}

/** Writes a counterexample down, reads it again, runs it: it must break the same, and not before the end. */
function expectReplays({ invariant, program: whole }: Counterexample): void {
  const again = parseProgram(new SourceText('counterexample.dommu', printProgram(whole)));
  const { steps, failed } = runProgram(again, resolveEdition(again.edition!));
  expect(failed).toBe(true);
  const breaking = steps.findIndex(({ violations }) =>
    violations.some(({ invariant: id }) => id === invariant.id),
  );
  expect(breaking).toBe(steps.length - 1);
}

describe('an invariant that can be broken in two ways', () => {
  const scene = (...more: string[]) =>
    program(`${PV}${more.join('\n')}
pin_l1_table g 0x102
grant g 1 g 0x102 readonly
`);
  const asked = bounds({
    refs: 2,
    handles: 2,
    levels: [],
    entries: 0,
    vaSlots: 0,
    search: { maxStates: 2000, deeper: 1 },
  });
  const told = async (text: Program) => {
    const { counterexamples } = await verifyProgram(text, resolveEdition('4.13'), asked);
    return counterexamples.map(({ invariant: { id }, harm, length }) => [id, harm, length]);
  };

  it('is told of by what each violation leads to, the gravest first', async () => {
    expect(await told(scene('grant g 0 g 0x101'))).toEqual([
      ['I13', 'isolation broken', 1],
      ['I1', 'isolation broken', 1],
      ['I13', 'mapping lost', 1],
      ['I13', 'mapping lost', 2],
      ['I1', 'mapping lost', 1],
      ['I1', 'mapping lost', 2],
    ]);
  });

  it('that the scene breaks in one is shown broken in the other where that is worse', async () => {
    expect(await told(scene('grant g 0 g 0x101', 'map_grant_ref g h g 0 host readonly'))).toEqual([
      ['I13', 'isolation broken', 1],
      ['I1', 'isolation broken', 1],
      ['I13', 'mapping lost', 0],
      ['I1', 'mapping lost', 0],
    ]);
  });
});

describe('a search from an xl config', () => {
  it('finds on 4.11.0 by itself that a page table is left in the device’s reach', async () => {
    const result = await verify('guest-pv-nic.cfg', '4.11.0', bounds({ pages: 2, search: { deeper: 1 } }));
    const writes = result.counterexamples[0]!;
    expect(writes.invariant.id).toBe('I2');
    expect(found(writes)).toEqual(['populate_physmap firewall 0x102', 'pin_l1_table firewall 0x102']);
    expect(writes.message).toMatch(/^dev0 \(0000:03:00\.0\) of d1 can write frame 0x102 .*type l1/);
    for (const one of result.counterexamples) expectReplays(one);
  });

  it('finds on 4.12 that an Arm dom0’s devices lose granted pages', async () => {
    const lost = only(await verify('arm-guest.cfg', '4.12', FIRST));
    expect(lost.invariant.id).toBe('I19');
    expect(found(lost)).toEqual([
      'grant gateway 0 dom0 0x101',
      'map_grant_ref dom0 h0_0 gateway 0 host gfn=0x2',
    ]);
    expectReplays(lost);
  });

  it('finds on 4.13 that a grant to oneself takes the page from one’s devices', async () => {
    const result = await verify('guest-pv-nic.cfg', '4.13', FIRST);
    expect(ids(result)).toEqual(['I13', 'I1']);
    for (const one of result.counterexamples) {
      expect(found(one)).toEqual([
        'grant firewall 0 firewall 0x101',
        'map_grant_ref firewall h1_0 firewall 0 host readonly',
      ]);
      expectReplays(one);
    }
  });

  it('does not find it when guests do not grant to themselves', async () => {
    expect(await verify('guest-pv-nic.cfg', '4.13', bounds({ selfGrants: false }))).toMatchObject({
      verdict: 'safe',
      counterexamples: [],
    });
  });

  it.each(['4.17', '4.22', 'up-front'])(
    'calls a PV guest with one page safe on %s, quickly',
    async (edition) => {
      const result = await verify('guest-pv-nic.cfg', edition);
      expect(result).toMatchObject({ verdict: 'safe', search: { stop: 'exhausted', violations: [] } });
      expect(result.search.states).toBeGreaterThan(500);
      expect(result.search.cpuSeconds).toBeLessThan(2);
    },
  );

  it.each([
    ['one level of tables', { levels: [1] }],
    ['no device coming or going', { hotplug: false }],
    ['no grants to oneself', { selfGrants: false }],
    ['no entries written', { entries: 0 }],
    ['no grants', { refs: 0 }],
    ['two levels more', { levels: [1, 2, 3, 4] }],
    ['more entries and references', { entries: 2, refs: 2 }],
  ])('comes to the same verdict with %s', async (_, asked) => {
    expect((await verify('guest-pv-nic.cfg', '4.22', bounds(asked))).verdict).toBe('safe');
    const early = bounds({ pages: 2, ...asked, search: { deeper: 0 } });
    expect(ids(await verify('guest-pv-nic.cfg', '4.11.0', early))).toContain('I1');
  });

  it.each([
    ['guest-hvm-share.cfg', '4.22'],
    ['guest-hvm-share.cfg', '4.12'],
    ['guest-pvh.cfg', '4.22'],
    ['guest-pv-hotplug.cfg', '4.22'],
    ['arm-guest.cfg', '4.22'],
  ])('calls %s safe on %s', async (name, edition) => {
    expect(await verify(name, edition)).toMatchObject({ verdict: 'safe', search: { stop: 'exhausted' } });
  });

  it('finds on 4.16.0 with halves of mappings that a grant counter underflows, and on 4.16.1 that it does not', async () => {
    const asked = bounds({
      deviceMappings: true,
      partialUnmaps: true,
      levels: [],
      entries: 0,
      hotplug: false,
    });
    const found = async (edition: string) =>
      (await verify('guest-pv-nic.cfg', edition, asked, { dom0Mode: 'strict' })).counterexamples.map(
        ({ invariant }) => invariant.id,
      );
    expect(await found('4.16')).toContain('BUG');
    expect(await found('4.16.1')).toEqual([]);
  });

  it.each(['4.13.5', '4.14.6', '4.15.2', '4.17', '4.22'])(
    'is safe on %s when guests can be destroyed at any time',
    async (edition) => {
      const asked = bounds({ destroy: true, deviceMappings: true, partialUnmaps: true, selfGrants: false });
      const { verdict, operations } = await verify('guest-pv-nic.cfg', edition, asked, {
        dom0Mode: 'strict',
      });
      expect([verdict, operations.includes('destroydomain')]).toEqual(['safe', true]);
    },
  );

  it('takes all configs for one machine', async () => {
    const scene = configs(['guest-pv-nic.cfg', 'guest-hvm-share.cfg'], '4.22');
    expect(scene.machine.devices.map(({ name }) => name)).toEqual(['dev0', 'dev1_0', 'dev1_1']);
    const asked = bounds({ refs: 0, entries: 0, levels: [1] });
    expect(await verifyProgram(scene, resolveEdition('4.22'), asked)).toMatchObject({ verdict: 'safe' });
  });

  it('finds the same with a strict dom0', async () => {
    const strict = { dom0Mode: 'strict' } as const;
    expect(ids(await verify('guest-pv-nic.cfg', '4.11.0', FIRST, strict))).toContain('I1');
    expect(await verify('guest-pv-nic.cfg', '4.22', bounds(), strict)).toMatchObject({ verdict: 'safe' });
  });
});

describe('a verdict', () => {
  it.each([
    ['states', { maxStates: 50 }],
    ['depth', { maxDepth: 2 }],
    ['memory', { maxMemory: 1000 }],
    ['time', { maxSeconds: 0 }],
  ])('is never "safe" when the search ended at its bound on %s', async (stop, search) => {
    expect(await verify('guest-pv-nic.cfg', '4.22', bounds({ search }))).toMatchObject({
      verdict: 'bounded',
      search: { stop },
    });
  });

  it('is "bounded" when the search was interrupted', async () => {
    const scene = configs(['guest-pv-nic.cfg'], '4.22');
    const signal = AbortSignal.abort();
    expect(await verifyProgram(scene, resolveEdition('4.22'), bounds(), { signal })).toMatchObject({
      verdict: 'bounded',
      search: { stop: 'interrupted' },
    });
  });

  it('is "unsafe" with what was found, whatever ended the search', async () => {
    const asked = bounds({ pages: 2, search: { maxStates: 1000 } });
    const result = await verify('guest-pv-nic.cfg', '4.11.0', asked);
    expect(result).toMatchObject({ verdict: 'unsafe', search: { stop: 'states' } });
  });

  it('puts the gravest first', async () => {
    const asked = bounds({ pages: 2, search: { deeper: 1 } });
    const order = INVARIANTS.map(({ id }) => id);
    const broken = ids(await verify('guest-pv-nic.cfg', '4.11.0', asked));
    expect(broken.length).toBeGreaterThan(1);
    expect(broken).toEqual([...broken].sort((a, b) => order.indexOf(a) - order.indexOf(b)));
  });

  it('tells which operations the search got to use', async () => {
    const { operations, idleOperations } = await verify('guest-pv-nic.cfg', '4.22');
    const { model } = sceneModel(configs(['guest-pv-nic.cfg'], '4.22'), resolveEdition('4.22'), bounds());
    const all = model.actions.map(({ op }) => op);
    expect(operations).toContain('dma');
    expect([...operations, ...idleOperations].sort()).toEqual([...new Set(all)].sort());
  });

  it('tells which behaviours it is about, whether it remembers what actions did or not', async () => {
    const { behaviours } = await verify('guest-pv-nic.cfg', '4.22');
    expect(behaviours.consulted).toContain('selfGrant');
    expect(behaviours.never).toContain('bootStaticMemory');
    const all = [...behaviours.consulted, ...behaviours.never];
    expect(all.sort()).toEqual(Object.keys(resolveEdition('4.22').profile).sort());
    const plain = await verify('guest-pv-nic.cfg', '4.22', bounds({ memo: false }));
    expect(plain.behaviours).toEqual(behaviours);
    const alone = await verify('guest-pv-nic.cfg', '4.22', bounds({ refs: 0 }));
    expect(alone.behaviours.never).toContain('selfGrant');
  });

  it('is the same from several threads', async () => {
    const asked = bounds({ refs: 0, hotplug: false });
    const scene = configs(['guest-pv-nic.cfg'], '4.11.0', asked);
    const outcome = async (workers: number) => {
      const { verdict, search, counterexamples } = await verifyProgram(
        scene,
        resolveEdition('4.11.0'),
        asked,
        {
          threads: verifyThreads(workers),
          shareFrom: 0,
        },
      );
      const lengths = counterexamples.map(({ invariant, steps }) => [invariant.id, steps.length]);
      return {
        verdict,
        states: search.states,
        transitions: search.transitions,
        depth: search.depth,
        lengths,
      };
    };
    const alone = await outcome(1);
    expect(alone.verdict).toBe('unsafe');
    expect(await outcome(2)).toEqual(alone);
  });

  it('comes from as many states and transitions each time', async () => {
    const counts = async () => {
      const { search } = await verify('guest-pv-nic.cfg', '4.22', bounds());
      return [search.states, search.transitions, search.depth];
    };
    expect(await counts()).toEqual(await counts());
  });
});

describe('a search from a program', () => {
  const asked = bounds({ search: { maxStates: 3000, deeper: 0 } });
  const from = (text: string, edition: string) =>
    verifyProgram(program(text), resolveEdition(edition), asked);

  it('starts where the program ends', async () => {
    const scene = PV.replace(' iommu', '');
    const result = await from(`${scene}\ngrant g 0 g 0x101\n`, '4.12');
    const { steps, scene: before } = result.counterexamples[0]!;
    expect(steps.slice(before).map(({ op }) => op)).toEqual(['map_grant_ref g h1_0 g 0 host readonly']);
  });

  it('goes on with handles of the program by their names', async () => {
    const scene = PV.replace(' iommu', '').replace('machine x86', 'machine x86\nlimits handles=2');
    const mapped = 'grant g 0 g 0x101\nmap_grant_ref g h1_1 g 0 host\n';
    const result = await from(`${scene}${mapped}`, '4.12');
    const { steps, scene: before } = result.counterexamples[0]!;
    expect(steps.slice(before).map(({ op }) => op)).toEqual(['unmap_grant_ref g h1_1']);
    for (const one of result.counterexamples) expectReplays(one);
  });

  it('calls unsafe what the program itself breaks, though it mends it', async () => {
    const scene = `${PV.replace(' iommu', '')}
decrease_reservation g 0x102
populate_physmap g P
pin_l1_table g P
unpin_table g P
update_va_mapping g va=0 P rw
`;
    const result = await from(scene, '4.11.0');
    const writes = result.counterexamples[0]!;
    expect(writes.invariant.id).toBe('I2');
    expect(writes.scene).toBe(writes.steps.length);
  });

  it('refuses a program that is not where it expects to be', async () => {
    await expect(from(`${PV}\npin_l1_table g 0x103\n  expect ok\n`, '4.22')).rejects.toThrow(
      /test\.dommu:\d+:1: on Xen 4\.22 the scene is never reached: `pin_l1_table g 0x103` answers EINVAL/,
    );
  });

  it('tells what the program was refused', async () => {
    const { scene } = await from(PV, '4.12');
    expect(scene.map(({ status }) => status)).toEqual(['EINVAL', 'ESRCH', 'ESRCH', 'ESRCH']);
  });

  it('writes counterexamples that need no config', async () => {
    const { program: whole } = (
      await verifyProgram(
        { ...program('machine x86\nram 0x100..0x103\ndevice nic 0000:03:00.0\n'), ...withConfig() },
        resolveEdition('4.11.0'),
        bounds({ search: { deeper: 0 } }),
      )
    ).counterexamples[0]!;
    expect(whole.configs).toEqual([]);
    expect(printProgram(whole)).not.toContain('config');
  });
});

function withConfig() {
  const file = new URL('../../examples/guest-pv-nic.cfg', import.meta.url).pathname;
  const text = { name: file, content: readFileSync(file, 'utf8') };
  return { configs: [{ name: 'g', file, text, pages: 2, line: 1, column: 1 }] };
}
