import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buggyEdition, sceneOf } from '../../bugs/bug.js';
import { GALLERY } from '../../bugs/gallery.js';
import { loadProgram } from '../../program/load.js';
import { Verdicts } from '../../program/timeline/verdicts.js';
import { Timeline } from '../../program/timeline.js';
import { DEFAULT_EDITION, resolveEdition } from '../../xen/editions/edition.js';
import { devices } from '../devices.js';
import { Here } from '../here.js';
import { imaginedAccess, lastAccess } from '../last-access.js';
import type { AccessPath } from './access-path.js';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));
const programs = readdirSync(EXAMPLES).filter((name) => name.endsWith('.dommu'));

const at = (timeline: Timeline, step: number): Here => new Here(timeline, new Verdicts(timeline), step);

/** The boxes tell of the same access as what is said to have become of it. */
function expectToAgree({ boxes, frame, tables, says }: AccessPath): void {
  const last = boxes.at(-1)!;
  if (frame === undefined) {
    expect(last.state === 'ended' || says.includes('beyond')).toBe(true);
    if (last.kind === 'entry' && last.state === 'ended')
      expect(
        last.fields.some(({ decides }) => decides),
        last.title,
      ).toBe(true);
  } else {
    expect([last.kind, last.mfn]).toEqual(['frame', frame]);
    expect(boxes.every(({ state }) => state === 'passed')).toBe(true);
  }
  expect(boxes.slice(0, -1).every(({ state }) => state === 'passed')).toBe(true);
  // Each id once, so that a box can be chosen.
  const ids = [...boxes, ...(tables?.boxes ?? [])].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
}

describe('the path of an access', () => {
  it.each(programs)('comes to what became of the access itself, for every one in %s', (name) => {
    const program = loadProgram(`${EXAMPLES}/${name}`);
    const timeline = Timeline.record(program, resolveEdition(program.edition ?? DEFAULT_EDITION));
    const end = Math.min(timeline.length, 300);
    for (let step = 1; step <= end; step++) {
      const { access, status, faults = [] } = timeline.step(step);
      if (access === undefined) continue;
      const { path, log } = lastAccess(at(timeline, step), { when: 'then' })!;
      expect([path.frame ?? -1, path.frame === undefined ? 'fault' : 'ok']).toEqual([access.frame, status]);
      expect(path.log).toEqual(faults.flatMap((text) => (text === '' ? [] : text.split('\n'))));
      expect(log).toEqual(path.log);
      expectToAgree(path);
    }
  });

  it.each(GALLERY.map((bug) => [bug.id, bug] as const))('can be told in the scene of %s', (_, bug) => {
    const timeline = Timeline.record(sceneOf(bug), buggyEdition(bug));
    const here = at(timeline, timeline.length);
    const { xen } = here;
    const { store } = xen;
    const words = store.words.slice();
    const frames = [0, 0x1000, xen.ram.frameAt(0), xen.ram.frameAt(3), xen.spec.xenHeap.base, 2 ** 39];
    for (let device = 0; device < xen.spec.devices.length; device++) {
      for (const frame of frames) {
        for (const write of [false, true]) {
          expectToAgree(imaginedAccess(here, { device, address: frame * 4096, write })!);
        }
      }
    }
    const { devices: rows } = devices(here, { device: 0, place: 0, from: 0, count: 10 });
    expect(rows.length).toBe(xen.spec.devices.length);
    expect(store.journalLength).toBe(0);
    expect(words.every((word, i) => word === store.words[i])).toBe(true);
  });
});
