import { describe, expect, it } from 'vitest';
import { PGT, PGT_PARTIAL } from '../formats/x86-page-info.js';
import { CONTINUES } from './calls/call.js';
import { stepCall } from './calls/dispatch.js';
import { STEP_NAMES } from './calls/steps.js';
import { destroyDomain } from './domain-death.js';
import type { Profile } from './editions/behaviours.js';
import { errnoName } from './errno.js';
import { isFree } from './frames.js';
import { broken, domain, mapVa, populate, typeText, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';
import { beginPinTable } from './type-steps.js';

/** An L3 that leads to an L2 with two entries for one L1, none of them a table yet; pinning the L3 was begun. */
function halfWay(behaviours: Partial<Profile> = {}) {
  const xen = x86('4.22', { behaviours });
  const slot = domain(xen);
  const l3 = populate(xen, slot, 3);
  const [l2, l1, call] = [l3 + 1, l3 + 2, slot];
  const link = (table: number, index: number, target: number) =>
    mmuUpdate(xen, slot, table, index, entryLow(xen, target, true), entryHigh(xen, target));
  link(l3, 4, l2);
  link(l2, 0, l1);
  link(l2, 7, l1);
  expect(beginPinTable(xen, call, slot, l3, PGT.l3)).toBe(CONTINUES);
  while (xen.frame.partialEntry.get(l3) === 0) expect(stepCall(xen, call)).toBe(CONTINUES);
  return { xen, slot, l3, l2, l1, call };
}

const isPartial = (xen: Xen, pdx: number) => (xen.frame.typeInfo.get(pdx) & PGT_PARTIAL) !== 0;
const references = (xen: Xen, pdx: number) => xen.frame.countInfo.get(pdx) & COUNT_MASK;

/** Runs a hypercall to its end. */
function finish(xen: Xen, call: number): string {
  for (let n = 0; n < 50; n++) {
    const status = stepCall(xen, call);
    if (status !== CONTINUES) return errnoName(status);
  }
  throw new Error(`still at ${STEP_NAMES[xen.call.step.get(call)]}`);
}

describe('a table within which the validation of another was preempted (§3.2)', () => {
  it('is partly validated as that one is, and held by both its own half and the entry', () => {
    const { xen, l3, l2, l1 } = halfWay();
    expect([isPartial(xen, l3), isPartial(xen, l2), references(xen, l2)]).toEqual([true, true, 3]);
    expect([typeText(xen, l2), typeText(xen, l1)]).toEqual(['l2 1 not validated', 'l1 1']);
    expect(broken(xen)).toEqual([]);
  });

  it('is completed when the hypercall goes on', () => {
    const { xen, slot, l3, l2, l1, call } = halfWay();
    expect(finish(xen, call)).toBe('ok');
    expect([l3, l2, l1].map((pdx) => typeText(xen, pdx))).toEqual(['l3 1 pinned', 'l2 1', 'l1 2']);
    expect(broken(xen)).toEqual([]);
    expect(errnoName(unpinTable(xen, slot, l3))).toBe('ok');
    expect([l3, l2, l1].map((pdx) => references(xen, pdx))).toEqual([1, 1, 1]);
  });

  it('is completed by who asks for it, and then is that one’s', () => {
    const { xen, slot, l3, l2, call } = halfWay();
    expect(errnoName(pinTable(xen, slot, l2, PGT.l2))).toBe('ok');
    expect([isPartial(xen, l2), typeText(xen, l2), broken(xen)]).toEqual([false, 'l2 1 pinned', []]);
    expect(finish(xen, call)).toBe('ok');
    expect([typeText(xen, l2), typeText(xen, l3), broken(xen)]).toEqual(['l2 2 pinned', 'l3 1 pinned', []]);
  });

  it.each([
    ['leaves-type', 'writable 1', []],
    ['drops-type', 'writable 0', ['INV-CPU-WRITE', 'INV-REF']],
  ] as const)('where it has become something else, cleaning up %s', (partialCleanup, type, invariants) => {
    const { xen, slot, l2, call } = halfWay({ partialCleanup });
    pinTable(xen, slot, l2, PGT.l2);
    unpinTable(xen, slot, l2);
    mapVa(xen, slot, 0, l2, 'rw');
    expect([finish(xen, call), typeText(xen, l2)]).toEqual(['EINVAL', type]);
    expect(broken(xen)).toEqual(invariants);
  });

  it.each([
    ['referenced', false],
    ['unreferenced', true],
  ] as const)('given back, it is free where the entry leaves it %s', (partialEntry, free) => {
    const { xen, slot, l2, call } = halfWay({ partialEntry });
    pinTable(xen, slot, l2, PGT.l2);
    unpinTable(xen, slot, l2);
    decreaseReservation(xen, slot, l2, -1);
    expect(isFree(xen, l2)).toBe(free);
    expect(finish(xen, call)).toBe(free ? 'EINVAL' : 'ok');
  });

  it('leaves nothing behind when its domain dies', () => {
    const { xen, slot } = halfWay();
    expect(destroyDomain(xen, 0, slot)).toBe(0);
    expect([xen.domain.life.get(slot), broken(xen)]).toEqual([Life.absent, []]);
  });
});

describe('a table that turns out to be none (XSA-58)', () => {
  it.each([
    ['referenced', []],
    ['unreferenced', ['BUG']],
  ] as const)('is %s until what its entries hold is given back', (deferredCleanup, invariants) => {
    const xen = x86('4.22', { behaviours: { deferredCleanup } });
    const slot = domain(xen);
    const l2 = populate(xen, slot, 2);
    mmuUpdate(xen, slot, l2, 0, entryLow(xen, l2 + 1, true), entryHigh(xen, l2 + 1));
    mmuUpdate(xen, slot, l2, 1, entryLow(xen, l2, true), entryHigh(xen, l2));
    beginPinTable(xen, slot, slot, l2, PGT.l2);
    while (STEP_NAMES[xen.call.step.get(slot)] !== 'type_undo') expect(stepCall(xen, slot)).toBe(CONTINUES);
    expect(typeText(xen, l2 + 1)).toBe('l1 1');
    decreaseReservation(xen, slot, l2, -1);
    expect(broken(xen).filter((id) => id === 'BUG')).toEqual(invariants);
    if (invariants.length > 0) return;
    expect([finish(xen, slot), isFree(xen, l2), typeText(xen, l2 + 1)]).toEqual(['EINVAL', true, 'l1 0']);
    expect(broken(xen)).toEqual([]);
  });
});
