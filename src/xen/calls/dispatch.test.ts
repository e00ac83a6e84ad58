import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../../formats/grant-v1.js';
import { PGT } from '../../formats/x86-page-info.js';
import { assignDevice } from '../device-domctl.js';
import { deviceOwner } from '../devices.js';
import { beginDestroyDomain } from '../domain-death.js';
import { errnoName } from '../errno.js';
import { failNth } from '../failures.js';
import { ownerOf } from '../frames.js';
import { writeGrantEntry } from '../grant-entry.js';
import { mapGrantRef } from '../grant-map.js';
import { assign, broken, domain, mapped, populate, pvWithContext, RAM, x86 } from '../machine.fixture.js';
import { beginPopulatePhysmap, decreaseReservation } from '../memory.js';
import { pinTable } from '../page-table.js';
import type { Xen } from '../state.js';
import { Life } from '../tables/domain.js';
import { CONTINUES, isIdle } from './call.js';
import { stepCall } from './dispatch.js';
import { STEP_NAMES } from './steps.js';

/** Runs a hypercall to its end; the steps it went through. */
function steps(xen: Xen, call = 0): string[] {
  const seen: string[] = [];
  for (let status = CONTINUES; status === CONTINUES && seen.length < 100; ) {
    seen.push(STEP_NAMES[xen.call.step.get(call)]!);
    status = stepCall(xen, call);
  }
  return seen;
}

describe('destroydomain in steps (§6.6)', () => {
  const BEFORE_416 = ['release_devices', 'free_iommu', 'paging', 'vcpu_pagetables', 'xen_pages'];
  const MEMORY = ['l4', 'l4', 'l4', 'l3', 'l3', 'l3', 'l2', 'l2', 'l2', 'dead'];

  it.each([
    ['4.13', BEFORE_416],
    ['4.15.0', BEFORE_416],
    ['4.15.1', ['release_grants', ...BEFORE_416]],
    ['4.17', ['release_grants', ...BEFORE_416]],
  ])('goes through its stages in the order of %s', (edition, stages) => {
    const xen = x86(edition);
    const { slot, page } = pvWithContext(xen, 2);
    // Somebody else holds both pages, so that every level finds them.
    xen.frame.countInfo.add(page, 1);
    xen.frame.countInfo.add(page + 1, 1);
    expect(beginDestroyDomain(xen, 0, slot)).toBe(CONTINUES);
    expect(steps(xen)).toEqual([...stages, ...MEMORY]);
    expect([isIdle(xen, 0), xen.domain.life.get(slot)]).toEqual([true, Life.dead]);
  });

  it('ends where destroying it at once ends', () => {
    const [whole, stepwise] = [x86('4.17'), x86('4.17')];
    for (const xen of [whole, stepwise]) {
      const { slot, page } = pvWithContext(xen, 3);
      assign(xen, slot);
      pinTable(xen, slot, page, PGT.l1);
      expect(beginDestroyDomain(xen, 0, slot)).toBe(CONTINUES);
      if (xen === whole) while (stepCall(xen, 0) === CONTINUES);
      else steps(xen);
    }
    expect(stepwise.store.hashText()).toBe(whole.store.hashText());
  });

  it('has a window in which devices reach pages that grants no longer hold (§5.7, §11 item 3)', () => {
    const xen = x86('4.17');
    const { slot: backend } = pvWithContext(xen, 1);
    const { slot: granter, page } = pvWithContext(xen, 1);
    assign(xen, backend);
    writeGrantEntry(xen, granter, 0, backend, xen.ram.frameAt(page), false);
    mapGrantRef(xen, backend, granter, 0, GNTMAP.device, 0);
    beginDestroyDomain(xen, 0, backend);
    expect([mapped(xen, backend, page), broken(xen)]).toEqual(['rw', []]);
    expect(stepCall(xen, 0)).toBe(CONTINUES);
    expect([mapped(xen, backend, page), broken(xen)]).toEqual(['rw', ['REACH']]);
    expect(stepCall(xen, 0)).toBe(CONTINUES);
    expect([deviceOwner(xen, 0), broken(xen)]).toEqual([xen.domIo, []]);
  });

  it('stays at the devices while one does not leave, and goes on from there', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    populate(xen, slot, 1);
    expect(beginDestroyDomain(xen, 0, slot)).toBe(CONTINUES);
    stepCall(xen, 0);
    xen.lock.pcidevs.set(0, 99);
    xen.blocked = false;
    const mark = xen.store.mark();
    stepCall(xen, 0);
    expect(xen.blocked).toBe(true);
    xen.store.rollback(mark);
    xen.lock.pcidevs.set(0, 0);
    expect(steps(xen).slice(-1)).toEqual(['dead']);
    expect(xen.domain.life.get(slot)).toBe(Life.absent);
  });
});

describe('populate_physmap in its two halves (§12 T3)', () => {
  it.each([
    ['4.11.0', 'rw', 'ok'],
    ['4.11.2', '--', 'EBUSY'],
    ['4.12', '--', 'EBUSY'],
    ['4.17', '--', 'EBUSY'],
  ])(
    '%s: a page that the guest gives back in between is then mapped %s, and the answer is %s',
    (edition, rights, answer) => {
      const xen = x86(edition);
      const { slot } = pvWithContext(xen, 1);
      expect(beginPopulatePhysmap(xen, 0, slot, 0, 1)).toBe(CONTINUES);
      const page = xen.call.page.get(0) - 1;
      expect([ownerOf(xen, page), mapped(xen, slot, page)]).toEqual([slot, '--']);
      expect(errnoName(decreaseReservation(xen, slot, page, -1))).toBe('ok');
      expect(errnoName(stepCall(xen, 0))).toBe(answer);
      expect([ownerOf(xen, page), mapped(xen, slot, page)]).toEqual([-1, rights]);
    },
  );

  it('stops at the page that cannot be had, and keeps those before', () => {
    const xen = x86('4.17');
    const slot = domain(xen, { maxPages: 2 });
    expect(beginPopulatePhysmap(xen, 0, slot, 0, 5)).toBe(CONTINUES);
    expect(steps(xen)).toEqual(['physmap_add', 'assign_pages', 'physmap_add', 'assign_pages']);
    expect(xen.domain.totPages.get(slot)).toBe(2);
  });

  it('names its failure where memory is short at once', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    failNth(xen, 'alloc', 1);
    expect(errnoName(beginPopulatePhysmap(xen, 0, slot, 0, 1))).toBe('EBUSY');
    expect(isIdle(xen, 0)).toBe(true);
  });
});

describe('the lock of the devices', () => {
  const twoWalks = (edition: string) => {
    const xen = x86(edition, { limits: { calls: 2 } });
    const guests = [domain(xen), domain(xen)] as const;
    for (const slot of guests) populate(xen, slot, 1);
    expect(assignDevice(xen, 0, guests[0], 0, 0)).toBe(CONTINUES);
    xen.blocked = false;
    return { xen, second: assignDevice(xen, 1, guests[1], 1, 0) };
  };

  it('is tried up to 4.13: who does not get it starts over, for as long as it takes', () => {
    const { xen, second } = twoWalks('4.12');
    expect([second, STEP_NAMES[xen.call.step.get(1)], xen.blocked]).toEqual([CONTINUES, 'domctl', false]);
    const before = xen.store.hashText();
    expect([stepCall(xen, 1), xen.store.hashText()]).toEqual([CONTINUES, before]);
    steps(xen, 0);
    expect(steps(xen, 1).at(-1)).toBe('assign');
    expect([deviceOwner(xen, 0), deviceOwner(xen, 1)]).toEqual([1, 2]);
  });

  it('is waited for where contexts are built late in a newer Xen', () => {
    const { xen, second } = twoWalks('late-enable');
    expect([second, xen.blocked, isIdle(xen, 1)]).toEqual([0, true, true]);
  });
});

it('every step has its function, and rows beyond the first are other vCPUs of the same domain', () => {
  const xen = x86('4.17', { limits: { calls: 3 } });
  const slot = domain(xen);
  expect(beginPopulatePhysmap(xen, 2, slot, 0, 1)).toBe(CONTINUES);
  expect([isIdle(xen, 0), isIdle(xen, 1), isIdle(xen, 2)]).toEqual([true, true, false]);
  expect(xen.ram.frameAt(xen.call.page.get(2) - 1)).toBeGreaterThanOrEqual(RAM);
});
