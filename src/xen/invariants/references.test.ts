import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../../formats/grant-v1.js';
import { PGT } from '../../formats/x86-page-info.js';
import { failNth } from '../failures.js';
import { getPage } from '../frames.js';
import { writeGrantEntry } from '../grant-entry.js';
import { mapGrantRef } from '../grant-map.js';
import { broken, mapVa, pvWithContext, unmapVa, x86 } from '../machine.fixture.js';
import { COUNT_MASK, typeCount } from '../page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable } from '../page-table.js';
import { guest, message } from './invariants.fixture.js';

describe('INV-REF', () => {
  it('holds while everybody who can holds something', () => {
    const { xen, slot, page, frame } = guest();
    mapVa(xen, slot, 0, page, 'rw');
    mapVa(xen, 0, 0, page, 'rw', slot);
    writeGrantEntry(xen, slot, 0, 0, frame, false);
    mapGrantRef(xen, 0, slot, 0, GNTMAP.host | GNTMAP.device, 0);
    const table = page + 1;
    mmuUpdate(xen, slot, table, 7, entryLow(xen, page, true), entryHigh(xen, page));
    expect(pinTable(xen, slot, table, PGT.l1)).toBe(0);
    mmuUpdate(xen, slot, table, 8, entryLow(xen, page, false), entryHigh(xen, page));
    const counts = [xen.frame.countInfo.get(page) & COUNT_MASK, typeCount(xen.frame.typeInfo.get(page))];
    expect(counts).toEqual([7, 5]);
    expect(broken(xen)).toEqual([]);
  });

  it('fires on a reference that nobody holds', () => {
    const { xen, slot, page } = guest();
    getPage(xen, page, slot);
    expect(message(xen, 'INV-REF')).toBe(
      'frame 0x101 (owned by d1, type writable, type count 0) counts more references than are held, 2 instead of 1: it is never freed',
    );
  });

  it('fires on a mapping that holds none', () => {
    const { xen, slot, page } = guest();
    mapVa(xen, slot, 0, page, 'rw');
    xen.frame.typeInfo.add(page, -1);
    expect(message(xen, 'INV-REF')).toBe(
      'frame 0x101 (owned by d1, type writable, type count 0) counts fewer type references than are held, 0 instead of 1: its type can change while it is relied on',
    );
  });

  it('finds on Xen 4.11.0 the type reference that stays when the IOMMU fails (XSA-291)', () => {
    for (const [edition, fires] of [
      ['4.11.1', true],
      ['4.11.2', false],
    ] as const) {
      const xen = x86(edition, { mode: 'strict' });
      const { slot, page } = pvWithContext(xen, 1);
      pinTable(xen, slot, page, PGT.l1);
      xen.frame.typeInfo.set(page, 0);
      xen.frame.countInfo.add(page, -1);
      expect(message(xen, 'INV-REF')).toBeUndefined();
      failNth(xen, 'map', 1);
      mapVa(xen, slot, 0, page, 'rw');
      unmapVa(xen, slot, 0);
      expect(message(xen, 'INV-REF') !== undefined, edition).toBe(fires);
    }
  });
});
