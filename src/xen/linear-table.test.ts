import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { getLinear } from './linear-table.js';
import { domain, mapVa, populate, typeText, unmapVa, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { guestStore } from './vcpu.js';

const RELEASES = ['4.11.0', '4.11.4', '4.12', '4.13', '4.17', '4.20', '4.22'];
const LEVELS = [PGT.l2, PGT.l3, PGT.l4] as const;
const EVERYWHERE = RELEASES.flatMap((release) => LEVELS.map((type) => [release, type] as const));

class Guest {
  readonly xen: Xen;
  readonly slot: number;
  readonly p: number[];

  constructor(release = '4.22', pages = 5) {
    this.xen = x86(release);
    this.slot = domain(this.xen, { iommu: false });
    const first = populate(this.xen, this.slot, pages);
    this.p = Array.from({ length: pages }, (_, i) => first + i);
  }

  pin(n: number, type: number): string {
    return errnoName(pinTable(this.xen, this.slot, this.p[n]!, type));
  }
  unpin(n: number): string {
    return errnoName(unpinTable(this.xen, this.slot, this.p[n]!));
  }
  set(n: number, index: number, target: number, rights: 'ro' | 'rw' = 'ro', flags = 0): string {
    const lo = entryLow(this.xen, this.p[target]!, rights === 'rw') | flags;
    return errnoName(
      mmuUpdate(this.xen, this.slot, this.p[n]!, index, lo, entryHigh(this.xen, this.p[target]!)),
    );
  }
  clear(n: number, index: number): string {
    return errnoName(mmuUpdate(this.xen, this.slot, this.p[n]!, index, 0, 0));
  }
  /** The guest's CPU writes an entry under a passing mapping. */
  poke(n: number, index: number, target: number, rights: 'ro' | 'rw' = 'ro'): void {
    const { xen, slot, p } = this;
    mapVa(xen, slot, 7, p[n]!, 'rw');
    guestStore(
      xen,
      slot,
      p[n]!,
      index,
      entryLow(xen, p[target]!, rights === 'rw'),
      entryHigh(xen, p[target]!),
    );
    unmapVa(xen, slot, 7);
  }
  state(n: number): string {
    const { xen, p } = this;
    const references = xen.frame.countInfo.get(p[n]!) & COUNT_MASK;
    return `${typeText(xen, p[n]!)}, refs ${references}, linear ${this.linear(n)}`;
  }
  linear(n: number): number {
    return this.xen.frame.linearPtCount.get(this.p[n]!);
  }
}

describe('an entry that points to its own table', () => {
  it.each(EVERYWHERE)('is valid read-only in %s at level %i, and holds nothing', (release, type) => {
    const guest = new Guest(release);
    guest.poke(0, 1, 0, 'ro');
    expect(guest.pin(0, type)).toBe('ok');
    expect(guest.state(0)).toBe(`l${type} 1 pinned, refs 2, linear 0`);
    expect([guest.set(0, 2, 0), guest.set(0, 2, 0), guest.clear(0, 2)]).toEqual(['ok', 'ok', 'ok']);
    expect(guest.state(0)).toBe(`l${type} 1 pinned, refs 2, linear 0`);
    expect(guest.unpin(0)).toBe('ok');
    expect(guest.state(0)).toBe(`l${type} 0, refs 1, linear 0`);
  });

  it.each(LEVELS)('is EINVAL writable at level %i, also where it was read-only before', (type) => {
    const guest = new Guest();
    guest.poke(0, 1, 0, 'rw');
    expect(guest.pin(0, type)).toBe('EINVAL');
    guest.poke(0, 1, 0, 'ro');
    expect(guest.pin(0, type)).toBe('ok');
    const hash = guest.xen.store.hashText();
    expect(guest.set(0, 1, 0, 'rw')).toBe('EINVAL');
    expect(guest.xen.store.hashText()).toBe(hash);
  });

  it('in an L1 is a mapping like any other: a general reference, and never a writable one', () => {
    const guest = new Guest();
    guest.poke(0, 1, 0, 'ro');
    expect(guest.pin(0, PGT.l1)).toBe('ok');
    expect(guest.state(0)).toBe('l1 1 pinned, refs 3, linear 0');
    expect(guest.set(0, 1, 0, 'rw')).toBe('EBUSY');
    expect(decreaseReservation(guest.xen, guest.slot, guest.p[0]!, -1)).toBe(0);
    expect(guest.unpin(0)).toBe('ok');
    expect(guest.xen.frame.countInfo.get(guest.p[0]!)).toBe(0);
  });
});

describe('an entry that points to another table of the same level', () => {
  it.each(EVERYWHERE)('holds it as one in %s at level %i until the last goes', (release, type) => {
    const guest = new Guest(release);
    guest.pin(0, type);
    guest.pin(1, type);
    expect([guest.set(0, 0, 1), guest.set(0, 511, 1)]).toEqual(['ok', 'ok']);
    expect(guest.state(0)).toBe(`l${type} 1 pinned, refs 2, linear 2`);
    expect(guest.state(1)).toBe(`l${type} 3 pinned, refs 4, linear -2`);
    expect(guest.unpin(1)).toBe('ok');
    expect(guest.state(1)).toBe(`l${type} 2, refs 3, linear -2`);
    expect(guest.clear(0, 0)).toBe('ok');
    expect(guest.state(1)).toBe(`l${type} 1, refs 2, linear -1`);
    expect(guest.unpin(0)).toBe('ok');
    expect(guest.state(0)).toBe(`l${type} 0, refs 1, linear 0`);
    expect(guest.state(1)).toBe(`l${type} 0, refs 1, linear 0`);
    expect(guest.xen.hostBug).toBeUndefined();
  });

  it('of several tables counts each', () => {
    const guest = new Guest();
    for (const n of [0, 1, 2]) guest.pin(n, PGT.l3);
    guest.set(0, 0, 2);
    guest.set(1, 0, 2);
    expect([0, 1, 2].map((n) => guest.linear(n))).toEqual([1, 1, -2]);
  });

  it.each([
    ['writable', (guest: Guest) => guest.set(0, 0, 1, 'rw')],
    ['with PSE set', (guest: Guest) => guest.set(0, 0, 1, 'ro', 0x80)],
    ['that has linear entries itself', (guest: Guest) => [guest.set(1, 0, 2), guest.set(0, 0, 1)][1]],
    ['from a table that is the target of one', (guest: Guest) => [guest.set(2, 0, 0), guest.set(0, 0, 1)][1]],
    ['back', (guest: Guest) => [guest.set(1, 0, 0), guest.set(0, 0, 1)][1]],
  ])('%s is EINVAL, and took nothing', (_, attempt) => {
    const guest = new Guest();
    for (const n of [0, 1, 2]) guest.pin(n, PGT.l2);
    expect(attempt(guest)).toBe('EINVAL');
    for (const n of [0, 1, 2]) guest.unpin(n);
    expect([0, 1, 2].map((n) => guest.state(n))).toEqual(new Array(3).fill('l2 0, refs 1, linear 0'));
  });

  it('may share a table with one to the table itself', () => {
    const guest = new Guest();
    guest.pin(0, PGT.l4);
    guest.pin(1, PGT.l4);
    expect([guest.set(0, 0, 1), guest.set(0, 1, 0), guest.set(1, 0, 1)]).toEqual(['ok', 'ok', 'ok']);
    expect([guest.linear(0), guest.linear(1)]).toEqual([1, -1]);
  });

  it('needs a table in use: one without references is tried as a table one level down', () => {
    const guest = new Guest();
    guest.pin(0, PGT.l3);
    guest.pin(1, PGT.l3);
    guest.unpin(1);
    expect(guest.set(0, 0, 1)).toBe('ok');
    expect(guest.state(1)).toBe('l2 1, refs 2, linear 0');
  });

  it('that validation has taken is given back when a later one is refused', () => {
    const guest = new Guest();
    guest.pin(1, PGT.l4);
    guest.poke(0, 3, 1);
    guest.poke(0, 4, 0);
    guest.poke(0, 5, 1, 'rw');
    expect(guest.pin(0, PGT.l4)).toBe('EINVAL');
    expect(guest.state(0)).toBe('none 0, refs 1, linear 0');
    expect(guest.state(1)).toBe('l4 1 pinned, refs 2, linear 0');
  });

  it('is dropped after the one that replaces it was taken', () => {
    const guest = new Guest();
    guest.pin(0, PGT.l2);
    guest.pin(1, PGT.l2);
    guest.set(0, 0, 1);
    guest.unpin(1);
    expect(guest.set(0, 0, 0)).toBe('ok');
    expect([guest.state(1), guest.linear(0)]).toEqual(['l2 0, refs 1, linear 0', 0]);
    expect(guest.set(0, 0, 2)).toBe('ok');
    expect(guest.state(2)).toBe('l1 1, refs 2, linear 0');
  });

  it('keeps its references when only flags change that decide nothing', () => {
    const guest = new Guest();
    guest.pin(0, PGT.l2);
    guest.pin(1, PGT.l2);
    guest.set(0, 0, 1);
    const before = [guest.state(0), guest.state(1)];
    for (const flags of [0x4, 0x20, 0x40, 0xe00]) expect(guest.set(0, 0, 1, 'ro', flags)).toBe('ok');
    for (const flags of [0x8, 0x10, 0x80, 0x100]) expect(guest.set(0, 0, 1, 'ro', flags)).toBe('EINVAL');
    expect([guest.state(0), guest.state(1)]).toEqual(before);
  });

  it('is refused where the 16-bit count is full', () => {
    const guest = new Guest();
    const { xen, slot, p } = guest;
    guest.pin(0, PGT.l2);
    guest.pin(1, PGT.l2);
    const take = () => getLinear(xen, p[0]!, p[1]!, slot, PGT.l2);
    xen.frame.linearPtCount.set(p[0]!, 0x7fff);
    expect(take()).toBe(false);
    xen.frame.linearPtCount.set(p[0]!, 0x7ffe);
    xen.frame.linearPtCount.set(p[1]!, -0x8000);
    expect(take()).toBe(false);
    xen.frame.linearPtCount.set(p[1]!, -0x7fff);
    expect(take()).toBe(true);
  });
});

describe('a dying domain', () => {
  it.each(RELEASES)('in %s leaves no page behind, in whatever order its linear tables go', (release) => {
    for (const [from, to] of [
      [0, 3],
      [3, 0],
    ] as const) {
      const guest = new Guest(release);
      const { xen, slot, p } = guest;
      for (const n of [0, 3]) guest.pin(n, PGT.l4);
      expect([guest.set(from, 0, to), guest.set(to, 1, to), guest.set(from, 2, from)]).toEqual([
        'ok',
        'ok',
        'ok',
      ]);
      guest.unpin(to);
      decreaseReservation(xen, slot, p[to]!, -1);
      expect(destroyDomain(xen, 0, slot)).toBe(0);
      expect([xen.exists(slot), xen.hostBug]).toEqual([false, undefined]);
      for (const pdx of p) {
        expect([
          xen.frame.countInfo.get(pdx),
          xen.frame.typeInfo.get(pdx),
          xen.frame.linearPtCount.get(pdx),
        ]).toEqual([0, 0, 0]);
      }
    }
  });
});
