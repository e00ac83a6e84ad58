import { CONTINUES, idleCall, isIdle } from '../xen/calls/call.js';
import { stepCall } from '../xen/calls/dispatch.js';
import { STEP_NAMES, Step, TOOLSTACK, UNSEEN_WITHOUT_TLB } from '../xen/calls/steps.js';
import { flushCpuTlb } from '../xen/cpu-tlb.js';
import { beginDestroyDomain } from '../xen/domain-death.js';
import { askToFail, failuresAskedFor, isFailureDue, POSSIBLE_FAILURES } from '../xen/failures.js';
import { isFree } from '../xen/frames.js';
import { beginPopulatePhysmap } from '../xen/memory.js';
import type { Xen } from '../xen/state.js';
import { Life } from '../xen/tables/domain.js';
import { beginMapWritable, beginPinTable } from '../xen/type-steps.js';
import { type ActionScene, type AddAction, Attempt, answered } from './alphabet-action.js';
import type { AlphabetBounds } from './alphabet-bounds.js';

/** An attempt that needs a row of `call` for `slot`. */
function withCall(xen: Xen, slot: number, begin: (call: number) => number): () => Attempt {
  return () => {
    const call = idleCall(xen, slot);
    return call < 0 ? Attempt.impossible : answered(begin(call));
  };
}

/**
 * Hypercalls one step at a time, so that others run between any two steps of them: what guests do with page types, and
 * what the toolstack gives them and ends them with.
 */
export function addSteps({ xen, names, bounds, frames, add }: ActionScene): void {
  for (let slot = 1; slot < xen.domIo; slot++) {
    if (!xen.exists(slot)) continue;
    const domain = names.domain(slot);
    if (xen.isPv(slot)) {
      addGuestSteps(xen, slot, domain, bounds, frames, add);
      addStep(xen, slot, domain, bounds.merge !== false, add);
    }
    addToolstackSteps(xen, slot, domain, bounds, frames, add);
  }
  addStep(xen, TOOLSTACK, 'dom0', bounds.merge !== false, add);
}

function addGuestSteps(
  xen: Xen,
  slot: number,
  domain: string,
  bounds: AlphabetBounds,
  frames: readonly number[],
  add: AddAction,
): void {
  const alive = () => xen.domain.life.get(slot) === Life.alive;
  const tried = (attempt: () => Attempt) => () => (alive() ? attempt() : Attempt.impossible);
  for (const pdx of frames) {
    const page = xen.ram.frameAt(pdx);
    for (const level of bounds.levels) {
      const begin = withCall(xen, slot, (call) => beginPinTable(xen, call, slot, pdx, level));
      add(`begin pin_l${level}_table`, domain, { domain, page }, tried(begin));
    }
    for (let va = 0; va < bounds.vaSlots; va++) {
      const begin = withCall(xen, slot, (call) => beginMapWritable(xen, call, slot, va, pdx));
      add('begin update_va_mapping', domain, { domain, va, page, rights: 'rw' }, tried(begin));
    }
  }
  if (xen.spec.limits.cpuTlb === 0) return;
  add(
    'tlb_flush',
    domain,
    { domain },
    tried(() => {
      flushCpuTlb(xen, slot);
      return Attempt.done;
    }),
  );
}

function addToolstackSteps(
  xen: Xen,
  slot: number,
  domain: string,
  bounds: AlphabetBounds,
  frames: readonly number[],
  add: AddAction,
): void {
  for (const pdx of xen.isPv(slot) && bounds.memory !== false ? frames : []) {
    const begin = withCall(xen, TOOLSTACK, (call) => beginPopulatePhysmap(xen, call, slot, 0, 1, pdx));
    add('begin populate_physmap', 'dom0', { domain, page: xen.ram.frameAt(pdx) }, () =>
      xen.exists(slot) && isFree(xen, pdx) ? begin() : Attempt.impossible,
    );
  }
  if (!bounds.destroy) return;
  add(
    'begin destroydomain',
    'dom0',
    { domain },
    withCall(xen, TOOLSTACK, (call) => beginDestroyDomain(xen, call, slot)),
  );
}

/** The next step of each hypercall that the domain can be in; with `merge`, those that nobody sees with what follows. */
export function addStep(xen: Xen, slot: number, name: string, merge: boolean, add: AddAction): void {
  const { calls, cpuTlb } = xen.spec.limits;
  const unseen = merge && cpuTlb === 0 ? UNSEEN_WITHOUT_TLB : [];
  const isUnseen = new Uint8Array(STEP_NAMES.length);
  for (const { step } of unseen) isUnseen[Step[step]] = 1;
  for (let n = 0; n < calls; n++) {
    const call = slot * calls + n;
    const args = { ...(slot !== TOOLSTACK && { of: name }), ...(calls > 1 && { call: n }) };
    add('step', name, args, () =>
      isIdle(xen, call) || isUnseen[xen.call.step.get(call)] === 1
        ? Attempt.impossible
        : answered(stepCall(xen, call)),
    );
    for (const { step, until } of unseen) {
      const end = Step[until];
      const [op, more] = until === 'none' ? ['finish', {}] : ['step', { until }];
      add(op, name, { ...args, ...more }, () => {
        if (xen.call.step.get(call) !== Step[step]) return Attempt.impossible;
        let status: number = CONTINUES;
        while (status === CONTINUES && !xen.blocked && xen.call.step.get(call) !== end)
          status = stepCall(xen, call);
        return answered(status);
      });
    }
  }
}

/**
 * Something in Xen fails: at most `failures` times in all, one after the other of a kind. One operation may try the same
 * thing several times: it is one of the first `failuresWithin` that fails, or a row of `failuresInARow` that begins there.
 */
export function addFailures(
  xen: Xen,
  {
    failures = 0,
    failuresWithin = 1,
    failuresInARow = 1,
  }: Pick<AlphabetBounds, 'failures' | 'failuresWithin' | 'failuresInARow'>,
  add: AddAction,
): void {
  for (const what of POSSIBLE_FAILURES) {
    for (let nth = 1; nth <= failuresWithin; nth++) {
      for (const times of failuresInARow === 1 ? [1] : [1, failuresInARow]) {
        const args = { when: 'next', what, ...(nth > 1 && { nth }), ...(times > 1 && { times }) };
        add('fail', 'program', args, () => {
          if (failuresAskedFor(xen) >= failures || isFailureDue(xen, what)) return Attempt.impossible;
          askToFail(xen, what, nth, times);
          return Attempt.done;
        });
      }
    }
  }
}
