import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { Errno, errnoName } from './errno.js';
import { failNth } from './failures.js';
import { allocXenFrame, getPage, isFree, putPage } from './frames.js';
import {
  broken,
  domain,
  mapped,
  mapVa,
  NIC,
  populate,
  pvWithContext,
  typeText,
  unmapVa,
  x86,
} from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, pinTable, unpinTable } from './page-table.js';
import { getPageAndType, getPageType, putPageAndType, putPageType } from './page-type.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';
import { guestStore } from './vcpu.js';

const references = (xen: Xen, pdx: number) => xen.frame.countInfo.get(pdx) & COUNT_MASK;
const take = (xen: Xen, slot: number, pdx: number, type: number) =>
  errnoName(getPageAndType(xen, pdx, slot, type));

/** A PV domain without a context: the types alone. */
function plain(pages = 2): { xen: Xen; slot: number; page: number } {
  const xen = x86('4.22');
  const slot = domain(xen, { iommu: false });
  return { xen, slot, page: populate(xen, slot, pages) };
}

describe('a general reference', () => {
  it('needs the owner to match and the count not to be 0', () => {
    const { xen, slot, page } = plain();
    expect(getPage(xen, page, slot)).toBe(true);
    expect(references(xen, page)).toBe(2);
    expect(getPage(xen, page, 0)).toBe(false);
    expect(getPage(xen, -1, slot)).toBe(false);
    putPage(xen, page);
    expect(decreaseReservation(xen, slot, page, -1)).toBe(0);
    expect(getPage(xen, page, slot)).toBe(false);
  });

  it('keeps a page that was given back until the last one goes', () => {
    const { xen, slot, page } = plain();
    getPage(xen, page, slot);
    decreaseReservation(xen, slot, page, -1);
    expect(isFree(xen, page)).toBe(false);
    putPage(xen, page);
    expect(isFree(xen, page)).toBe(true);
  });

  it('that nobody took cannot be dropped: the host is down', () => {
    const { xen, slot, page } = plain();
    decreaseReservation(xen, slot, page, -1);
    putPage(xen, page);
    expect(xen.hostBug).toBe('page count underflow');
  });
});

describe('get_page_type (§3.2)', () => {
  it('2. with count 0 takes any type; another one is replaced and its validation forgotten', () => {
    const { xen, slot, page } = plain();
    expect(typeText(xen, page)).toBe('none 0');
    expect(take(xen, slot, page, PGT.writable)).toBe('ok');
    expect(typeText(xen, page)).toBe('writable 1');
    putPageAndType(xen, page);
    expect(typeText(xen, page)).toBe('writable 0');
    expect(take(xen, slot, page, PGT.l1)).toBe('ok');
    expect(typeText(xen, page)).toBe('l1 1');
  });

  const types = [PGT.l1, PGT.l2, PGT.l3, PGT.l4, PGT.segDesc, PGT.writable];
  it.each(types.flatMap((a) => types.filter((b) => b !== a).map((b) => [a, b] as const)))(
    '3. with references of type %i refuses type %i, and changes nothing',
    (held, wanted) => {
      const { xen, slot, page } = plain();
      take(xen, slot, page, held);
      const hash = xen.store.hashText();
      expect(take(xen, slot, page, wanted)).toBe('EINVAL');
      expect(xen.store.hashText()).toBe(hash);
    },
  );

  it('5. of a validated page of the same type counts and does no more', () => {
    const { xen, slot, page } = plain();
    for (const type of [PGT.writable, PGT.l1]) {
      take(xen, slot, page, type);
      take(xen, slot, page, type);
      expect(typeText(xen, page)).toMatch(/ 2$/);
      putPageAndType(xen, page);
      putPageAndType(xen, page);
    }
    expect(references(xen, page)).toBe(1);
  });

  it('9. of a page that is no valid table leaves it untyped, without references', () => {
    const { xen, slot, page } = plain();
    mapVa(xen, slot, 0, page, 'rw');
    guestStore(xen, slot, page, 3, entryLow(xen, 0, true) | 0x10, 0);
    unmapVa(xen, slot, 0);
    expect(take(xen, slot, page, PGT.l1)).toBe('EINVAL');
    expect(typeText(xen, page)).toBe('none 0');
    expect(references(xen, page)).toBe(1);
  });
});

describe('put_page_type (§3.2)', () => {
  it('of the last writable reference changes neither the type nor its validation', () => {
    const { xen, slot, page } = plain();
    take(xen, slot, page, PGT.writable);
    const held = xen.frame.typeInfo.get(page);
    putPageType(xen, page);
    expect(xen.frame.typeInfo.get(page)).toBe(held - 1);
    putPage(xen, page);
  });

  it('of the last reference to a table drops what its entries hold; the type stays, unvalidated', () => {
    const { xen, slot, page } = plain(2);
    const target = page + 1;
    mapVa(xen, slot, 0, page, 'rw');
    guestStore(xen, slot, page, 0, entryLow(xen, target, true), entryHigh(xen, target));
    unmapVa(xen, slot, 0);
    take(xen, slot, page, PGT.l1);
    take(xen, slot, page, PGT.l1);
    expect([typeText(xen, target), references(xen, target)]).toEqual(['writable 1', 2]);
    putPageAndType(xen, page);
    expect(typeText(xen, target)).toBe('writable 1');
    putPageAndType(xen, page);
    expect([typeText(xen, page), typeText(xen, target), references(xen, target)]).toEqual([
      'l1 0',
      'writable 0',
      1,
    ]);
    // Taken again, it is looked into again.
    take(xen, slot, page, PGT.l1);
    expect(typeText(xen, target)).toBe('writable 1');
  });

  it('without a reference is a BUG', () => {
    const { xen, page } = plain();
    putPageType(xen, page);
    expect(xen.hostBug).toBe('type count underflow');
  });
});

/** Releases that follow the canonical rule (dossier §3.3); before, pages are mapped untyped. */
const CANONICAL = ['4.11.2', '4.12', '4.13', '4.14', '4.15', '4.16', '4.17', '4.22'];
const ALL = ['4.11.0', ...CANONICAL];

describe('the canonical rule (§3.3)', () => {
  it.each(ALL)('in %s maps a page that becomes writable and unmaps one that ceases to be', (release) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 2);
    const steps: [what: string, mapped: string][] = [];
    const note = (what: string) => steps.push([`${what}: ${typeText(xen, page)}`, mapped(xen, slot, page)]);
    mapVa(xen, slot, 0, page, 'rw');
    note('mapped writable');
    unmapVa(xen, slot, 0);
    note('unmapped');
    pinTable(xen, slot, page, PGT.l1);
    note('pinned');
    unpinTable(xen, slot, page);
    note('unpinned');
    mapVa(xen, slot, 0, page, 'ro');
    note('mapped read-only');
    mapVa(xen, slot, 0, page, 'rw');
    note('mapped writable');
    expect(steps).toEqual([
      ['mapped writable: writable 1', 'rw'],
      ['unmapped: writable 0', 'rw'],
      ['pinned: l1 1 pinned', '--'],
      ['unpinned: l1 0', '--'],
      ['mapped read-only: l1 0', '--'],
      ['mapped writable: writable 1', 'rw'],
    ]);
  });

  it.each(CANONICAL)(
    'in %s unmaps before it validates: a page that fails is none and unmapped',
    (release) => {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 2);
      mapVa(xen, slot, 0, page, 'rw');
      guestStore(xen, slot, page, 0, entryLow(xen, 0, true), 0);
      unmapVa(xen, slot, 0);
      expect(errnoName(pinTable(xen, slot, page, PGT.l1))).toBe('EBUSY');
      expect([typeText(xen, page), mapped(xen, slot, page)]).toEqual(['none 0', '--']);
      expect(broken(xen)).toEqual([]);
      mapVa(xen, slot, 0, page, 'rw');
      expect(mapped(xen, slot, page)).toBe('rw');
    },
  );

  it.each(ALL)('in %s the page’s owner’s table changes, never the mapper’s', (release) => {
    const xen = x86(release, { mode: 'strict' });
    const { slot, page } = pvWithContext(xen, 2);
    pinTable(xen, slot, page, PGT.l1);
    unpinTable(xen, slot, page);
    const before = [mapped(xen, slot, page), mapped(xen, 0, page)];
    expect(mapVa(xen, 0, 0, page, 'rw', slot)).toBe('ok');
    expect([mapped(xen, slot, page), mapped(xen, 0, page)]).toEqual(['rw', '--']);
    expect(before[1]).toBe('--');
  });

  it('knows no difference between testing the type and testing writability', () => {
    for (const typeChangeTest of ['new-type', 'writability'] as const) {
      const xen = x86('4.22', { behaviours: { typeChangeTest } });
      const { slot, page } = pvWithContext(xen, 2);
      pinTable(xen, slot, page, PGT.l1);
      unpinTable(xen, slot, page);
      pinTable(xen, slot, page, PGT.l4);
      expect(mapped(xen, slot, page)).toBe('--');
    }
  });

  it('never maps a page that Xen shares with the domain (I16)', () => {
    const xen = x86('4.22');
    const { slot } = pvWithContext(xen, 1);
    const grantFrame = xen.domain.grantFrame.get(slot) - 1;
    expect(typeText(xen, grantFrame)).toBe('writable 1');
    expect(mapVa(xen, slot, 0, grantFrame, 'rw')).toBe('ok');
    expect([typeText(xen, grantFrame), mapped(xen, slot, grantFrame)]).toEqual(['writable 2', '--']);
    // Giving it back drops the allocation's reference, once; the frame stays Xen's.
    const giveBack = () => errnoName(decreaseReservation(xen, slot, grantFrame, -1));
    expect([giveBack(), giveBack(), unmapVa(xen, slot, 0), giveBack()]).toEqual(['ok', 'ok', 'ok', 'EINVAL']);
    expect([isFree(xen, grantFrame), mapped(xen, slot, grantFrame), broken(xen)]).toEqual([false, '--', []]);
  });

  it('does nothing for a domain without a context', () => {
    const { xen, slot, page } = plain();
    mapVa(xen, slot, 0, page, 'rw');
    expect(xen.domain.iommuRoot.get(slot)).toBe(0);
  });

  it('only shrinks the table of a dying domain, from 4.15 on (§6.6)', () => {
    for (const [release, rights] of [
      ['4.14', 'rw'],
      ['4.15', '--'],
      ['4.22', '--'],
    ] as const) {
      const xen = x86(release);
      const { slot, page } = pvWithContext(xen, 2);
      pinTable(xen, slot, page, PGT.l1);
      unpinTable(xen, slot, page);
      xen.domain.life.set(slot, 2);
      mapVa(xen, slot, 0, page, 'rw');
      expect(mapped(xen, slot, page), release).toBe(rights);
      pinTable(xen, slot, page + 1, PGT.l1);
      expect(mapped(xen, slot, page + 1)).toBe('--');
    }
  });
});

describe('when the IOMMU operation fails (§3.3)', () => {
  /** A domain whose first page is mapped and whose second, 1 GiB away, needs tables that the heap cannot give. */
  function short(release: string): { xen: Xen; slot: number; far: number } {
    const xen = x86(release, {
      heap: 28,
      devices: [NIC],
      ram: [
        { base: 0x100, count: 4 },
        { base: 0x40000, count: 1 },
      ],
      dom0Pages: 0,
    });
    const { slot } = pvWithContext(xen, 4);
    while (allocXenFrame(xen) >= 0);
    return { xen, slot, far: xen.ram.indexOf(0x40000) };
  }

  it.each([
    ['4.11.2', 'ENOMEM'],
    ['4.12', 'ENOMEM'],
    ['4.22', 'ENOMEM'],
  ])('%s drops the reference and crashes the domain: %s', (release, status) => {
    const { xen, slot, far } = short(release);
    xen.frame.owner.set(far, slot + 1);
    xen.frame.countInfo.set(far, (1 << 31) | 1);
    expect(errnoName(getPageType(xen, far, PGT.writable))).toBe(status);
    expect(typeText(xen, far)).toBe('writable 0');
    expect(xen.domain.crashed.get(slot)).toBe(1);
  });

  // As seen on the real ones (docs/settled.md): 4.12.4, 4.13.0 with a failure put in, 4.17.7 and 4.22.0 without.
  it.each([
    ['4.11.2', 'writable', 'none'],
    ['4.12.4', 'writable', 'none'],
    ['4.13', 'writable', 'none'],
    ['4.14.6', 'writable', 'type reference dropped before validation'],
    ['4.16.1', 'writable', 'none'],
    ['4.17', 'writable', 'type reference dropped before validation'],
    ['4.22', 'writable', 'type reference dropped before validation'],
    ['4.11.2', 'l1', 'none'],
    ['4.11.4', 'l1', 'type reference dropped before validation'],
    ['4.12', 'l1', 'none'],
    ['4.13', 'l1', 'type reference dropped before validation'],
    ['4.22', 'l1', 'type reference dropped before validation'],
  ] as const)('on %s, of a page becoming %s, means for the host: %s', (release, type, bug) => {
    const xen = x86(release);
    const { slot, page } = pvWithContext(xen, 1);
    const wasL1 = type === 'writable';
    if (wasL1) {
      pinTable(xen, slot, page, PGT.l1);
      unpinTable(xen, slot, page);
    }
    failNth(xen, wasL1 ? 'map' : 'unmap', 1);
    expect(errnoName(getPageType(xen, page, PGT[type]))).toBe('ENOMEM');
    expect(xen.hostBug ?? 'none').toBe(bug);
  });

  it('is no BUG while the owner is dying', () => {
    const xen = x86('4.22');
    const { slot, page } = pvWithContext(xen, 1);
    xen.domain.life.set(slot, Life.dying);
    failNth(xen, 'unmap', 1);
    expect(getPageType(xen, page, PGT.l1)).toBe(-Errno.ENOMEM);
    expect(xen.hostBug).toBeUndefined();
  });

  it('4.11.0 keeps the reference all the same (XSA-291)', () => {
    const { xen, slot, far } = short('4.11.0');
    xen.frame.owner.set(far, slot + 1);
    xen.frame.countInfo.set(far, (1 << 31) | 1);
    expect(getPageType(xen, far, PGT.writable)).toBe(-Errno.ENOMEM);
    expect(typeText(xen, far)).toBe('writable 1');
  });
});
