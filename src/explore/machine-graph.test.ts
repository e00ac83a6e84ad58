import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { boundsOf, buggyEdition, sceneOf } from '../bugs/bug.js';
import { requireBug } from '../bugs/gallery.js';
import { search } from '../check/search.js';
import { StateGrapher } from '../check/state-graph.js';
import { parseProgram } from '../program/parse.js';
import { printProgram } from '../program/print.js';
import { Run } from '../program/runner.js';
import { Timeline } from '../program/timeline.js';
import { sceneModel, verifyProgram } from '../program/verify.js';
import { SourceText } from '../text/source.js';
import { resolveEdition } from '../xen/editions/edition.js';
import { sceneEnd } from './graph-scene.js';
import { type GraphAsked, GraphWork } from './machine-graph.js';
import type { ExploreSource } from './source.js';

const example = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../examples/${name}`, import.meta.url)), 'utf8');

const HOTPLUG = 'guest-pv-hotplug.cfg';
const LOOP: ExploreSource = {
  name: 'late-enable-loop.dommu',
  text: example('late-enable-loop.dommu'),
  configs: { [HOTPLUG]: { name: HOTPLUG, content: example(HOTPLUG) } },
  edition: 'late-enable',
};
/** A page of the guest's becomes a page table, and the device can still write to it. */
const SEEN = `
machine x86
ram 0x100..0x102
iommu vtd
dom0 pages=1
device nic 0000:03:00.0
createdomain g iommu
populate_physmap g 0x101
assign_device g nic
pin_l1_table g 0x101
unpin_table g 0x101
`;

/** A page is offered by a reference, and mapped at a guest frame, that no search would try. */
const GRANT = `
machine x86
ram 0x100..0x107
iommu vtd
dom0 pages=1
createdomain g iommu
populate_physmap g P
createdomain d hvm hap iommu
grant g 7 d P readonly
map_grant_ref d h g 7 host readonly gfn=2
unmap_grant_ref d h
`;

/** Pages go to a domain that is made meanwhile, and to one that takes its number. */
const MADE = `
machine x86
ram 0x101..0x104
iommu vtd
device nic 0000:03:00.0
createdomain g iommu
dma nic read 0x0
populate_physmap g P
createdomain other iommu
populate_physmap other Q
destroydomain other
createdomain other iommu
populate_physmap other R
`;

const configsOf = (text: string): ExploreSource['configs'] =>
  Object.fromEntries(
    [...text.matchAll(/^config \S+ "([^"]+)"/gm)].map(([, name]) => [
      name!,
      { name: name!, content: example(name!) },
    ]),
  );

const source = (text: string, edition?: string): ExploreSource => ({
  name: 'test.dommu',
  text,
  configs: {},
  ...(edition !== undefined && { edition }),
});
const make = (of: ExploreSource, asked: Partial<GraphAsked> = {}) =>
  GraphWork.make(of, { maxStates: 2000, symmetries: true, everything: false, ...asked });

describe('where a scene ends', () => {
  const ends = (text: string) =>
    sceneEnd(Timeline.record(parseProgram(new SourceText('test.dommu', text)), resolveEdition('4.22')));

  it('is the first statement that is not the toolstack’s', () => {
    expect(ends(SEEN)).toBe(3);
  });

  it('is a hypercall that runs step by step', () => {
    expect(ends(`${SEEN.split('assign_device')[0]}begin assign_device g nic\nfinish\n`)).toBe(2);
  });

  it('is the end of a program that does nothing else', () => {
    expect(ends(SEEN.split('pin_l1')[0]!)).toBe(3);
  });
});

describe('the graph of a program’s machine', () => {
  it('begins where the scene is set, and knows where the program is after each step from there', async () => {
    const { graph } = await make(source(SEEN));
    expect(graph.from).toBe(3);
    expect(graph.stop).toBe('exhausted');
    // Unpinning leads back to a page that is no table; its type stays, so that is not where it began.
    expect(graph.places).toHaveLength(3);
    expect(new Set(graph.places).size).toBe(3);
    const [, pinned, unpinned] = graph.places;
    expect(graph.states[pinned!]!).toMatchObject({ parent: 0 });
    expect(graph.states[pinned!]!.by).toContain('pin_l1_table g 0x101');
    const edge = graph.edges.find(({ from, to }) => from === pinned && to === unpinned)!;
    expect(edge.actions.map((action) => graph.actions[action])).toEqual(['unpin_table g 0x101']);
  });

  it('begins after any step that is asked for', async () => {
    const { graph } = await make(source(SEEN), { from: 4 });
    expect(graph.from).toBe(4);
    expect(graph.places).toHaveLength(2);
  });

  it('tries what the program performs, and everything when that is asked for', async () => {
    const [few, all] = [await make(source(SEEN)), await make(source(SEEN), { everything: true })];
    expect(all.graph.states.length).toBeGreaterThan(few.graph.states.length);
    const ops = (work: GraphWork) => new Set(work.graph.actions.map((text) => text.split(' ')[0]));
    expect([...ops(few)].sort()).toEqual(['pin_l1_table', 'unpin_table']);
    expect([...ops(all)]).toContain('dma');
  });

  it('has the loop of a hypercall that never ends as a circle of states', async () => {
    const { graph } = await make(LOOP);
    expect(graph.stop).toBe('exhausted');
    const [start] = graph.places.slice(2);
    const again = graph.places.indexOf(start!, 3);
    expect(again).toBe(9);
    const round = graph.places.slice(2, again);
    expect(new Set(round).size).toBe(round.length);
    for (const place of round) expect(graph.states[place]!.underWay).toEqual(['assign_device']);
  });

  it('has the program’s states before others, and says where the program goes on without it', async () => {
    const { graph } = await make(source(GRANT), { maxStates: 3 });
    expect(graph).toMatchObject({
      stop: 'states',
      leaves: { step: 6, why: 'states', statement: 'unmap_grant_ref d h' },
    });
    expect(graph.places).toEqual([0, 1, 2, -1]);
    expect((await make(source(GRANT), { maxStates: 4 })).graph.leaves).toBeUndefined();
  });

  it('tries the program’s own statements, with what their names stood for', async () => {
    const { graph } = await make(source(GRANT));
    expect(graph.leaves).toBeUndefined();
    expect(graph.actions).toContain('grant g 7 d 0x101 readonly');
    expect(graph.actions).toContain('map_grant_ref d h g 7 host readonly gfn=0x2');
    // And what is there besides, about the grant reference that it names and no other.
    expect(graph.actions).toContain('grant g 7 dom0 0x102');
    expect(graph.actions.filter((text) => /^grant g [^7]/.test(text))).toEqual([]);
    const edge = graph.edges.find(({ from, to }) => from === graph.places[1] && to === graph.places[2])!;
    expect(edge.actions.map((action) => graph.actions[action])).toContain(
      'map_grant_ref d h g 7 host readonly gfn=0x2',
    );
  });

  it('tries no grant references that only the program’s tables have, once they have grown', async () => {
    const text = example('errnos/map-bad-gntref.dommu');
    const { graph } = await make(source(text), { maxStates: 60 });
    expect(graph.leaves).toBeUndefined();
  });

  it.each([
    'amdvi-domid-reuse',
    'arm-grant-fault',
    'death-window',
    'grant-multiplicity',
    'grant-overwritten',
    'late-enable',
    'quarantine-life',
    'smmuv3-vmid-reuse',
    'three-checks',
    'type-race',
    'untyped-page-dma',
  ])('has all of the way of %s, each step an edge', async (name) => {
    const text = example(`${name}.dommu`);
    const { graph } = await make({ name, text, configs: configsOf(text) }, { maxStates: 60 });
    expect(graph.leaves).toBeUndefined();
    expect(graph.places.every((place) => place >= 0)).toBe(true);
    const edges = new Set(graph.edges.map(({ from, to }) => `${from} ${to}`));
    const pairs = graph.places.slice(1).map((to, n) => [graph.places[n]!, to] as const);
    const moves = pairs.filter(([from, to]) => from !== to);
    expect(moves.length).toBeGreaterThan(2);
    expect(moves.filter(([from, to]) => !edges.has(`${from} ${to}`))).toEqual([]);
  });

  it.each([
    ['near where it begins', 3],
    ['at the end of the program', -1],
  ])('tells of a state %s the program that leads there', async (_, at) => {
    const work = await make(source(GRANT), { maxStates: 100 });
    const state = work.graph.places.at(at)!;
    const { text, path } = work.story(state);
    const program = parseProgram(new SourceText('state.dommu', text));
    const run = new Run(program, resolveEdition('4.22'));
    run.execute();
    // Its way begins where the graph does, and each step of it is carried out.
    expect(run.results).toHaveLength(path.length + work.graph.from);
    expect(run.results.map(({ status }) => status)).not.toContain('EINVAL');
    const there = Timeline.record(program, resolveEdition('4.22')).xen.store.hashText();
    const own = Timeline.record(parseProgram(new SourceText('own.dommu', GRANT)), resolveEdition('4.22'));
    own.seek(work.graph.from + work.graph.places.lastIndexOf(state));
    expect(there).toBe(own.xen.store.hashText());
  });

  it('has the whole way of a counterexample that a search has found', async () => {
    const bug = requireBug('NX-GETPAGE-UNDO', 'test');
    const edition = buggyEdition(bug);
    const { counterexamples } = await verifyProgram(sceneOf(bug), edition, {
      ...boundsOf(bug),
      search: { maxStates: 20_000, deeper: 0 },
    });
    const [{ program, length, invariant }] = counterexamples as [(typeof counterexamples)[0]];
    const { graph } = await make(source(printProgram(program), edition.name), { maxStates: 3000 });
    const way = graph.places.slice(-1 - length);
    expect(way.every((place) => place >= 0)).toBe(true);
    expect(graph.states[way.at(-1)!]!.violated).toContain(invariant.id);
    expect(graph.states[way.at(-2)!]!.violated).toEqual([]);
  });

  it('gets as far, and breaks the same, whether states that are images of one another are one or not', async () => {
    // Whatever is reached in one is reached in the other, but for names: pages, a grant reference and a domain that is made.
    const merged = await make(source(MADE));
    const apart = await make(source(MADE), { symmetries: false });
    expect([merged.graph.stop, apart.graph.stop]).toEqual(['exhausted', 'exhausted']);
    expect(merged.graph.symmetries).toBeGreaterThan(1);
    expect(apart.graph.states.length).toBeGreaterThan(merged.graph.states.length);
    const violated = ({ graph }: GraphWork) => new Set(graph.states.flatMap((state) => state.violated));
    expect(violated(merged)).toEqual(violated(apart));
    const depths = ({ graph }: GraphWork) => new Set(graph.states.map(({ depth }) => depth));
    expect(depths(merged)).toEqual(depths(apart));
  });

  it('tells what is wrong in a state', async () => {
    const bug = requireBug('NX-GETPAGE-UNDO', 'test');
    const work = await make(source(bug.scene, buggyEdition(bug).name), { maxStates: 300 });
    const state = work.graph.states.findIndex(({ violated }) => violated.length > 0);
    const { violated } = work.graph.states[state]!;
    expect(work.story(state).violations.map(({ invariant }) => invariant)).toEqual(violated);
    expect(work.story(state).violations[0]!.message).not.toBe('');
    const run = new Run(
      parseProgram(new SourceText('state.dommu', work.story(state).text)),
      buggyEdition(bug),
    );
    run.execute();
    const last = run.results.at(-1)!.violations.map(({ invariant }) => invariant);
    expect(violated).toEqual(expect.arrayContaining(last));
    expect(last.length).toBeGreaterThan(0);
  });
});

describe('of a bug’s scene', () => {
  it.each(['XSA-285', 'XSA-408', 'XSA-264'])(
    '%s: the graph has as many states and transitions as the search counts',
    async (id) => {
      const bug = requireBug(id, 'test');
      const scene = () => sceneModel(sceneOf(bug), buggyEdition(bug), boundsOf(bug)).model;
      const found = await search(scene(), { bounds: {} });
      const { nodes, transitions, stop } = await new StateGrapher(scene(), { maxStates: 5000 }).run();
      expect([stop, nodes.length, transitions]).toEqual(['exhausted', found.states, found.transitions]);
      const broken = new Set(nodes.flatMap(({ violated }) => violated));
      const known = new Set(found.violations.map(({ property }) => property));
      for (const property of broken) expect(known).toContain(property);
    },
  );
});
