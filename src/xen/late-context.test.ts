import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CONTINUES } from './calls/call.js';
import { stepCall } from './calls/dispatch.js';
import { STEP_NAMES, Step } from './calls/steps.js';
import { assignDevice, deassignDevice } from './device-domctl.js';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import { allocXenFrame } from './frames.js';
import {
  assign,
  broken,
  domain,
  finish,
  mapped,
  mapVa,
  populate,
  RAM,
  reach,
  touch,
  unmapVa,
  x86,
} from './machine.fixture.js';
import { decreaseReservation, populatePhysmap } from './memory.js';
import { pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { IommuStatus, Life } from './tables/domain.js';
import { List } from './tables/frame.js';

const LATE = ['4.11.0', '4.11.2', '4.12', '4.12.4', 'late-enable'];
const { disabled, initializing, initialized } = IommuStatus;

/** A PV domain with pages that it has mapped writable once, and none of a context yet. */
function guest(
  release: string,
  pages: number,
  options: Parameters<typeof x86>[1] = {},
): { xen: Xen; slot: number; page: number } {
  const xen = x86(release, { frames: pages + 4, heap: 96, ...options });
  const slot = domain(xen, { maxPages: pages + 4 });
  const page = populate(xen, slot, pages);
  for (let i = 0; i < pages; i++) touch(xen, slot, page + i);
  return { xen, slot, page };
}

/** Steps dom0's hypercall until the next step is `step`. */
function until(xen: Xen, step: number): void {
  for (let n = 0; xen.call.step.get(0) !== step; n++) {
    if (n === 5000 || stepCall(xen, 0) !== CONTINUES) throw new Error(`never at ${STEP_NAMES[step]}`);
  }
}

const status = (xen: Xen, slot: number) => xen.domain.iommuStatus.get(slot);

/** MFNs on a domain's page list, then those on the other one. */
function lists(xen: Xen, slot: number): [pages: number[], relinquished: number[]] {
  const follow = (head: number) => {
    const found: number[] = [];
    for (let at = head; at !== 0; at = xen.frame.next.get(at - 1)) found.push(xen.ram.frameAt(at - 1));
    return found;
  };
  return [follow(xen.domain.listHead.get(slot)), follow(xen.domain.relinquishedHead.get(slot))];
}

describe('enabling late (§1.2)', () => {
  it.each(LATE)(
    '%s: goes from disabled over initializing to initialized, and maps what is writable',
    (release) => {
      const { xen, slot, page } = guest(release, 3);
      pinTable(xen, slot, page + 1, PGT.l1);
      expect(status(xen, slot)).toBe(disabled);
      expect(assignDevice(xen, 0, slot, 0, 0)).toBe(CONTINUES);
      expect(status(xen, slot)).toBe(initializing);
      expect(errnoName(finish(xen, CONTINUES))).toBe('ok');
      expect(status(xen, slot)).toBe(initialized);
      expect([0, 1, 2].map((i) => mapped(xen, slot, page + i))).toEqual(['rw', '--', 'rw']);
      expect([xen.call.step.get(0), xen.domain.pageAllocLock.get(slot)]).toEqual([Step.none, 0]);
      expect(broken(xen)).toEqual([]);
    },
  );

  it.each(LATE)(
    '%s: skips pages that are untyped, as those from before the first assignment are',
    (release) => {
      const xen = x86(release);
      const slot = domain(xen);
      const page = populate(xen, slot, 2);
      expect(assign(xen, slot)).toBe('ok');
      expect(mapped(xen, slot, page)).toBe('--');
      touch(xen, slot, page);
      expect(mapped(xen, slot, page)).toBe('rw');
    },
  );

  it('has nothing to skip where pages are typed by the system-wide state', () => {
    const xen = x86('unified-checks');
    const slot = domain(xen);
    const page = populate(xen, slot, 2);
    expect([assign(xen, slot), mapped(xen, slot, page)]).toEqual(['ok', 'rw']);
  });

  it('a second assignment finds the context built', () => {
    const { xen, slot } = guest('4.12', 2);
    assign(xen, slot);
    expect(assignDevice(xen, 0, slot, 1, 0)).toBe(0);
  });

  it('shares the p2m of an HVM domain with HAP without a walk, and walks all pages of one without sharing', () => {
    for (const [flags, sharept, steps] of [
      [CDF.hvm | CDF.hap, true, 0],
      [CDF.hvm | CDF.hap, false, 2],
      [CDF.hvm, true, 2],
    ] as const) {
      const xen = x86('4.12', { sharept });
      const slot = domain(xen, { flags });
      const page = populate(xen, slot, 2, 5);
      let popped = 0;
      for (let now = assignDevice(xen, 0, slot, 0, 0); now === CONTINUES; now = stepCall(xen, 0)) {
        if (xen.call.step.get(0) === Step.map) popped++;
      }
      expect([popped, xen.domain.share.get(slot), reach(xen, 0, 5)]).toEqual([steps, steps ? 0 : 1, 'rw']);
      expect(xen.unit!.frame).toBe(xen.ram.frameAt(page));
      expect(broken(xen)).toEqual([]);
    }
  });
});

describe('the walk (§1.3)', () => {
  it('takes pages from the head of the list and keeps the list’s order in the end', () => {
    const { xen, slot } = guest('4.12', 3);
    const before = lists(xen, slot);
    expect(before).toEqual([[RAM + 1, RAM + 2, RAM + 3], []]);
    assignDevice(xen, 0, slot, 0, 0);
    until(xen, Step.append);
    stepCall(xen, 0);
    until(xen, Step.map);
    expect(lists(xen, slot)).toEqual([[RAM + 3], [RAM + 1]]);
    finish(xen, CONTINUES);
    expect(lists(xen, slot)).toEqual(before);
    expect(xen.frame.list.get(xen.ram.indexOf(RAM + 1))).toBe(List.pages);
  });

  it('keeps everybody from allocating and freeing the domain’s pages from its first step to its last', () => {
    const { xen, slot, page } = guest('4.12', 3);
    assignDevice(xen, 0, slot, 0, 0);
    let steps = 0;
    while (xen.call.step.get(0) !== Step.assign) {
      stepCall(xen, 0);
      if (xen.call.step.get(0) === Step.assign) break;
      steps++;
      for (const attempt of [
        () => populatePhysmap(xen, slot, 0),
        () => decreaseReservation(xen, slot, page + 2, -1),
      ]) {
        const before = xen.store.mark();
        xen.blocked = false;
        attempt();
        expect(xen.blocked, STEP_NAMES[xen.call.step.get(0)]).toBe(true);
        xen.store.rollback(before);
      }
    }
    expect(steps).toBeGreaterThan(9);
    xen.blocked = false;
    expect(populatePhysmap(xen, slot, 0)).toBeGreaterThanOrEqual(0);
    expect(xen.blocked).toBe(false);
    expect(lists(xen, slot)[0]).toHaveLength(4);
  });

  it('keeps the toolstack’s vCPU from any other of these hypercalls', () => {
    const { xen, slot } = guest('4.12', 2);
    assignDevice(xen, 0, slot, 0, 0);
    const hash = xen.store.hashText();
    for (const call of [() => assignDevice(xen, 0, slot, 1, 0), () => deassignDevice(xen, 0, slot, 0)]) {
      xen.blocked = false;
      call();
      expect([xen.blocked, xen.store.hashText()]).toEqual([true, hash]);
    }
  });

  it('T4 without an adversary: about N/256 continuations', () => {
    for (const [pages, expected] of [
      [10, 0],
      [256, 0],
      [257, 1],
      [1000, 3],
    ] as const) {
      const { xen, slot } = guest('4.12', pages);
      let restarts = 0;
      assignDevice(xen, 0, slot, 0, 0);
      for (let now = CONTINUES; now === CONTINUES; now = stepCall(xen, 0)) {
        if (xen.call.step.get(0) !== Step.domctl) continue;
        restarts++;
        expect([status(xen, slot), xen.domain.pageAllocLock.get(slot)]).toEqual([initializing, 0]);
        expect(lists(xen, slot)[1]).toHaveLength(256 * restarts);
      }
      expect([restarts, status(xen, slot), lists(xen, slot)[0].length]).toEqual([
        expected,
        initialized,
        pages,
      ]);
    }
  });

  it.each(['4.11.2', '4.12', '4.12.4', 'late-enable'])(
    'T4 in %s: a guest that toggles one page keeps it going for ever, state by state',
    (release) => {
      const { xen, slot, page } = guest(release, 2);
      assignDevice(xen, 0, slot, 0, 0);
      const round = () => {
        until(xen, Step.recheck);
        pinTable(xen, slot, page, PGT.l1);
        until(xen, Step.reread);
        unpinTable(xen, slot, page);
        mapVa(xen, slot, 0, page, 'rw');
        unmapVa(xen, slot, 0);
        expect(stepCall(xen, 0)).toBe(CONTINUES);
        expect(xen.call.step.get(0)).toBe(Step.domctl);
        expect(lists(xen, slot)).toEqual([[RAM + 1, RAM + 2], []]);
      };
      round();
      const words = xen.store.words.slice();
      round();
      expect([...xen.store.words].findIndex((word, i) => word !== (words[i] ?? 0))).toBe(-1);
      expect(errnoName(finish(xen, CONTINUES))).toBe('ok');
      expect(mapped(xen, slot, page)).toBe('rw');
    },
  );

  it('T4: a page that is merely not writable when it is popped is passed over', () => {
    const { xen, slot, page } = guest('4.12', 2);
    assignDevice(xen, 0, slot, 0, 0);
    pinTable(xen, slot, page, PGT.l1);
    expect(errnoName(finish(xen, CONTINUES))).toBe('ok');
    expect(mapped(xen, slot, page)).toBe('--');
  });

  it('XSA-285: a page table stays mapped where the type is not looked at again', () => {
    for (const [release, rights] of [
      ['4.11.0', '--'],
      ['4.12', '--'],
    ] as const) {
      const { xen, slot, page } = guest(release, 1);
      assignDevice(xen, 0, slot, 0, 0);
      until(xen, Step.map);
      // Between the test of the type and the mapping.
      pinTable(xen, slot, page, PGT.l1);
      finish(xen, CONTINUES);
      expect(mapped(xen, slot, page), release).toBe(release === '4.11.0' ? 'rw' : rights);
      expect(broken(xen).includes('I2'), release).toBe(release === '4.11.0');
    }
  });

  it('T4: killed between continuations, the domctl ends by its own test and the context stays half built', () => {
    const { xen, slot } = guest('4.12', 300);
    assignDevice(xen, 0, slot, 0, 0);
    until(xen, Step.domctl);
    xen.domain.life.set(slot, Life.dying);
    expect(errnoName(finish(xen, CONTINUES))).toBe('EINVAL');
    expect([status(xen, slot), xen.domain.needSync.get(slot)]).toEqual([initializing, 1]);
  });

  it('T4: killed after that test, it ends with ESRCH and without a context', () => {
    const { xen, slot } = guest('4.12', 300);
    assignDevice(xen, 0, slot, 0, 0);
    until(xen, Step.domctl);
    stepCall(xen, 0);
    xen.domain.life.set(slot, Life.dying);
    expect(errnoName(finish(xen, CONTINUES))).toBe('ESRCH');
    expect([status(xen, slot), xen.domain.needSync.get(slot), xen.domain.pageAllocLock.get(slot)]).toEqual([
      disabled,
      0,
      0,
    ]);
  });

  it('ends with ENOMEM where tables cannot be had: the page is back on the list, the domain crashed, no context left', () => {
    const { xen, slot } = guest('4.12', 3);
    while (allocXenFrame(xen) >= 0);
    const before = lists(xen, slot);
    expect(assign(xen, slot)).toBe('ENOMEM');
    expect([status(xen, slot), xen.domain.needSync.get(slot), xen.domain.crashed.get(slot)]).toEqual([
      disabled,
      0,
      1,
    ]);
    expect(lists(xen, slot)).toEqual(before);
    expect(xen.domain.pageAllocLock.get(slot)).toBe(0);
  });
});

describe('T6: after the last device has left', () => {
  it.each([
    ['4.11.0', disabled, 0],
    ['4.12', disabled, 1],
    ['4.12.4', disabled, 1],
    ['late-enable', disabled, 0],
    ['4.13', initialized, 1],
    ['4.22', initialized, 1],
  ])('%s: status %i, need_sync %i', (release, after, needSync) => {
    const xen = x86(release);
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    touch(xen, slot, page);
    assign(xen, slot);
    expect(errnoName(deassignDevice(xen, 0, slot, 0))).toBe('ok');
    expect([status(xen, slot), xen.domain.needSync.get(slot)]).toEqual([after, needSync]);
    const persists = after === initialized;
    expect(mapped(xen, slot, page)).toBe(persists ? 'rw' : '--');
    pinTable(xen, slot, page, PGT.l1);
    unpinTable(xen, slot, page);
    touch(xen, slot, page);
    // 4.12's trap: a change of type allocates a table that nobody uses.
    expect(xen.domain.iommuRoot.get(slot) !== 0).toBe(persists || needSync === 1);
  });

  it('a device that stays keeps the context', () => {
    const { xen, slot, page } = guest('4.12', 1);
    assign(xen, slot, 0);
    assign(xen, slot, 1);
    deassignDevice(xen, 0, slot, 0);
    expect([status(xen, slot), reach(xen, 1, xen.ram.frameAt(page))]).toEqual([initialized, 'rw']);
  });

  it('a shared table is not freed', () => {
    const xen = x86('4.12');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    populate(xen, slot, 1, 5);
    assign(xen, slot);
    deassignDevice(xen, 0, slot, 0);
    expect([xen.domain.share.get(slot), xen.domain.p2mRoot.get(slot) !== 0]).toEqual([0, true]);
    expect([assign(xen, slot), reach(xen, 0, 5)]).toEqual(['ok', 'rw']);
  });
});
