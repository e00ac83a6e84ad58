import { describe, expect, it } from 'vitest';
import { PGT, PGT_PARTIAL } from '../formats/x86-page-info.js';
import { CONTINUES } from './calls/call.js';
import { stepCall } from './calls/dispatch.js';
import { STEP_NAMES } from './calls/steps.js';
import { flushCpuTlb } from './cpu-tlb.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { ownerOf } from './frames.js';
import { mapped, mapVa, pvWithContext, typeText, unmapVa, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';
import { beginMapWritable, beginPinTable } from './type-steps.js';
import { guestStore } from './vcpu.js';

function guest(edition: string, cpuTlb = 0, pages = 4) {
  const xen = x86(edition, { limits: { calls: 2, cpuTlb } });
  const { slot, page } = pvWithContext(xen, pages);
  return { xen, slot, page, call: slot * 2, other: slot * 2 + 1 };
}

const at = (xen: Xen, call: number) => STEP_NAMES[xen.call.step.get(call)]!;
const isPartial = (xen: Xen, pdx: number) => (xen.frame.typeInfo.get(pdx) & PGT_PARTIAL) !== 0;
const references = (xen: Xen, pdx: number) => xen.frame.countInfo.get(pdx) & COUNT_MASK;

/** Steps until the hypercall is before `step`, or has ended; then what it answered. */
function run(xen: Xen, call: number, until = 'none'): string {
  for (let n = 0; n < 100; n++) {
    const status = stepCall(xen, call);
    if (status !== CONTINUES) return errnoName(status);
    if (at(xen, call) === until) return until;
  }
  throw new Error(`never at ${until}`);
}

/** Makes entry `index` of a page point to another, as memory that is not a table yet. */
function write(xen: Xen, slot: number, table: number, index: number, target: number, writable = false) {
  expect(mmuUpdate(xen, slot, table, index, entryLow(xen, target, writable), entryHigh(xen, target))).toBe(0);
}

describe('pinning a table in steps (§3.2)', () => {
  it('ends where pinning it at once ends', () => {
    const [whole, stepwise] = [guest('4.17'), guest('4.17')];
    for (const { xen, slot, page, call } of [whole, stepwise]) {
      write(xen, slot, page, 0, page + 1);
      write(xen, slot, page, 5, page + 2);
      if (xen === whole.xen) expect(pinTable(xen, slot, page, PGT.l2)).toBe(0);
      else {
        beginPinTable(xen, call, slot, page, PGT.l2);
        expect(run(xen, call)).toBe('ok');
      }
    }
    expect(typeText(stepwise.xen, stepwise.page)).toBe('l2 1 pinned');
    expect(stepwise.xen.store.hashText()).toBe(whole.xen.store.hashText());
  });

  it('is preempted after each entry, and leaves the page partly validated', () => {
    const { xen, slot, page, call } = guest('4.17');
    write(xen, slot, page, 0, page + 1);
    write(xen, slot, page, 5, page + 2);
    beginPinTable(xen, call, slot, page, PGT.l2);
    expect(run(xen, call, 'type_read')).toBe('type_read');
    expect([isPartial(xen, page), references(xen, page)]).toEqual([true, 2]);
    expect([typeText(xen, page + 1), typeText(xen, page + 2)]).toEqual(['l1 1', 'writable 0']);
    expect(run(xen, call, 'type_read')).toBe('type_read');
    expect([typeText(xen, page + 2), references(xen, page)]).toEqual(['l1 1', 2]);
    expect(run(xen, call)).toBe('ok');
    expect([isPartial(xen, page), references(xen, page)]).toEqual([false, 2]);
  });

  it('is gone on with by whoever asks for the same type; another type is refused', () => {
    const { xen, slot, page, call } = guest('4.17');
    write(xen, slot, page, 0, page + 1);
    write(xen, slot, page, 5, page + 2);
    beginPinTable(xen, call, slot, page, PGT.l2);
    run(xen, call, 'type_read');
    expect(errnoName(pinTable(xen, slot, page, PGT.l1))).toBe('EINVAL');
    expect(errnoName(pinTable(xen, slot, page, PGT.l2))).toBe('ok');
    expect([typeText(xen, page), typeText(xen, page + 2)]).toEqual(['l2 1 pinned', 'l1 1']);
    // The first one, started over, finds the page pinned.
    expect(run(xen, call)).toBe('EINVAL');
    expect([typeText(xen, page), references(xen, page)]).toEqual(['l2 1 pinned', 2]);
  });

  it('gives back what earlier slices took when an entry is refused', () => {
    const { xen, slot, page, call } = guest('4.17');
    write(xen, slot, page, 0, page + 1);
    write(xen, slot, page, 5, page + 2);
    mapVa(xen, slot, 0, page + 2, 'rw');
    beginPinTable(xen, call, slot, page, PGT.l2);
    expect(run(xen, call)).toBe('EINVAL');
    expect([typeText(xen, page), typeText(xen, page + 1)]).toEqual(['none 0', 'l1 0']);
    expect([references(xen, page), references(xen, page + 1)]).toEqual([1, 1]);
  });

  it('makes others wait while it is at it', () => {
    const { xen, slot, page, call } = guest('4.17');
    beginPinTable(xen, call, slot, page, PGT.l2);
    expect(run(xen, call, 'type_validate')).toBe('type_validate');
    xen.blocked = false;
    pinTable(xen, slot, page, PGT.l2);
    expect(xen.blocked).toBe(true);
  });

  it('left half-way, keeps no page of a domain that dies', () => {
    const { xen, slot, page, call } = guest('4.17');
    write(xen, slot, page, 0, page + 1);
    beginPinTable(xen, call, slot, page, PGT.l2);
    run(xen, call, 'type_read');
    expect(isPartial(xen, page)).toBe(true);
    expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
    expect([xen.domain.life.get(slot), ownerOf(xen, page), ownerOf(xen, page + 1)]).toEqual([
      Life.absent,
      -1,
      -1,
    ]);
  });

  it('unmaps the page before it looks into it', () => {
    const { xen, slot, page, call } = guest('4.17');
    beginPinTable(xen, call, slot, page, PGT.l1);
    expect([at(xen, call), mapped(xen, slot, page)]).toEqual(['type_flush', 'rw']);
    run(xen, call, 'type_validate');
    expect(mapped(xen, slot, page)).toBe('--');
  });

  it('drops the reference when the IOMMU fails (XSA-291)', () => {
    const { xen, slot, page, call } = guest('4.12');
    failNth(xen, 'unmap', 1);
    beginPinTable(xen, call, slot, page, PGT.l1);
    expect(run(xen, call)).toBe('ENOMEM');
    expect([typeText(xen, page), references(xen, page)]).toEqual(['l1 0', 1]);
  });
});

describe('a writable mapping in steps (§3.3)', () => {
  const isStillUnmapped = (edition: string): [string, string, boolean] => {
    const { xen, slot, page, call } = guest(edition);
    pinTable(xen, slot, page, PGT.l1);
    unpinTable(xen, slot, page);
    beginMapWritable(xen, call, slot, 0, page);
    run(xen, call, 'type_iommu');
    xen.blocked = false;
    const second = mapVa(xen, slot, 1, page, 'rw');
    return [second, mapped(xen, slot, page), xen.blocked];
  };

  it.each(['4.13', '4.15.2', '4.16.1'])(
    '%s: another CPU has the page before the IOMMU knows of it (8cc5036bc3)',
    (edition) => {
      expect(isStillUnmapped(edition)).toEqual(['ok', '--', false]);
    },
  );

  it.each(['4.13.5', '4.15.3', '4.16.2', '4.17'])(
    '%s: another CPU waits until the IOMMU has it',
    (edition) => {
      expect(isStillUnmapped(edition)[2]).toBe(true);
    },
  );
});

describe('a CPU that remembers a mapping', () => {
  const stale = (edition = '4.17') => {
    const machine = guest(edition, 4);
    const { xen, slot, page } = machine;
    mapVa(xen, slot, 0, page, 'rw');
    expect(guestStore(xen, slot, page, 0, 0, 0)).toBe(0);
    unmapVa(xen, slot, 0);
    return machine;
  };
  const canWrite = (xen: Xen, slot: number, page: number) => guestStore(xen, slot, page, 0, 0, 0) === 0;

  it('can write a page whose mapping it has dropped without a flush', () => {
    const { xen, slot, page } = stale();
    expect(canWrite(xen, slot, page)).toBe(true);
    flushCpuTlb(xen, slot);
    expect(canWrite(xen, slot, page)).toBe(false);
  });

  it('is flushed before the page becomes a page table', () => {
    const { xen, slot, page } = stale();
    pinTable(xen, slot, page, PGT.l1);
    expect(canWrite(xen, slot, page)).toBe(false);
  });

  it('is not flushed for a page that it cannot remember: the stamp says so', () => {
    const { xen, slot, page } = stale();
    expect(xen.frame.tlbStamp.get(page)).toBe(1);
    expect(xen.frame.tlbStamp.get(page + 1)).toBe(1);
    flushCpuTlb(xen, slot);
    expect(xen.frame.tlbStamp.get(page)).toBe(0);
  });

  it('is flushed before the frame is another domain’s', () => {
    const { xen, slot, page } = stale();
    expect(decreaseReservation(xen, slot, page, -1)).toBe(0);
    expect(canWrite(xen, slot, page)).toBe(true);
    const { page: next, slot: other } = pvWithContext(xen, 1, 1);
    expect([next, other]).toEqual([page, slot + 1]);
    expect(canWrite(xen, slot, page)).toBe(false);
  });

  // The flush comes before the type word is exchanged, so the guest can map, write and unmap the page in between: the word
  // is the same again, and the CPU remembers a page table as writable.
  it.each([
    ['4.16.1', true],
    ['4.16.2', false],
    ['4.17', false],
  ])(
    '%s: XSA-401, a page that was mapped and unmapped between flush and exchange stays writable: %s',
    (edition, broken) => {
      const { xen, slot, page, call } = stale(edition);
      beginPinTable(xen, call, slot, page, PGT.l1);
      if (at(xen, call) === 'type_commit') {
        mapVa(xen, slot, 0, page, 'rw');
        canWrite(xen, slot, page);
        unmapVa(xen, slot, 0);
      }
      expect(run(xen, call)).toBe('ok');
      expect([typeText(xen, page), canWrite(xen, slot, page)]).toEqual(['l1 1 pinned', broken]);
    },
  );

  it('a type word that is another when it is to be exchanged is looked at again', () => {
    const { xen, slot, page, call } = guest('4.16.1', 4);
    beginPinTable(xen, call, slot, page, PGT.l1);
    expect(at(xen, call)).toBe('type_commit');
    mapVa(xen, slot, 0, page, 'rw');
    expect(run(xen, call)).toBe('EINVAL');
    expect(typeText(xen, page)).toBe('writable 1');
  });
});
