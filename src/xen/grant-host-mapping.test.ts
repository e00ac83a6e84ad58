import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { grantStatusName } from './grant-status.js';
import { unmapAndReplace, unmapGrantRef, WHERE_MAPPED } from './grant-unmap.js';
import { tableEntry, vaEntry } from './host-entry.js';
import { arm, domain, mapped, mapVa, populate, touch, typeText, unmapVa, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { p2mLookup, p2mSet } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { COUNT_MASK } from './page-info.js';
import { mmuUpdate, pinTable, updateVaMapping } from './page-table.js';
import type { Xen } from './state.js';
import { guestStore } from './vcpu.js';

const { host: HOST, device: DEVICE, readonly: RO, application: APP, containsPte: PTE } = GNTMAP;
const HVM = CDF.hvm | CDF.hap;

/** A PV granter whose page is offered to dom0 by entry 0, to the other PV domain by 1, to the HVM domain by 2. */
function scene(edition = '4.22') {
  const xen = x86(edition, { dom0Pages: 2, limits: { domains: 6 }, frames: 20 });
  const granter = domain(xen);
  const page = populate(xen, granter, 1);
  touch(xen, granter, page);
  const guest = domain(xen);
  const own = populate(xen, guest, 3);
  const hvm = domain(xen, { flags: HVM });
  [0, guest, hvm].forEach((to, ref) => {
    writeGrantEntry(xen, granter, ref, to, xen.ram.frameAt(page), false);
  });
  return { xen, granter, page, guest, own, hvm };
}

const map = (xen: Xen, caller: number, granter: number, ref: number, flags: number, entry = 0, gfn = 0) =>
  grantStatusName(mapGrantRef(xen, caller, granter, ref, flags, gfn, entry));
const unmap = (xen: Xen, caller: number, entry = 0, handle = 0, gfn = WHERE_MAPPED) =>
  grantStatusName(unmapGrantRef(xen, caller, handle, HOST | DEVICE, -1, gfn, entry));
const refs = (xen: Xen, page: number) => xen.frame.countInfo.get(page) & COUNT_MASK;
const va = (xen: Xen, slot: number, n: number) => {
  const row = slot * xen.spec.limits.vaSlots + n;
  const frame = xen.va.frame.get(row);
  return frame === 0 ? 'nothing' : `${frame - 1} ${xen.va.writable.get(row) ? 'rw' : 'ro'}`;
};

describe('a PV mapper’s host mapping', () => {
  it('stands in the L1 entry behind the virtual page that it names, and its CPU writes through it', () => {
    const { xen, granter, page, guest } = scene();
    expect(guestStore(xen, guest, page, 0, 1, 0)).toBeLessThan(0);
    expect(map(xen, guest, granter, 1, HOST, vaEntry(3))).toBe('ok');
    expect([va(xen, guest, 3), refs(xen, page), typeText(xen, page)]).toEqual([
      `${page} rw`,
      2,
      'writable 1',
    ]);
    expect(guestStore(xen, guest, page, 0, 0x77, 0)).toBe(0);
    expect(xen.ram.read32(xen.ram.frameAt(page) * 4096)).toBe(0x77);
    expect(unmap(xen, guest)).toBe('ok');
    expect([va(xen, guest, 3), refs(xen, page), typeText(xen, page)]).toEqual(['nothing', 1, 'writable 0']);
  });

  it('is read-only for a readonly mapping: the CPU cannot write', () => {
    const { xen, granter, page, guest } = scene();
    expect(map(xen, guest, granter, 1, HOST | RO, vaEntry(3))).toBe('ok');
    expect([va(xen, guest, 3), guestStore(xen, guest, page, 0, 1, 0) < 0]).toEqual([`${page} ro`, true]);
  });

  it('takes the place of what was mapped there, which is given back', () => {
    const { xen, granter, page, guest, own } = scene();
    mapVa(xen, guest, 0, own, 'rw');
    expect([refs(xen, own), typeText(xen, own)]).toEqual([2, 'writable 1']);
    map(xen, guest, granter, 1, HOST, vaEntry(0));
    expect([refs(xen, own), typeText(xen, own), va(xen, guest, 0)]).toEqual([1, 'writable 0', `${page} rw`]);
  });

  it('cannot be where there is no virtual page: general_error, and nothing is left of it', () => {
    const { xen, granter, guest } = scene();
    const hash = xen.store.hashText();
    expect(map(xen, guest, granter, 1, HOST, vaEntry(xen.spec.limits.vaSlots))).toBe('general_error');
    expect(xen.store.hashText()).toBe(hash);
  });

  it('may be for its applications, too', () => {
    const { xen, granter, guest } = scene();
    expect(map(xen, guest, granter, 1, HOST | APP, vaEntry(0))).toBe('ok');
  });

  it('stands in an entry of an L1 table that is named by machine address (contains_pte)', () => {
    const { xen, granter, page, guest, own } = scene();
    pinTable(xen, guest, own, PGT.l1);
    expect(map(xen, guest, granter, 1, HOST | PTE, tableEntry(own, 5))).toBe('ok');
    const at = xen.ram.frameAt(own) * 4096 + 5 * 8;
    expect(xen.ram.read32(at) >>> 12).toBe(xen.ram.frameAt(page));
    expect(xen.ram.read32(at) & 3).toBe(3);
    expect(unmap(xen, guest, tableEntry(own, 4))).toBe('general_error');
    expect(unmap(xen, guest, tableEntry(own, 5))).toBe('ok');
    expect([xen.ram.read32(at), refs(xen, page)]).toEqual([0, 1]);
  });

  it.each([
    ['a page that is no L1 table', (own: number) => tableEntry(own + 1, 0)],
    ['no page of its own', () => tableEntry(0, 0)],
    ['no RAM', () => tableEntry(-1, 0)],
    ['a virtual page, though a table’s entry is promised', () => vaEntry(0)],
    ['nothing', () => 0],
  ])('in an entry of %s is general_error', (_, entry) => {
    const { xen, granter, guest, own } = scene();
    pinTable(xen, guest, own, PGT.l1);
    const hash = xen.store.hashText();
    expect(map(xen, guest, granter, 1, HOST | PTE, entry(own))).toBe('general_error');
    expect(xen.store.hashText()).toBe(hash);
  });
});

describe('a PV mapper’s unmap looks at the entry (replace_grant_pv_mapping)', () => {
  it.each([
    ['another virtual page', vaEntry(4)],
    ['none that exists', vaEntry(99)],
  ])('and refuses %s with general_error; the mapping stays', (_, entry) => {
    const { xen, granter, page, guest } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    expect(unmap(xen, guest, entry)).toBe('general_error');
    expect([va(xen, guest, 3), refs(xen, page)]).toEqual([`${page} rw`, 2]);
    expect(unmap(xen, guest, vaEntry(3))).toBe('ok');
  });

  it('and refuses an entry with other rights', () => {
    const { xen, granter, page } = scene();
    map(xen, 0, granter, 0, HOST, vaEntry(0));
    // dom0 may map the page by itself, and does so read-only over the grant's mapping.
    expect(updateVaMapping(xen, 0, 0, page, false, granter)).toBe(0);
    expect(unmap(xen, 0)).toBe('general_error');
    expect(xen.maptrack.flags.get(0)).not.toBe(0);
  });

  it('and finds nothing after the guest has overwritten it: the references are gone, the pin stays', () => {
    const { xen, granter, page, guest, own } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    expect(mapVa(xen, guest, 3, own, 'rw')).toBe('ok');
    expect([refs(xen, page), typeText(xen, page)]).toEqual([1, 'writable 0']);
    expect(unmap(xen, guest)).toBe('general_error');
    expect(xen.grant.pin.get(granter * 16 + 1)).toBe(1);
    expect(va(xen, guest, 3)).toBe(`${own} rw`);
  });

  it('so that a granter can be gone while it is mapped: its mapper is crashed, and does not bring the host down', () => {
    const { xen, granter, guest } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    unmapVa(xen, guest, 3);
    destroyDomain(xen, 0, granter);
    expect(xen.exists(granter)).toBe(false);
    expect(unmap(xen, guest)).toBe('general_error');
    expect(xen.domain.crashed.get(guest)).toBe(1);
    destroyDomain(xen, 0, guest);
    expect(xen.hostBug).toBeUndefined();
  });

  it('and a successor of the granter’s domid is not taken for it; only at its own death the host goes down', () => {
    const { xen, granter, guest } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    unmapVa(xen, guest, 3);
    destroyDomain(xen, 0, granter);
    expect(domain(xen)).toBe(granter);
    expect(xen.grant.pin.get(granter * 16 + 1)).toBe(0);
    expect([unmap(xen, guest), xen.domain.crashed.get(guest)]).toEqual(['general_error', 0]);
    destroyDomain(xen, 0, guest);
    expect(xen.hostBug).toBe('grant pin underflow');
  });

  it('leaves a device that can reach the page where a host mapping alone was overwritten (as read, §5.4)', () => {
    const { xen, granter, page, guest } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    expect(mapped(xen, guest, page)).toBe('rw');
    unmapVa(xen, guest, 3);
    decreaseReservation(xen, granter, page, -1);
    expect([xen.frame.owner.get(page), mapped(xen, guest, page)]).toEqual([0, 'rw']);
  });
});

describe('the entries of a dying PV mapper', () => {
  it('give back what they hold with its page tables, the pins before', () => {
    const { xen, granter, page, guest, own } = scene();
    pinTable(xen, guest, own, PGT.l1);
    map(xen, guest, granter, 1, HOST | DEVICE, vaEntry(3));
    map(xen, guest, granter, 1, HOST | PTE, tableEntry(own, 0));
    map(xen, guest, granter, 1, HOST);
    expect([refs(xen, page), typeText(xen, page)]).toEqual([5, 'writable 4']);
    expect(destroyDomain(xen, 0, guest)).toBe(0);
    expect([refs(xen, page), typeText(xen, page), xen.grant.pin.get(granter * 16 + 1)]).toEqual([
      1,
      'writable 0',
      0,
    ]);
    expect(xen.hostBug).toBeUndefined();
  });
});

describe('what a PV mapper’s CPU remembers of a grant', () => {
  function remembering() {
    const xen = x86('4.22', { dom0Pages: 2, limits: { domains: 6, cpuTlb: 16 }, frames: 20 });
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    const guest = domain(xen);
    writeGrantEntry(xen, granter, 1, guest, xen.ram.frameAt(page), false);
    expect(map(xen, guest, granter, 1, HOST, vaEntry(3))).toBe('ok');
    expect(guestStore(xen, guest, page, 0, 1, 0)).toBe(0);
    return { xen, granter, page, guest };
  }

  it('is forgotten when the grant is unmapped, before the page is given back', () => {
    const { xen, page, guest } = remembering();
    expect(unmap(xen, guest)).toBe('ok');
    expect(guestStore(xen, guest, page, 0, 1, 0)).toBeLessThan(0);
  });

  it('and by any other unmap of its, even one that is refused', () => {
    const { xen, page, guest } = remembering();
    unmapVa(xen, guest, 3);
    expect(guestStore(xen, guest, page, 0, 1, 0)).toBe(0);
    expect(unmap(xen, guest, 0, 7)).toBe('bad_handle');
    expect(guestStore(xen, guest, page, 0, 1, 0)).toBeLessThan(0);
  });
});

describe('unmap_and_replace', () => {
  const replace = (xen: Xen, caller: number, entry: number, by: number, handle = 0) =>
    grantStatusName(unmapAndReplace(xen, caller, handle, entry, by));

  it('moves what another virtual page maps to where the grant was, references and all', () => {
    const { xen, granter, page, guest, own } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    mapVa(xen, guest, 5, own, 'rw');
    expect(replace(xen, guest, vaEntry(3), vaEntry(5))).toBe('ok');
    expect([va(xen, guest, 3), va(xen, guest, 5)]).toEqual([`${own} rw`, 'nothing']);
    expect([refs(xen, page), refs(xen, own), typeText(xen, own)]).toEqual([1, 2, 'writable 1']);
    expect(unmap(xen, guest)).toBe('bad_handle');
  });

  it('leaves nothing where the other virtual page maps nothing', () => {
    const { xen, granter, guest } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    expect(replace(xen, guest, 0, vaEntry(5))).toBe('ok');
    expect(va(xen, guest, 3)).toBe('nothing');
  });

  it('is general_error for an entry named by machine address', () => {
    const { xen, granter, guest, own } = scene();
    pinTable(xen, guest, own, PGT.l1);
    map(xen, guest, granter, 1, HOST | PTE, tableEntry(own, 5));
    mapVa(xen, guest, 5, own + 1, 'rw');
    expect(replace(xen, guest, tableEntry(own, 5), vaEntry(5))).toBe('general_error');
    expect(va(xen, guest, 5)).toBe(`${own + 1} rw`);
  });

  it('is general_error for a translated mapper', () => {
    const { xen, granter, hvm } = scene();
    expect(map(xen, hvm, granter, 2, HOST, 0, 0x20)).toBe('ok');
    expect(replace(xen, hvm, 0, vaEntry(0))).toBe('general_error');
    expect(p2mLookup(xen, hvm, 0x20)).toBeGreaterThan(0);
  });

  it('that fails has taken the other mapping away all the same, and given back what it held', () => {
    const { xen, granter, guest, own, page } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    mapVa(xen, guest, 5, own, 'rw');
    expect(replace(xen, guest, vaEntry(4), vaEntry(5))).toBe('general_error');
    expect([va(xen, guest, 5), refs(xen, own), va(xen, guest, 3)]).toEqual(['nothing', 1, `${page} rw`]);
  });

  it('by the mapping itself gives its references back twice over: the handle can never be unmapped', () => {
    const { xen, granter, guest, page } = scene();
    map(xen, guest, granter, 1, HOST, vaEntry(3));
    expect(replace(xen, guest, vaEntry(3), vaEntry(3))).toBe('general_error');
    expect([va(xen, guest, 3), refs(xen, page)]).toEqual(['nothing', 1]);
    expect([unmap(xen, guest), xen.grant.pin.get(granter * 16 + 1)]).toEqual(['general_error', 1]);
  });
});

describe('a translated mapper', () => {
  it.each([
    ['device', HOST | DEVICE],
    ['application', HOST | APP],
    ['contains_pte', HOST | PTE],
    ['a bit that is the guest’s own', HOST | 0x10000],
  ])('cannot ask for %s (§5.2 step 2): general_error', (_, flags) => {
    const { xen, granter, hvm } = scene();
    const hash = xen.store.hashText();
    expect(map(xen, hvm, granter, 2, flags, 0, 0x20)).toBe('general_error');
    expect(xen.store.hashText()).toBe(hash);
  });

  it('that maps over its own page loses the page’s place, not the page', () => {
    const { xen, granter, hvm, page } = scene();
    const own = populate(xen, hvm, 1, 0x20);
    expect(map(xen, hvm, granter, 2, HOST, 0, 0x20)).toBe('ok');
    expect([p2mLookup(xen, hvm, 0x20), xen.frame.gfn.get(own)]).toEqual([xen.ram.frameAt(page), 0]);
    expect(xen.frame.owner.get(own)).toBe(hvm + 1);
  });

  it('on x86 unmaps at the gfn where the grant is, no other', () => {
    const { xen, granter, hvm } = scene();
    map(xen, hvm, granter, 2, HOST, 0, 0x20);
    populate(xen, hvm, 1, 0x21);
    expect([unmap(xen, hvm, 0, 0, 0x21), unmap(xen, hvm, 0, 0, 0x22)]).toEqual([
      'general_error',
      'general_error',
    ]);
    expect(p2mLookup(xen, hvm, 0x21)).toBeGreaterThan(0);
    expect(unmap(xen, hvm, 0, 0, 0x20)).toBe('ok');
  });

  it.each([
    ['4.16', 'ok', false],
    ['4.17', 'general_error', true],
  ])(
    'on Arm in %s, where its own RAM stands at the gfn, answers %s (5a4a2cef08)',
    (edition, status, stays) => {
      const xen = arm(edition);
      const slot = domain(xen);
      const page = populate(xen, slot, 1, 5);
      writeGrantEntry(xen, slot, 0, 0, 5, false);
      expect(map(xen, 0, slot, 0, HOST, 0, 0x2000)).toBe('ok');
      const own = xen.ram.frameAt(0);
      expect(p2mSet(xen, 0, 0x3000, own, P2mType.ramRw)).toBe(0);
      expect(unmap(xen, 0, 0, 0, 0x3000)).toBe(status);
      expect(p2mLookup(xen, 0, 0x3000) === own).toBe(stays);
      expect(refs(xen, page)).toBe(stays ? 2 : 1);
    },
  );
});

describe('an entry of a table that a guest gives up', () => {
  it('gives back what the grant put there, as any entry does', () => {
    const { xen, granter, page, guest, own } = scene();
    pinTable(xen, guest, own, PGT.l1);
    map(xen, guest, granter, 1, HOST | PTE, tableEntry(own, 5));
    expect(mmuUpdate(xen, guest, own, 5, 0, 0)).toBe(0);
    expect([refs(xen, page), unmap(xen, guest)]).toEqual([1, 'general_error']);
  });
});
