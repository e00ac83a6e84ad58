import { describe, expect, it } from 'vitest';
import { Trace } from '../store/trace.js';
import { stepCall } from '../xen/calls/dispatch.js';
import { Step, UNSEEN_WITHOUT_TLB } from '../xen/calls/steps.js';
import { resolveEdition } from '../xen/editions/edition.js';
import type { Xen } from '../xen/state.js';
import { bounds, configs, PV, program } from './scene.fixture.js';
import { sceneModel, type VerifyBounds, verifyProgram } from './verify.js';

/** Numbers that look random and are the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % sides;
  };
}

const STEPS = bounds({ pages: 2, levels: [1, 2], steps: true, operations: ['begin unmap_grant_ref'] });

/** The tables beyond the hypercall's own rows that a step looks at or writes. */
function looksBeyond(xen: Xen, call: number): string[] {
  const trace = new Trace();
  trace.begin();
  const mark = xen.store.mark();
  xen.store.trace = trace;
  stepCall(xen, call);
  xen.store.trace = undefined;
  xen.store.rollback(mark);
  return [...trace.words.slice(0, trace.length)].flatMap((word) => {
    const at = xen.layout.locate(word);
    const isOwn = (at?.table.name === 'call' || at?.table.name === 'grantCall') && at.row === call;
    return isOwn ? [] : [at === undefined ? 'RAM' : `${at.table.name}.${at.field}`];
  });
}

describe('a step that nobody sees', () => {
  it.each(UNSEEN_WITHOUT_TLB)(
    '$step neither looks at nor writes more than its own row',
    ({ step, until }) => {
      const seen = new Set<string>();
      let runs = 0;
      for (const edition of ['4.17', '4.22']) {
        const { model, xen } = sceneModel(
          configs(['guest-pv-nic.cfg'], edition, STEPS),
          resolveEdition(edition),
          {
            ...STEPS,
            merge: false,
          },
        );
        const roll = dice(5);
        for (let tries = 0; tries < 60_000 && runs < 60; tries++) {
          model.perform(roll(model.actionCount));
          for (let call = 0; call < xen.spec.limits.domains; call++) {
            if (xen.call.step.get(call) !== Step[step]) continue;
            runs++;
            // The lock of the devices is looked at where a hypercall ends.
            if (until !== 'none') for (const what of looksBeyond(xen, call)) seen.add(what);
            else for (const what of looksBeyond(xen, call)) if (what !== 'lock.pcidevs') seen.add(what);
          }
        }
      }
      expect(runs).toBeGreaterThan(20);
      expect([...seen]).toEqual([]);
    },
  );

  it.each([
    ['4.17', {}],
    ['4.22', { operations: ['begin unmap_grant_ref'], refs: 1 }],
    ['4.11.0', {}],
  ])('%s: taking it with what follows leads to the same verdict by fewer states', async (edition, more) => {
    const asked: VerifyBounds = {
      ...bounds({ pages: 1, levels: [1], refs: 0, hotplug: false, steps: true }),
      ...more,
    };
    const scene = configs(['guest-pv-nic.cfg'], edition, asked);
    const verdict = async (merge: boolean) => {
      const { counterexamples, search, ...rest } = await verifyProgram(scene, resolveEdition(edition), {
        ...asked,
        merge,
      });
      const broken = counterexamples.map(({ invariant }) => invariant.id);
      return {
        verdict: rest.verdict,
        broken,
        lengths: counterexamples.map(({ length }) => length),
        states: search.states,
      };
    };
    const [merged, whole] = [await verdict(true), await verdict(false)];
    expect([merged.verdict, merged.broken]).toEqual([whole.verdict, whole.broken]);
    for (const [n, length] of merged.lengths.entries()) expect(length).toBeLessThanOrEqual(whole.lengths[n]!);
    expect(merged.states).toBeLessThanOrEqual(whole.states);
    if (edition === '4.17') expect(merged.states).toBeLessThan(whole.states);
  });

  it('is a step of its own where CPUs remember', () => {
    const text = PV.replace('dom0 pages', 'limits cpu_tlb=32\ndom0 pages');
    const { model } = sceneModel(program(text), resolveEdition('4.17'), STEPS);
    expect(model.actions.filter(({ args }) => args.until !== undefined)).toEqual([]);
  });
});
