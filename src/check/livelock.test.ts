import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fairness } from './lasso.js';
import { findLivelocks, type LivelockOptions, type LivelockResult } from './livelock.js';
import { type Machine, MachineModel, PlainStates, successor } from './obligations.fixture.js';

const livelocksOf = (machine: Machine, options: Partial<LivelockOptions> = {}): Promise<LivelockResult> => {
  const model = new MachineModel(machine);
  return findLivelocks(model, new PlainStates(model), {
    fairness: 'weak',
    maxMemory: Number.POSITIVE_INFINITY,
    maxSeconds: Number.POSITIVE_INFINITY,
    ...options,
  });
};

/** Action 0 begins and ends things, 1 is a step of obligation 0, 2 one of obligation 1. */
const STEP_OF = [-1, 0, 1];

describe('a livelock', () => {
  it('is a loop of an obligation that makes steps and never ends, with the way to it', async () => {
    // 0 → 1 → 2 ⇄ 3, and from 3 a step that ends it.
    const machine: Machine = {
      to: [[1], [-1, 2], [3, 2], [-1, 2], [0]],
      underWay: [[], [0], [0], [0], []],
      stepOf: [-1, 0],
    };
    const { livelocks, ...rest } = await livelocksOf({ ...machine, to: [[1], [-1, 2], [3], [-1, 2]] });
    expect(livelocks).toEqual([{ obligation: 0, name: '0', prefix: [0, 1], loop: [0, 1], shortest: true }]);
    expect(rest).toMatchObject({ obligations: 1, states: 3, transitions: 3 });
    expect(rest.undecided).toBeUndefined();
  });

  it('is a step that changes nothing, too: it can be tried for ever', async () => {
    const { livelocks } = await livelocksOf({ to: [[1], [-1, 1]], underWay: [[], [0]], stepOf: [-1, 0] });
    expect(livelocks).toEqual([{ obligation: 0, name: '0', prefix: [0], loop: [1], shortest: true }]);
  });

  it('is none when the obligation ends on the way round', async () => {
    const machine: Machine = { to: [[1], [-1, 2], [0]], underWay: [[], [0], []], stepOf: [-1, 0] };
    expect((await livelocksOf(machine)).livelocks).toEqual([]);
  });

  it('is none when others go round and the obligation makes no step: nobody let it', async () => {
    const machine: Machine = { to: [[1], [2, 0], [1, 0]], underWay: [[], [0], [0]], stepOf: [-1, 0] };
    for (const fairness of ['weak', 'none'] as const)
      expect((await livelocksOf(machine, { fairness })).livelocks).toEqual([]);
  });

  it('is none when only what the obligation need not withstand leads round', async () => {
    const machine: Machine = { to: [[1], [-1, 2], [1]], underWay: [[], [0], [0]], stepOf: [-1, 0] };
    expect((await livelocksOf(machine)).livelocks).toHaveLength(1);
    expect((await livelocksOf({ ...machine, own: [[0]] })).livelocks).toEqual([]);
  });

  it('is found where it is nearest, of loops that are as short', async () => {
    // Every node of a line has a step that changes nothing.
    const machine: Machine = {
      to: [[1], [2, 1], [3, 2], [-1, 3]],
      underWay: [[], [0], [0], [0]],
      stepOf: [-1, 0],
    };
    expect((await livelocksOf(machine)).livelocks).toMatchObject([{ prefix: [0], loop: [1] }]);
  });

  it('is found once for each name that goes round', async () => {
    const machine: Machine = {
      to: [
        [1, -1, 2],
        [-1, 1],
        [-1, 2],
      ],
      underWay: [[], [0], [0]],
      stepOf: [-1, 0, -1],
      names: ['', 'assign', 'destroy'],
    };
    const { livelocks } = await livelocksOf(machine);
    expect(livelocks.map(({ name, prefix, loop }) => [name, prefix, loop])).toEqual([
      ['assign', [0], [1]],
      ['destroy', [2], [1]],
    ]);
  });

  it('needs something that makes steps: a model without says so', async () => {
    const nothing: Machine = { to: [[1], [0]], underWay: [[], []], stepOf: [-1] };
    expect(await livelocksOf(nothing)).toMatchObject({ obligations: 0, livelocks: [] });
    const idle: Machine = { to: [[1], [0]], underWay: [[], []], stepOf: [-1, 0] };
    expect(await livelocksOf(idle)).toMatchObject({ obligations: 1, states: 0, livelocks: [] });
  });
});

describe('fairness', () => {
  /** Obligation 0 steps round as long as obligation 1 does not make the step that ends both. */
  const WAITING: Machine = {
    to: [[1], [-1, 1, 0]],
    underWay: [[], [0, 1]],
    stepOf: STEP_OF,
  };

  it('lets nobody starve who could make a step', async () => {
    expect((await livelocksOf(WAITING)).livelocks).toEqual([]);
  });

  it('is not assumed when none is asked for', async () => {
    expect((await livelocksOf(WAITING, { fairness: 'none' })).livelocks).toMatchObject([
      { obligation: 0, prefix: [0], loop: [1] },
    ]);
  });

  it('asks nothing of who waits for a lock all along', async () => {
    const blocked: Machine = { ...WAITING, to: [[1], [-1, 1, -1]] };
    expect((await livelocksOf(blocked)).livelocks).toMatchObject([{ obligation: 0, loop: [1] }]);
  });

  it('asks nothing of who cannot make a step at one place of the loop', async () => {
    const machine: Machine = {
      to: [[1], [-1, 2, 0], [-1, 1, -1]],
      underWay: [[], [0, 1], [0, 1]],
      stepOf: STEP_OF,
    };
    expect((await livelocksOf(machine)).livelocks).toMatchObject([{ obligation: 0, loop: [1, 1] }]);
  });

  it('makes a loop longer by the steps of others', async () => {
    // Obligation 0 steps in place; that of obligation 1 leads away and back.
    const machine: Machine = {
      to: [[1], [-1, 1, 2], [1, -1, 0]],
      underWay: [[], [0, 1], [0, 1]],
      stepOf: STEP_OF,
    };
    expect((await livelocksOf(machine, { fairness: 'none' })).livelocks[0]!.loop).toEqual([1]);
    const fair = await livelocksOf(machine);
    expect(fair.livelocks.map(({ obligation, loop }) => [obligation, loop])).toEqual([
      [0, [1, 2, 0]],
      [1, [2, 0]],
    ]);
  });
});

describe('with more obligations to be fair to than can be kept apart', () => {
  it('is found all the same, and not called the shortest', async () => {
    // A ring in which each of ten obligations makes a step, and the first one in place, too.
    const ring = Array.from({ length: 10 }, (_, n) => n);
    const machine: Machine = {
      to: ring.map((node) => [
        ...ring.map((n) => (n === node ? (node + 1) % 10 : n === 0 ? node : -1)),
        node === 4 ? 4 : -1,
      ]),
      underWay: ring.map(() => ring),
      stepOf: [...ring, 0],
    };
    const { livelocks } = await livelocksOf(machine);
    expect(livelocks).toHaveLength(10);
    for (const { obligation, loop, shortest } of livelocks) {
      expect(shortest).toBe(false);
      expect(loop.map((action) => machine.stepOf[action])).toContain(obligation);
    }
    const alone = await livelocksOf(machine, { fairness: 'none' });
    expect(alone.livelocks.map(({ loop, shortest }) => [loop.length, shortest])).toEqual([
      [1, true],
      ...ring.slice(1).map(() => [10, true]),
    ]);
  });

  it('agrees about whether there is one', async () => {
    await fc.assert(
      fc.asyncProperty(randomMachine(7, 12, 11), async (machine) => {
        const { livelocks } = await livelocksOf(machine);
        for (let n = 0; n < 11; n++) {
          const found = livelocks.find(({ obligation }) => obligation === n);
          const least = naive(machine, n, 'weak');
          expect(found === undefined).toBe(least === undefined);
          expect(found?.loop.length ?? 0).toBeGreaterThanOrEqual(least ?? 0);
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** States that a rotation of colours leads to are one: `node` is `place * colours + colour`. */
class Turned extends PlainStates {
  private readonly classes: number[] = [];
  constructor(
    private readonly machine: MachineModel,
    private readonly colours: number,
  ) {
    super(machine);
    const seen = new Set<number>();
    for (let state = 0; state < super.count; state++) {
      const place = Math.floor(this.node(state) / colours);
      if (!seen.has(place)) this.classes.push(state);
      seen.add(place);
    }
  }
  override get count(): number {
    return this.classes?.length ?? super.count;
  }
  override goTo(state: number): void {
    super.goTo(this.classes[state]!);
  }
  override pathTo(state: number): number[] {
    return super.pathTo(this.classes?.[state] ?? state);
  }
  override find(): number {
    const place = Math.floor(this.machine.node / this.colours);
    return this.classes.findIndex((state) => Math.floor(this.node(state) / this.colours) === place);
  }
}

describe('among classes of states', () => {
  it('goes round as often as it takes until the very state comes back', async () => {
    // Places a → b ⇄ c; the way from c back to b turns the colour by one.
    const node = (place: number, colour: number): number => place * 3 + (colour % 3);
    const colours = [0, 1, 2];
    const machine: Machine = {
      to: [
        ...colours.map((colour) => [node(1, colour), -1, -1]),
        ...colours.map((colour) => [-1, node(2, colour), -1]),
        ...colours.map((colour) => [-1, -1, node(1, colour + 1)]),
      ],
      underWay: [...colours.map(() => []), ...[...colours, ...colours].map(() => [0])],
      stepOf: [-1, 0, -1],
    };
    const model = new MachineModel(machine);
    const options = { fairness: 'weak', maxMemory: 1e9, maxSeconds: 9 } as const;
    const { livelocks } = await findLivelocks(model, new Turned(model, 3), options);
    expect(livelocks).toMatchObject([{ prefix: [0], loop: [1, 2, 1, 2, 1, 2] }]);
    expect((await livelocksOf(machine)).livelocks[0]!.loop).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it('finds the action that does for one state what the recorded one does for the state that stands for it', async () => {
    // From place b, colour 0 takes action 1 to c and colour 1 takes action 2; both are steps.
    const machine: Machine = {
      to: [
        [2, -1, -1, -1],
        [3, -1, -1, -1],
        [-1, 4, -1, -1],
        [-1, -1, 5, -1],
        [-1, -1, -1, 3],
        [-1, -1, -1, 2],
      ],
      underWay: [[], [], [0], [0], [0], [0]],
      stepOf: [-1, 0, 0, -1],
    };
    const model = new MachineModel(machine);
    const options = { fairness: 'weak', maxMemory: 1e9, maxSeconds: 9 } as const;
    const { livelocks } = await findLivelocks(model, new Turned(model, 2), options);
    expect(livelocks).toMatchObject([{ prefix: [0], loop: [1, 3, 2, 3] }]);
  });

  it('does not report what does not close, and is undecided then', async () => {
    // As if b and c were one: there is no way from c on.
    const machine: Machine = { to: [[1], [-1, 2], [-1, -1]], underWay: [[], [0], [0]], stepOf: [-1, 0] };
    const model = new MachineModel(machine);
    class Wrong extends PlainStates {
      override find(): number {
        return Math.min(1, super.find());
      }
      override get count(): number {
        return 2;
      }
    }
    const options = { fairness: 'weak', maxMemory: 1e9, maxSeconds: 9 } as const;
    const result = await findLivelocks(model, new Wrong(model), options);
    expect(result).toMatchObject({ livelocks: [], undecided: 'loop' });
  });
});

describe('when the graph is not looked at as a whole', () => {
  const LOOP: Machine = { to: [[1], [-1, 1]], underWay: [[], [0]], stepOf: [-1, 0] };

  it.each<[string, Partial<LivelockOptions>]>([
    ['memory', { maxMemory: 100 }],
    ['time', { maxSeconds: 0 }],
    ['interrupted', { signal: AbortSignal.abort() }],
  ])('says that it is undecided: %s', async (undecided, options) => {
    expect(await livelocksOf(LOOP, options)).toMatchObject({ undecided, livelocks: [] });
  });

  it('finds what there is among the states that were found', async () => {
    const model = new MachineModel({ to: [[1], [2, 1], [0]], underWay: [[], [0], []], stepOf: [-1, 0] });
    const options = { fairness: 'weak', maxMemory: 1e9, maxSeconds: 9 } as const;
    expect((await findLivelocks(model, new PlainStates(model, 2), options)).livelocks).toHaveLength(1);
    expect((await findLivelocks(model, new PlainStates(model, 1), options)).livelocks).toHaveLength(0);
  });

  it('does not watch more obligations than a word has bits', async () => {
    const stepOf = Array.from({ length: 40 }, (_, n) => n);
    const machine: Machine = { to: [[0]], underWay: [stepOf], stepOf };
    expect(await livelocksOf(machine)).toMatchObject({ undecided: 'obligations' });
  });
});

/** The length of a shortest loop of an obligation, by following all ways from all nodes; or undefined. */
function naive(machine: Machine, obligation: number, fairness: Fairness): number | undefined {
  const model = new MachineModel(machine);
  const states = new PlainStates(model);
  const all = machine.stepOf.reduce((bits, n) => (n < 0 ? bits : bits | (1 << n)), 1 << obligation);
  const canStep = (node: number, n: number): boolean =>
    machine.stepOf.some((of, action) => of === n && successor(machine, node, action) >= 0);
  const freeAt = machine.to.map((_, node) =>
    model.machine.stepOf.reduce((bits, n) => (n < 0 || canStep(node, n) ? bits : bits | (1 << n)), 0),
  );
  const granted = (node: number): number => (fairness === 'none' ? all : freeAt[node]!) & ~(1 << obligation);
  let best: number | undefined;
  for (let state = 0; state < states.count; state++) {
    const start = states.node(state);
    if (!machine.underWay[start]!.includes(obligation)) continue;
    const seen = new Set<number>();
    let level: [node: number, wishes: number][] = [[start, granted(start)]];
    for (let length = 1; level.length > 0; length++) {
      const next: typeof level = [];
      for (const [node, wishes] of level) {
        for (const [action, of] of machine.stepOf.entries()) {
          const to = successor(machine, node, action);
          if (to < 0 || (to === node && of < 0) || !machine.underWay[to]!.includes(obligation)) continue;
          if (of < 0 && machine.own?.[action]?.includes(obligation)) continue;
          const now = wishes | granted(to) | (of >= 0 ? 1 << of : 0);
          if (to === start && now === all) best = Math.min(best ?? length, length);
          if (!seen.has((now << 4) | to)) next.push([to, now]);
          seen.add((now << 4) | to);
        }
      }
      level = next;
    }
  }
  return best;
}

function randomMachine(nodes: number, actions: number, obligations: number): fc.Arbitrary<Machine> {
  const node = fc.integer({ min: -1, max: nodes - 1 });
  const list = <T>(one: fc.Arbitrary<T>, length: number) =>
    fc.array(one, { minLength: length, maxLength: length });
  const subset = fc.subarray(Array.from({ length: obligations }, (_, n) => n));
  const mostly = fc.oneof(
    { weight: 3, arbitrary: fc.constant(Array.from({ length: obligations }, (_, n) => n)) },
    subset,
  );
  return fc.record({
    to: list(list(node, actions), nodes),
    underWay: list(mostly, nodes),
    stepOf: list(fc.integer({ min: -1, max: obligations - 1 }), actions),
    own: list(fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, subset), actions),
  });
}

describe('on random machines', () => {
  it.each([
    [4, 3, 1],
    [6, 4, 2],
    [9, 5, 3],
  ])(
    'of %i nodes, %i actions, %i obligations: finds a loop where there is one, a shortest, that closes',
    async (nodes, actions, obligations) => {
      await fc.assert(
        fc.asyncProperty(
          randomMachine(nodes, actions, obligations),
          fc.constantFrom<Fairness>('weak', 'none'),
          async (machine, fairness) => {
            const { livelocks, undecided } = await livelocksOf(machine, { fairness });
            expect(undecided).toBeUndefined();
            const model = new MachineModel(machine);
            for (const { prefix, loop, obligation, shortest } of livelocks) {
              model.state.rollback(0);
              for (const action of prefix) expect(model.perform(action)).toBe(true);
              const start = model.node;
              for (const action of loop) {
                expect(model.obligations.underWay(obligation)).toBe(true);
                expect(model.perform(action)).toBe(true);
              }
              expect([model.node, shortest]).toEqual([start, true]);
            }
            for (let n = 0; n < model.obligations.count; n++) {
              const found = livelocks.find(({ obligation }) => obligation === n);
              expect(found?.loop.length).toBe(naive(machine, n, fairness));
            }
          },
        ),
        { numRuns: 400 },
      );
    },
  );
});
