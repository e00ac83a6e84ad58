import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import { assign, domain, mapVa, populate, typeText, unmapVa, x86 } from './machine.fixture.js';
import { COUNT_MASK } from './page-info.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable, updateVaMapping } from './page-table.js';
import type { Xen } from './state.js';
import { guestStore } from './vcpu.js';

function guest(pages = 6): { xen: Xen; slot: number; p: number[] } {
  const xen = x86('4.22');
  const slot = domain(xen);
  const first = populate(xen, slot, pages);
  return { xen, slot, p: Array.from({ length: pages }, (_, i) => first + i) };
}

/** Writes an entry into a page as the guest's CPU does, under a passing writable mapping. */
function poke(xen: Xen, slot: number, pdx: number, index: number, target: number, writable = true): void {
  mapVa(xen, slot, 7, pdx, 'rw');
  guestStore(
    xen,
    slot,
    pdx,
    index,
    target < 0 ? 0 : entryLow(xen, target, writable),
    target < 0 ? 0 : entryHigh(xen, target),
  );
  unmapVa(xen, slot, 7);
}

const state = (xen: Xen, pdx: number) =>
  `${typeText(xen, pdx)}, refs ${xen.frame.countInfo.get(pdx) & COUNT_MASK}`;
const pin = (xen: Xen, slot: number, pdx: number, type: number) => errnoName(pinTable(xen, slot, pdx, type));
const unpin = (xen: Xen, slot: number, pdx: number) => errnoName(unpinTable(xen, slot, pdx));

describe('validation', () => {
  it('takes from each present entry a general reference, and a writable one where writes pass', () => {
    const { xen, slot, p } = guest();
    poke(xen, slot, p[0]!, 0, p[1]!, true);
    poke(xen, slot, p[0]!, 511, p[2]!, false);
    expect(pin(xen, slot, p[0]!, PGT.l1)).toBe('ok');
    expect(state(xen, p[0]!)).toBe('l1 1 pinned, refs 2');
    expect(state(xen, p[1]!)).toBe('writable 1, refs 2');
    expect(state(xen, p[2]!)).toBe('writable 0, refs 2');
  });

  it('of L2 to L4 takes a reference of the type one level down, which is validated in turn', () => {
    const { xen, slot, p } = guest();
    const [l4, l3, l2, l1, page] = p as [number, number, number, number, number];
    poke(xen, slot, l1, 9, page);
    poke(xen, slot, l2, 8, l1);
    poke(xen, slot, l3, 7, l2);
    poke(xen, slot, l4, 6, l3);
    expect(pin(xen, slot, l4, PGT.l4)).toBe('ok');
    expect([l4, l3, l2, l1, page].map((pdx) => state(xen, pdx))).toEqual([
      'l4 1 pinned, refs 2',
      'l3 1, refs 2',
      'l2 1, refs 2',
      'l1 1, refs 2',
      'writable 1, refs 2',
    ]);
    expect(unpin(xen, slot, l4)).toBe('ok');
    expect([l4, l3, l2, l1, page].map((pdx) => state(xen, pdx))).toEqual([
      'l4 0, refs 1',
      'l3 0, refs 1',
      'l2 0, refs 1',
      'l1 0, refs 1',
      'writable 0, refs 1',
    ]);
  });

  it('at the first entry that cannot be had gives back what the earlier ones took', () => {
    const { xen, slot, p } = guest();
    const [l2, l1, good, table] = p as [number, number, number, number];
    poke(xen, slot, l1, 0, good);
    poke(xen, slot, l1, 1, table);
    poke(xen, slot, l2, 0, l1);
    pin(xen, slot, table, PGT.l1);
    expect(pin(xen, slot, l2, PGT.l2)).toBe('EBUSY');
    expect([l2, l1, good, table].map((pdx) => state(xen, pdx))).toEqual([
      'none 0, refs 1',
      'none 0, refs 1',
      'writable 0, refs 1',
      'l1 1 pinned, refs 2',
    ]);
  });

  it.each([
    ['another domain’s page', (xen: Xen) => [entryLow(xen, xen.ram.indexOf(0x100), false), 0], 'EBUSY'],
    ['a page of Xen’s own', () => [(0x10 << 12) | 1, 0], 'EBUSY'],
    ['no RAM', () => [(0xf0000 << 12) | 1, 0], 'EPERM'],
    ['bits 52 to 62', (xen: Xen, own: number) => [entryLow(xen, own, false), 0x7ff0_0000], 'ok'],
    ['PCD', (xen: Xen, own: number) => [entryLow(xen, own, false) | 0x10, 0], 'EINVAL'],
    [
      'global, which is for user mappings',
      (xen: Xen, own: number) => [entryLow(xen, own, false) | 0x100, 0],
      'ok',
    ],
    ['no-execute', (xen: Xen, own: number) => [entryLow(xen, own, false), 1 << 31], 'ok'],
  ] as const)('of an L1 entry with %s: %s', (_, words, status) => {
    const { xen, slot, p } = guest();
    const [lo, hi] = words(xen, p[1]!) as [number, number];
    mapVa(xen, slot, 7, p[0]!, 'rw');
    guestStore(xen, slot, p[0]!, 0, lo, hi);
    unmapVa(xen, slot, 7);
    expect(pin(xen, slot, p[0]!, PGT.l1)).toBe(status);
    expect(typeText(xen, p[0]!)).toBe(status === 'ok' ? 'l1 1 pinned' : 'none 0');
  });

  it('lets who has a device choose how memory is cached', () => {
    const { xen, slot, p } = guest();
    const lo = entryLow(xen, p[1]!, true) | 0x18;
    pin(xen, slot, p[0]!, PGT.l1);
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, lo, 0))).toBe('EINVAL');
    assign(xen, slot);
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, lo, 0))).toBe('ok');
  });

  it('of a table entry refuses PSE, PWT, PCD, global, no RAM and another type', () => {
    const { xen, slot, p } = guest();
    const base = entryLow(xen, p[1]!, true);
    pin(xen, slot, p[0]!, PGT.l2);
    const set = (lo: number, hi = 0) => errnoName(mmuUpdate(xen, slot, p[0]!, 0, lo, hi));
    for (const bit of [0x80, 0x8, 0x10, 0x100]) expect(set(base | bit)).toBe('EINVAL');
    expect(set((0xf0000 << 12) | 1)).toBe('EINVAL');
    pin(xen, slot, p[2]!, PGT.l2);
    expect(set(entryLow(xen, p[2]!, true))).toBe('EINVAL');
    expect(set(base)).toBe('ok');
    expect(typeText(xen, p[1]!)).toBe('l1 1');
  });

  it('does not look at the slots of an L4 that are Xen’s', () => {
    const { xen, slot, p } = guest();
    const foreign = xen.ram.indexOf(0x100);
    for (const index of [256, 271]) poke(xen, slot, p[0]!, index, foreign);
    expect(pin(xen, slot, p[0]!, PGT.l4)).toBe('ok');
    for (const [index, status] of [
      [255, 'ok'],
      [256, 'EINVAL'],
      [271, 'EINVAL'],
      [272, 'ok'],
    ] as const) {
      expect(errnoName(mmuUpdate(xen, slot, p[0]!, index, 0, 0)), `${index}`).toBe(status);
    }
    unpin(xen, slot, p[0]!);
    expect(xen.hostBug).toBeUndefined();
  });
});

describe('pinning', () => {
  it('holds one general and one type reference', () => {
    const { xen, slot, p } = guest();
    pin(xen, slot, p[0]!, PGT.l3);
    expect(state(xen, p[0]!)).toBe('l3 1 pinned, refs 2');
    expect(unpin(xen, slot, p[0]!)).toBe('ok');
    expect(state(xen, p[0]!)).toBe('l3 0, refs 1');
  });

  it.each([
    [
      'twice',
      (xen: Xen, slot: number, p: number[]) => [PGT.l1, PGT.l1].map((type) => pin(xen, slot, p[0]!, type))[1],
    ],
    [
      'as another type',
      (xen: Xen, slot: number, p: number[]) => [PGT.l1, PGT.l2].map((type) => pin(xen, slot, p[0]!, type))[1],
    ],
    [
      'while mapped writable',
      (xen: Xen, slot: number, p: number[]) => {
        mapVa(xen, slot, 0, p[0]!, 'rw');
        return pin(xen, slot, p[0]!, PGT.l1);
      },
    ],
    ['of another’s page', (xen: Xen, slot: number) => pin(xen, slot, xen.ram.indexOf(0x100), PGT.l1)],
    ['of no page', (xen: Xen, slot: number) => pin(xen, slot, -1, PGT.l1)],
  ])('%s is EINVAL', (_, attempt) => {
    const { xen, slot, p } = guest();
    expect(attempt(xen, slot, p)).toBe('EINVAL');
    expect(xen.frame.countInfo.get(p[1]!) & COUNT_MASK).toBe(1);
  });

  it('is undone once: unpinning what is not pinned, or not one’s own, is EINVAL and changes nothing', () => {
    const { xen, slot, p } = guest();
    pin(xen, slot, p[0]!, PGT.l1);
    unpin(xen, slot, p[0]!);
    const hash = xen.store.hashText();
    expect(unpin(xen, slot, p[0]!)).toBe('EINVAL');
    expect(unpin(xen, slot, xen.ram.indexOf(0x100))).toBe('EINVAL');
    expect(xen.store.hashText()).toBe(hash);
  });

  it('is no hypercall of a translated domain', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const page = populate(xen, slot, 1);
    expect([pin(xen, slot, page, PGT.l1), unpin(xen, slot, page)]).toEqual(['ENOSYS', 'ENOSYS']);
    expect(errnoName(mmuUpdate(xen, slot, page, 0, 0, 0))).toBe('ENOSYS');
    expect(errnoName(updateVaMapping(xen, slot, 0, page, true, slot))).toBe('ENOSYS');
  });
});

describe('mmu_update', () => {
  it('of a page table takes the new entry’s references, then drops the old one’s', () => {
    const { xen, slot, p } = guest();
    pin(xen, slot, p[0]!, PGT.l1);
    const set = (target: number, writable: boolean) =>
      errnoName(mmuUpdate(xen, slot, p[0]!, 4, target < 0 ? 0 : entryLow(xen, target, writable), 0));
    expect(set(p[1]!, true)).toBe('ok');
    expect(state(xen, p[1]!)).toBe('writable 1, refs 2');
    expect(set(p[1]!, false)).toBe('ok');
    expect(state(xen, p[1]!)).toBe('writable 0, refs 2');
    expect(set(p[2]!, true)).toBe('ok');
    expect([state(xen, p[1]!), state(xen, p[2]!)]).toEqual(['writable 0, refs 1', 'writable 1, refs 2']);
    expect(set(-1, false)).toBe('ok');
    expect(state(xen, p[2]!)).toBe('writable 0, refs 1');
  });

  it('that is refused leaves the old entry and its references', () => {
    const { xen, slot, p } = guest();
    pin(xen, slot, p[0]!, PGT.l1);
    pin(xen, slot, p[2]!, PGT.l1);
    mmuUpdate(xen, slot, p[0]!, 0, entryLow(xen, p[1]!, true), 0);
    const hash = xen.store.hashText();
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, entryLow(xen, p[2]!, true), 0))).toBe('EBUSY');
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, entryLow(xen, p[0]!, true), 0))).toBe('EBUSY');
    expect(xen.store.hashText()).toBe(hash);
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, entryLow(xen, p[2]!, false), 0))).toBe('ok');
  });

  it('of an ordinary page writes it under a passing writable reference', () => {
    const { xen, slot, p } = guest();
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 1, 0x1234, 0x5))).toBe('ok');
    expect(state(xen, p[0]!)).toBe('writable 0, refs 1');
    expect(xen.ram.read32(xen.ram.frameAt(p[0]!) * 4096 + 8)).toBe(0x1234);
  });

  it('of another’s page, or one whose content is a descriptor table, is EINVAL', () => {
    const { xen, slot, p } = guest();
    expect(errnoName(mmuUpdate(xen, slot, xen.ram.indexOf(0x100), 0, 0, 0))).toBe('EINVAL');
    expect(errnoName(mmuUpdate(xen, slot, -1, 0, 0, 0))).toBe('EINVAL');
    xen.frame.typeInfo.set(p[0]!, (PGT.segDesc << 29) | (1 << 26) | 1);
    expect(errnoName(mmuUpdate(xen, slot, p[0]!, 0, 0, 0))).toBe('EINVAL');
  });
});

describe('update_va_mapping', () => {
  it('holds references like an L1 entry, and lets a page be mapped once more', () => {
    const { xen, slot, p } = guest();
    mapVa(xen, slot, 0, p[0]!, 'rw');
    mapVa(xen, slot, 1, p[0]!, 'rw');
    mapVa(xen, slot, 2, p[0]!, 'ro');
    expect(state(xen, p[0]!)).toBe('writable 2, refs 4');
    mapVa(xen, slot, 0, p[1]!, 'rw');
    mapVa(xen, slot, 1, p[0]!, 'ro');
    expect(state(xen, p[0]!)).toBe('writable 0, refs 3');
    for (const va of [0, 1, 2]) unmapVa(xen, slot, va);
    expect([state(xen, p[0]!), state(xen, p[1]!)]).toEqual(['writable 0, refs 1', 'writable 0, refs 1']);
  });

  it('of another domain’s page is for dom0 alone; the page must be the one’s that dom0 says', () => {
    const { xen, slot, p } = guest();
    expect(mapVa(xen, slot, 0, xen.ram.indexOf(0x100), 'ro', 0)).toBe('EPERM');
    expect(mapVa(xen, 0, 0, p[0]!, 'rw', 0)).toBe('EBUSY');
    expect(mapVa(xen, 0, 0, p[0]!, 'rw', slot)).toBe('ok');
    expect(state(xen, p[0]!)).toBe('writable 1, refs 2');
    expect(pin(xen, slot, p[0]!, PGT.l1)).toBe('EINVAL');
    unmapVa(xen, 0, 0);
    expect(state(xen, p[0]!)).toBe('writable 0, refs 1');
  });

  it('of a translated domain’s page counts as no writable reference of it', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const page = populate(xen, slot, 1);
    mapVa(xen, 0, 0, page, 'rw', slot);
    expect(state(xen, page)).toBe('none 0, refs 2');
    unmapVa(xen, 0, 0);
    expect(state(xen, page)).toBe('none 0, refs 1');
  });
});

describe('a guest’s store', () => {
  it('needs a writable mapping, else its CPU faults', () => {
    const { xen, slot, p } = guest();
    const store = () => errnoName(guestStore(xen, slot, p[0]!, 0, 1, 0));
    expect(store()).toBe('EFAULT');
    mapVa(xen, slot, 0, p[0]!, 'ro');
    expect(store()).toBe('EFAULT');
    mapVa(xen, slot, 0, p[0]!, 'rw');
    expect(store()).toBe('ok');
  });
});
