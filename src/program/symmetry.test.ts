import { describe, expect, it } from 'vitest';
import { PAGE_WORDS } from '../store/store.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS, Judge } from '../xen/invariants.js';
import type { Xen } from '../xen/state.js';
import type { Image } from '../xen/symmetry/image.js';
import { identity } from '../xen/symmetry/renaming.js';
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
  const keyOf = new ActionImage(xen, names, identity(xen));
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

/** The words of a state, without those that follow from others. */
function wordsOf({ derived, xen }: Scene): Int32Array {
  const words = xen.store.words.slice(0, xen.store.pageCount * PAGE_WORDS);
  for (const word of derived) words[word] = 0;
  return words;
}

function imageOf(image: Image, words: Int32Array): Int32Array {
  const there = new Int32Array(words.length);
  words.forEach((value, word) => {
    if (value !== 0) there[image.word(word)] = image.value(word, value);
  });
  return there;
}

/** At most so many different numbers below `count`. */
function someOf(count: number, most: number, roll: (sides: number) => number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, n) => n);
  return [...new Set(Array.from({ length: most }, () => roll(count)))];
}

/** Makes the model stand in a state. */
function stand({ xen, derived }: Scene, words: Int32Array): void {
  const { store } = xen;
  for (let word = 0; word < store.pageCount * PAGE_WORDS; word++) {
    const value = words[word] ?? 0;
    if (store.words[word] !== value && !derived.has(word)) store.write(word, value);
  }
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

/** What an action changes: the new values by word; undefined when it cannot be taken. Leaves the state as it was. */
function effectOf({ model, xen, derived }: Scene, action: number): Map<number, number> | undefined {
  const mark = xen.store.mark();
  const done = model.perform(action);
  const before = new Map<number, number>();
  xen.store.forEachWrite(mark, xen.store.journalLength, (word, value) => {
    if (!before.has(word) && !derived.has(word)) before.set(word, value);
  });
  const changed = [...before].filter(([word, value]) => xen.store.read(word) !== value);
  const effect = new Map(changed.map(([word]) => [word, xen.store.read(word)]));
  xen.store.rollback(mark);
  return done ? effect : undefined;
}

/** How the effect in the image differs from the image of the effect; '' when it does not. */
function differs(
  xen: Xen,
  image: Image,
  effect: Map<number, number> | undefined,
  there: Map<number, number> | undefined,
): string {
  if (effect === undefined || there === undefined) {
    return effect === there ? '' : `is ${there === undefined ? 'im' : ''}possible`;
  }
  const wanted = new Map([...effect].map(([word, value]) => [image.word(word), image.value(word, value)]));
  const text = (word: number, value: number | undefined): string => {
    const at = xen.layout.locate(word);
    const where =
      at === undefined
        ? `RAM 0x${xen.ram.addressOf(word).toString(16)}`
        : `${at.table.label(at.row)}.${at.field}`;
    return `${where} ${value ?? 'as it was'}`;
  };
  const words = [...new Set([...wanted.keys(), ...there.keys()])].filter(
    (word) => wanted.get(word) !== there.get(word),
  );
  return words
    .map((word) => `${text(word, there.get(word))} instead of ${wanted.get(word) ?? 'as it was'}`)
    .join('; ');
}

/**
 * Walks at random, and in each state it comes to holds actions against renamings: from the image of the state the image of
 * the action must lead to the image of what the action leads to, and each invariant must judge both alike.
 */
function holdAgainst(scene: Scene, seed: number, length: number, samples = 300): number {
  const { model, xen, symmetry, actions } = scene;
  const judge = new Judge(xen, xen.hasTranslatedDomains ? xen.spec.limits.gfns : 0);
  const verdicts = (): string =>
    INVARIANTS.filter((one) => judge.violation(one) !== undefined)
      .map(({ id }) => id)
      .join();
  const roll = dice(seed);
  let compared = 0;
  for (let step = 0; step < length && !xen.isDown; step++) {
    const chosen = someOf(model.actionCount, samples, roll);
    const effects = chosen.map((action) => effectOf(scene, action));
    const state = wordsOf(scene);
    const verdict = verdicts();
    const mark = xen.store.mark();
    for (const n of someOf(symmetry.images.length, 3, roll)) {
      const image = symmetry.images[n]!;
      stand(scene, imageOf(image, state));
      const where = `renaming ${n}, ${step} steps from the scene`;
      if (verdicts() !== verdict)
        throw new Error(`${where}: ${verdicts()} instead of ${verdict} does not hold`);
      chosen.forEach((action, at) => {
        const other = actions[n]![action]!;
        const difference = differs(xen, image, effects[at], effectOf(scene, other));
        const { op, args } = model.actions[other]!;
        if (difference !== '') throw new Error(`${where}: ${op} ${JSON.stringify(args)} ${difference}`);
        if (effects[at] !== undefined) compared++;
      });
      xen.store.rollback(mark);
    }
    for (let tries = 0; tries < 50 && !model.perform(roll(model.actionCount)); tries++);
  }
  return compared;
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
    expect(holdAgainst(scene, 1, 60)).toBeGreaterThan(500);
  });
  it('PV', () => {
    const scene = sceneOf(program(PV), '4.17', WIDE);
    expect([scene.symmetry.images.length, scene.symmetry.apart]).toEqual([11, []]);
  });
});
