import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CONTINUES } from './calls/call.js';
import { stepCall } from './calls/dispatch.js';
import { flushCpuTlb } from './cpu-tlb.js';
import type { Profile } from './editions/behaviours.js';
import { beginMmuUpdate, beginUnmap } from './entry-steps.js';
import { errnoName } from './errno.js';
import { beginExchange } from './exchange-steps.js';
import { failNth } from './failures.js';
import { getPage, isFree, ownerOf } from './frames.js';
import { broken, domain, mapVa, populate, typeText, unmapVa, x86 } from './machine.fixture.js';
import { memoryExchange } from './memory.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';

function guest(behaviours: Partial<Profile> = {}, cpuTlb = 0) {
  const xen = x86('4.22', { behaviours, limits: { calls: 2, cpuTlb } });
  const slot = domain(xen);
  const page = populate(xen, slot, 4);
  return { xen, slot, page, call: slot * 2, other: slot * 2 + 1 };
}

describe('update_va_mapping to nothing in steps', () => {
  it('clears the entry first, and then gives back what it held', () => {
    const { xen, slot, page, call } = guest();
    mapVa(xen, slot, 0, page, 'rw');
    expect(beginUnmap(xen, call, slot, 0)).toBe(CONTINUES);
    expect([xen.va.frame.get(slot * xen.spec.limits.vaSlots), typeText(xen, page)]).toEqual([
      0,
      'writable 1',
    ]);
    expect(broken(xen)).toEqual([]);
    expect([errnoName(stepCall(xen, call)), typeText(xen, page)]).toEqual(['ok', 'writable 0']);
    expect(broken(xen)).toEqual([]);
  });

  it.each([
    ['now', 1],
    ['read-before', 0],
  ] as const)('stamps the page with the time %s where CPUs were flushed meanwhile', (stampTime, stamp) => {
    const { xen, slot, page, call } = guest({ stampTime }, 4);
    mapVa(xen, slot, 0, page, 'rw');
    beginUnmap(xen, call, slot, 0);
    flushCpuTlb(xen, slot);
    stepCall(xen, call);
    expect(xen.frame.tlbStamp.get(page)).toBe(stamp);
  });

  it('is nothing where nothing is mapped, and refused where there is no entry', () => {
    const { xen, slot, call } = guest();
    expect([beginUnmap(xen, call, slot, 0), errnoName(beginUnmap(xen, call, slot, 99))]).toEqual([
      0,
      'EINVAL',
    ]);
  });
});

describe('mmu_update in steps', () => {
  it('ends as at once, with the table locked meanwhile', () => {
    const { xen, slot, page, call, other } = guest();
    pinTable(xen, slot, page, PGT.l1);
    expect(beginMmuUpdate(xen, call, slot, page, 3, page + 1, true)).toBe(CONTINUES);
    expect([typeText(xen, page), broken(xen)]).toEqual(['l1 2 pinned', []]);
    beginMmuUpdate(xen, other, slot, page, 4, -1, false);
    expect(xen.blocked).toBe(true);
    xen.beginStep();
    mmuUpdate(xen, slot, page, 4, 0, 0);
    expect(xen.blocked).toBe(true);
    xen.beginStep();
    expect([errnoName(stepCall(xen, call)), typeText(xen, page), typeText(xen, page + 1)]).toEqual([
      'ok',
      'l1 1 pinned',
      'writable 1',
    ]);
    expect(broken(xen)).toEqual([]);
  });

  it.each([
    ['waits', true, 'l1 2', []],
    ['allowed', false, 'l1 0', ['INV-REF']],
  ] as const)('the last reference but the lock’s %s', (lockedTablePut, waits, type, invariants) => {
    const { xen, slot, page, call } = guest({ lockedTablePut });
    pinTable(xen, slot, page, PGT.l1);
    mmuUpdate(xen, slot, page, 0, entryLow(xen, page + 1, true), entryHigh(xen, page + 1));
    beginMmuUpdate(xen, call, slot, page, 3, -1, false);
    unpinTable(xen, slot, page);
    expect(xen.blocked).toBe(waits);
    if (waits) return;
    stepCall(xen, call);
    expect(typeText(xen, page)).toBe(type);
    // What the entries of the table hold is found out when it becomes something else.
    mapVa(xen, slot, 0, page, 'rw');
    expect(broken(xen)).toEqual(invariants);
  });

  it('of a page that is no table is done at once', () => {
    const { xen, slot, page, call } = guest();
    expect(beginMmuUpdate(xen, call, slot, page, 3, page + 1, true)).toBe(0);
    expect(errnoName(beginMmuUpdate(xen, call, slot, -1, 3, page + 1, true))).toBe('EINVAL');
  });
});

describe('memory_exchange in steps', () => {
  it('ends as at once', () => {
    const [whole, stepwise] = [guest(), guest()];
    const fresh = whole.page + 9;
    expect(memoryExchange(whole.xen, whole.slot, whole.page, fresh)).toBe(fresh);
    const { xen, slot, page, call } = stepwise;
    expect(beginExchange(xen, call, slot, page, fresh)).toBe(CONTINUES);
    expect([ownerOf(xen, page), isFree(xen, page), broken(xen)]).toEqual([-1, false, []]);
    expect([stepCall(xen, call), xen.store.hashText()]).toEqual([0, whole.xen.store.hashText()]);
  });

  it('gives the page back to its owner where there is no other', () => {
    const { xen, slot, page, call } = guest();
    mapVa(xen, slot, 0, page, 'rw');
    unmapVa(xen, slot, 0);
    beginExchange(xen, call, slot, page, -1);
    failNth(xen, 'alloc', 1);
    expect([errnoName(stepCall(xen, call)), ownerOf(xen, page), typeText(xen, page)]).toEqual([
      'ENOMEM',
      slot,
      'none 0',
    ]);
    expect(broken(xen)).toEqual([]);
  });

  it.each([
    ['unreferenced', true, 0],
    ['allocated', false, 1],
  ] as const)('the stolen page is %s to who looks it up', (stolenPage, free, references) => {
    const { xen, slot, page, call } = guest({ stolenPage });
    beginExchange(xen, call, slot, page, page + 9);
    expect(getPage(xen, page, slot)).toBe(false);
    stepCall(xen, call);
    expect([isFree(xen, page), xen.frame.countInfo.get(page) & COUNT_MASK]).toEqual([free, references]);
  });
});
