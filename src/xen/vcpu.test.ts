import { describe, expect, it } from 'vitest';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { domain, mapped, mapVa, populate, pvWithContext, typeText, unmapVa, x86 } from './machine.fixture.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';
import { clearOrCopyPage, guestStore, newBaseptr, setGdt } from './vcpu.js';

function guest(pages = 6) {
  const xen = x86('4.17');
  return { xen, ...pvWithContext(xen, pages) };
}

/** Makes pages `page` to `page + 3` an L4, L3, L2 and L1, the last leading to `target`. */
function tables(xen: Xen, slot: number, page: number, target: number, writable: boolean): void {
  for (let level = 4; level > 1; level--) {
    const at = page + 4 - level;
    mmuUpdate(xen, slot, at, 1, entryLow(xen, at + 1, true), entryHigh(xen, at + 1));
  }
  mmuUpdate(xen, slot, page + 3, 1, entryLow(xen, target, writable), entryHigh(xen, target));
}

const canStore = (xen: Xen, slot: number, pdx: number) => guestStore(xen, slot, pdx, 9, 0, 0) === 0;

describe('the tables a vCPU runs on (§3.2)', () => {
  it('are validated all the way down, and let it write what they map writable', () => {
    const { xen, slot, page } = guest();
    tables(xen, slot, page, page + 4, true);
    expect(canStore(xen, slot, page + 4)).toBe(false);
    expect(errnoName(newBaseptr(xen, slot, page, 'baseptr'))).toBe('ok');
    expect([0, 1, 2, 3, 4].map((n) => typeText(xen, page + n))).toEqual([
      'l4 1',
      'l3 1',
      'l2 1',
      'l1 1',
      'writable 1',
    ]);
    expect([canStore(xen, slot, page + 4), canStore(xen, slot, page + 5)]).toEqual([true, false]);
    expect(mapped(xen, slot, page)).toBe('--');
  });

  it('do not let it write what they map read-only, nor themselves', () => {
    const { xen, slot, page } = guest();
    tables(xen, slot, page, page + 3, false);
    expect(errnoName(newBaseptr(xen, slot, page, 'baseptr'))).toBe('ok');
    expect(canStore(xen, slot, page + 3)).toBe(false);
  });

  it('hold their L4: it can be unpinned, and is no other type until the vCPU has left it', () => {
    const { xen, slot, page } = guest();
    pinTable(xen, slot, page, PGT.l4);
    newBaseptr(xen, slot, page, 'baseptr');
    newBaseptr(xen, slot, page, 'userBaseptr');
    expect(errnoName(unpinTable(xen, slot, page))).toBe('ok');
    expect([typeText(xen, page), mapVa(xen, slot, 0, page, 'rw')]).toEqual(['l4 2', 'EBUSY']);
    newBaseptr(xen, slot, page + 1, 'baseptr');
    newBaseptr(xen, slot, -1, 'userBaseptr');
    expect([typeText(xen, page), mapVa(xen, slot, 0, page, 'rw')]).toEqual(['l4 0', 'ok']);
  });

  it('cannot be another’s, nor a page that is written; only user tables can be none', () => {
    const { xen, slot, page } = guest();
    const other = pvWithContext(xen, 1, 1);
    mapVa(xen, slot, 0, page, 'rw');
    const tries = [other.page, page, -1].map((pdx) => errnoName(newBaseptr(xen, slot, pdx, 'baseptr')));
    expect(tries).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    expect(errnoName(newBaseptr(xen, slot, -1, 'userBaseptr'))).toBe('ok');
  });

  it('go with the domain', () => {
    const { xen, slot, page } = guest();
    tables(xen, slot, page, page + 4, true);
    newBaseptr(xen, slot, page, 'baseptr');
    setGdt(xen, slot, page + 5, 512);
    expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
    expect(xen.domain.life.get(slot)).toBe(Life.absent);
  });
});

describe('segment descriptors (§3.2)', () => {
  const PRESENT = 0x8000;
  const withDescriptor = (a: number, b: number) => {
    const machine = guest();
    mmuUpdate(machine.xen, machine.slot, machine.page, 3, a, b);
    return machine;
  };

  it('make their page one that neither CPU nor device can write', () => {
    const { xen, slot, page } = guest();
    expect([errnoName(setGdt(xen, slot, page, 512)), typeText(xen, page)]).toEqual(['ok', 'seg_desc 1']);
    expect([mapped(xen, slot, page), mapVa(xen, slot, 0, page, 'rw')]).toEqual(['--', 'EBUSY']);
    expect(errnoName(mmuUpdate(xen, slot, page, 0, 0, 0))).toBe('EINVAL');
    setGdt(xen, slot, page, 0);
    expect([typeText(xen, page), mapVa(xen, slot, 0, page, 'rw')]).toEqual(['seg_desc 0', 'ok']);
    expect(mapped(xen, slot, page)).toBe('rw');
  });

  it.each([
    ['one that is not present', 0xffff, 0xff, 'ok', 0xff],
    ['a code segment, which is lifted to ring 3', 0xffff, PRESENT | 0x1a00, 'ok', PRESENT | 0x7a00],
    ['the second half of a call gate', 1, PRESENT, 'ok', PRESENT],
    ['a call gate to the guest’s own code', 0x0010_0000, PRESENT | 0x0c00 | 0x6000, 'ok', PRESENT | 0x0c00],
    ['a call gate into Xen', 0xe008_0000, PRESENT | 0x0c00, 'EINVAL', PRESENT | 0x0c00],
    ['a task state', 0, PRESENT | 0x0900, 'EINVAL', PRESENT | 0x0900],
    ['an interrupt gate', 0x0010_0000, PRESENT | 0x0e00, 'EINVAL', PRESENT | 0x0e00],
  ])('%s', (_, a, b, errno, after) => {
    const { xen, slot, page } = withDescriptor(a, b);
    expect(errnoName(setGdt(xen, slot, page, 512))).toBe(errno);
    expect(xen.ram.read32(xen.ram.frameAt(page) * 4096 + 28)).toBe(after);
    expect(typeText(xen, page)).toBe(errno === 'ok' ? 'seg_desc 1' : 'none 0');
  });

  it('keep the old table when the new one is refused', () => {
    const { xen, slot, page } = withDescriptor(0, PRESENT | 0x0900);
    setGdt(xen, slot, page + 1, 512);
    expect(errnoName(setGdt(xen, slot, page, 512))).toBe('EINVAL');
    expect(errnoName(setGdt(xen, slot, page + 2, 7169))).toBe('EINVAL');
    expect([typeText(xen, page + 1), xen.domain.gdt.get(slot)]).toEqual(['seg_desc 1', page + 2]);
  });
});

describe('clearing and copying pages', () => {
  it('writes what the domain may write', () => {
    const { xen, slot, page } = guest();
    mmuUpdate(xen, slot, page, 3, 7, 8);
    expect(errnoName(clearOrCopyPage(xen, slot, page + 1, page))).toBe('ok');
    const word = (pdx: number) => xen.ram.read32(xen.ram.frameAt(pdx) * 4096 + 24);
    expect(word(page + 1)).toBe(7);
    expect(errnoName(clearOrCopyPage(xen, slot, page))).toBe('ok');
    expect([word(page), word(page + 1)]).toEqual([0, 7]);
  });

  it('refuses a page table, another’s page, and none', () => {
    const { xen, slot, page } = guest();
    const other = pvWithContext(xen, 1, 1);
    pinTable(xen, slot, page, PGT.l1);
    const before = xen.store.hashText();
    const tries = [page, other.page, -1].map((pdx) => errnoName(clearOrCopyPage(xen, slot, pdx)));
    expect(tries).toEqual(['EINVAL', 'EINVAL', 'EINVAL']);
    expect(errnoName(clearOrCopyPage(xen, slot, page + 1, other.page))).toBe('EINVAL');
    expect(xen.store.hashText()).toBe(before);
  });
});

it('translated domains have none of this', () => {
  const xen = x86('4.17');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
  const page = populate(xen, slot, 1);
  expect([
    errnoName(newBaseptr(xen, slot, page, 'baseptr')),
    errnoName(setGdt(xen, slot, page, 512)),
    errnoName(clearOrCopyPage(xen, slot, page)),
  ]).toEqual(['EINVAL', 'ENOSYS', 'ENOSYS']);
  expect(unmapVa(xen, slot, 0)).toBe('ENOSYS');
});
