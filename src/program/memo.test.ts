import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Memo } from '../check/memo.js';
import { search } from '../check/search.js';
import { resolveEdition } from '../xen/editions/edition.js';
import type { ConfigMachine } from './configs-program.js';
import { loadProgram } from './load.js';
import { bounds, configs, example } from './scene.fixture.js';
import { sceneModel, type VerifyBounds, type XenModel } from './verify.js';

/** Machines of every kind that the hypervisor treats differently, in releases that differ. */
interface Scene {
  readonly file: string;
  readonly edition: string;
  readonly asked?: Partial<VerifyBounds>;
  readonly host?: Partial<ConfigMachine>;
}

const SCENES: readonly Scene[] = [
  { file: 'guest-pv-nic.cfg', edition: '4.11' },
  { file: 'guest-pv-nic.cfg', edition: '4.22' },
  { file: 'guest-pv-nic.cfg', edition: '4.17', host: { iommu: 'amdvi' } },
  { file: 'guest-pv-nic.cfg', edition: '4.13', host: { dom0Mode: 'strict' } },
  { file: 'guest-pv-nic.cfg', edition: 'late-enable' },
  { file: 'guest-pv-nic.cfg', edition: 'late-enable', asked: { destroy: true, steps: true } },
  { file: 'guest-pv-nic.cfg', edition: '4.22', asked: { destroy: true, steps: true, failures: 1 } },
  { file: 'guest-hvm-share.cfg', edition: '4.22', asked: { destroy: true } },
  { file: 'guest-pvh.cfg', edition: '4.13' },
  { file: 'arm-guest.cfg', edition: '4.12', asked: { failures: 1 } },
  { file: 'type-race-scene.dommu', edition: '4.16.1', asked: { steps: true, hotplug: false } },
];

const title = ({ file, edition, asked, host }: Scene): string =>
  [file, 'on', edition, JSON.stringify({ ...asked, ...host })].join(' ');

function modelOf({ file, edition, asked = {}, host = {} }: Scene): XenModel {
  const all = bounds({ pages: 2, ...asked });
  const program = file.endsWith('.cfg') ? configs([file], edition, all, host) : loadProgram(example(file));
  return sceneModel(program, resolveEdition(edition), all).model;
}

const BOUNDS = { maxStates: 3000 };

describe.each(SCENES.map((scene) => [title(scene), scene] as const))('%s', (_, scene) => {
  it('is searched to the same end with and without a memo', async () => {
    const {
      seconds: _s,
      cpuSeconds: _c,
      bytes: _b,
      ...plain
    } = await search(modelOf(scene), { bounds: BOUNDS });
    const memo = new Memo(modelOf(scene));
    expect(await search(memo, { bounds: BOUNDS })).toMatchObject(plain);
  });

  it('does with a memo in every state what it does without', () => {
    const [plain, inner] = [modelOf(scene), modelOf(scene)];
    const memo = new Memo(inner);
    const models = [plain, memo] as const;
    const marks = models.map(({ state }) => state.mark());
    fc.assert(
      fc.property(fc.array(fc.nat(plain.actionCount - 1), { minLength: 50, maxLength: 200 }), (walk) => {
        for (const action of walk) {
          for (const { properties } of models) for (const { remember } of properties) remember?.();
          expect(memo.perform(action)).toBe(plain.perform(action));
          expect(memo.state.hashText()).toBe(plain.state.hashText());
          const [expected, found] = models.map(({ properties }) => properties.map((one) => one.violation()));
          expect(found).toEqual(expected);
        }
        for (const [n, { state }] of models.entries()) state.rollback(marks[n]!);
      }),
      { numRuns: 30 },
    );
    expect(memo.misses).toBeGreaterThan(0);
  });
});
