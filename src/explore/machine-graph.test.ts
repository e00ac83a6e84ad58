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
    expect(graph.states[pinned!]!).toMatchObject({ parent: 0, aside: false });
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
    expect(graph.states.some(({ aside }) => aside)).toBe(false);
    const [start] = graph.places.slice(2);
    const again = graph.places.indexOf(start!, 3);
    expect(again).toBe(9);
    const round = graph.places.slice(2, again);
    expect(new Set(round).size).toBe(round.length);
    for (const place of round) expect(graph.states[place]!.underWay).toEqual(['assign_device']);
  });

  it('adds the states of the program that the search has not found within its bounds', async () => {
    const { graph } = await make(LOOP, { maxStates: 10 });
    expect(graph.stop).toBe('states');
    const aside = graph.states.slice(10);
    expect(aside.length).toBeGreaterThan(3);
    expect(aside.every((state) => state.aside && state.depth > 0)).toBe(true);
    expect(graph.places.every((place) => place >= 0)).toBe(true);
    // The round closes among them, too.
    expect(new Set(graph.places).size).toBeLessThan(graph.places.length);
  });

  it.each([
    ['that the search has found', 2000],
    ['that only the program has led to', 5],
  ])('tells of a state %s the program that leads there', async (_, maxStates) => {
    const work = await make(LOOP, { maxStates });
    const at = work.graph.places[5]!;
    const { text, path } = work.story(at);
    expect(work.graph.states[at]!.aside).toBe(maxStates === 5);
    const run = new Run(parseProgram(new SourceText('state.dommu', text)), resolveEdition('late-enable'));
    run.execute();
    const again = await make({ name: 'state.dommu', text, configs: {} }, { maxStates });
    expect(again.graph.places.at(-1)).toBeGreaterThan(0);
    expect(run.results.slice(-path.length).map(({ op }) => op)).toEqual(path);
    // Its way begins where the graph does.
    expect(run.results.length).toBe(path.length + work.graph.from);
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
    expect(way.map((place) => graph.states[place]!.aside)).toEqual(way.map(() => false));
    expect(graph.states[way.at(-1)!]!.violated).toContain(invariant.id);
    expect(graph.states[way.at(-2)!]!.violated).toEqual([]);
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
