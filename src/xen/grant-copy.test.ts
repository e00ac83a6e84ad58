import { describe, expect, it } from 'vitest';
import { GNTMAP, GTF_SUB_PAGE, PIN_HOST_READ } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { type CopyEnd, grantCopy, NO_DOMAIN, SELF } from './grant-copy.js';
import { grantUse, writeGrantEntry, writeTransitiveGrant } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { grantStatusName } from './grant-status.js';
import { setGrantVersion } from './grant-version.js';
import { domain, type MachineOptions, mapped, mapVa, populate, typeText, x86 } from './machine.fixture.js';
import { COUNT_MASK } from './page-info.js';
import { pinTable } from './page-table.js';
import type { Xen } from './state.js';

const HVM = CDF.hvm | CDF.hap;

/** A granter with two pages, the first of which has text in it; a copier with two; all tables of version 2 but dom0's. */
function scene(edition = '4.22', options: MachineOptions = {}) {
  const xen = x86(edition, { frames: 24, limits: { domains: 6 }, ...options });
  const granter = domain(xen);
  const page = populate(xen, granter, 2);
  const copier = domain(xen);
  const own = populate(xen, copier, 2);
  for (const slot of [granter, copier]) setGrantVersion(xen, slot, 2);
  for (let n = 0; n < 4; n++)
    xen.ram.write32(xen.ram.frameAt(page) * 4096 + n * 4, 0x04030201 + n * 0x04040404);
  return { xen, granter, page, copier, own };
}

type Scene = ReturnType<typeof scene>;

const grantEnd = (slot: number, ref: number, offset = 0): CopyEnd => ({
  domain: slot,
  ref,
  frame: -1,
  offset,
});
const pageEnd = (xen: Xen, pdx: number, offset = 0): CopyEnd => ({
  domain: SELF,
  ref: -1,
  frame: pdx < 0 ? -1 : xen.ram.frameAt(pdx),
  offset,
});
const copy = (xen: Xen, caller: number, from: CopyEnd, to: CopyEnd, length = 4) =>
  grantStatusName(grantCopy(xen, caller, from, to, length));
const word = (xen: Xen, pdx: number, offset = 0) =>
  (xen.ram.read32(xen.ram.frameAt(pdx) * 4096 + offset) >>> 0).toString(16);
const refs = (xen: Xen, pdx: number) => xen.frame.countInfo.get(pdx) & COUNT_MASK;
const offer = (
  { xen, granter, page, copier }: Scene,
  ref: number,
  readonly = false,
  flags = 0,
  at = 0,
  length = 0,
) => writeGrantEntry(xen, granter, ref, copier, xen.ram.frameAt(page), readonly, flags, at, length);

describe('a grant copy', () => {
  it('moves bytes from a grant to a page of one’s own, and leaves nothing held or pinned', () => {
    const all = scene();
    const { xen, granter, page, copier, own } = all;
    offer(all, 8, true);
    expect(copy(xen, copier, grantEnd(granter, 8, 1), pageEnd(xen, own, 2), 7)).toBe('ok');
    expect([word(xen, own), word(xen, own, 4), word(xen, own, 8)]).toEqual(['3020000', '7060504', '8']);
    expect([
      refs(xen, page),
      refs(xen, own),
      xen.grant.pin.get(granter * 16 + 8),
      grantUse(xen, granter, 8),
    ]).toEqual([1, 1, 0, 0]);
  });

  it('and the other way: the destination has had a writable type, and so is in its owner’s table', () => {
    const all = scene();
    const { xen, granter, page, copier, own } = all;
    offer(all, 8);
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8))).toBe('ok');
    expect([word(xen, page), typeText(xen, page), mapped(xen, granter, page)]).toEqual([
      '0',
      'writable 0',
      'rw',
    ]);
  });

  it('between the grants of two domains, by a third', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    offer(all, 8);
    writeGrantEntry(xen, granter, 8, 0, xen.ram.frameAt(all.page), false);
    writeGrantEntry(xen, copier, 9, 0, xen.ram.frameAt(own), false);
    expect(copy(xen, 0, grantEnd(granter, 8), grantEnd(copier, 9))).toBe('ok');
    expect(word(xen, own)).toBe('4030201');
  });

  it('of a translated domain’s page by its gfn', () => {
    const { xen } = scene();
    const hvm = domain(xen, { flags: HVM });
    const page = populate(xen, hvm, 2, 5);
    xen.ram.write32(xen.ram.frameAt(page) * 4096, 0x77);
    const end = (gfn: number): CopyEnd => ({ domain: SELF, ref: -1, frame: gfn, offset: 0 });
    expect([copy(xen, hvm, end(5), end(6)), word(xen, page + 1)]).toEqual(['ok', '77']);
    expect(copy(xen, hvm, end(5), end(7))).toBe('bad_page');
  });
});

describe('a grant copy is refused (§5.6)', () => {
  it('with permission_denied for a frame of a domain that is named, even oneself', () => {
    const { xen, granter, page, copier, own } = scene();
    const foreign: CopyEnd = { domain: granter, ref: -1, frame: xen.ram.frameAt(page), offset: 0 };
    const named: CopyEnd = { ...pageEnd(xen, own), domain: copier };
    for (const end of [foreign, named, { ...named, domain: NO_DOMAIN }]) {
      expect(copy(xen, copier, end, pageEnd(xen, own))).toBe('permission_denied');
      expect(copy(xen, copier, pageEnd(xen, own), end)).toBe('permission_denied');
    }
  });

  it('with bad_domain for a grant of nobody’s, bad_gntref beyond the table, bad_page for no page of one’s own', () => {
    const { xen, granter, page, copier, own } = scene();
    expect(copy(xen, copier, grantEnd(NO_DOMAIN, 1), pageEnd(xen, own))).toBe('bad_domain');
    expect(copy(xen, copier, grantEnd(granter, 16), pageEnd(xen, own))).toBe('bad_gntref');
    expect(copy(xen, copier, pageEnd(xen, page), pageEnd(xen, own))).toBe('bad_page');
    expect(copy(xen, copier, pageEnd(xen, own), pageEnd(xen, -1))).toBe('bad_page');
  });

  it('with general_error for an entry that offers nothing, or to somebody else, or reading only', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    expect(copy(xen, copier, grantEnd(granter, 8), pageEnd(xen, own))).toBe('general_error');
    offer(all, 8, true);
    expect(copy(xen, 0, grantEnd(granter, 8), grantEnd(granter, 8))).toBe('general_error');
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8))).toBe('general_error');
    expect(grantUse(xen, granter, 8)).toBe(0);
  });

  it('with bad_page for an entry that names no page of the granter’s, whose use flags go again', () => {
    const { xen, granter, copier, own } = scene();
    writeGrantEntry(xen, granter, 8, copier, xen.ram.frameAt(own), false);
    expect(copy(xen, copier, grantEnd(granter, 8), pageEnd(xen, own))).toBe('bad_page');
    expect(grantUse(xen, granter, 8)).toBe(0);
  });

  it('with general_error into a page table, of one’s own or granted', () => {
    const all = scene();
    const { xen, granter, page, copier, own } = all;
    writeGrantEntry(xen, granter, 8, copier, xen.ram.frameAt(page + 1), false);
    expect([pinTable(xen, granter, page + 1, PGT.l2), pinTable(xen, copier, own, PGT.l2)]).toEqual([0, 0]);
    expect(copy(xen, copier, pageEnd(xen, own + 1), grantEnd(granter, 8))).toBe('general_error');
    expect(copy(xen, copier, pageEnd(xen, own + 1), pageEnd(xen, own))).toBe('general_error');
    expect(grantUse(xen, granter, 8)).toBe(0);
    expect(copy(xen, copier, pageEnd(xen, own), pageEnd(xen, own + 1))).toBe('ok');
  });

  it('with bad_copy_arg beyond a page’s end, at either end', () => {
    const { xen, copier, own } = scene();
    expect(copy(xen, copier, pageEnd(xen, own, 4093), pageEnd(xen, own + 1))).toBe('bad_copy_arg');
    expect(copy(xen, copier, pageEnd(xen, own), pageEnd(xen, own + 1, 4093))).toBe('bad_copy_arg');
    expect(copy(xen, copier, pageEnd(xen, own), pageEnd(xen, own + 1), 4096)).toBe('ok');
  });

  it.each([
    ['4.18', 'permission_denied'],
    ['4.19', 'ok'],
  ])('in %s also when there is nothing to copy: %s (a4a790f432)', (edition, status) => {
    const { xen, granter, page, copier, own } = scene(edition);
    const foreign: CopyEnd = { domain: granter, ref: -1, frame: xen.ram.frameAt(page), offset: 0 };
    expect(copy(xen, copier, foreign, pageEnd(xen, own), 0)).toBe(status);
  });

  it('with bad_domain where the entry is pinned and its granter is dying', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    offer(all, 8);
    mapGrantRef(xen, copier, granter, 8, GNTMAP.host, 0);
    expect(copy(xen, copier, grantEnd(granter, 8), pageEnd(xen, own))).toBe('ok');
    destroyDomain(xen, 0, granter);
    expect(xen.exists(granter)).toBe(true);
    expect(copy(xen, copier, grantEnd(granter, 8), pageEnd(xen, own))).toBe('bad_domain');
  });

  it('with general_error where it is pinned for another, or as often as can be counted', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    offer(all, 8, true);
    const active = granter * 16 + 8;
    mapGrantRef(xen, copier, granter, 8, GNTMAP.host | GNTMAP.readonly, 0);
    expect(copy(xen, 0, grantEnd(granter, 8), grantEnd(granter, 8))).toBe('general_error');
    xen.grant.pin.set(active, PIN_HOST_READ * 128);
    expect(copy(xen, copier, grantEnd(granter, 8), pageEnd(xen, own))).toBe('general_error');
  });
});

describe('a grant of a part of a page', () => {
  it.each([
    [0x10, 0x10, 'ok'],
    [0x0f, 4, 'general_error'],
    [0x1e, 4, 'general_error'],
    [0x10, 0x11, 'general_error'],
  ])('is copied from %i, %i bytes: %s', (offset, length, status) => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    offer(all, 8, true, GTF_SUB_PAGE, 0x10, 0x10);
    expect(copy(xen, copier, grantEnd(granter, 8, offset), pageEnd(xen, own), length)).toBe(status);
    expect(xen.grant.part.get(granter * 16 + 8)).toBe(0);
  });

  it('is copied to within its bounds alone', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    offer(all, 8, false, GTF_SUB_PAGE, 0x10, 4);
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8, 0x10))).toBe('ok');
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8, 0x14))).toBe('general_error');
  });

  it('means in version 1 the page as a whole: there is no room for its bounds', () => {
    const all = scene();
    const { xen, granter, copier, own } = all;
    setGrantVersion(xen, granter, 1);
    offer(all, 8, true, GTF_SUB_PAGE, 0x10, 0x10);
    expect(copy(xen, copier, grantEnd(granter, 8, 0), pageEnd(xen, own))).toBe('ok');
  });
});

describe('a transitive grant', () => {
  /** The granter offers a page to the middle, which passes it on to the copier by its entry 9. */
  function chain(edition = '4.22', options: MachineOptions = {}) {
    const all = scene(edition, options);
    const { xen, granter, page, copier } = all;
    const middle = domain(xen);
    setGrantVersion(xen, middle, 2);
    writeGrantEntry(xen, granter, 8, middle, xen.ram.frameAt(page), true);
    writeTransitiveGrant(xen, middle, 9, copier, granter, 8, true);
    return { ...all, middle };
  }

  it('is copied from as if it were the one it passes on; both are pinned meanwhile, neither after', () => {
    const { xen, granter, page, copier, own, middle } = chain();
    expect(copy(xen, copier, grantEnd(middle, 9), pageEnd(xen, own))).toBe('ok');
    expect([word(xen, own), refs(xen, page)]).toEqual(['4030201', 1]);
    for (const [slot, ref] of [
      [granter, 8],
      [middle, 9],
    ] as const) {
      const active = slot * 16 + ref;
      expect([xen.grant.pin.get(active), xen.grant.source.get(active), grantUse(xen, slot, ref)]).toEqual([
        0, 0, 0,
      ]);
    }
  });

  it('is no way to write what was given for reading', () => {
    const { xen, granter, copier, own, middle } = chain();
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(middle, 9))).toBe('general_error');
    writeTransitiveGrant(xen, middle, 9, copier, granter, 8, false);
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(middle, 9))).toBe('general_error');
    expect([grantUse(xen, middle, 9), grantUse(xen, granter, 8)]).toEqual([0, 0]);
  });

  it('leads one step, no further, and not to its own domain: general_error', () => {
    const { xen, copier, own, middle } = chain();
    const further = domain(xen);
    setGrantVersion(xen, further, 2);
    writeTransitiveGrant(xen, middle, 9, further, 1, 8, true);
    writeTransitiveGrant(xen, further, 10, copier, middle, 9, true);
    expect(copy(xen, copier, grantEnd(further, 10), pageEnd(xen, own))).toBe('general_error');
    writeTransitiveGrant(xen, further, 10, copier, further, 11, true);
    expect(copy(xen, copier, grantEnd(further, 10), pageEnd(xen, own))).toBe('general_error');
    writeTransitiveGrant(xen, further, 10, copier, 5, 11, true);
    expect(copy(xen, copier, grantEnd(further, 10), pageEnd(xen, own))).toBe('general_error');
    expect([grantUse(xen, further, 10), grantUse(xen, middle, 9)]).toEqual([0, 0]);
  });

  it('tells why the grant it leads to could not be had', () => {
    const { xen, granter, copier, own, middle } = chain();
    writeTransitiveGrant(xen, middle, 9, copier, granter, 16, true);
    expect(copy(xen, copier, grantEnd(middle, 9), pageEnd(xen, own))).toBe('bad_gntref');
    writeGrantEntry(xen, granter, 8, middle, xen.ram.frameAt(own), true);
    writeTransitiveGrant(xen, middle, 9, copier, granter, 8, true);
    expect(copy(xen, copier, grantEnd(middle, 9), pageEnd(xen, own))).toBe('bad_page');
  });

  it('may lead back to who copies', () => {
    const { xen, copier, own, middle } = chain();
    writeGrantEntry(xen, copier, 8, middle, xen.ram.frameAt(own), true);
    writeTransitiveGrant(xen, middle, 9, copier, copier, 8, true);
    xen.ram.write32(xen.ram.frameAt(own) * 4096, 0x99);
    expect(copy(xen, copier, grantEnd(middle, 9), pageEnd(xen, own + 1))).toBe('ok');
    expect(word(xen, own + 1)).toBe('99');
  });

  it('is refused where gnttab=no-transitive says so', () => {
    const { xen, copier, own, middle } = chain('4.22', { gnttab: { noTransitive: true } });
    expect(copy(xen, copier, grantEnd(middle, 9), pageEnd(xen, own))).toBe('general_error');
    expect(grantUse(xen, middle, 9)).toBe(0);
  });
});

describe('the first writing copy to a grant that is pinned for reading (XSA-500)', () => {
  /** The grant names one page when it is mapped, another when it is copied to; the first is a page table by then. */
  function edited(edition: string) {
    const all = scene(edition);
    const { xen, granter, page, copier, own } = all;
    offer(all, 8);
    mapGrantRef(xen, copier, granter, 8, GNTMAP.host | GNTMAP.readonly, 0);
    writeGrantEntry(xen, granter, 8, copier, xen.ram.frameAt(page + 1), false);
    xen.ram.clear(xen.ram.frameAt(page));
    expect(pinTable(xen, granter, page, PGT.l2)).toBe(0);
    xen.ram.write32(xen.ram.frameAt(own) * 4096, 0x1234067);
    return all;
  }

  it.each(['4.11.0', '4.17', '4.17.6', '4.21.1'])(
    'in %s writes to the page that is pinned, a page table',
    (edition) => {
      const { xen, granter, page, copier, own } = edited(edition);
      expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8))).toBe('ok');
      expect([word(xen, page), word(xen, page + 1)]).toEqual(['1234067', '0']);
      expect([refs(xen, page + 1), typeText(xen, page + 1)]).toEqual([1, 'writable 0']);
    },
  );

  it.each(['4.17.7', '4.20.4', '4.21.2', '4.22'])('in %s is refused', (edition) => {
    const { xen, granter, page, copier, own } = edited(edition);
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8))).toBe('general_error');
    expect([word(xen, page), refs(xen, page + 1), grantUse(xen, granter, 8)]).toEqual(['0', 1, 8]);
  });

  it('to the same page goes on as ever', () => {
    const all = scene();
    const { xen, granter, page, copier, own } = all;
    offer(all, 8);
    mapGrantRef(xen, copier, granter, 8, GNTMAP.host | GNTMAP.readonly, 0);
    expect(copy(xen, copier, pageEnd(xen, own), grantEnd(granter, 8))).toBe('ok');
    expect([word(xen, page), refs(xen, page), grantUse(xen, granter, 8)]).toEqual(['0', 2, 8]);
  });
});

describe('a transitive entry that was mapped, where that was possible', () => {
  it.each([
    ['4.13.0', 'no status'],
    ['4.13.1', 'never ends'],
  ])('makes a copy through it start over for ever, or on %s: %s', (edition, answer) => {
    const xen = x86(edition, { frames: 24, limits: { domains: 6 } });
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    const middle = domain(xen, { flags: HVM });
    populate(xen, middle, 1, 8);
    setGrantVersion(xen, middle, 2);
    writeGrantEntry(xen, granter, 8, middle, xen.ram.frameAt(page), true);
    writeTransitiveGrant(xen, middle, 9, 0, granter, 8, true);
    expect(grantStatusName(mapGrantRef(xen, 0, middle, 9, GNTMAP.host | GNTMAP.readonly, 0))).toBe('ok');
    const dom0Page = xen.ram.indexOf(0x100);
    mapVa(xen, 0, 0, dom0Page, 'rw');
    expect(copy(xen, 0, grantEnd(middle, 9), pageEnd(xen, dom0Page))).toBe(answer);
    expect([refs(xen, page), xen.grant.pin.get(granter * 16 + 8)]).toEqual([1, 0]);
  });
});
