import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buggyEdition } from '../src/bugs/bug.js';
import { requireBug } from '../src/bugs/gallery.js';
import { registerVerify } from '../src/cli/verify.js';
import { Explorer } from '../src/explore/explorer.js';
import { runSearch } from '../src/explore/search/search.js';
import type { ExploreSource } from '../src/explore/source.js';
import { example } from '../src/program/scene.fixture.js';
import { PLAIN } from '../src/text/diagnostic.js';

const SCENE = 'late-enable-scene.dommu';
const CONFIG = 'guest-pv-hotplug.cfg';

const sourceOf = (text: string, more: Partial<ExploreSource> = {}): ExploreSource => ({
  name: 'scene.dommu',
  text,
  configs: {},
  ...more,
});

const lateScene = (edition: string): ExploreSource =>
  sourceOf(readFileSync(example(SCENE), 'utf8'), {
    name: SCENE,
    edition,
    configs: { [CONFIG]: { name: CONFIG, content: readFileSync(example(CONFIG), 'utf8') } },
  });

/** A machine on which no search ends before it is stopped. */
const MANY_STATES = `ram 0x100..0x10f
dom0 pages=1
device nic 0000:03:00.0
createdomain guest iommu max_pages=4
populate_physmap guest 0x101
populate_physmap guest 0x102
populate_physmap guest 0x103
assign_device guest nic
`;

/** What `dommu verify` prints. */
async function printed(...args: string[]): Promise<string> {
  const lines: string[] = [];
  const program = new Command();
  const out = (line: string) => void lines.push(line);
  registerVerify(program, { out, err: () => {}, paintOut: PLAIN, paintErr: PLAIN });
  await program.parseAsync(['node', 'dommu', 'verify', ...args, '--no-write', '--workers', '1']);
  process.exitCode = 0;
  return lines.join('\n');
}

interface Json {
  readonly verdict: string;
  readonly states: number;
  readonly violations: readonly { readonly program: string; readonly length: number }[];
}

describe('a search in a page', () => {
  it('finds the livelock that `dommu verify` finds, program and words', async () => {
    const outcome = await runSearch({ source: lateScene('late-enable'), settings: {} });
    expect(outcome.verdict).toBe('livelock');
    const json = JSON.parse(await printed(example(SCENE), '--xen', 'late-enable', '--json')) as Json;
    expect(outcome.found.map(({ program }) => program)).toEqual(
      json.violations.map(({ program }) => program),
    );
    const text = await printed(example(SCENE), '--xen', 'late-enable');
    expect(text).toContain(`LIVELOCK: ${outcome.text}\n`);
    // A page has no CPU clock, and no --json: it says what it has instead.
    expect(outcome.rows.some(({ text: row }) => /CPU second|--json/.test(row))).toBe(false);
    expect(outcome.neverAsked.length).toBeGreaterThan(0);
    for (const { label, text: row } of outcome.rows.filter(
      ({ label }) => !['searched', 'asked'].includes(label),
    ))
      expect(text).toContain(`  ${label.padEnd(12)}${row}`);
  });

  it('is about the bounds that have been said', async () => {
    const source = lateScene('up-front');
    const settings = { refs: 0, levels: [1], hotplug: false, maxStates: 20 } as const;
    const outcome = await runSearch({ source, settings });
    const args = ['--refs', '0', '--levels', '1', '--no-hotplug', '--max-states', '20'];
    const text = await printed(example(SCENE), '--xen', 'up-front', ...args);
    expect(text).toContain(outcome.rows.find(({ label }) => label === 'bounds')!.text);
    expect(text).toContain(`${outcome.verdict}: ${outcome.text}`);
    expect(outcome.rows.find(({ label }) => label === 'searched')!.text).toMatch(/^20 states/);
  });

  it('looks for a bug within its bounds, as `dommu verify --bug` does', async () => {
    const bug = requireBug('XSA-288a', 'test');
    const { name: edition } = buggyEdition(bug);
    const explorer = new Explorer(sourceOf(bug.scene, { name: 'XSA-288a', edition }));
    const [found] = explorer.answer(0, 'searchable', undefined);
    expect(found).toMatchObject({ id: 'XSA-288a', invariants: bug.invariants });
    const source = sourceOf(bug.scene, { name: 'XSA-288a', edition });
    const outcome = await runSearch({ source, settings: {}, bug: found!.id });
    const json = JSON.parse(await printed('--bug', 'XSA-288a', '--json')) as Json;
    expect(outcome.found.map(({ program }) => program)).toEqual(
      json.violations.map(({ program }) => program),
    );
    expect(outcome.rows.find(({ label }) => label === 'bounds')!.text).toBe(found!.bounds);
  });

  it('says at which step of the opened program the invariant is broken', async () => {
    const bug = requireBug('XSA-288a', 'test');
    const { name: edition } = buggyEdition(bug);
    const { found } = await runSearch({
      source: sourceOf(bug.scene, { edition }),
      settings: {},
      bug: bug.id,
    });
    const [first] = found;
    const explorer = new Explorer(sourceOf(first!.program, { edition }));
    while (!explorer.workFor(1000));
    expect(explorer.marks.violations).toContain(first!.step);
    const rows = explorer.answer(first!.step, 'steps', { from: first!.step, count: 1 });
    expect(rows[0]).toMatchObject({ text: first!.steps.at(-1)!.text });
    const { rows: invariants } = explorer.answer(first!.step, 'invariants', undefined);
    expect(invariants.filter(({ fresh }) => fresh).map(({ id }) => id)).toContain(first!.invariant.id);
  });

  it('says which steps of the opened program are the loop', async () => {
    const { found } = await runSearch({ source: lateScene('late-enable'), settings: {} });
    const { program, loop, steps } = found[0]!;
    const { opened } = new Explorer(sourceOf(program, { edition: 'late-enable' }));
    const length = loop!.to - loop!.from + 1;
    const [run] = opened.loops;
    expect(run!.to - run!.from + 1).toBe(length);
    expect((run!.from - loop!.from) % length).toBe(0);
    expect(steps.at(-1)!.step).toBe(loop!.to);
  });

  it('begins at a step that is not the last', async () => {
    const source = lateScene('late-enable');
    const { opened } = new Explorer(source);
    const step = opened.length - 1;
    const { found, title } = await runSearch({ source, step, settings: {} });
    expect(title).toBe(`${SCENE} on Xen late-enable, from step ${step}`);
    expect(found[0]!.steps[0]!.step).toBe(step + 1);
  });

  it('ends with what it has found so far when it is stopped', async () => {
    const stop = new AbortController();
    const told: number[] = [];
    const onProgress = ({ states }: { states: number }) => {
      told.push(states);
      if (states > 1) stop.abort();
    };
    const outcome = await runSearch(
      { source: sourceOf(MANY_STATES), settings: {} },
      { onProgress, signal: stop.signal },
    );
    expect(outcome).toMatchObject({ verdict: 'bounded', text: expect.stringContaining('ended at Stop') });
    expect(told.length).toBeGreaterThan(0);
  });
});
