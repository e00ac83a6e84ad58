import { describe, expect, it } from 'vitest';
import { grantFlags } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { failNth } from './failures.js';
import { isFree } from './frames.js';
import { grantEntryFrame, grantEntryWord, writeAcceptTransfer, writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { grantStatusName } from './grant-status.js';
import { grantTransfer } from './grant-transfer.js';
import { setGrantVersion } from './grant-version.js';
import {
  arm,
  assign,
  dma,
  domain,
  type MachineOptions,
  mapped,
  mapVa,
  NIC,
  populate,
  touch,
  typeText,
  x86,
} from './machine.fixture.js';
import { p2mLookup } from './p2m.js';
import { pinTable } from './page-table.js';
import type { Xen } from './state.js';

/** A giver with one page, and a taker whose entry 3 accepts it. */
function scene(edition = '4.22', options: MachineOptions = {}, takerFlags = 0) {
  const xen = x86(edition, options);
  const giver = domain(xen);
  const page = populate(xen, giver, 2);
  const taker = domain(xen, { flags: takerFlags, maxPages: 2 });
  writeAcceptTransfer(xen, taker, 3, giver, 0x21);
  return { xen, giver, page, taker };
}

const give = (xen: Xen, giver: number, page: number, taker: number, ref = 3) => {
  const status = grantTransfer(xen, giver, xen.ram.frameAt(page), taker, ref);
  return status < -50 ? errnoName(status) : grantStatusName(status);
};
const owner = (xen: Xen, page: number) =>
  isFree(xen, page) ? 'free' : xen.domainName(xen.frame.owner.get(page) - 1);

describe('a grant transfer', () => {
  it('makes the page the other’s, with what is in it, and says so in the entry', () => {
    const { xen, giver, page, taker } = scene();
    xen.ram.write32(xen.ram.frameAt(page) * 4096, 0x77);
    expect(give(xen, giver, page, taker)).toBe('ok');
    expect([owner(xen, page), xen.ram.read32(xen.ram.frameAt(page) * 4096)]).toEqual([`d${taker}`, 0x77]);
    expect([xen.domain.totPages.get(giver), xen.domain.totPages.get(taker)]).toEqual([1, 1]);
    // accept_transfer, committed, completed.
    expect(grantFlags(grantEntryWord(xen, taker, 3))).toBe(0xe);
    expect(grantEntryFrame(xen, taker, 3)).toBe(xen.ram.frameAt(page));
    expect(give(xen, giver, page + 1, taker)).toBe('general_error');
  });

  it.each(['4.11.0', '4.12', '4.15', '4.22'])(
    'in %s moves it from table to table: the old owner’s devices lose it',
    (edition) => {
      const { xen, giver, page, taker } = scene(edition);
      if (xen.profile.iommuContext === 'at-first-assignment') {
        assign(xen, giver, 0);
        assign(xen, taker, 1);
      }
      touch(xen, giver, page);
      expect(mapped(xen, giver, page)).toBe('rw');
      expect(give(xen, giver, page, taker)).toBe('ok');
      expect([mapped(xen, giver, page), mapped(xen, taker, page)]).toEqual(['--', 'rw']);
      expect(typeText(xen, page)).toBe(edition === '4.11.0' ? 'none 0' : 'writable 0');
    },
  );

  it('to a translated domain puts it at the gfn of the entry', () => {
    const { xen, giver, page, taker } = scene('4.22', {}, CDF.hvm | CDF.hap);
    expect(give(xen, giver, page, taker)).toBe('ok');
    expect([p2mLookup(xen, taker, 0x21), grantEntryFrame(xen, taker, 3)]).toEqual([
      xen.ram.frameAt(page),
      0x21,
    ]);
  });

  it('is told in a table of version 2 as well', () => {
    const { xen, giver, page, taker } = scene();
    setGrantVersion(xen, taker, 2);
    writeAcceptTransfer(xen, taker, 9, giver, 0);
    expect(give(xen, giver, page, taker, 9)).toBe('ok');
    expect([grantFlags(grantEntryWord(xen, taker, 9)), grantEntryFrame(xen, taker, 9)]).toEqual([
      0xe,
      xen.ram.frameAt(page),
    ]);
  });

  it('to oneself needs no room for another page', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { maxPages: 1 });
    const page = populate(xen, slot, 1);
    writeAcceptTransfer(xen, slot, 3, slot, 0);
    expect([give(xen, slot, page, slot), owner(xen, page), xen.domain.totPages.get(slot)]).toEqual([
      'ok',
      `d${slot}`,
      1,
    ]);
  });
});

describe('a grant transfer is refused, in this order (§5.6)', () => {
  it('with bad_page where the page is another’s, no RAM, mapped or granted away: it stays', () => {
    const { xen, giver, page, taker } = scene();
    expect(give(xen, giver, xen.ram.indexOf(0x100), taker)).toBe('bad_page');
    expect(grantStatusName(grantTransfer(xen, giver, 0xf_ffff, taker, 3))).toBe('bad_page');
    mapVa(xen, giver, 0, page, 'ro');
    expect(give(xen, giver, page, taker)).toBe('bad_page');
    writeGrantEntry(xen, giver, 1, 0, xen.ram.frameAt(page + 1), true);
    mapGrantRef(xen, 0, giver, 1, 2 | 4, 0);
    expect(give(xen, giver, page + 1, taker)).toBe('bad_page');
    expect(give(xen, giver, xen.domain.grantFrame.get(giver) - 1, taker)).toBe('bad_page');
    expect([owner(xen, page), owner(xen, page + 1)]).toEqual([`d${giver}`, `d${giver}`]);
  });

  it('with bad_page for a page table, which its pin holds', () => {
    const { xen, giver, page, taker } = scene();
    pinTable(xen, giver, page, PGT.l1);
    expect(give(xen, giver, page, taker)).toBe('bad_page');
  });

  it('with general_error for a page that the IOMMU keeps: it stays', () => {
    const { xen, giver, page, taker } = scene();
    touch(xen, giver, page);
    failNth(xen, 'unmap', 1);
    expect([give(xen, giver, page, taker), owner(xen, page)]).toEqual(['general_error', `d${giver}`]);
  });

  it('with general_error for a translated giver, bad_page where it has no page', () => {
    const { xen, taker } = scene();
    const hvm = domain(xen, { flags: CDF.hvm | CDF.hap });
    populate(xen, hvm, 1, 5);
    expect([5, 6].map((gfn) => grantStatusName(grantTransfer(xen, hvm, gfn, taker, 3)))).toEqual([
      'general_error',
      'bad_page',
    ]);
  });

  it.each([
    [
      'nobody',
      (s: ReturnType<typeof scene>) => give(s.xen, s.giver, s.page, s.xen.spec.limits.domains - 1),
      'bad_domain',
    ],
    [
      'an entry beyond the table',
      (s: ReturnType<typeof scene>) => give(s.xen, s.giver, s.page, s.taker, 16),
      'general_error',
    ],
    [
      'an entry that accepts nothing',
      (s: ReturnType<typeof scene>) => give(s.xen, s.giver, s.page, s.taker, 4),
      'general_error',
    ],
    [
      'one that accepts from another',
      (s: ReturnType<typeof scene>) => {
        writeAcceptTransfer(s.xen, s.taker, 3, 0, 0);
        return give(s.xen, s.giver, s.page, s.taker);
      },
      'general_error',
    ],
    [
      'a domain that has all its pages',
      (s: ReturnType<typeof scene>) => {
        populate(s.xen, s.taker, 2);
        return give(s.xen, s.giver, s.page, s.taker);
      },
      'general_error',
    ],
  ])('for %s, and then the page is lost', (_, act, status) => {
    const all = scene();
    expect(act(all)).toBe(status);
    expect([owner(all.xen, all.page), all.xen.domain.totPages.get(all.giver)]).toEqual(['free', 1]);
  });

  it('with general_error for a zombie, and then the page is lost', () => {
    const { xen, giver, page, taker } = scene();
    const held = populate(xen, taker, 1);
    writeGrantEntry(xen, taker, 1, 0, xen.ram.frameAt(held), true);
    mapGrantRef(xen, 0, taker, 1, 2 | 4, 0);
    destroyDomain(xen, 0, taker);
    expect([give(xen, giver, page, taker), owner(xen, page)]).toEqual(['general_error', 'free']);
  });

  it.each([
    ['4.15', 'ok'],
    ['4.16', 'general_error'],
  ])(
    'in %s where the new owner’s IOMMU has no room: %s, and it is the new owner’s (a16cf950fc)',
    (edition, status) => {
      const { xen, giver, page, taker } = scene(edition);
      failNth(xen, 'map', 1);
      expect([give(xen, giver, page, taker), owner(xen, page)]).toEqual([status, `d${taker}`]);
    },
  );
});

describe('gnttab=no-transfer', () => {
  it.each([
    ['4.16', 'ok'],
    ['4.17', 'EOPNOTSUPP'],
  ])('in %s: %s (185250ec78)', (edition, status) => {
    const { xen, giver, page, taker } = scene(edition, { gnttab: { noTransfer: true } });
    expect(give(xen, giver, page, taker)).toBe(status);
  });

  it.each([
    ['4.16', 'general_error'],
    ['4.17', 'EOPNOTSUPP'],
  ])(
    'is how Xen is on Arm in 4.17 and later; before, nothing could be stolen there: %s %s',
    (edition, status) => {
      const xen = arm(edition);
      const slot = domain(xen);
      populate(xen, slot, 1, 5);
      const answer = grantTransfer(xen, slot, 5, 0, 3);
      expect(answer < -50 ? errnoName(answer) : grantStatusName(answer)).toBe(status);
    },
  );
});

describe('a page beyond what version 1 can name (domain_clamp_alloc_bitsize)', () => {
  const HIGH = 2 ** 32;
  const high = {
    ram: [
      { base: 0x100, count: 4 },
      { base: HIGH, count: 4 },
    ],
    dom0Pages: 1,
  };

  it('is copied into one below, if there is one', () => {
    const xen = x86('4.22', high);
    const giver = domain(xen);
    const pages = populate(xen, giver, 4);
    const taker = domain(xen);
    const top = xen.ram.indexOf(HIGH);
    expect(xen.frame.owner.get(top)).toBe(giver + 1);
    xen.ram.write32(HIGH * 4096, 0x55);
    writeAcceptTransfer(xen, taker, 3, giver, 0);
    mapVa(xen, giver, 0, pages, 'ro');
    expect([give(xen, giver, top, taker), owner(xen, top)]).toEqual(['address_too_big', 'free']);
  });

  it('goes as it is where the table has version 2', () => {
    const xen = x86('4.22', high);
    const giver = domain(xen);
    populate(xen, giver, 4);
    const taker = domain(xen);
    setGrantVersion(xen, taker, 2);
    writeAcceptTransfer(xen, taker, 8, giver, 0);
    const top = xen.ram.indexOf(HIGH);
    expect([give(xen, giver, top, taker, 8), grantEntryFrame(xen, taker, 8)]).toEqual(['ok', HIGH]);
  });

  it('leaves its contents in the copy, and is free', () => {
    const xen = x86('4.22', high);
    const giver = domain(xen);
    const pages = populate(xen, giver, 4);
    const taker = domain(xen);
    const top = xen.ram.indexOf(HIGH);
    xen.ram.write32(HIGH * 4096, 0x55);
    writeAcceptTransfer(xen, taker, 3, giver, 0);
    give(xen, giver, pages, giver, 9);
    expect(isFree(xen, pages)).toBe(true);
    expect([give(xen, giver, top, taker), owner(xen, top), owner(xen, pages)]).toEqual([
      'ok',
      'free',
      `d${taker}`,
    ]);
    expect(xen.ram.read32(xen.ram.frameAt(pages) * 4096)).toBe(0x55);
  });
});

describe('what a device of the old owner remembers of a page that was given away', () => {
  it('is forgotten', () => {
    const xen = x86('4.22', { devices: [NIC] });
    const giver = domain(xen);
    const page = populate(xen, giver, 1);
    assign(xen, giver, 0);
    touch(xen, giver, page);
    expect(dma(xen, 0, 'write', xen.ram.frameAt(page) * 4096)).toBe('ok');
    const taker = domain(xen);
    writeAcceptTransfer(xen, taker, 3, giver, 0);
    expect(give(xen, giver, page, taker)).toBe('ok');
    expect(dma(xen, 0, 'write', xen.ram.frameAt(page) * 4096)).not.toBe('ok');
  });
});
