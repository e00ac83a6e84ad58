import { describe, expect, it } from 'vitest';
import { search } from '../check/search.js';
import { PAGE_WORDS } from '../store/store.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { INVARIANTS, Judge } from '../xen/invariants.js';
import type { Xen } from '../xen/state.js';
import { frameRoles } from '../xen/symmetry/frame-roles.js';
import { Image, TableWords } from '../xen/symmetry/image.js';
import { identity } from '../xen/symmetry/renaming.js';
import type { AlphabetBounds } from './alphabet-bounds.js';
import type { Program } from './program.js';
import { bounds, configs, PV, program } from './scene.fixture.js';
import { actionNames, runScene } from './scene.js';
import { ActionImage, classText, type SymmetryFound } from './symmetry.js';
import { sceneModel, type VerifyBounds, verifyProgram, type XenModel } from './verify.js';

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
  // One that is offered twice, by different parts of the alphabet, stands for itself each time.
  const keysBy = (image: ActionImage): string[] => {
    const times = new Map<string, number>();
    return model.actions.map((action) => {
      const own = keyOf.key(action);
      times.set(own, (times.get(own) ?? 0) + 1);
      return `${image.key(action)} ${times.get(own)}`;
    });
  };
  const numbers = new Map(keysBy(keyOf).map((key, n) => [key, n]));
  const actions = symmetry.renamings.map((renaming) =>
    Int32Array.from(keysBy(new ActionImage(xen, names, renaming)), (key) => numbers.get(key) ?? -1),
  );
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

function textOf(words: Int32Array): string {
  let text = '';
  for (let word = 0; word < words.length; word++) if (words[word] !== 0) text += `${word}=${words[word]} `;
  return text;
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

type Host = Parameters<typeof configs>[3];
const sceneOfConfig = (config: string, edition: string, asked: VerifyBounds = WIDE, host: Host = {}): Scene =>
  sceneOf(configs([config], edition, asked, host), edition, asked);

/** `3 pages, 2 refs`, or what is said instead. */
const alikeText = ({ symmetry: { classes, apart } }: Scene): string =>
  [...classes.map(classText), ...apart].join(', ');

describe('from the image of a state the image of an action leads to the image of what the action leads to', () => {
  const FAMILIES: Readonly<Record<string, Partial<VerifyBounds>>> = {
    plain: {},
    'domains die': { destroy: true },
    steps: { steps: true },
    failures: { failures: 1 },
  };

  it.each([
    ['guest-pv-nic.cfg', '4.11.0', 'plain', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.13', 'plain', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.17', 'plain', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.17', 'steps', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.17', 'failures', { dom0Mode: 'strict' }, '3 pages, 2 refs'],
    [
      'guest-pv-nic.cfg',
      '4.22',
      'domains die',
      {},
      "3 pages, refs: the frames of a dead domain's grant table",
    ],
    ['guest-pv-nic.cfg', 'late-enable', 'plain', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', 'late-enable', 'steps', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', 'up-front', 'failures', {}, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.14', 'plain', { iommu: 'amdvi', dom0Mode: 'strict' }, '3 pages, 2 refs'],
    ['guest-pv-nic.cfg', '4.20', 'domains die', { iommu: 'amdvi' }, '3 pages'],
    ['guest-hvm-share.cfg', '4.17', 'plain', {}, '3 pages, 2 refs, 2 devices'],
    ['guest-hvm-share.cfg', '4.22', 'failures', {}, '3 pages, 2 refs, devices: what is done'],
    ['guest-hvm-share.cfg', '4.12', 'steps', { sharept: false }, '3 pages, 2 refs, 2 devices'],
    ['guest-hvm-share.cfg', '4.12', 'plain', { iommu: 'amdvi' }, '3 pages, 2 refs, 2 devices'],
    ['arm-guest.cfg', '4.12', 'plain', {}, '3 pages, 2 refs'],
    ['arm-guest.cfg', '4.22', 'domains die', {}, '3 pages'],
    ['arm-guest.cfg', '4.20', 'failures', {}, '3 pages, 2 refs'],
  ] as const)('%s on %s, %s %o', (config, edition, family, host, alike) => {
    const scene = sceneOfConfig(config, edition, { ...WIDE, ...FAMILIES[family] }, host);
    expect(alikeText(scene)).toContain(alike);
    expect(holdAgainst(scene, 1, 30)).toBeGreaterThan(200);
  });

  it('with CPUs that remember, and two hypercalls at a time', () => {
    const tlbs = sceneOf(program(`${PV.replace('dom0', 'limits cpu_tlb=32 calls=2\ndom0')}`), '4.17', {
      ...WIDE,
      steps: true,
    });
    expect(alikeText(tlbs)).toContain('3 pages');
    expect(holdAgainst(tlbs, 2, 30)).toBeGreaterThan(200);
  });

  it('which a renaming of what is not alike does not', () => {
    const scene = sceneOfConfig('guest-pv-nic.cfg', '4.17');
    const { xen } = scene;
    // dom0's page, which dom0 never gives away.
    const renaming = identity(xen);
    renaming.frames.set([1, 0], 0);
    const roles = frameRoles(xen, [0, 1], { deaths: false, version2: false });
    const wrong = new Image(xen, renaming, roles, new TableWords(xen));
    const forged = { ...scene, symmetry: { ...scene.symmetry, images: [wrong] } };
    expect(() => holdAgainst(forged, 1, 30)).toThrow(/renaming 0/);
  });
});

describe('handles that are alike', () => {
  it('are taken from the lowest on, which leads to an image of what any other leads to', () => {
    const asked = { ...WIDE, pages: 2, refs: 1, handles: 3, entries: 1, vaSlots: 1 };
    const scene = sceneOfConfig('guest-pv-nic.cfg', '4.17', asked);
    expect(alikeText(scene)).toContain('3 handles');
    const { model, xen, symmetry } = scene;
    const roll = dice(3);
    const least = (): string => {
      const words = wordsOf(scene);
      return [words, ...symmetry.images.map((image) => imageOf(image, words))].map(textOf).sort()[0]!;
    };
    const maps = model.actions.flatMap(({ op }, action) => (op === 'map_grant_ref' ? [action] : []));
    /** What mapping grants leads to, but for names. */
    const reached = (): string[] => {
      const found = maps.flatMap((action) => {
        const mark = xen.store.mark();
        const text = model.perform(action) ? [least()] : [];
        xen.store.rollback(mark);
        return text;
      });
      return [...new Set(found)].sort();
    };
    let mapped = 0;
    for (let step = 0; step < 400 && mapped < 2; step++) {
      if (!model.perform(roll(3) === 0 ? maps[roll(maps.length)]! : roll(model.actionCount))) continue;
      if (xen.maptrack.flags.get(0) === 0 && xen.maptrack.flags.get(1) === 0) continue;
      const [here, state, mark] = [reached(), wordsOf(scene), xen.store.mark()];
      if (here.length === 0) continue;
      mapped++;
      for (const n of someOf(symmetry.images.length, 2, roll)) {
        stand(scene, imageOf(symmetry.images[n]!, state));
        expect(reached()).toEqual(here);
        xen.store.rollback(mark);
      }
    }
    expect(mapped).toBe(2);
  });
});

describe('a search with what is alike', () => {
  const SMALL = bounds({ pages: 2, levels: [1], hotplug: false, selfGrants: false });

  it('meets one state of each orbit that a plain one meets', async () => {
    const scene = sceneOfConfig('guest-pv-nic.cfg', '4.17', { ...SMALL, refs: 0, vaSlots: 0 });
    const { model, xen, symmetry } = scene;
    const [whole, orbits] = [new Set<string>(), new Set<string>()];
    const explore = (): void => {
      const hash = xen.store.hashText();
      if (whole.has(hash)) return;
      whole.add(hash);
      const words = wordsOf(scene);
      orbits.add(
        [textOf(words), ...symmetry.images.map((image) => textOf(imageOf(image, words)))].sort()[0]!,
      );
      for (let action = 0; action < model.actionCount; action++) {
        const mark = model.state.mark();
        if (model.perform(action)) explore();
        model.state.rollback(mark);
      }
    };
    explore();
    const counts = async (symmetries: boolean) => (await search(model, { bounds: {}, symmetries })).states;
    expect([await counts(false), await counts(true)]).toEqual([whole.size, orbits.size]);
    expect(orbits.size).toBeLessThan(whole.size * 0.55);
  });

  it.each([
    ['guest-pv-nic.cfg', '4.17', { refs: 0 }, {}],
    ['guest-pv-nic.cfg', '4.13', { selfGrants: true }, {}],
    ['guest-pv-nic.cfg', '4.11.0', {}, {}],
    ['guest-pv-nic.cfg', 'late-enable', { refs: 0 }, {}],
    ['guest-hvm-share.cfg', '4.17', { hotplug: true }, {}],
    ['arm-guest.cfg', '4.12', { refs: 2 }, {}],
  ] as const)('comes to the same verdict on %s, %s %o', async (config, edition, changed, host) => {
    const asked = { ...SMALL, ...changed, search: { deeper: 1 } };
    const scene = configs([config], edition, asked, host);
    const [merged, whole] = [
      await verifyProgram(scene, resolveEdition(edition), asked),
      await verifyProgram(scene, resolveEdition(edition), asked, { symmetries: false }),
    ];
    const found = ({ verdict, counterexamples }: typeof merged) => [
      verdict,
      counterexamples.map(({ invariant, steps }) => [invariant.id, steps.length]),
    ];
    expect(found(merged)).toEqual(found(whole));
    expect(merged.search.states).toBeLessThan(whole.search.states);
  });
});

describe('things are told apart', () => {
  const apart = (text: string, asked: VerifyBounds = WIDE, edition = '4.17'): string =>
    sceneOf(program(text), edition, asked).symmetry.apart.join('; ');

  it.each([
    [
      'by an IOTLB in which they meet',
      PV.replace('dom0', 'limits iotlb=2\ndom0'),
      /one place in an IOTLB of 2/,
    ],
    [
      'by a CPU TLB in which they meet',
      PV.replace('dom0', 'limits cpu_tlb=2\ndom0'),
      /one place in a CPU TLB of 2/,
    ],
    ['when a page holds descriptors', `${PV}set_gdt g 0x102 entries=1\n`, /descriptors/],
  ])('%s', (_, text, why) => {
    expect(apart(text)).toMatch(why);
  });

  it('by operations that go by their numbers', () => {
    expect(apart(PV, { ...WIDE, operations: ['grant_set_version'] })).toMatch(/refs: /);
    const several = { ...WIDE, operations: ['populate_physmap'], orders: [1] };
    expect(alikeText(sceneOfConfig('guest-hvm-share.cfg', '4.17', several))).toMatch(
      /pages: several are given/,
    );
    expect(apart(PV, { ...WIDE, destroy: true, steps: true })).toMatch(
      /pages: a dying domain gives them back by number/,
    );
    expect(apart(PV, { ...WIDE, destroy: true, failures: 1 })).toMatch(/pages: a dying domain/);
  });

  it('by operations that take the page with the lowest number', () => {
    const target = { ...WIDE, operations: ['populate_on_demand', 'set_pod_target'] };
    expect(alikeText(sceneOfConfig('guest-hvm-share.cfg', '4.17', target))).toMatch(
      /pages: `set_pod_target` goes by their numbers/,
    );
    const any = { op: 'populate_physmap', args: { domain: 'g', page: 'ANY' } };
    expect(apart(PV, { ...WIDE, statements: [any] })).toMatch(
      /pages: Xen gives the one with the lowest number/,
    );
    const named = { ...any, args: { ...any.args, page: 0x103 } };
    expect(apart(PV, { ...WIDE, statements: [named] })).not.toMatch(/pages: /);
  });

  it('by what devices write, where it looks like an entry of one of them', () => {
    const write = (value: number) => ({
      op: 'dma',
      args: { device: 'nic', access: 'write', address: 0x102000, value },
    });
    expect(apart(PV, { ...WIDE, statements: [write(0x102007)] })).toMatch(/pages: a device writes words/);
    expect(apart(PV, { ...WIDE, statements: [write(0x55)] })).not.toMatch(/pages: /);
  });

  it('but for a few hundred renamings', () => {
    const text = PV.replace('0x103', '0x109').replace('dom0 pages', 'limits iotlb=32\ndom0 pages');
    const { symmetry } = sceneModel(program(text), resolveEdition('4.17'), WIDE);
    expect(symmetry.images.length + 1).toBe(240);
    expect(symmetry.apart.join()).toMatch(/of 725760 renamings 240 are used/);
  });
});
