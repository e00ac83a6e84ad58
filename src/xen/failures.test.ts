import { describe, expect, test } from 'vitest';
import { R } from '../formats/address.js';
import { PGT } from '../formats/x86-page-info.js';
import { errnoName } from './errno.js';
import { type Failure, failNth, isFailureDue } from './failures.js';
import { dropAllocation } from './frames.js';
import { iommuMap } from './iommu-map.js';
import { amd, domain, mapped, populate, pvWithContext, typeText, x86 } from './machine.fixture.js';
import { memoryExchange, populatePhysmap } from './memory.js';
import { pinTable } from './page-table.js';

describe('a failure that was asked for', () => {
  test('comes once, at the operation that was named', () => {
    const xen = x86('4.17');
    const slot = domain(xen, { iommu: false });
    failNth(xen, 'alloc', 2);
    expect(populatePhysmap(xen, slot, 0)).toBeGreaterThanOrEqual(0);
    expect(errnoName(populatePhysmap(xen, slot, 0))).toBe('EBUSY');
    expect(populatePhysmap(xen, slot, 0)).toBeGreaterThanOrEqual(0);
  });

  test('can be taken back', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    failNth(xen, 'alloc', 1);
    failNth(xen, 'alloc', 0);
    expect(populatePhysmap(xen, slot, 0)).toBeGreaterThanOrEqual(0);
  });

  test('is state: the same machine with and without one waiting differ, and undoing brings it back', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    failNth(xen, 'alloc', 1);
    const [mark, hash] = [xen.store.mark(), xen.store.hashText()];
    populatePhysmap(xen, slot, 0);
    expect(isFailureDue(xen, 'alloc')).toBe(false);
    expect(xen.store.hashText()).not.toBe(hash);
    xen.store.rollback(mark);
    expect(isFailureDue(xen, 'alloc')).toBe(true);
  });
});

describe('an allocation that fails', () => {
  test('leaves nothing of the domain that was to be created, and does not fail again', () => {
    const xen = x86('4.17');
    failNth(xen, 'alloc', 1);
    const mark = xen.store.mark();
    expect(errnoName(domain(xen))).toBe('ENOMEM');
    expect(isFailureDue(xen, 'alloc')).toBe(false);
    let changed = 0;
    xen.store.forEachWrite(mark, xen.store.mark(), () => changed++);
    expect(changed).toBe(1);
    expect(domain(xen)).toBe(1);
  });

  test('at populate is a page less, EBUSY to libxc', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    failNth(xen, 'alloc', 1);
    expect(errnoName(populatePhysmap(xen, slot, 0))).toBe('EBUSY');
    expect(xen.domain.totPages.get(slot)).toBe(0);
  });

  test('after steal_page leaves the old page untyped (dossier §5.6: failures after a steal)', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 1);
    failNth(xen, 'alloc', 1);
    expect(errnoName(memoryExchange(xen, slot, page))).toBe('ENOMEM');
    expect(typeText(xen, page)).toBe('none 0');
    expect(mapped(xen, slot, page)).toBe('--');
  });
});

describe('a map that fails', () => {
  test.each([
    ['VT-d', x86, 'ENOMEM'],
    ['AMD-Vi', amd, 'EFAULT'],
  ] as const)('crashes the guest, and says so with the driver’s errno: %s', (_, machine, errno) => {
    const xen = machine('4.17');
    const { slot, page } = pvWithContext(xen, 1);
    const frame = xen.ram.frameAt(page);
    failNth(xen, 'map', 1);
    expect(errnoName(iommuMap(xen, slot, frame, frame, R))).toBe(errno);
    expect(mapped(xen, slot, page)).toBe('rw');
    expect(xen.domain.crashed.get(slot)).toBe(1);
  });
});

describe('an unmap that fails', () => {
  test('keeps a page from being freed: it leaks, with its type and its mapping (dossier §3.2)', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 1);
    failNth(xen, 'unmap', 1);
    dropAllocation(xen, page);
    expect(xen.frame.owner.get(page)).toBe(slot + 1);
    expect(typeText(xen, page)).toBe('writable 0');
    expect(mapped(xen, slot, page)).toBe('rw');
    expect(xen.domain.crashed.get(slot)).toBe(1);
  });

  test('keeps the leaked page from being handed out, also when the heap looks for a free one anew', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 2);
    failNth(xen, 'unmap', 1);
    dropAllocation(xen, page + 1);
    dropAllocation(xen, page);
    const other = domain(xen);
    expect([populatePhysmap(xen, other, 0), populatePhysmap(xen, other, 1)]).toEqual([page, page + 2]);
    expect(xen.frame.owner.get(page + 1)).toBe(slot + 1);
  });

  test('fails the type change that asked for it', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 1);
    failNth(xen, 'unmap', 1);
    expect(errnoName(pinTable(xen, slot, page, PGT.l1))).not.toBe('ok');
  });
});

test('nothing fails where nothing was asked for', () => {
  const xen = x86('4.17');
  for (const kind of ['alloc', 'map', 'unmap', 'flush', 'device'] satisfies Failure[]) {
    expect(isFailureDue(xen, kind)).toBe(false);
  }
  expect(populate(xen, domain(xen), 3)).toBeGreaterThanOrEqual(0);
});
