import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CDF, setAddressSize } from './domain.js';
import { errnoName } from './errno.js';
import { disableLogDirty, enableLogDirty } from './exclusions.js';
import { isFree } from './frames.js';
import { firstL1Table, updateLinearMapping } from './linear-mapping.js';
import { broken, domain, populate, typeText, x86 } from './machine.fixture.js';
import {
  entryHigh,
  entryLow,
  machphysUpdate,
  mmuUpdate,
  PTE_RW,
  pinTable,
  unpinTable,
} from './page-table.js';
import type { Xen } from './state.js';
import { newBaseptr } from './vcpu.js';

const link = (xen: Xen, slot: number, table: number, target: number, writable = true, index = 0) =>
  errnoName(mmuUpdate(xen, slot, table, index, entryLow(xen, target, writable), entryHigh(xen, target)));

/** A PV guest that runs on an L4 with one table of each level below it; two pages more. */
function running(edition: string) {
  const xen = x86(edition, { limits: { cpuTlb: 4 } });
  const slot = domain(xen);
  const l4 = populate(xen, slot, 6);
  const [l3, l2, l1, other, page] = [l4 + 1, l4 + 2, l4 + 3, l4 + 4, l4 + 5];
  for (const [table, target] of [
    [l2, l1],
    [l3, l2],
    [l4, l3],
  ] as const)
    expect(link(xen, slot, table, target)).toBe('ok');
  expect(errnoName(newBaseptr(xen, slot, l4, 'baseptr'))).toBe('ok');
  const map = (target: number) =>
    errnoName(updateLinearMapping(xen, slot, 5, entryLow(xen, target, true), entryHigh(xen, target)));
  return { xen, slot, l4, l2, l1, other, page, map };
}

describe('a mapping in the tables that a guest runs on', () => {
  it('is made in the L1 table below entry 0 of each, and validated', () => {
    const { xen, slot, l1, page, map } = running('4.22');
    expect([firstL1Table(xen, slot), map(page), typeText(xen, page)]).toEqual([l1, 'ok', 'writable 1']);
    expect(map(l1)).toBe('EBUSY');
    expect(broken(xen)).toEqual([]);
  });

  it('needs such a table', () => {
    const { xen, slot, l2, page, map } = running('4.22');
    expect(errnoName(mmuUpdate(xen, slot, l2, 0, 0, 0))).toBe('ok');
    expect(map(page)).toBe('EINVAL');
  });

  it.each([
    ['4.14.0', 'STALE-TABLE', false],
    ['4.14.1', undefined, true],
    ['4.22', undefined, true],
  ])('after a change above, %s finds %s', (edition, invariant, isNew) => {
    const { xen, slot, l2, l1, other, page, map } = running(edition);
    map(page);
    expect(link(xen, slot, l2, other)).toBe('ok');
    expect(broken(xen)[0]).toBe(invariant);
    expect(map(page)).toBe(isNew ? 'ok' : 'EINVAL');
    expect(firstL1Table(xen, slot)).toBe(other);
    expect(typeText(xen, l1)).toBe('l1 0');
  });
});

describe('a 32-bit guest', () => {
  function compat() {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: 0 });
    expect(errnoName(setAddressSize(xen, slot, 32))).toBe('ok');
    const l3 = populate(xen, slot, 4);
    return { xen, slot, l3, l2: l3 + 1, xens: l3 + 2 };
  }

  it('is one from before it has pages on', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const hvm = domain(xen, { flags: CDF.hvm | CDF.hap });
    expect(errnoName(setAddressSize(xen, slot, 48))).toBe('EINVAL');
    expect(errnoName(setAddressSize(xen, hvm, 32))).toBe('EACCES');
    populate(xen, slot, 1);
    expect(errnoName(setAddressSize(xen, slot, 64))).toBe('ok');
    expect(errnoName(setAddressSize(xen, slot, 32))).toBe('EACCES');
    expect(errnoName(setAddressSize(xen, 3, 32))).toBe('ESRCH');
  });

  it('has an L3 of four entries, of which the last is there, and which Xen makes writable', () => {
    const { xen, slot, l3, l2, xens } = compat();
    link(xen, slot, l3, l2, false, 1);
    link(xen, slot, l3, l2, false, 9);
    expect(errnoName(pinTable(xen, slot, l3, PGT.l3))).toBe('EINVAL');
    link(xen, slot, l3, xens, true, 3);
    expect(errnoName(pinTable(xen, slot, l3, PGT.l3))).toBe('ok');
    const entry = (index: number) => xen.ram.read32(xen.ram.frameAt(l3) * 4096 + index * 8);
    expect([entry(1) & PTE_RW, entry(9), typeText(xen, xens)]).toEqual([PTE_RW, 0, 'l2 1']);
    expect(link(xen, slot, l3, l2, false, 3)).toBe('EINVAL');
    expect(link(xen, slot, l3, l2, false, 0)).toBe('ok');
    expect([entry(0) & PTE_RW, broken(xen)]).toEqual([PTE_RW, []]);
    expect(errnoName(unpinTable(xen, slot, l3))).toBe('ok');
    expect([entry(0) & PTE_RW, typeText(xen, l2)]).toEqual([0, 'l2 0']);
  });

  it('has no linear entries in its L3, and no L4', () => {
    const { xen, slot, l3, xens } = compat();
    link(xen, slot, l3, xens, true, 3);
    link(xen, slot, l3, l3, false, 0);
    expect(errnoName(pinTable(xen, slot, l3, PGT.l3))).toBe('EINVAL');
    expect(errnoName(pinTable(xen, slot, l3, PGT.l4))).toBe('ok');
    expect(typeText(xen, l3)).toBe('none 0');
    expect(errnoName(newBaseptr(xen, slot, l3, 'baseptr'))).toBe('EINVAL');
  });
});

describe('MACHPHYS_UPDATE', () => {
  it('is for PV domains and their pages, and changes nothing', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const page = populate(xen, slot, 1);
    const hvm = domain(xen, { flags: CDF.hvm | CDF.hap });
    const other = populate(xen, hvm, 1);
    const before = xen.store.hashText();
    const answers = [
      machphysUpdate(xen, slot, page, slot),
      machphysUpdate(xen, 0, page, slot),
      machphysUpdate(xen, slot, other, hvm),
      machphysUpdate(xen, 0, other, hvm),
      machphysUpdate(xen, slot, other, slot),
      machphysUpdate(xen, hvm, other, hvm),
    ].map(errnoName);
    expect(answers).toEqual(['ok', 'ok', 'EPERM', 'EINVAL', 'EINVAL', 'ENOSYS']);
    expect(xen.store.hashText()).toBe(before);
  });
});

describe('the bitmap of log-dirty mode', () => {
  it('is a frame of Xen’s for as long as the mode is on', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    const before = xen.store.hashText();
    expect(errnoName(enableLogDirty(xen, 0, slot))).toBe('ok');
    const frame = xen.domain.logDirtyFrame.get(slot) - 1;
    expect([isFree(xen, frame), broken(xen)]).toEqual([false, []]);
    expect(errnoName(disableLogDirty(xen, 0, slot))).toBe('ok');
    expect([isFree(xen, frame), xen.store.hashText()]).toEqual([true, before]);
  });

  it('needs memory', () => {
    const xen = x86('4.22');
    const slot = domain(xen);
    xen.heap.lowestFree.set(1, xen.xenHeap.end);
    expect(errnoName(enableLogDirty(xen, 0, slot))).toBe('ENOMEM');
  });
});
