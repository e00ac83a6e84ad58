import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Checkpoint, fileKeeper } from './checkpoint.js';
import type { Made } from './keeper.js';
import type { Model } from './model.js';
import { nodeThreads } from './node-crew.js';
import type { SearchOptions, SearchResult } from './result.js';
import { search } from './search.js';
import { MODULE, modelOf, type Shape } from './threads.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'dommu-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'search.checkpoint');

const RULES = [
  { from: 0, to: 1, pointedAt: true },
  { from: 1, to: 2, pointedAt: false },
  { from: 2, to: 0, pointedAt: true },
];
const CELLS: Shape = { shape: 'cells', contents: [0, 1, 0, 0, 0], rules: RULES, bad: 2 };
const GRID: Shape = { shape: 'grid', size: 30, bad: 25 };
const TREE: Shape = { shape: 'tree', depth: 11, bad: 700 };
const MADE = { version: '1', program: 'abc def', edition: '4.17' };

/** Searches; `until` actions have been performed when it is interrupted. */
function run(
  shape: Shape,
  options: Partial<SearchOptions>,
  until = Number.POSITIVE_INFINITY,
): Promise<SearchResult> {
  const model = modelOf(shape);
  const interrupt = new AbortController();
  let performed = 0;
  const counted: Model = Object.assign(Object.create(model), {
    perform: (action: number) => {
      if (++performed === until) interrupt.abort();
      return model.perform(action);
    },
  });
  return search(counted, { bounds: {}, made: MADE, modelData: shape, signal: interrupt.signal, ...options });
}

const keeper = fileKeeper(file, 1000);
const resume = (made: Made) => new Checkpoint(file, made);

/** What a search that was never interrupted comes to, too. */
function outcome({ stop, states, transitions, depth, violations, neverEnabled, exact }: SearchResult) {
  const lengths = violations.map(({ property, actions }) => [property, actions.length]);
  return { stop, states, transitions, depth, lengths, neverEnabled, exact };
}

describe('a search that goes on from a checkpoint', () => {
  it.each<[string, Shape, Partial<SearchOptions>]>([
    ['with symmetries', CELLS, {}],
    ['exact', GRID, {}],
    ['by fingerprints', GRID, { hash: '64' }],
    ['with ever new values', TREE, {}],
    ['bounded after a violation', GRID, { bounds: { deeper: 4 } }],
  ])('%s, comes to what it would have come to', async (_, shape, options) => {
    const whole = outcome(await run(shape, options));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 2000 }), fc.nat(1500), async (first, second) => {
        const cut = await run(shape, { ...options, keeper }, first);
        fc.pre(cut.stop === 'interrupted');
        const again = await run(shape, { ...options, keeper, resume }, second + 1);
        const last = again.stop === 'interrupted' ? await run(shape, { ...options, keeper, resume }) : again;
        expect(outcome(last)).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  });

  it('may have been made by other threads, and be gone on from by others', async () => {
    const large: Shape = { shape: 'tree', depth: 15, bad: 9000 };
    const shared = { threads: nodeThreads(2, MODULE), shareFrom: 0 };
    const whole = outcome(await run(large, {}));
    const interrupt = new AbortController();
    const onProgress = ({ states }: { states: number }) => {
      if (states > 2000) interrupt.abort();
    };
    const cut = await run(large, { ...shared, keeper, onProgress, signal: interrupt.signal });
    expect(cut.stop).toBe('interrupted');
    expect(outcome(await run(large, { ...shared, resume }))).toEqual(whole);
    expect(outcome(await run(large, { resume }))).toEqual(whole);
  });

  it('finds checkpoints that were written while it went on', async () => {
    const whole = outcome(await run(TREE, {}));
    rmSync(file, { force: true });
    await run(TREE, { keeper: fileKeeper(file, 0) });
    expect(outcome(await run(TREE, { resume }))).toEqual(whole);
    expect(readdirSync(folder)).toEqual(['search.checkpoint']);
  });

  it('knows which flags were set before', async () => {
    await run(GRID, { keeper, flags: Uint8Array.of(0, 1, 0) }, 50);
    const flags = Uint8Array.of(1, 0, 0);
    await run(GRID, { resume, flags });
    expect([...flags]).toEqual([1, 1, 0]);
  });

  it('has time of its own', async () => {
    await run(GRID, { bounds: { maxSeconds: 0 }, keeper });
    expect(await run(GRID, { resume })).toMatchObject({ stop: 'exhausted', states: 900 });
  });
});

describe('a checkpoint', () => {
  const refused = (options: Partial<SearchOptions>, message: string) =>
    expect(run(GRID, { resume, ...options })).rejects.toThrow(message);

  it.each<[string, Partial<SearchOptions>, string]>([
    ['version', { made: { ...MADE, version: '2' } }, 'one of another version: 1, and this is 2'],
    ['program', { made: { ...MADE, program: 'abc xyz' } }, 'one of another program'],
    ['edition', { made: { ...MADE, edition: '4.18' } }, 'one of another edition: 4.17, and this is 4.18'],
    ['way to tell states apart', { hash: '64' }, 'one of another hash: auto, and this is 64'],
  ])('of another %s is refused and left as it is', async (_, options, message) => {
    await run(GRID, { keeper }, 50);
    const before = readFileSync(file);
    await refused({ ...options, keeper }, message);
    expect(readFileSync(file)).toEqual(before);
  });

  it('of another model is refused', async () => {
    await run(CELLS, { keeper, symmetries: false }, 50);
    await refused({ symmetries: false }, 'one of another model');
  });

  it('that lacks its end, or has a bit turned, is refused wherever that is', async () => {
    await run(GRID, { keeper }, 200);
    const whole = readFileSync(file);
    for (let n = 0; n < 40; n++) {
      const at = Math.floor((whole.length * n) / 40);
      writeFileSync(file, whole);
      truncateSync(file, at);
      await refused({}, at < 20 ? 'this is no checkpoint of dommu' : 'truncated or damaged');
      const turned = Buffer.from(whole);
      turned[at]! ^= 4;
      writeFileSync(file, turned);
      await expect(run(GRID, { resume })).rejects.toThrow(
        /no checkpoint of dommu|truncated or damaged|another version/,
      );
      expect(readFileSync(file)).toEqual(turned);
    }
  });

  it.each([
    ['', 'this is no checkpoint of dommu'],
    ['machine arch=x86\n# a program\n', 'this is no checkpoint of dommu'],
    ['dommu checkpoint 2\n and more of it', 'the form of another version of dommu'],
  ])('that is none is refused: %j', async (text, message) => {
    writeFileSync(file, text);
    await refused({}, message);
  });

  it('that is not there, or cannot be written, is said so before the search', async () => {
    const none = (made: Made) => new Checkpoint(join(folder, 'none'), made);
    await refused({ resume: none }, 'the checkpoint cannot be read (ENOENT)');
    const nowhere = fileKeeper(join(folder, 'none', 'x'), 1);
    await expect(run(GRID, { keeper: nowhere })).rejects.toThrow('the checkpoint cannot be written (ENOENT)');
  });
});
