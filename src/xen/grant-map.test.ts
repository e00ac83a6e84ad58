import { describe, expect, it } from 'vitest';
import { GNTMAP, GTF_SUB_PAGE, grantFlags } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { clearGrantEntry, grantEntryWord, writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { GNTST, grantStatusName } from './grant-status.js';
import { unmapGrantRef } from './grant-unmap.js';
import { arm, domain, mapVa, populate, typeText, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { p2mLookup, p2mRights } from './p2m.js';
import { COUNT_MASK } from './page-info.js';
import { pinTable } from './page-table.js';
import type { Xen } from './state.js';

const HOST = GNTMAP.host;
const DEVICE = GNTMAP.device;
const RO = GNTMAP.readonly;
const HVM = CDF.hvm | CDF.hap;

/** dom0 maps what a PV (or translated) guest offers in entry 0. */
function offered({ edition = '4.22', readonly = false, flags = 0, handles = 16 } = {}): {
  xen: Xen;
  slot: number;
  page: number;
} {
  const xen = x86(edition, { limits: { handles } });
  const slot = domain(xen, { flags });
  const page = populate(xen, slot, 2, 5);
  writeGrantEntry(xen, slot, 0, 0, flags ? 5 : xen.ram.frameAt(page), readonly);
  return { xen, slot, page };
}

const map = (xen: Xen, slot: number, flags: number, ref = 0, caller = 0, gfn = 0) =>
  grantStatusName(mapGrantRef(xen, caller, slot, ref, flags, gfn));
const unmap = (xen: Xen, handle: number, clear = HOST | DEVICE, address = -1, caller = 0) =>
  grantStatusName(unmapGrantRef(xen, caller, handle, clear, address));
const refs = (xen: Xen, page: number) => xen.frame.countInfo.get(page) & COUNT_MASK;
const shared = (xen: Xen, slot: number, ref = 0) => grantFlags(grantEntryWord(xen, slot, ref));

describe('map_grant_ref refuses, in this order (§5.2)', () => {
  it('1. a request for neither a host nor a device mapping', () => {
    const { xen, slot } = offered();
    expect([map(xen, slot, 0), map(xen, slot, RO), map(xen, -1, 0)]).toEqual([
      'bad_gntref',
      'bad_gntref',
      'bad_gntref',
    ]);
  });

  it('2. a translated caller’s device mapping', () => {
    const { xen, slot } = offered();
    const hvm = domain(xen, { flags: HVM });
    expect(map(xen, slot, DEVICE, 0, hvm)).toBe('general_error');
    expect(map(xen, -1, DEVICE, 0, hvm)).toBe('general_error');
  });

  it('3. an unknown granter', () => {
    const { xen } = offered();
    for (const granter of [-1, 3, xen.domIo, xen.domXen]) expect(map(xen, granter, HOST)).toBe('bad_domain');
  });

  it.each([
    ['4.15', 'no_device_space'],
    ['4.16', 'no_space'],
    ['4.22', 'no_space'],
  ])('5. in %s a caller without a free handle by %s, before it looks at the reference', (edition, status) => {
    const { xen, slot } = offered({ edition, handles: 1 });
    expect(map(xen, slot, HOST)).toBe('ok');
    expect([map(xen, slot, HOST), map(xen, slot, HOST, 99)]).toEqual([status, status]);
  });

  it('6. a reference beyond the table', () => {
    const { xen, slot } = offered();
    expect([map(xen, slot, HOST, 16), map(xen, slot, HOST, -1)]).toEqual(['bad_gntref', 'bad_gntref']);
  });

  it('7. an entry that another domain has pinned, and a pin counter that is full', () => {
    const { xen, slot, page } = offered({ handles: 200 });
    const other = domain(xen);
    map(xen, slot, HOST | RO);
    writeGrantEntry(xen, slot, 0, other, xen.ram.frameAt(page), false);
    expect(map(xen, slot, HOST | RO, 0, other)).toBe('general_error');
    for (let n = 1; n < 128; n++) expect(map(xen, slot, HOST | RO)).toBe('ok');
    expect(map(xen, slot, HOST | RO)).toBe('general_error');
    // What is pinned is not looked at again but for its readonly flag: the entry names another grantee now.
    expect(map(xen, slot, HOST)).toBe('ok');
  });

  it.each([
    ['4.14', 'general_error'],
    ['4.15', 'ok'],
  ])(
    '7. in %s 128 mappings of one kind answer one of another kind with %s (8cec5d065c)',
    (edition, status) => {
      const { xen, slot } = offered({ edition, handles: 200 });
      for (let n = 0; n < 128; n++) map(xen, slot, HOST | RO);
      expect([map(xen, slot, HOST | RO), map(xen, slot, DEVICE | RO)]).toEqual(['general_error', status]);
    },
  );

  it('8. an entry that offers nothing, to somebody else, a part of a page, or reading only', () => {
    const { xen, slot, page } = offered({ readonly: true });
    expect(map(xen, slot, HOST, 1)).toBe('general_error');
    writeGrantEntry(xen, slot, 1, 2, xen.ram.frameAt(page), false);
    expect(map(xen, slot, HOST, 1)).toBe('general_error');
    writeGrantEntry(xen, slot, 2, 0, xen.ram.frameAt(page), false);
    const at = xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1) * 4096 + 16;
    xen.ram.write32(at, xen.ram.read32(at) | GTF_SUB_PAGE);
    expect(map(xen, slot, HOST, 2)).toBe('general_error');
    expect(map(xen, slot, HOST)).toBe('general_error');
    expect(map(xen, slot, HOST | RO)).toBe('ok');
    expect(map(xen, slot, HOST)).toBe('general_error');
    expect(shared(xen, slot) & 0x18).toBe(8);
  });

  it('8. a frame that is none of the granter’s, or none at all', () => {
    const { xen, slot } = offered();
    for (const frame of [0x100, 0x10, 0xf_ffff]) {
      writeGrantEntry(xen, slot, 3, 0, frame, false);
      expect(map(xen, slot, HOST, 3)).toBe('bad_page');
    }
    expect(shared(xen, slot, 3)).toBe(1);
  });

  it('11. a writable mapping of a page table, with everything undone', () => {
    const { xen, slot, page } = offered();
    pinTable(xen, slot, page, PGT.l1);
    const hash = xen.store.hashText();
    for (const flags of [HOST, DEVICE, HOST | DEVICE]) expect(map(xen, slot, flags)).toBe('general_error');
    expect(xen.store.hashText()).toBe(hash);
    expect(map(xen, slot, HOST | RO)).toBe('ok');
  });
});

describe('a map of what nobody offers', () => {
  it.each([
    ['4.11.1', 'general_error'],
    ['4.11.2', 'status 1'],
    ['4.12.2', 'status 1'],
    ['4.13.0', 'status 1'],
    ['4.13.1', 'general_error'],
    ['4.14', 'general_error'],
  ])('answers on %s with %s and maps nothing (XSA-316)', (edition, status) => {
    const { xen, slot, page } = offered({ edition });
    const before = refs(xen, page);
    expect(map(xen, slot, HOST, 1)).toBe(status);
    expect(refs(xen, page)).toBe(before);
    // The handle was put back, too: the next one is the first.
    expect(mapGrantRef(xen, 0, slot, 0, HOST, 0)).toBe(0);
  });
});

describe('pins and the entry’s use flags', () => {
  it('count each kind of mapping by itself', () => {
    const { xen, slot } = offered();
    const pins = () => (xen.grant.pin.get(slot * 16) >>> 0).toString(16).padStart(8, '0');
    const seen: string[] = [];
    for (const flags of [HOST | RO, HOST, DEVICE | RO, DEVICE, HOST | DEVICE]) {
      map(xen, slot, flags);
      seen.push(`${pins()} ${shared(xen, slot).toString(16)}`);
    }
    // Flags: permit_access 1, reading 8, writing 10.
    expect(seen).toEqual(['00000100 9', '00000101 19', '01000101 19', '01010101 19', '01020102 19']);
    for (const handle of [1, 3, 4]) unmap(xen, handle);
    expect(`${pins()} ${shared(xen, slot).toString(16)}`).toBe('01000100 9');
    for (const handle of [0, 2]) unmap(xen, handle);
    expect(`${pins()} ${shared(xen, slot).toString(16)}`).toBe('00000000 1');
    expect(xen.grant.grantee.get(slot * 16)).toBe(0);
  });

  it('keep a granter that checks from ending the offer', () => {
    const { xen, slot } = offered();
    map(xen, slot, HOST | RO);
    expect(clearGrantEntry(xen, slot, 0)).toBe(false);
    unmap(xen, 0);
    expect(clearGrantEntry(xen, slot, 0)).toBe(true);
    expect(map(xen, slot, HOST)).toBe('general_error');
  });
});

describe('references on the granter’s page (§5.2)', () => {
  it.each([
    ['RO host', HOST | RO, 1, 0],
    ['RO device', DEVICE | RO, 1, 0],
    ['RO both', HOST | DEVICE | RO, 2, 0],
    ['RW device', DEVICE, 1, 1],
    ['RW host', HOST, 1, 1],
    ['RW both', HOST | DEVICE, 2, 2],
  ])('%s', (_, flags, pages, types) => {
    const { xen, slot, page } = offered();
    map(xen, slot, flags);
    expect([refs(xen, page), typeText(xen, page)]).toEqual([1 + pages, `writable ${types}`]);
    unmap(xen, 0);
    expect([refs(xen, page), typeText(xen, page)]).toEqual([1, 'writable 0']);
  });

  it('are no type references where the granter is translated, but for a device mapping', () => {
    const { xen, slot, page } = offered({ flags: HVM });
    expect(map(xen, slot, HOST)).toBe('ok');
    expect([refs(xen, page), typeText(xen, page)]).toEqual([2, 'none 0']);
    expect(map(xen, slot, DEVICE)).toBe('ok');
    expect([refs(xen, page), typeText(xen, page)]).toEqual([3, 'writable 1']);
  });

  it('are never type references on Arm', () => {
    const xen = arm('4.22');
    const slot = domain(xen);
    const page = populate(xen, slot, 1, 5);
    writeGrantEntry(xen, slot, 0, 0, 5, false);
    expect(map(xen, slot, HOST, 0, 0, 0x2000)).toBe('ok');
    expect([refs(xen, page), typeText(xen, page)]).toEqual([2, 'none 0']);
    expect(p2mLookup(xen, 0, 0x2000)).toBe(xen.ram.frameAt(page));
  });

  it('keep the page when the granter gives it back', () => {
    const { xen, slot, page } = offered();
    map(xen, slot, HOST);
    decreaseReservation(xen, slot, page, -1);
    expect(xen.frame.owner.get(page)).toBe(slot + 1);
    unmap(xen, 0);
    expect(xen.frame.owner.get(page)).toBe(0);
  });

  it('drive the granter’s own table: a page becomes writable, and can be no page table meanwhile', () => {
    const { xen, slot, page } = offered();
    pinTable(xen, slot, page, PGT.l1);
    expect(mapVa(xen, slot, 0, page, 'ro')).toBe('ok');
    map(xen, slot, HOST | RO);
    expect(typeText(xen, page)).toBe('l1 1 pinned');
  });
});

describe('a translated mapper’s host mapping', () => {
  it.each([
    ['rw', HOST, 3],
    ['ro', HOST | RO, 1],
  ])('%s enters its p2m and leaves it', (_, flags, rights) => {
    const { xen, slot, page } = offered();
    const hvm = domain(xen, { flags: HVM });
    writeGrantEntry(xen, slot, 1, hvm, xen.ram.frameAt(page), false);
    expect(map(xen, slot, flags, 1, hvm, 0x20)).toBe('ok');
    expect([p2mLookup(xen, hvm, 0x20), p2mRights(xen, hvm, 0x20) & 3]).toEqual([
      xen.ram.frameAt(page),
      rights,
    ]);
    expect(unmap(xen, 0, HOST, -1, hvm)).toBe('ok');
    expect(p2mLookup(xen, hvm, 0x20)).toBe(-1);
  });
});

describe('unmap_grant_ref (§5.5)', () => {
  it('of a handle that does not exist, or no longer, is bad_handle', () => {
    const { xen, slot } = offered();
    map(xen, slot, HOST);
    expect([unmap(xen, -1), unmap(xen, 16), unmap(xen, 1)]).toEqual([
      'bad_handle',
      'bad_handle',
      'bad_handle',
    ]);
    expect([unmap(xen, 0), unmap(xen, 0)]).toEqual(['ok', 'bad_handle']);
  });

  it('of a part keeps the handle; of nothing keeps everything', () => {
    const { xen, slot, page } = offered();
    map(xen, slot, HOST | DEVICE);
    expect(unmap(xen, 0, 0)).toBe('ok');
    expect(refs(xen, page)).toBe(3);
    expect(unmap(xen, 0, HOST)).toBe('ok');
    expect([refs(xen, page), typeText(xen, page)]).toEqual([2, 'writable 1']);
    expect(unmap(xen, 0, HOST)).toBe('ok');
    expect(refs(xen, page)).toBe(2);
    expect(unmap(xen, 0, DEVICE)).toBe('ok');
    expect([refs(xen, page), unmap(xen, 0)]).toEqual([1, 'bad_handle']);
  });

  it('frees the lowest handle for the next mapping', () => {
    const { xen, slot } = offered();
    const handles = [0, 1, 2].map(() => mapGrantRef(xen, 0, slot, 0, HOST, 0));
    unmap(xen, 1);
    expect([...handles, mapGrantRef(xen, 0, slot, 0, HOST, 0)]).toEqual([0, 1, 2, 1]);
  });

  it.each([
    ['4.15', DEVICE, 'general_error'],
    ['4.15', HOST, 'general_error'],
    ['4.16', DEVICE, 'bad_dev_addr'],
    ['4.16', HOST, 'ok'],
    ['4.22', HOST | DEVICE, 'bad_dev_addr'],
  ])('in %s of a mapping %i with a wrong dev_bus_addr: %s', (edition, flags, status) => {
    const { xen, slot, page } = offered({ edition });
    map(xen, slot, flags);
    expect(unmap(xen, 0, HOST | DEVICE, xen.ram.frameAt(page) + 1)).toBe(status);
    if (status === 'ok') return;
    expect(refs(xen, page)).toBeGreaterThan(1);
    expect(unmap(xen, 0, HOST | DEVICE, xen.ram.frameAt(page))).toBe('ok');
  });
});

describe('grant statuses', () => {
  it('have the numbers of the public header', () => {
    expect(
      Object.entries(GNTST)
        .map(([name, value]) => `${name}${value}`)
        .join(' '),
    ).toBe(
      'okay0 general_error-1 bad_domain-2 bad_gntref-3 bad_handle-4 bad_virt_addr-5 bad_dev_addr-6 no_device_space-7 permission_denied-8 bad_page-9 bad_copy_arg-10 address_too_big-11 eagain-12 no_space-13',
    );
    expect([grantStatusName(5), grantStatusName(-99)]).toEqual(['ok', 'grant status -99']);
  });
});
