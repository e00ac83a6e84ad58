import { describe, expect, it } from 'vitest';
import { type Machine, MachineModel } from './obligations.fixture.js';
import type { Bounds, Progress } from './result.js';
import { search } from './search.js';

/** A way that goes on and on; at its second place something is begun that can make a step which changes nothing. */
function way(places: number): Machine {
  return {
    to: Array.from({ length: places }, (_, place) => [
      place + 1 < places ? place + 1 : -1,
      place === 1 ? 1 : -1,
    ]),
    underWay: Array.from({ length: places }, (_, place) => (place === 1 ? [0] : [])),
    stepOf: [-1, 0],
  };
}

const run = (machine: Machine, bounds: Partial<Bounds> = {}) =>
  search(new MachineModel(machine), { bounds, fairness: 'weak' });

describe('a search that looks for livelocks', () => {
  it('finds one that is near long before it has seen everything, and goes no deeper than it is told to', async () => {
    const { stop, states, livelock } = await run(way(9000), { deeper: 5 });
    expect({ stop, states }).toEqual({ stop: 'violation', states: 4096 + 5 });
    expect(livelock!.livelocks).toMatchObject([{ prefix: [0], loop: [1] }]);
    expect((await run(way(9000), { deeper: 0 })).states).toBe(4096);
  });

  it('sees everything else, too, when it may', async () => {
    const { stop, states, livelock } = await run(way(9000));
    expect({ stop, states, found: livelock!.livelocks.length }).toEqual({
      stop: 'exhausted',
      states: 9000,
      found: 1,
    });
  });

  it('finds what there is in few states at its end', async () => {
    expect((await run(way(10))).livelock).toMatchObject({ livelocks: [{ loop: [1] }], obligations: 1 });
    expect((await run(way(10), { maxStates: 3 })).livelock!.livelocks).toHaveLength(1);
  });

  it('does not look when it is not asked to', async () => {
    const { stop, livelock } = await search(new MachineModel(way(5000)), { bounds: {} });
    expect([stop, livelock]).toEqual(['exhausted', undefined]);
  });

  it('leaves the model where it was', async () => {
    const model = new MachineModel(way(5000));
    const before = model.state.journalLength;
    await search(model, { bounds: { deeper: 0 }, fairness: 'weak' });
    expect([model.node, model.state.journalLength]).toEqual([0, before]);
  });

  it('is undecided where time is up, and where the tables for loops find no room', async () => {
    expect((await run(way(100), { maxSeconds: 0 })).livelock).toMatchObject({
      undecided: 'time',
      livelocks: [],
    });
    const { bytes } = await run(way(100));
    const { stop, livelock } = await run(way(100), { maxMemory: bytes + 5000 });
    expect([stop, livelock]).toMatchObject(['exhausted', { undecided: 'memory', livelocks: [] }]);
  });

  it('is undecided when it is interrupted', async () => {
    const signal = AbortSignal.abort();
    const model = new MachineModel(way(100));
    const { stop, livelock } = await search(model, { bounds: {}, fairness: 'weak', signal });
    expect([stop, livelock]).toMatchObject(['interrupted', { undecided: 'interrupted', livelocks: [] }]);
  });

  it('tells how it gets on', async () => {
    const seen: Progress[] = [];
    const onProgress = (now: Progress) => seen.push(now);
    await search(new MachineModel(way(6000)), { bounds: {}, fairness: 'weak', onProgress });
    expect(seen.some(({ loops }) => loops === true)).toBe(true);
  });
});
