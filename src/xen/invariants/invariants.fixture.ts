import { expect } from 'vitest';
import { type Breach, INVARIANTS, type Invariant, Judge } from '../invariants.js';
import { assign, broken, pvWithContext, x86 } from '../machine.fixture.js';
import type { Xen } from '../state.js';

function byId(id: string): Invariant {
  const found = INVARIANTS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no invariant ${id}`);
  return found;
}

/** What breaks an invariant in the present state. */
export const breachOf = (xen: Xen, id: string): Breach | undefined =>
  new Judge(xen, xen.spec.limits.gfns).violation(byId(id));

/** What an invariant says of the present state. */
export const message = (xen: Xen, id: string): string | undefined => breachOf(xen, id)?.message;

/** What of a step breaks an invariant. */
export function breachOfStep(xen: Xen, id: string, step: () => void): Breach | undefined {
  const judge = new Judge(xen, xen.spec.limits.gfns);
  judge.remember(byId(id));
  step();
  return judge.violation(byId(id));
}

/** What an invariant says of a step. */
export const messageOfStep = (xen: Xen, id: string, step: () => void): string | undefined =>
  breachOfStep(xen, id, step)?.message;

/** A strict machine with a PV guest that has a device and two pages; all invariants hold. */
export function guest(edition = '4.22'): { xen: Xen; slot: number; page: number; frame: number } {
  const xen = x86(edition, { mode: 'strict' });
  const { slot, page } = pvWithContext(xen, 2);
  if (xen.profile.iommuContext === 'at-creation') assign(xen, slot);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page, frame: xen.ram.frameAt(page) };
}
