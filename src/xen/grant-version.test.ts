import { describe, expect, it } from 'vitest';
import { GNTMAP, GTF_SUB_PAGE, grantFlags } from '../formats/grant-v1.js';
import { CDF, createDomain } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { isFree } from './frames.js';
import {
  clearGrantEntry,
  grantEntryFrame,
  grantEntryWord,
  grantUse,
  writeGrantEntry,
  writeTransitiveGrant,
} from './grant-entry.js';
import {
  getStatusFrames,
  grantEntryCount,
  grantFrameCount,
  isVersion2,
  setupTable,
  sharedFrame,
  statusFrame,
} from './grant-frames.js';
import { mapGrantRef } from './grant-map.js';
import { grantStatusName } from './grant-status.js';
import { unmapGrantRef } from './grant-unmap.js';
import { getGrantVersion, setGrantVersion, swapGrantRefs } from './grant-version.js';
import { arm, domain, type MachineOptions, mapped, mapVa, populate, x86 } from './machine.fixture.js';
import { p2mLookup } from './p2m.js';
import { addToPhysmap } from './physmap.js';
import type { Xen } from './state.js';

const { host: HOST, readonly: RO } = GNTMAP;
const HVM = CDF.hvm | CDF.hap;

function guestOf(edition = '4.22', options: MachineOptions = {}, flags = 0) {
  const xen = x86(edition, options);
  const slot = domain(xen, { flags });
  const page = populate(xen, slot, 2, 5);
  return { xen, slot, page };
}

const set = (xen: Xen, slot: number, version: number) => errnoName(setGrantVersion(xen, slot, version));
const map = (xen: Xen, slot: number, ref: number, flags: number = HOST) =>
  grantStatusName(mapGrantRef(xen, 0, slot, ref, flags, 0));

describe('set_version refuses, in this order (§5.6)', () => {
  it('1. a version that is none: -EINVAL', () => {
    const { xen, slot } = guestOf();
    for (const version of [0, 3, -1]) expect(set(xen, slot, version)).toBe('EINVAL');
  });

  it('2. version 2 where it is not to be had: -ENOSYS', () => {
    const { xen, slot } = guestOf('4.22', { gnttab: { maxVersion: 1 } });
    expect([set(xen, slot, 2), set(xen, slot, 1)]).toEqual(['ENOSYS', 'ok']);
  });

  it.each([
    ['4.11.0', 'ok'],
    ['4.11.1', 'ENOSYS'],
    ['4.12', 'ENOSYS'],
    ['4.22', 'ENOSYS'],
  ])('2. on Arm in %s: %s (9a5c16a3e7)', (edition, status) => {
    const xen = arm(edition);
    expect(set(xen, domain(xen), 2)).toBe(status);
  });

  it.each([
    ['4.15', 1, 'ok', 'ok'],
    ['4.16', 1, 'ok', 'ENOSYS'],
    ['4.16', 2, 'ok', 'ok'],
    ['4.16', 0, 'EINVAL', ''],
    ['4.16', 3, 'EINVAL', ''],
  ])(
    '2. in %s for a domain made with version %i at most, which answers %s: %s',
    (edition, most, made, status) => {
      const xen = x86(edition);
      const config = { flags: 0, iommuOpts: 0, maxVcpus: 1, maxPages: 4, directMapped: false };
      const slot = createDomain(xen, -1, { ...config, maxGrantVersion: most });
      expect(errnoName(slot)).toBe(made);
      if (slot > 0) expect(set(xen, slot, 2)).toBe(status);
      else expect(xen.exists(1)).toBe(false);
    },
  );

  it('3. any while an entry is pinned, but for the eight of the toolstack: -EBUSY', () => {
    const { xen, slot, page } = guestOf();
    for (const ref of [7, 8]) writeGrantEntry(xen, slot, ref, 0, xen.ram.frameAt(page), false);
    map(xen, slot, 7);
    map(xen, slot, 8);
    expect([set(xen, slot, 1), set(xen, slot, 2)]).toEqual(['ok', 'EBUSY']);
    unmapGrantRef(xen, 0, 1, HOST, -1);
    expect(set(xen, slot, 2)).toBe('ok');
  });

  it('4. version 2 without memory for its statuses: -ENOMEM, and nothing has changed', () => {
    const { xen, slot } = guestOf();
    const hash = xen.store.hashText();
    failNth(xen, 'alloc', 1);
    expect(set(xen, slot, 2)).toBe('ENOMEM');
    expect(xen.store.hashText()).toBe(hash);
  });

  it('5. version 1 while a reserved entry has no form in it: -ERANGE', () => {
    const { xen, slot } = guestOf();
    set(xen, slot, 2);
    writeTransitiveGrant(xen, slot, 3, 0, 2, 1, false);
    expect(set(xen, slot, 1)).toBe('ERANGE');
    writeGrantEntry(xen, slot, 3, 0, 2 ** 32, false);
    expect(set(xen, slot, 1)).toBe('ERANGE');
    writeGrantEntry(xen, slot, 3, 0, 2 ** 32 - 1, false);
    expect(set(xen, slot, 1)).toBe('ok');
    set(xen, slot, 2);
    writeTransitiveGrant(xen, slot, 8, 0, 2, 1, false);
    expect(set(xen, slot, 1)).toBe('ok');
  });

  it('6. version 1 while somebody holds a status frame: -EBUSY', () => {
    const { xen, slot } = guestOf();
    set(xen, slot, 2);
    expect(mapVa(xen, slot, 0, statusFrame(xen, slot, 0), 'rw')).toBe('ok');
    expect([set(xen, slot, 1), isVersion2(xen, slot), xen.domain.crashed.get(slot)]).toEqual([
      'EBUSY',
      true,
      0,
    ]);
  });
});

describe('a change of version', () => {
  it('keeps the first eight entries with their use, and clears all others', () => {
    const { xen, slot, page } = guestOf();
    const frame = xen.ram.frameAt(page);
    writeGrantEntry(xen, slot, 7, 0, frame, false);
    writeGrantEntry(xen, slot, 9, 0, frame, false);
    map(xen, slot, 7);
    expect(grantFlags(grantEntryWord(xen, slot, 7))).toBe(0x19);
    set(xen, slot, 2);
    expect([grantFlags(grantEntryWord(xen, slot, 7)), grantUse(xen, slot, 7)]).toEqual([1, 0x18]);
    expect([grantEntryFrame(xen, slot, 7), grantEntryWord(xen, slot, 9)]).toEqual([frame, 0]);
    expect(clearGrantEntry(xen, slot, 7)).toBe(false);
    set(xen, slot, 1);
    expect([grantFlags(grantEntryWord(xen, slot, 7)), grantEntryFrame(xen, slot, 7)]).toEqual([0x19, frame]);
    expect(grantStatusName(unmapGrantRef(xen, 0, 0, HOST, -1))).toBe('ok');
    expect(grantFlags(grantEntryWord(xen, slot, 7))).toBe(1);
  });

  it('and back leaves the state as it was', () => {
    const { xen, slot, page } = guestOf();
    writeGrantEntry(xen, slot, 1, 0, xen.ram.frameAt(page), true);
    const hash = xen.store.hashText();
    set(xen, slot, 2);
    expect(xen.store.hashText()).not.toBe(hash);
    set(xen, slot, 1);
    expect(xen.store.hashText()).toBe(hash);
  });

  it('drops what version 1 has no type for', () => {
    const { xen, slot } = guestOf();
    set(xen, slot, 2);
    writeGrantEntry(xen, slot, 0, 0, 7, false, 3);
    writeGrantEntry(xen, slot, 1, 0, 7, false, GTF_SUB_PAGE, 1, 2);
    writeTransitiveGrant(xen, slot, 0, 0, 1, 0, false);
    clearGrantEntry(xen, slot, 0);
    set(xen, slot, 1);
    expect([grantEntryWord(xen, slot, 0), grantFlags(grantEntryWord(xen, slot, 1))]).toEqual([0, 0x101]);
  });

  it('takes the status frames of a translated domain out of its p2m, and crashes it where they are held', () => {
    const { xen, slot } = guestOf('4.22', {}, HVM);
    set(xen, slot, 2);
    const frame = xen.ram.frameAt(statusFrame(xen, slot, 0));
    expect(addToPhysmap(xen, slot, 'grant_status', 0, 0x20)).toBe(0);
    expect(p2mLookup(xen, slot, 0x20)).toBe(frame);
    expect(set(xen, slot, 1)).toBe('ok');
    expect([p2mLookup(xen, slot, 0x20), isFree(xen, xen.ram.indexOf(frame))]).toEqual([-1, true]);
    set(xen, slot, 2);
    mapVa(xen, 0, 0, statusFrame(xen, slot, 0), 'ro', slot);
    expect([set(xen, slot, 1), xen.domain.crashed.get(slot)]).toEqual(['EBUSY', 1]);
  });

  it('gives frames that no device of a PV domain reaches', () => {
    const { xen, slot } = guestOf();
    set(xen, slot, 2);
    mapVa(xen, slot, 0, statusFrame(xen, slot, 0), 'rw');
    expect(mapped(xen, slot, statusFrame(xen, slot, 0))).toBe('--');
  });
});

describe('a grant of version 2', () => {
  it('is mapped as one of version 1, but its use is in the status', () => {
    const { xen, slot, page } = guestOf();
    set(xen, slot, 2);
    for (const ref of [10, 11]) writeGrantEntry(xen, slot, ref, 0, xen.ram.frameAt(page), false);
    expect([map(xen, slot, 11, HOST | RO), map(xen, slot, 10)]).toEqual(['ok', 'ok']);
    expect([grantUse(xen, slot, 10), grantUse(xen, slot, 11)]).toEqual([0x18, 8]);
    expect(grantFlags(grantEntryWord(xen, slot, 10))).toBe(1);
    unmapGrantRef(xen, 0, 1, HOST, -1);
    expect([grantUse(xen, slot, 10), grantUse(xen, slot, 11)]).toEqual([0, 8]);
  });

  it('of a part of a page cannot be mapped', () => {
    const { xen, slot, page } = guestOf();
    set(xen, slot, 2);
    writeGrantEntry(xen, slot, 10, 0, xen.ram.frameAt(page), false, GTF_SUB_PAGE, 0, 4096);
    expect([map(xen, slot, 10), grantUse(xen, slot, 10)]).toEqual(['general_error', 0]);
  });

  it.each([
    ['4.13.2', 'ok'],
    ['4.13.3', 'general_error'],
    ['4.14.1', 'ok'],
    ['4.14.2', 'general_error'],
    ['4.15', 'general_error'],
  ])(
    'that is transitive maps in %s the frame numbered like its reference: %s (b339e3a976)',
    (edition, status) => {
      const xen = x86(edition);
      const slot = domain(xen, { flags: HVM });
      const page = populate(xen, slot, 1, 9);
      set(xen, slot, 2);
      writeTransitiveGrant(xen, slot, 10, 0, 2, 9, false);
      expect(map(xen, slot, 10)).toBe(status);
      expect(xen.grant.frame.get(slot * 16 + 10)).toBe(status === 'ok' ? page + 1 : 0);
    },
  );
});

describe('get_version', () => {
  it('is for oneself, and for dom0: -EPERM, -ESRCH', () => {
    const { xen, slot } = guestOf();
    set(xen, slot, 2);
    const other = domain(xen);
    expect([
      getGrantVersion(xen, slot, slot),
      getGrantVersion(xen, 0, slot),
      getGrantVersion(xen, 0, 0),
    ]).toEqual([2, 2, 1]);
    expect([getGrantVersion(xen, other, slot), getGrantVersion(xen, 0, 3)].map(errnoName)).toEqual([
      'EPERM',
      'ESRCH',
    ]);
  });
});

describe('a grant table of more frames', () => {
  const large = { limits: { grants: 1200, grantFrames: 3, handles: 4 } };
  const setup = (xen: Xen, slot: number, frames: number, caller = slot) =>
    grantStatusName(setupTable(xen, caller, slot, frames));

  it('has the entries of as many as were asked for: 512 each in version 1, 256 in version 2', () => {
    const { xen, slot, page } = guestOf('4.22', large);
    writeGrantEntry(xen, slot, 511, 0, xen.ram.frameAt(page), false);
    expect([map(xen, slot, 511), map(xen, slot, 512)]).toEqual(['ok', 'bad_gntref']);
    expect([setup(xen, slot, 2), grantEntryCount(xen, slot), grantFrameCount(xen, slot)]).toEqual([
      'ok',
      1024,
      2,
    ]);
    writeGrantEntry(xen, slot, 1023, 0, xen.ram.frameAt(page), false);
    expect(map(xen, slot, 1023)).toBe('ok');
    expect(xen.ram.read32(xen.ram.frameAt(sharedFrame(xen, slot, 1)) * 4096 + 511 * 8) & 0xffff).toBe(0x19);
    for (const handle of [0, 1]) unmapGrantRef(xen, 0, handle, HOST, -1);
    set(xen, slot, 2);
    expect([grantEntryCount(xen, slot), map(xen, slot, 512)]).toEqual([512, 'bad_gntref']);
  });

  it('never gets smaller, nor larger than its limit: general_error', () => {
    const { xen, slot } = guestOf('4.22', large);
    expect([setup(xen, slot, 3), setup(xen, slot, 1), setup(xen, slot, 0)]).toEqual(['ok', 'ok', 'ok']);
    expect([grantFrameCount(xen, slot), setup(xen, slot, 4)]).toEqual([3, 'general_error']);
  });

  it('is asked for by oneself, or by dom0: permission_denied, bad_domain', () => {
    const { xen, slot } = guestOf('4.22', large);
    const other = domain(xen);
    expect([setup(xen, slot, 2, other), setup(xen, 3, 1, other), setup(xen, slot, 2, 0)]).toEqual([
      'permission_denied',
      'bad_domain',
      'ok',
    ]);
  });

  it('without memory stays as it was: general_error', () => {
    const { xen, slot } = guestOf('4.22', large);
    const hash = xen.store.hashText();
    failNth(xen, 'alloc', 2);
    expect(setup(xen, slot, 3)).toBe('general_error');
    expect(xen.store.hashText()).toBe(hash);
  });

  it('has status frames in version 2 alone', () => {
    const { xen, slot } = guestOf('4.22', large);
    const ask = (frames: number) => grantStatusName(getStatusFrames(xen, slot, slot, frames));
    expect([ask(0), ask(1)]).toEqual(['ok', 'general_error']);
    set(xen, slot, 2);
    expect([ask(1), ask(2)]).toEqual(['ok', 'general_error']);
  });

  it('grows when a frame beyond it is put into a p2m', () => {
    const { xen, slot } = guestOf('4.22', large, HVM);
    expect(addToPhysmap(xen, slot, 'grant_table', 2, 0x20)).toBe(0);
    expect([grantFrameCount(xen, slot), p2mLookup(xen, slot, 0x20)]).toEqual([
      3,
      xen.ram.frameAt(sharedFrame(xen, slot, 2)),
    ]);
    expect(errnoName(addToPhysmap(xen, slot, 'grant_table', 3, 0x21))).toBe('EINVAL');
    expect(errnoName(addToPhysmap(xen, slot, 'grant_status', 0, 0x21))).toBe('EINVAL');
    set(xen, slot, 2);
    expect(addToPhysmap(xen, slot, 'grant_status', 0, 0x21)).toBe(0);
  });

  it('goes as a whole with its domain', () => {
    const xen = x86('4.22', large);
    const before = xen.store.hashText();
    const slot = domain(xen);
    setup(xen, slot, 3);
    set(xen, slot, 2);
    expect(destroyDomain(xen, 0, slot)).toBe(0);
    expect(xen.store.hashText()).toBe(before);
  });
});

describe('swap_grant_ref (§5.6)', () => {
  const swap = (xen: Xen, slot: number, a: number, b: number) =>
    grantStatusName(swapGrantRefs(xen, slot, a, b));

  it.each([1, 2])('exchanges two entries of version %i, statuses and all', (version) => {
    const { xen, slot, page } = guestOf();
    set(xen, slot, version);
    writeGrantEntry(xen, slot, 8, 0, xen.ram.frameAt(page), true);
    writeGrantEntry(xen, slot, 9, 0, xen.ram.frameAt(page + 1), false);
    expect(swap(xen, slot, 8, 9)).toBe('ok');
    expect([grantEntryFrame(xen, slot, 8), grantEntryFrame(xen, slot, 9)]).toEqual([
      xen.ram.frameAt(page + 1),
      xen.ram.frameAt(page),
    ]);
    expect([8, 9].map((ref) => grantFlags(grantEntryWord(xen, slot, ref)))).toEqual([1, 5]);
  });

  it('answers bad_gntref beyond the table, eagain for an entry in use; an entry with itself is nothing to do', () => {
    const { xen, slot, page } = guestOf();
    writeGrantEntry(xen, slot, 8, 0, xen.ram.frameAt(page), false);
    map(xen, slot, 8);
    expect([swap(xen, slot, 16, 8), swap(xen, slot, 8, 16), swap(xen, slot, -1, 8)]).toEqual(
      Array(3).fill('bad_gntref'),
    );
    expect([swap(xen, slot, 8, 9), swap(xen, slot, 9, 8), swap(xen, slot, 8, 8)]).toEqual([
      'eagain',
      'eagain',
      'ok',
    ]);
  });
});
