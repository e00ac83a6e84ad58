import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CDF } from './domain.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { unmapGrantRef } from './grant-unmap.js';
import { byHarm } from './invariants/harm.js';
import { INVARIANTS, Judge } from './invariants.js';
import { iommuMap, iommuUnmap } from './iommu-map.js';
import { arm, assign, broken, dma, domain, populate, pvWithContext, RAM, x86 } from './machine.fixture.js';
import { decreaseReservation } from './memory.js';
import { p2mRemove, p2mSet } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { pinTable } from './page-table.js';
import { permittedRights } from './rule.js';
import type { Xen } from './state.js';

const HOST = GNTMAP.host;
const RO = GNTMAP.readonly;

/** A guest with a device and two pages; all invariants hold. */
function guest(edition = '4.22'): { xen: Xen; slot: number; page: number; frame: number } {
  const xen = x86(edition, { mode: 'strict' });
  const { slot, page } = pvWithContext(xen, 2);
  if (xen.profile.iommuContext === 'at-creation') assign(xen, slot);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page, frame: xen.ram.frameAt(page) };
}

const message = (xen: Xen, id: string) =>
  new Judge(xen, xen.spec.limits.gfns).violation(INVARIANTS.find((one) => one.id === id)!)?.message;

describe('an invariant fires on', () => {
  it('I2: a page table in use that a device can write', () => {
    const { xen, slot, page, frame } = guest();
    pinTable(xen, slot, page, PGT.l1);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, slot, frame, frame, R | W);
    expect(broken(xen)).toEqual(['I2', 'REACH', 'I1']);
    expect(message(xen, 'I2')).toBe(
      'nic (0000:03:00.0) of d1 can write frame 0x101 (owned by d1, type l1, type count 1) through its tables',
    );
  });

  it('I2: the same through an IOTLB entry that nobody flushed, and not for reading only', () => {
    const { xen, slot, page, frame } = guest();
    dma(xen, 0, 'write', frame * 4096);
    const row = xen.unit!.iotlb.find(slot, frame);
    expect(row).toBeGreaterThanOrEqual(0);
    pinTable(xen, slot, page, PGT.l1);
    xen.unit!.iotlb.fill(slot, frame, frame, R | W);
    expect(broken(xen)).toEqual(['I2', 'REACH', 'I4']);
    expect(message(xen, 'I2')).toMatch(/through the IOTLB$/);
    xen.unit!.iotlb.fill(slot, frame, frame, R);
    expect(broken(xen)).toEqual(['REACH', 'I4']);
  });

  it('I3: a free frame in a table', () => {
    const { xen, slot, page, frame } = guest();
    decreaseReservation(xen, slot, page, -1);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, slot, frame, frame, R);
    expect(broken(xen)).toEqual(['I3', 'REACH']);
    expect(message(xen, 'I3')).toBe("free frame 0x101 is mapped r- in d1's IOMMU tables");
  });

  it('REACH: another domain’s page, Xen’s own, and what is no RAM', () => {
    for (const frame of [RAM, 0x10, 0x9999]) {
      const { xen, slot } = guest();
      iommuMap(xen, slot, RAM + 9, frame, R);
      expect(broken(xen)).toEqual(['I3', 'REACH']);
    }
  });

  it('REACH: rights beyond a translated domain’s p2m', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap, iommuOpts: 1 });
    const page = populate(xen, slot, 1, 5);
    assign(xen, slot);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, slot, 6, xen.ram.frameAt(page), R);
    expect(broken(xen)).toEqual(['REACH', 'INV-SYNC']);
  });

  it('BUG: a host that went down', () => {
    const { xen } = guest();
    xen.bug('grant counter underflow');
    expect(broken(xen)).toEqual(['BUG']);
    expect(message(xen, 'BUG')).toBe('Xen hits a BUG: grant counter underflow');
  });

  it('I12: a grant that is mapped more, or less, than its handles say', () => {
    const { xen, slot, frame } = guest();
    writeGrantEntry(xen, slot, 0, 0, frame, false);
    mapGrantRef(xen, 0, slot, 0, HOST | RO, 0);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, 0, frame, frame, R | W);
    expect(broken(xen)).toEqual(['REACH', 'I12']);
    iommuUnmap(xen, 0, frame);
    expect(broken(xen)).toEqual(['I12']);
    expect(message(xen, 'I12')).toMatch(/is mapped -- for d0's devices, but its live grant handles give r-$/);
  });

  it('I19: a foreign page that a direct-mapped dom0’s devices cannot reach at its machine address', () => {
    const xen = arm('4.22');
    const slot = domain(xen);
    const page = populate(xen, slot, 1, 5);
    writeGrantEntry(xen, slot, 0, 0, 5, false);
    mapGrantRef(xen, 0, slot, 0, HOST, 0x2000);
    expect(broken(xen)).toEqual([]);
    p2mSet(xen, 0, xen.ram.frameAt(page), xen.ram.frameAt(page), P2mType.iommuMapRo);
    expect(broken(xen)).toEqual(['I12', 'I19']);
    p2mRemove(xen, 0, xen.ram.frameAt(page));
    expect(broken(xen)).toEqual(['I12', 'I19']);
  });

  it('I1: a page whose type and mapping disagree, either way', () => {
    const { xen, slot, page, frame } = guest();
    iommuUnmap(xen, slot, frame);
    expect(broken(xen)).toEqual(['I1']);
    iommuMap(xen, slot, frame, frame, R);
    expect(broken(xen)).toEqual(['I1']);
    iommuMap(xen, slot, frame, frame, R | W);
    expect(broken(xen)).toEqual([]);
    xen.frame.typeInfo.set(page, 0);
    expect(broken(xen)).toEqual(['REACH', 'I1']);
  });
});

describe('I13, a self-grant that changes one’s own mapping', () => {
  it('holds while a page is only offered, mapped as its release does', () => {
    for (const edition of ['4.11.0', '4.12', '4.14', '4.15', '4.22']) {
      const { xen, slot, frame } = guestAnyRelease(edition);
      writeGrantEntry(xen, slot, 0, slot, frame, false);
      expect(broken(xen), edition).not.toContain('I13');
    }
  });

  it('fires when an offered page has lost its mapping', () => {
    const { xen, slot, frame } = guest();
    writeGrantEntry(xen, slot, 0, slot, frame, false);
    iommuUnmap(xen, slot, frame);
    expect(broken(xen)).toEqual(['I13', 'I1']);
  });

  it('fires when a page that one maps through one’s own grant has more than its type asks for', () => {
    const { xen, slot, page, frame } = guest();
    pinTable(xen, slot, page, PGT.l1);
    writeGrantEntry(xen, slot, 0, slot, frame, true);
    mapGrantRef(xen, slot, slot, 0, HOST | RO, 0);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, slot, frame, frame, R);
    expect(broken(xen)).toEqual(['I13', 'I1']);
    unmapGrantRef(xen, slot, 0, HOST, -1);
    expect(broken(xen)).toEqual(['REACH', 'I1']);
  });

  it('does not fire for what no self-grant did', () => {
    const { xen, slot, page, frame } = guest();
    iommuUnmap(xen, slot, frame);
    pinTable(xen, slot, page + 1, PGT.l1);
    iommuMap(xen, slot, frame + 1, frame + 1, R);
    expect(broken(xen)).toEqual(['REACH', 'I1']);
  });

  function guestAnyRelease(edition: string): { xen: Xen; slot: number; frame: number } {
    const xen = x86(edition);
    const { slot, page } = pvWithContext(xen, 1);
    return { xen, slot, frame: xen.ram.frameAt(page) };
  }
});

describe('the rule', () => {
  it('permits a PV page by its type, and by the handles that map it', () => {
    const { xen, slot, page, frame } = guest();
    const rights = () => [permittedRights(xen, slot, frame, frame), permittedRights(xen, 0, frame, frame)];
    expect(rights()).toEqual([R | W, 0]);
    expect(permittedRights(xen, slot, frame + 1, frame)).toBe(0);
    writeGrantEntry(xen, slot, 0, 0, frame, false);
    mapGrantRef(xen, 0, slot, 0, HOST | RO, 0);
    expect(rights()).toEqual([R | W, R]);
    pinTable(xen, slot, page, PGT.l1);
    expect(rights()).toEqual([0, R]);
    mapGrantRef(xen, 0, slot, 0, HOST, 0);
    expect(rights()).toEqual([0, R]);
  });

  it('permits an untyped page only where the release maps pages untyped', () => {
    for (const [edition, rights] of [
      ['4.11.0', R | W],
      ['4.11.2', 0],
      ['4.12', 0],
      ['4.22', 0],
    ] as const) {
      const xen = x86(edition);
      const { slot, page } = pvWithContext(xen, 1);
      xen.frame.typeInfo.set(page, 0);
      expect(permittedRights(xen, slot, xen.ram.frameAt(page), xen.ram.frameAt(page)), edition).toBe(rights);
    }
  });

  it('permits a reserved region where it lies, and nowhere else', () => {
    const xen = x86('4.22', { reserved: [{ range: { base: 0x8000, count: 1 }, devices: [0], rights: 3 }] });
    const slot = domain(xen);
    expect(permittedRights(xen, slot, 0x8000, 0x8000)).toBe(0);
    assign(xen, slot);
    expect([permittedRights(xen, slot, 0x8000, 0x8000), permittedRights(xen, slot, 0x8001, 0x8000)]).toEqual([
      R | W,
      0,
    ]);
  });

  it('permits quarantined devices the page of zeros, and a relaxed dom0 all but Xen’s own memory', () => {
    const xen = x86('4.13');
    expect(permittedRights(xen, 0, RAM, RAM + 3)).toBe(R | W);
    expect(permittedRights(xen, 0, 0x10, 0x10)).toBe(0);
    const zeros = xen.ram.frameAt(xen.quarantinePage);
    expect([zeros, 0x10, RAM].map((frame) => permittedRights(xen, xen.domIo, 0, frame))).toEqual([R, 0, 0]);
    const none = x86('4.17');
    expect([none.quarantinePage, permittedRights(none, none.domIo, 0, 0x10)]).toEqual([-1, 0]);
    const untranslated = x86('4.13', { mode: 'passthrough' });
    expect(permittedRights(untranslated, 0, 0x10, 0x10)).toBe(R | W);
  });
});

describe('invariants', () => {
  it('stand from the gravest harm to the least, each with its reason', () => {
    const harms = INVARIANTS.map(({ harm }) => harm);
    expect(harms).toEqual([...harms].sort(byHarm));
    expect(new Set(INVARIANTS.map(({ id }) => id)).size).toBe(INVARIANTS.length);
    for (const { title, reason } of INVARIANTS) expect([title, reason]).not.toContain('');
  });
});
