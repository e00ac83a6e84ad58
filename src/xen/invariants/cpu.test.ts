import { describe, expect, it } from 'vitest';
import { PGT } from '../../formats/x86-page-info.js';
import { broken, dma, mapVa, populate, pvWithContext, x86 } from '../machine.fixture.js';
import { ofType } from '../page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable } from '../page-table.js';
import { guest, message } from './invariants.fixture.js';

describe('INV-CPU-WRITE', () => {
  it('fires on a page table that a virtual page maps writable', () => {
    const { xen, slot, page } = guest();
    mapVa(xen, slot, 1, page, 'rw');
    expect(broken(xen)).toEqual([]);
    xen.frame.typeInfo.set(page, ofType(PGT.l1) + 1);
    expect(message(xen, 'INV-CPU-WRITE')).toBe(
      'd1 has frame 0x101 (owned by d1, type l1, type count 1) mapped writable at va 1',
    );
  });

  it('fires on one that an entry of an l1 table maps writable, and not on a read-only one', () => {
    const { xen, slot, page } = guest();
    const table = page + 1;
    pinTable(xen, slot, table, PGT.l1);
    mmuUpdate(xen, slot, table, 7, entryLow(xen, page, true), entryHigh(xen, page));
    mmuUpdate(xen, slot, table, 8, entryLow(xen, table, false), entryHigh(xen, table));
    expect(broken(xen)).toEqual([]);
    const at = xen.ram.frameAt(table) * 4096 + 8 * 8;
    xen.ram.write32(at, xen.ram.read32(at) | 2);
    expect(message(xen, 'INV-CPU-WRITE')).toBe(
      'entry 8 of the l1 table 0x102 of d1 maps frame 0x102 (owned by d1, type l1, type count 1) writable',
    );
  });

  it('fires on an entry that lets writes pass to a table of its own level', () => {
    const { xen, slot, page } = guest();
    pinTable(xen, slot, page, PGT.l4);
    expect(mmuUpdate(xen, slot, page, 3, entryLow(xen, page, false), entryHigh(xen, page))).toBe(0);
    expect(broken(xen)).toEqual([]);
    const at = xen.ram.frameAt(page) * 4096 + 3 * 8;
    xen.ram.write32(at, xen.ram.read32(at) | 2);
    expect(message(xen, 'INV-CPU-WRITE')).toBe(
      'entry 3 of the l4 table 0x101 of d1 leads to frame 0x101 (owned by d1, type l4, type count 1) writable',
    );
  });

  it('finds on Xen 4.11.0 what a device forged', () => {
    const xen = x86('4.11.0');
    const { slot, page } = pvWithContext(xen, 0);
    const table = populate(xen, slot, 1);
    pinTable(xen, slot, table, PGT.l1);
    expect([message(xen, 'INV-CPU-WRITE'), page]).toEqual([undefined, -1]);
    xen.ram.write32(xen.ram.frameAt(table) * 4096, entryLow(xen, table, true));
    expect(dma(xen, 0, 'write', xen.ram.frameAt(table) * 4096)).toBe('ok');
    expect(message(xen, 'INV-CPU-WRITE')).toMatch(/^entry 0 of the l1 table/);
  });
});
