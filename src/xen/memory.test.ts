import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { NOBODY } from './domid.js';
import { errnoName } from './errno.js';
import { dropAllocation, getPage, isFree, putPage } from './frames.js';
import {
  arm,
  assign,
  broken,
  domain,
  mapped,
  mapVa,
  populate,
  pvWithContext,
  RAM,
  typeText,
  unmapVa,
  x86,
} from './machine.fixture.js';
import {
  decreaseReservation,
  guestPhysmapAdd,
  memoryExchange,
  populatePhysmap,
  setMaxPages,
} from './memory.js';
import { p2mLookup } from './p2m.js';
import { pinTable } from './page-table.js';
import type { Xen } from './state.js';

const RELEASES = ['4.11.0', '4.11.1', '4.11.2', '4.12', '4.13', '4.15', '4.17', '4.22'];
const untyped = (release: string) => release === '4.11.0' || release === '4.11.1';
const errno = errnoName;

describe('the life of a PV guest’s page (§3.4)', () => {
  it.each(RELEASES)('%s: populated, it is mapped; typed writable from 4.11.2 and 4.12 on', (release) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 1);
    expect([typeText(xen, page), mapped(xen, slot, page)]).toEqual([
      untyped(release) ? 'none 0' : 'writable 0',
      'rw',
    ]);
  });

  it.each(RELEASES)('%s: first used as an L1, it is unmapped, but for the hole of XSA-288', (release) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 1);
    expect(errno(pinTable(xen, slot, page, PGT.l1))).toBe('ok');
    expect(mapped(xen, slot, page)).toBe(untyped(release) ? 'rw' : '--');
  });

  it.each(RELEASES)(
    '%s: given back while somebody holds it, it is unmapped at once only where it was untyped',
    (release) => {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 1);
      getPage(xen, page, slot);
      expect(errno(decreaseReservation(xen, slot, page, -1))).toBe('ok');
      expect(mapped(xen, slot, page)).toBe(untyped(release) ? '--' : 'rw');
      putPage(xen, page);
      expect(isFree(xen, page)).toBe(true);
      expect([mapped(xen, slot, page), typeText(xen, page)]).toEqual(['--', 'none 0']);
      expect(broken(xen)).not.toContain('I3');
    },
  );

  it.each(RELEASES)(
    '%s: the final put of a page that was never given back unmaps it, where it is typed',
    (release) => {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 2);
      mapVa(xen, slot, 0, page, 'rw');
      unmapVa(xen, slot, 0);
      dropAllocation(xen, page);
      expect(isFree(xen, page)).toBe(true);
      expect(mapped(xen, slot, page)).toBe(untyped(release) ? 'rw' : '--');
    },
  );

  it('in a domain without a context is untyped and unmapped throughout', () => {
    for (const release of RELEASES) {
      const xen = x86(release);
      const slot = domain(xen, { iommu: false });
      const page = populate(xen, slot, 1);
      expect([typeText(xen, page), xen.domain.iommuRoot.get(slot)]).toEqual(['none 0', 0]);
    }
  });

  it('is typed by the system-wide state where that is proposed, mapped or not (§3.5)', () => {
    const xen = x86('unified-checks');
    const page = populate(xen, domain(xen), 1);
    expect(typeText(xen, page)).toBe('writable 0');
    const off = x86('unified-checks', { iommu: 'off' });
    expect(typeText(off, populate(off, domain(off), 1))).toBe('none 0');
  });
});

describe('T3: a page that the guest frees before Xen makes it known', () => {
  it.each(RELEASES)('%s', (release) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 1);
    decreaseReservation(xen, slot, page, -1);
    expect(isFree(xen, page)).toBe(true);
    const status = errno(guestPhysmapAdd(xen, slot, 0, page));
    if (untyped(release)) {
      expect([status, mapped(xen, slot, page)]).toEqual(['ok', 'rw']);
      expect(broken(xen)).toContain('I3');
    } else {
      expect([status, mapped(xen, slot, page)]).toEqual(['EINVAL', '--']);
    }
  });
});

describe('populate_physmap', () => {
  it('gives the lowest free frame, or the one asked for; frames come back in the order of their numbers', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const page = (pdx: number) => xen.ram.frameAt(pdx);
    expect(page(populatePhysmap(xen, slot, 0))).toBe(RAM + 1);
    expect(page(populatePhysmap(xen, slot, 0, xen.ram.indexOf(RAM + 3)))).toBe(RAM + 3);
    expect([0, 0].map(() => page(populatePhysmap(xen, slot, 0)))).toEqual([RAM + 2, RAM + 4]);
    decreaseReservation(xen, slot, xen.ram.indexOf(RAM + 2), -1);
    expect(page(populatePhysmap(xen, slot, 0))).toBe(RAM + 2);
  });

  it('is EBUSY beyond max_mem, without memory, for a frame in use, one of Xen’s, and for a dying domain', () => {
    const xen = x86('4.22', { frames: 4 });
    const slot = domain(xen, { maxPages: 2 });
    populate(xen, slot, 1);
    expect(errno(populatePhysmap(xen, slot, 0, xen.ram.indexOf(RAM)))).toBe('EBUSY');
    expect(errno(populatePhysmap(xen, slot, 0, xen.xenHeap.end - 1))).toBe('EBUSY');
    populate(xen, slot, 1);
    expect(errno(populatePhysmap(xen, slot, 0))).toBe('EBUSY');
    const other = domain(xen);
    populate(xen, other, 1);
    expect(errno(populatePhysmap(xen, other, 0))).toBe('EBUSY');
    decreaseReservation(xen, slot, xen.ram.indexOf(RAM + 1), -1);
    xen.domain.life.set(other, 2);
    expect(errno(populatePhysmap(xen, other, 0))).toBe('EBUSY');
  });

  it('of a gfn that is populated leaves the old page without a gfn', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const [old, now] = [populate(xen, slot, 1, 5), populate(xen, slot, 1, 5)];
    expect([xen.frame.gfn.get(old), xen.frame.gfn.get(now)]).toEqual([0, 6]);
    expect(p2mLookup(xen, slot, 5)).toBe(xen.ram.frameAt(now));
  });
});

describe('decrease_reservation', () => {
  it('of what is not the domain’s is EINVAL', () => {
    const xen = x86('4.22');
    const pv = domain(xen);
    const hvm = domain(xen, { flags: CDF.hvm | CDF.hap });
    const status = [
      decreaseReservation(xen, pv, xen.ram.indexOf(RAM), -1),
      decreaseReservation(xen, pv, -1, -1),
      decreaseReservation(xen, hvm, -1, 5),
    ];
    expect(status.map(errno)).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
  });

  it('takes a direct-mapped domain’s page from its p2m and keeps it for it (§9 item 5)', () => {
    const xen = arm('4.22', { dom0Pages: 2 });
    expect(errno(decreaseReservation(xen, 0, -1, RAM + 1))).toBe('ok');
    expect(p2mLookup(xen, 0, RAM + 1)).toBe(-1);
    expect(isFree(xen, xen.ram.indexOf(RAM + 1))).toBe(false);
    expect(populatePhysmap(xen, 0, RAM + 1)).toBe(xen.ram.indexOf(RAM + 1));
    expect(p2mLookup(xen, 0, RAM + 1)).toBe(RAM + 1);
    expect(errno(populatePhysmap(xen, 0, RAM + 9))).toBe('EBUSY');
  });

  it('waits while a late walk holds the domain’s page-allocation lock', () => {
    const xen = x86('4.12');
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    xen.domain.pageAllocLock.set(slot, 1);
    for (const attempt of [
      () => decreaseReservation(xen, slot, page, -1),
      () => populatePhysmap(xen, slot, 0),
    ]) {
      xen.blocked = false;
      const before = xen.store.mark();
      attempt();
      expect(xen.blocked).toBe(true);
      xen.store.rollback(before);
    }
    xen.blocked = false;
    xen.domain.pageAllocLock.set(slot, 0);
    expect(assign(xen, slot)).toBe('ok');
    expect(xen.blocked).toBe(false);
  });
});

describe('max_mem', () => {
  it('bounds what a domain gets from then on, and takes nothing from it', () => {
    for (const release of RELEASES) {
      const xen = x86(release);
      const slot = domain(xen, { maxPages: 4 });
      const page = populate(xen, slot, 3);
      expect(errno(setMaxPages(xen, slot, 2))).toBe('ok');
      expect(errno(populatePhysmap(xen, slot, 0))).toBe('EBUSY');
      for (const pdx of [page, page + 1]) decreaseReservation(xen, slot, pdx, -1);
      expect([populatePhysmap(xen, slot, 0), populatePhysmap(xen, slot, 0)].map(errno)).toEqual([
        'ok',
        'EBUSY',
      ]);
    }
  });

  it('answers ESRCH for what is no domain, and takes any number', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    const answers = [1 + slot, xen.domIo, NOBODY, slot, 0].map((of) => setMaxPages(xen, of, 2 ** 52));
    expect(answers.map(errno)).toEqual(['ESRCH', 'ESRCH', 'ESRCH', 'ok', 'ok']);
    expect(errno(populatePhysmap(xen, slot, 0))).toBe('ok');
  });
});

describe('memory_exchange of a page for another (§3.2, §3.4)', () => {
  it.each(RELEASES)(
    '%s: the old page leaves the device’s reach and is free, the new one is in it',
    (release) => {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 2);
      const fresh = memoryExchange(xen, slot, page);
      expect(fresh).toBe(page + 2);
      expect([isFree(xen, page), mapped(xen, slot, page), mapped(xen, slot, fresh)]).toEqual([
        true,
        '--',
        'rw',
      ]);
      expect([typeText(xen, fresh), xen.domain.totPages.get(slot)]).toEqual([
        untyped(release) ? 'none 0' : 'writable 0',
        2,
      ]);
      expect(broken(xen).filter((id) => id !== 'I1')).toEqual([]);
    },
  );

  it('takes the frame that is asked for, if it is free', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 2);
    expect(memoryExchange(xen, slot, page, page + 5)).toBe(page + 5);
    expect(errno(memoryExchange(xen, slot, page + 5, page + 1))).toBe('ENOMEM');
  });

  it('goes beyond what the domain may own no more than before', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 2);
    setMaxPages(xen, slot, 1);
    expect(errno(memoryExchange(xen, slot, page))).toBe('ok');
    expect(xen.domain.totPages.get(slot)).toBe(2);
  });

  it.each([
    ['no domain', (xen: Xen, _: number, page: number) => memoryExchange(xen, 3, page), 'ESRCH'],
    ['another’s page', (xen: Xen, slot: number) => memoryExchange(xen, slot, xen.ram.indexOf(RAM)), 'EINVAL'],
    ['a free page', (xen: Xen, slot: number, page: number) => memoryExchange(xen, slot, page + 3), 'EINVAL'],
    [
      'the grant frame, which Xen shares with it',
      (xen: Xen, slot: number) => memoryExchange(xen, slot, xen.domain.grantFrame.get(slot) - 1),
      'EINVAL',
    ],
    [
      'a page that is mapped',
      (xen: Xen, slot: number, page: number) => {
        mapVa(xen, slot, 0, page, 'ro');
        return memoryExchange(xen, slot, page);
      },
      'EINVAL',
    ],
    [
      'a page table',
      (xen: Xen, slot: number, page: number) => {
        pinTable(xen, slot, page, PGT.l1);
        return memoryExchange(xen, slot, page);
      },
      'EINVAL',
    ],
  ] as const)('is refused for %s: %3$s', (_, exchange, status) => {
    for (const release of RELEASES) {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 2);
      expect([errno(exchange(xen, slot, page)), xen.domain.totPages.get(slot)], release).toEqual([status, 2]);
    }
  });

  it('is refused to translated domains: EOPNOTSUPP, or EINVAL where the p2m has no such page', () => {
    for (const xen of [x86('4.12'), x86('4.17'), arm('4.17')]) {
      const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
      const page = populate(xen, slot, 1, 0x40);
      expect([memoryExchange(xen, slot, page), memoryExchange(xen, slot, page + 1)].map(errno)).toEqual([
        'EOPNOTSUPP',
        'EINVAL',
      ]);
    }
  });

  it.each([
    ['4.12', '--'],
    ['4.17', '--'],
    ['4.11.0', 'rw'],
  ])('%s: without a free page the old one stays, untyped, mapped %s', (release, rights) => {
    const xen = x86(release, { frames: 3 });
    const { slot, page } = pvWithContext(xen, 2);
    expect(errno(memoryExchange(xen, slot, page))).toBe('ENOMEM');
    expect([typeText(xen, page), mapped(xen, slot, page), broken(xen).filter((id) => id !== 'I1')]).toEqual([
      'none 0',
      rights,
      [],
    ]);
    mapVa(xen, slot, 0, page, 'rw');
    expect(mapped(xen, slot, page)).toBe('rw');
  });
});
