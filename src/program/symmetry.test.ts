import { describe, expect, it } from 'vitest';
import { PAGE_WORDS } from '../store/store.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS, Judge } from '../xen/invariants.js';
import type { Xen } from '../xen/state.js';
import type { Image } from '../xen/symmetry/image.js';
import type { AlphabetBounds } from './alphabet.js';
import type { Program } from './program.js';
import { bounds, configs, PV, program } from './scene.fixture.js';
import { actionNames, runScene } from './scene.js';
import { ActionImage, type SymmetryFound } from './symmetry.js';
import { sceneModel, type XenModel } from './verify.js';

/** Numbers that look random and are the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % sides;
  };
}

interface Scene {
  readonly model: XenModel;
  readonly xen: Xen;
  readonly symmetry: SymmetryFound;
  /** By renaming, then by action: the action that takes its place. */
  readonly actions: readonly Int32Array[];
  readonly derived: ReadonlySet<number>;
}

function sceneOf(scene: Program, edition: string, asked: AlphabetBounds): Scene {
  const { model, xen, symmetry } = sceneModel(scene, resolveEdition(edition), asked);
  const names = actionNames(scene, runScene(scene, resolveEdition(edition)));
  const keyOf = new ActionImage(xen, names, { ...symmetry.renamings[0]!, ...identity(symmetry) });
  const numbers = new Map(model.actions.map((action, n) => [keyOf.key(action), n]));
  const actions = symmetry.renamings.map((renaming) => {
    const image = new ActionImage(xen, names, renaming);
    return Int32Array.from(model.actions, (action) => numbers.get(image.key(action)) ?? -1);
  });
  const derived = new Set(
    Array.from({ length: 64 * PAGE_WORDS }, (_, word) => word).filter((word) => model.derived(word)),
  );
  return { model, xen, symmetry, actions, derived };
}

function identity({ renamings: [first] }: SymmetryFound): object {
  return Object.fromEntries(
    Object.entries(first ?? {}).map(([part, array]) => [part, (array as Int32Array).map((_, n) => n)]),
  );
}

/** The words of a state that are not 0 and that nothing else says. */
function wordsOf({ derived, xen }: Scene): Map<number, number> {
  const words = new Map<number, number>();
  const end = xen.store.pageCount * PAGE_WORDS;
  for (let word = 0; word < end; word++) {
    const value = xen.store.words[word]!;
    if (value !== 0 && !derived.has(word)) words.set(word, value);
  }
  return words;
}

const isSame = (mine: Map<number, number>, theirs: Map<number, number>): boolean =>
  mine.size === theirs.size && [...mine].every(([word, value]) => theirs.get(word) === value);

function imageOf(image: Image, words: Map<number, number>): Map<number, number> {
  return new Map([...words].map(([word, value]) => [image.word(word), image.value(word, value)]));
}

/** At most so many different numbers below `count`. */
function someOf(count: number, most: number, roll: (sides: number) => number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, n) => n);
  return [...new Set(Array.from({ length: most }, () => roll(count)))];
}

/** Makes the model stand in a state. */
function stand(scene: Scene, words: Map<number, number>): void {
  const { xen } = scene;
  for (const word of wordsOf(scene).keys()) if (!words.has(word)) xen.store.write(word, 0);
  for (const [word, value] of words) xen.store.write(word, value);
  // What follows from the rest.
  for (const zone of [0, 1]) {
    const { first, end } = xen.xenHeap;
    let pdx = zone === 0 ? 0 : first;
    const isOther = (at: number) => (at >= first && at < end) !== (zone === 1);
    const last = zone === 0 ? xen.ram.frames : end;
    while (
      pdx < last &&
      (isOther(pdx) || xen.frame.countInfo.get(pdx) !== 0 || xen.frame.owner.get(pdx) !== 0)
    )
      pdx++;
    xen.heap.lowestFree.set(zone, pdx);
  }
}

function describeWords(xen: Xen, mine: Map<number, number>, theirs: Map<number, number>): string {
  const words = [...new Set([...mine.keys(), ...theirs.keys()])].filter(
    (word) => mine.get(word) !== theirs.get(word),
  );
  return words
    .slice(0, 12)
    .map((word) => {
      const at = xen.layout.locate(word);
      const where =
        at === undefined
          ? `RAM 0x${xen.ram.addressOf(word).toString(16)}`
          : `${at.table.label(at.row)}.${at.field}`;
      return `${where}: ${mine.get(word) ?? 0} for ${theirs.get(word) ?? 0}`;
    })
    .join('; ');
}

/**
 * Walks at random, and in each state it comes to holds every action against every renaming: from the image of the state
 * the image of the action must lead to the image of what the action leads to, and each invariant must judge both alike.
 */
function holdAgainst(scene: Scene, seed: number, length: number, samples: number): { compared: number } {
  const { model, xen, symmetry, actions } = scene;
  const judge = new Judge(xen, xen.hasTranslatedDomains ? xen.spec.limits.gfns : 0);
  const verdicts = (): string =>
    INVARIANTS.map((one) => (judge.violation(one) === undefined ? '' : one.id)).join();
  const roll = dice(seed);
  let compared = 0;
  for (let step = 0; step < length && !xen.isDown; step++) {
    const state = wordsOf(scene);
    const verdict = verdicts();
    const mark = xen.store.mark();
    const outcomes = new Map<number, Map<number, number> | undefined>();
    for (const n of someOf(symmetry.images.length, 4, roll)) {
      const image = symmetry.images[n]!;
      const there = imageOf(image, state);
      stand(scene, there);
      if (verdicts() !== verdict)
        throw new Error(`renaming ${n}: ${verdicts()} instead of ${verdict} is broken`);
      const image0 = xen.store.mark();
      for (let sample = 0; sample < samples; sample++) {
        const action = roll(model.actionCount);
        xen.store.rollback(mark);
        if (!outcomes.has(action)) {
          const done = model.perform(action);
          outcomes.set(action, done ? wordsOf(scene) : undefined);
          xen.store.rollback(mark);
        }
        const expected = outcomes.get(action);
        stand(scene, there);
        const other = actions[n]![action]!;
        const done = model.perform(other);
        const got = done ? wordsOf(scene) : undefined;
        const wanted = expected === undefined ? undefined : imageOf(image, expected);
        if (got === undefined || wanted === undefined ? got !== wanted : !isSame(got, wanted)) {
          const [a, b] = [model.actions[action]!, model.actions[other]!];
          const how =
            got === undefined || wanted === undefined
              ? `${got === undefined ? 'cannot' : 'can'} instead of ${wanted === undefined ? 'cannot' : 'can'}`
              : describeWords(xen, got, wanted);
          throw new Error(
            `${a.op} ${JSON.stringify(a.args)} as ${b.op} ${JSON.stringify(b.args)} under ${n} after ${step} steps: ${how}`,
          );
        }
        if (done) compared++;
      }
      xen.store.rollback(image0);
      xen.store.rollback(mark);
    }
    for (let tries = 0; tries < 50 && !model.perform(roll(model.actionCount)); tries++);
  }
  return { compared };
}

const WIDE = bounds({
  pages: 3,
  levels: [1, 2, 4],
  refs: 2,
  vaSlots: 2,
  entries: 2,
  deviceMappings: true,
  partialUnmaps: true,
});

describe('what a search takes for alike', () => {
  it.each([
    ['guest-pv-nic.cfg', '4.22'],
    ['guest-pv-nic.cfg', '4.17'],
    ['guest-pv-nic.cfg', '4.13'],
    ['guest-pv-nic.cfg', '4.11.0'],
    ['guest-pv-nic.cfg', 'late-enable'],
  ])('%s on %s', (config, edition) => {
    const scene = sceneOf(configs([config], edition, WIDE), edition, WIDE);
    expect(scene.symmetry.images.length).toBe(11);
    expect(holdAgainst(scene, 1, 60, 40).compared).toBeGreaterThan(500);
  });
  it('PV', () => {
    const scene = sceneOf(program(PV), '4.17', WIDE);
    expect([scene.symmetry.images.length, scene.symmetry.apart]).toEqual([11, []]);
  });
});
