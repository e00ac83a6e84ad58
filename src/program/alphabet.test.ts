import { describe, expect, it } from 'vitest';
import { InputError } from '../text/diagnostic.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { actionStatement } from './alphabet-action.js';
import { Arguments } from './arguments.js';
import { HANDLERS } from './handlers.js';
import { printProgram, printStatement } from './print.js';
import type { Program } from './program.js';
import { Run } from './runner.js';
import { bounds, configs, PV, program } from './scene.fixture.js';
import { sceneModel } from './verify.js';

const WIDE = bounds({ pages: 2, levels: [1, 2, 4], refs: 2, handles: 2, vaSlots: 2, entries: 2 });

/** Everything that is off unless asked for. */
const MORE = { destroy: true, deviceMappings: true, partialUnmaps: true };

/** Numbers that look random and are the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % sides;
  };
}

/** The runner's machine, on which statements are performed one at a time as it does. */
class Runner {
  readonly run: Run;

  constructor(scene: Program, edition: string) {
    this.run = new Run(scene, resolveEdition(edition), { changes: false });
    this.run.execute();
  }

  get hash(): string {
    return this.run.xen.store.hashText();
  }

  perform({ op, args }: ReturnType<typeof actionStatement>): string {
    const { xen, names } = this.run;
    const before = xen.store.mark();
    xen.beginStep();
    const { status } = HANDLERS[op]!(xen, new Arguments(args, names, xen), names);
    if (!xen.blocked) return status;
    xen.store.rollback(before);
    return 'blocked';
  }
}

/** Walks at random; after each action of the search the runner, given the statement, must stand in the same state. */
function walk(
  scene: Program,
  edition: string,
  seed: number,
  length: number,
  asked = WIDE,
): { taken: Map<string, number> } {
  const { model, xen } = sceneModel(scene, resolveEdition(edition), asked);
  const runner = new Runner(scene, edition);
  expect(runner.hash, 'the scene').toBe(xen.store.hashText());
  const roll = dice(seed);
  const taken = new Map<string, number>();
  const way: ReturnType<typeof actionStatement>[] = [];
  for (let tries = 0; tries < length && xen.hostBug === undefined; tries++) {
    const number = roll(model.actionCount);
    if (!model.perform(number)) continue;
    const statement = actionStatement(model.actions[number]!, 1);
    const status = runner.perform(statement);
    way.push(statement);
    if (runner.hash !== xen.store.hashText()) {
      const text = way.map(printStatement).join('\n');
      throw new Error(`search and runner part after (${edition}, ${status}):\n${text}`);
    }
    const key = `${statement.op}${status === 'ok' || status.startsWith('at ') ? '' : ' refused'}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
  }
  // The same way as a program that was written down and read again.
  const whole = program(printProgram({ ...scene, steps: [...scene.steps, ...way] }));
  const replay = new Run(whole, resolveEdition(edition), { changes: false });
  replay.execute();
  expect(replay.xen.store.hashText()).toBe(xen.store.hashText());
  return { taken };
}

const EDITIONS = [
  '4.11.0',
  '4.12',
  '4.13',
  '4.14',
  '4.16',
  '4.22',
  'late-enable',
  'unified-checks',
  'up-front',
];

describe('an action of the search', () => {
  it.each(EDITIONS)('leads where its statement leads: PV on %s', (edition) => {
    const scene = configs(['guest-pv-nic.cfg'], edition, WIDE);
    for (const seed of [1, 2, 3]) walk(scene, edition, seed, 2500);
  });

  it.each(EDITIONS)('leads where its statement leads: HVM on %s', (edition) => {
    walk(configs(['guest-hvm-share.cfg'], edition, WIDE), edition, 4, 2500);
  });

  it.each(EDITIONS)('leads where its statement leads: Arm on %s', (edition) => {
    walk(configs(['arm-guest.cfg'], edition, WIDE), edition, 5, 2500);
  });

  it.each(EDITIONS)('leads where its statement leads: two guests on %s', (edition) => {
    const files = ['guest-pv-nic.cfg', 'guest-hvm-share.cfg'];
    walk(configs(files, edition, WIDE), edition, 6, 2500);
  });

  it.each(EDITIONS)(
    'leads where its statement leads: guests that die, halves of mappings, on %s',
    (edition) => {
      const files = ['guest-pv-nic.cfg', 'guest-hvm-share.cfg'];
      const host = { dom0Mode: 'strict' } as const;
      for (const seed of [11, 12, 13]) {
        const scene = configs(files, edition, WIDE, host);
        const { taken } = walk(scene, edition, seed, 4000, bounds({ ...WIDE, ...MORE }));
        if (edition !== '4.16') expect(taken.get('destroydomain')).toBeGreaterThan(0);
      }
    },
  );

  it.each(EDITIONS)('leads where its statement leads: step by step, with failures, on %s', (edition) => {
    const scene = configs(['guest-pv-nic.cfg'], edition, WIDE);
    const racing = {
      ...scene,
      machine: { ...scene.machine, limits: { ...scene.machine.limits, calls: 2, cpu_tlb: 4 } },
    };
    const all = bounds({ ...WIDE, destroy: true, steps: true, failures: 2 });
    const taken = new Map<string, number>();
    for (const seed of [21, 22, 23, 24]) {
      for (const [op, times] of walk(racing, edition, seed, 4000, all).taken) taken.set(op, times);
    }
    expect(taken.get('step')).toBeGreaterThan(0);
    expect(taken.get('fail')).toBeGreaterThan(0);
    expect(taken.get('begin destroydomain')).toBeGreaterThan(0);
  });

  it('leads where its statement leads after a scene with handles, grants and tables of its own', () => {
    const scene = program(`${PV}
grant g 0 dom0 0x102
map_grant_ref dom0 tx g 0 host
grant g 1 g 0x102
map_grant_ref g h0_1 g 1 host readonly
pin_l1_table g 0x101
`);
    const { taken } = walk(scene, '4.16', 7, 20_000);
    expect(taken.get('unmap_grant_ref')).toBeGreaterThan(0);
    expect(taken.get('map_grant_ref')).toBeGreaterThan(0);
  });

  it('covers every operation that guests, devices and the toolstack have', () => {
    const all = new Set<string>();
    for (const edition of ['4.12', '4.22']) {
      const { taken } = walk(configs(['guest-pv-nic.cfg'], edition, WIDE), edition, 8, 20_000);
      for (const key of taken.keys()) all.add(key);
    }
    expect([...all].sort()).toEqual(
      expect.arrayContaining([
        'begin assign_device',
        'deassign_device',
        'decrease_reservation',
        'dma',
        'end_grant',
        'grant',
        'map_grant_ref',
        'mmu_update',
        'pin_l1_table',
        'pin_l4_table',
        // Refused, and yet something has changed: the page has lost its type.
        'pin_l1_table refused',
        'populate_physmap',
        'step',
        'store',
        'unmap_grant_ref',
        'unpin_table',
        'update_va_mapping',
      ]),
    );
  });
});

describe('an action that cannot be taken', () => {
  it('leaves the state as it was', () => {
    const edition = '4.12';
    const { model, xen } = sceneModel(
      configs(['guest-pv-nic.cfg'], edition, WIDE),
      resolveEdition(edition),
      WIDE,
    );
    const roll = dice(9);
    for (let tries = 0; tries < 5000; tries++) {
      const [hash, mark] = [xen.store.hashText(), xen.store.mark()];
      if (model.perform(roll(model.actionCount))) continue;
      expect(xen.store.hashText()).toBe(hash);
      expect(xen.store.mark()).toBe(mark);
    }
  });

  it('would change nothing in the runner either, but for faults and for what is another action of the search', () => {
    const scene = configs(['guest-pv-nic.cfg'], '4.12', WIDE);
    const { model, xen } = sceneModel(scene, resolveEdition('4.12'), WIDE);
    const runner = new Runner(scene, '4.12');
    const roll = dice(10);
    // Guards of the alphabet's own: the heap's order, entries in use, handles in order, devices that guests own.
    const guarded = new Set([
      'populate_physmap',
      'grant',
      'map_grant_ref',
      'unmap_grant_ref',
      'dma',
      'begin assign_device',
    ]);
    let refused = 0;
    for (let tries = 0; tries < 5000; tries++) {
      const number = roll(model.actionCount);
      const statement = actionStatement(model.actions[number]!, 1);
      if (model.perform(number)) runner.perform(statement);
      else if (!guarded.has(statement.op)) {
        const before = runner.hash;
        runner.perform(statement);
        expect(runner.hash, printStatement(statement)).toBe(before);
        refused++;
      }
      expect(runner.hash).toBe(xen.store.hashText());
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('the alphabet', () => {
  const actions = (asked: Parameters<typeof bounds>[0]) => {
    const scene = configs(['guest-pv-nic.cfg'], '4.22', bounds(asked));
    return sceneModel(scene, resolveEdition('4.22'), bounds(asked)).model.actions;
  };

  it('is as wide as its bounds', () => {
    const pins = (levels: number[]) =>
      new Set(actions({ levels }).flatMap(({ op }) => (op.startsWith('pin') ? [op] : [])));
    expect(pins([1, 4])).toEqual(new Set(['pin_l1_table', 'pin_l4_table']));
    expect(pins([3])).toEqual(new Set(['pin_l3_table']));
    const ops = (asked: Parameters<typeof bounds>[0]) => new Set(actions(asked).map(({ op }) => op));
    expect(ops({ hotplug: false })).not.toContain('deassign_device');
    expect(ops({ refs: 0 })).not.toContain('grant');
    expect(ops({ entries: 0 })).not.toContain('store');
    expect(ops({})).not.toContain('destroydomain');
    expect(ops({ destroy: true })).toContain('destroydomain');
    const halves = (asked: Parameters<typeof bounds>[0], of: string) =>
      new Set(actions(asked).flatMap(({ op, args }) => (op === of ? [String(args.flags ?? 'all')] : [])));
    expect(halves({}, 'map_grant_ref')).toEqual(new Set(['host', 'host,readonly']));
    expect(halves({}, 'unmap_grant_ref')).toEqual(new Set(['all']));
    expect(halves({ deviceMappings: true }, 'map_grant_ref')).toContain('host,device,readonly');
    expect(halves({ partialUnmaps: true }, 'unmap_grant_ref')).toEqual(new Set(['all', 'host']));
    expect(halves({ partialUnmaps: true, deviceMappings: true }, 'unmap_grant_ref')).toContain('device');
    const toItself = ({ op, args }: ReturnType<typeof actions>[number]) =>
      op === 'grant' && args.to === args.domain;
    expect(actions({ selfGrants: true }).some(toItself)).toBe(true);
    expect(actions({ selfGrants: false }).some(toItself)).toBe(false);
  });

  it('names everything once', () => {
    const names = actions({ pages: 3, refs: 2, handles: 2, vaSlots: 2, entries: 2, ...MORE }).map((action) =>
      printStatement(actionStatement(action, 1)),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('refuses bounds that no memory holds', () => {
    expect(() => actions({ pages: 512, entries: 16 })).toThrow(InputError);
  });
});
