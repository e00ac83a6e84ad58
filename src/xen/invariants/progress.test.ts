import { describe, expect, it } from 'vitest';
import { PGT } from '../../formats/x86-page-info.js';
import type { Profile } from '../editions/behaviours.js';
import { errnoName } from '../errno.js';
import { broken, domain, populate, x86 } from '../machine.fixture.js';
import { decreaseReservation } from '../memory.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from '../page-table.js';
import type { Xen } from '../state.js';
import { message } from './invariants.fixture.js';

/** A PV guest with pages, and how it sets the entries of one to others. */
function tables(behaviours: Partial<Profile> = {}) {
  const xen = x86('4.22', { behaviours });
  const slot = domain(xen);
  const first = populate(xen, slot, 6);
  const link = (table: number, index: number, target: number, writable = true) =>
    errnoName(
      mmuUpdate(
        xen,
        slot,
        first + table,
        index,
        entryLow(xen, first + target, writable),
        entryHigh(xen, first + target),
      ),
    );
  return { xen, slot, first, link };
}

/** An L3 with two L2s of two L1s each: pinned, unpinned, and pinned and given back. */
function goThroughTree({ xen, slot, first, link }: ReturnType<typeof tables>): Xen {
  link(0, 0, 1);
  link(0, 1, 2);
  link(1, 0, 3);
  link(1, 1, 4);
  link(2, 0, 4);
  link(2, 1, 5);
  expect(errnoName(pinTable(xen, slot, first, PGT.l3))).toBe('ok');
  expect(errnoName(unpinTable(xen, slot, first))).toBe('ok');
  expect(errnoName(pinTable(xen, slot, first, PGT.l3))).toBe('ok');
  decreaseReservation(xen, slot, first, -1);
  return xen;
}

describe('INV-PROGRESS', () => {
  it('holds where Xen looks between the entries of a tree, however large', () => {
    expect(broken(goThroughTree(tables()))).toEqual([]);
  });

  it.each<Partial<Profile>>([{ pageTableWork: 'in-one-go' }, { decreasePinned: 'unpins' }])(
    'fires on %o',
    (behaviours) => {
      expect(message(goThroughTree(tables(behaviours)), 'INV-PROGRESS')).toMatch(
        /^Xen went through \d tables or pages without a look/,
      );
    },
  );

  it('allows the exchange of an entry, which validates one table and empties another', () => {
    const { xen, slot, first, link } = tables({ pageTableWork: 'in-one-go' });
    pinTable(xen, slot, first, PGT.l2);
    expect([link(0, 0, 1), link(0, 0, 2)]).toEqual(['ok', 'ok']);
    expect(broken(xen)).toEqual([]);
  });
});

describe('LINEAR', () => {
  it('allows a table that leads to others of its level which lead to none', () => {
    const { xen, slot, first, link } = tables();
    for (const table of [0, 1, 2]) pinTable(xen, slot, first + table, PGT.l2);
    expect([link(0, 0, 1, false), link(0, 1, 2, false), link(0, 2, 0, false)]).toEqual(['ok', 'ok', 'ok']);
    expect([link(1, 0, 2, false), broken(xen)]).toEqual(['EINVAL', []]);
  });

  it('fires on a chain of three', () => {
    const { xen, slot, first, link } = tables({ linearChains: 'any-length' });
    for (const table of [0, 1, 2]) pinTable(xen, slot, first + table, PGT.l2);
    expect([link(1, 0, 2, false), link(0, 0, 1, false)]).toEqual(['ok', 'ok']);
    expect(message(xen, 'LINEAR')).toBe(
      'page table 0x101 leads to 0x102, and that to 0x103, all of one level',
    );
  });
});
