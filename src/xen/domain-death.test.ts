import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../formats/grant-v1.js';
import { PGT } from '../formats/x86-page-info.js';
import { CONTINUES } from './calls/call.js';
import { Step } from './calls/steps.js';
import { assignDevice, deassignDevice, testAssignDevice } from './device-domctl.js';
import { deviceOwner } from './devices.js';
import { CDF, createDomain, IOMMU_NO_SHAREPT } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { DOMID_INVALID, NOBODY } from './domid.js';
import { errnoName } from './errno.js';
import { isFree } from './frames.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { grantStatusName } from './grant-status.js';
import { unmapGrantRef } from './grant-unmap.js';
import { mirrors } from './iommu-map.js';
import {
  amd,
  arm,
  assign,
  broken,
  dma,
  domain,
  finish,
  mapped,
  mapVa,
  populate,
  pvWithContext,
  RAM,
  reach,
  touch,
  typeText,
  unmapVa,
  x86,
} from './machine.fixture.js';
import { decreaseReservation, populatePhysmap, setMaxPages } from './memory.js';
import { entryHigh, entryLow, mmuUpdate, pinTable, unpinTable } from './page-table.js';
import type { Xen } from './state.js';
import { Life } from './tables/domain.js';

const RELEASES = ['4.11.0', '4.12', '4.13', '4.14', '4.15', '4.16', '4.16.3', '4.17', '4.20', '4.22'];

const destroy = (xen: Xen, slot: number) => errnoName(destroyDomain(xen, 0, slot));
const life = (xen: Xen, slot: number) => Object.keys(Life)[xen.domain.life.get(slot)];
const owner = (xen: Xen, device = 0) => {
  const slot = deviceOwner(xen, device);
  return slot < 0 ? 'nobody' : xen.domainName(slot);
};
const freeOfXen = (xen: Xen) => {
  let free = 0;
  for (let pdx = xen.xenHeap.first; pdx < xen.xenHeap.end; pdx++) if (isFree(xen, pdx)) free++;
  return free;
};

/** dom0 maps page `pdx` of `granter` through reference 0; the handle. */
function granted(xen: Xen, granter: number, pdx: number, flags: number = GNTMAP.host): number {
  const gfn = xen.frame.gfn.get(pdx) - 1;
  writeGrantEntry(xen, granter, 0, 0, gfn < 0 ? xen.ram.frameAt(pdx) : gfn, false);
  return mapGrantRef(xen, 0, granter, 0, flags, 0x40);
}

const unmap = (xen: Xen, handle: number, mapper = 0) =>
  grantStatusName(unmapGrantRef(xen, mapper, handle, GNTMAP.host | GNTMAP.device, -1));

describe('destroydomain', () => {
  it('answers ESRCH for what is no domain and EINVAL for dom0, which asks', () => {
    for (const release of RELEASES) {
      const xen = x86(release);
      expect([1, xen.domIo, xen.domXen, NOBODY, 0].map((slot) => destroy(xen, slot))).toEqual([
        'ESRCH',
        'ESRCH',
        'ESRCH',
        'ESRCH',
        'EINVAL',
      ]);
    }
  });

  it('is done once the domain is gone: a second time there is none', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    expect([destroy(xen, slot), destroy(xen, slot)]).toEqual(['ok', 'ESRCH']);
  });

  it('answers ok for a zombie, which is destroyed already', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    granted(xen, slot, populate(xen, slot, 1));
    expect([destroy(xen, slot), destroy(xen, slot), life(xen, slot)]).toEqual(['ok', 'ok', 'dead']);
  });

  const KINDS: readonly (readonly [string, (xen: Xen) => number])[] = [
    ['a PV domain', (xen) => domain(xen)],
    ['a PV domain without a context', (xen) => domain(xen, { iommu: false })],
    ['an HVM domain that shares its p2m', (xen) => domain(xen, { flags: CDF.hvm | CDF.hap })],
    [
      'an HVM domain whose p2m is mirrored',
      (xen) =>
        domain(xen, {
          flags: CDF.hvm | CDF.hap,
          iommuOpts: xen.profile.iommuContext === 'at-creation' ? IOMMU_NO_SHAREPT : 0,
        }),
    ],
  ];

  it.each(KINDS)('leaves no trace of %s: the state is what it was before', (_, make) => {
    for (const release of RELEASES) {
      const xen = x86(release, { mode: 'strict' });
      const before = xen.store.hashText();
      const slot = make(xen);
      const page = populate(xen, slot, 6);
      if (xen.isPv(slot)) {
        mapVa(xen, slot, 0, page, 'rw');
        mapVa(xen, slot, 1, page + 1, 'ro');
        pinTable(xen, slot, page + 2, PGT.l1);
        mmuUpdate(xen, slot, page + 2, 0, entryLow(xen, page + 3, true), entryHigh(xen, page + 3));
        pinTable(xen, slot, page + 4, PGT.l2);
        mmuUpdate(xen, slot, page + 4, 5, entryLow(xen, page + 2, true), entryHigh(xen, page + 2));
        expect([2, 3, 4].map((n) => typeText(xen, page + n))).toEqual([
          'l1 2 pinned',
          'writable 1',
          'l2 1 pinned',
        ]);
      }
      expect(destroy(xen, slot)).toBe('ok');
      expect(xen.store.hashText(), release).toBe(before);
      expect(xen.hostBug).toBeUndefined();
    }
  });

  it.each(KINDS)('leaves no trace with AMD-Vi either: %s', (_, make) => {
    for (const release of RELEASES) {
      const xen = amd(release);
      const before = xen.store.hashText();
      const slot = make(xen);
      const page = populate(xen, slot, 3);
      if (xen.isPv(slot)) mapVa(xen, slot, 0, page, 'rw');
      expect(destroy(xen, slot)).toBe('ok');
      expect([xen.store.hashText() === before, xen.hostBug], release).toEqual([true, undefined]);
    }
  });

  it('leaves no trace of an Arm domain either', () => {
    for (const release of RELEASES) {
      const xen = arm(release, { withheld: [0] });
      const live = () => {
        const slot = domain(xen);
        populate(xen, slot, 3, 0x40000);
        expect(assign(xen, slot)).toBe('ok');
        expect([destroy(xen, slot), owner(xen)]).toEqual(['ok', 'nobody']);
        return xen.store.hashText();
      };
      // Since 4.16 the first assignment makes stream mappings that stay with the device.
      expect(live(), release).toBe(live());
    }
  });

  it('frees the domid, which the next domain gets', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    destroy(xen, slot);
    expect(domain(xen)).toBe(slot);
  });

  it('scrubs memory and hands it out again, out of the reach of the device that had it', () => {
    const xen = x86('4.17');
    const { slot, page } = pvWithContext(xen, 1);
    assign(xen, slot);
    xen.ram.write32(xen.ram.frameAt(page) * 4096, 0x5ec4e7);
    destroy(xen, slot);
    expect(populate(xen, domain(xen), 1)).toBe(page);
    expect(xen.ram.read32(xen.ram.frameAt(page) * 4096)).toBe(0);
    expect([reach(xen, 0, xen.ram.frameAt(page)), broken(xen)]).toEqual(['--', []]);
  });
});

describe('the devices of a domain that dies (§6.2, §6.6)', () => {
  it.each([
    ['4.11.0', 'd0', 'd0'],
    ['4.12', 'd0', 'd0'],
    ['4.13', 'd[IO]', 'd0'],
    ['4.15', 'd[IO]', 'd0'],
    ['4.17', 'd[IO]', 'd0'],
    ['4.22', 'd[IO]', 'd0'],
  ])('go in %s to %s, with iommu=no-quarantine to %s', (release, quarantined, free) => {
    for (const quarantine of [true, false]) {
      const xen = x86(release, { quarantine });
      const { slot } = pvWithContext(xen, 1);
      assign(xen, slot);
      expect(owner(xen)).toBe('d1');
      destroy(xen, slot);
      expect([owner(xen), broken(xen)]).toEqual([quarantine ? quarantined : free, []]);
    }
  });

  it('go to dom_io when they were quarantined before, whatever the option says', () => {
    const xen = x86('4.17', { quarantine: false });
    const slot = domain(xen);
    assign(xen, xen.domIo);
    assign(xen, slot);
    destroy(xen, slot);
    expect(owner(xen)).toBe('d[IO]');
  });

  it('T7: fault with reason 02 while in quarantine; dom0 gets them back', () => {
    for (const release of ['4.17', '4.20', '4.22']) {
      const xen = x86(release);
      const slot = domain(xen);
      const page = populate(xen, slot, 1);
      const address = xen.ram.frameAt(page) * 4096;
      expect([assign(xen, xen.domIo), assign(xen, slot), dma(xen, 0, 'write', address)]).toEqual([
        'ok',
        'ok',
        'ok',
      ]);
      destroy(xen, slot);
      expect(dma(xen, 0, 'write', address)).toContain('reason 02');
      expect(errnoName(deassignDevice(xen, 0, xen.domIo, 0))).toBe('ok');
      expect([owner(xen), xen.device.quarantine.get(0)]).toEqual(['d0', 0]);
    }
  });

  it('keep their reserved regions nowhere but in dom0', () => {
    const reserved = [{ range: { base: 0x80, count: 1 }, devices: [0], rights: 3 }];
    for (const release of ['4.13', '4.17']) {
      const xen = x86(release, { reserved, quarantine: false });
      const slot = domain(xen);
      assign(xen, slot);
      destroy(xen, slot);
      expect([owner(xen), reach(xen, 0, 0x80)]).toEqual(['d0', 'rw']);
    }
  });

  it('T6: a late context that nobody uses any more goes at the latest with the domain', () => {
    const xen = x86('4.12');
    const free = freeOfXen(xen);
    const { slot, page } = pvWithContext(xen, 1);
    deassignDevice(xen, 0, slot, 0);
    pinTable(xen, slot, page, PGT.l1);
    unpinTable(xen, slot, page);
    touch(xen, slot, page);
    expect([mirrors(xen, slot), mapped(xen, slot, page)]).toEqual([true, 'rw']);
    destroy(xen, slot);
    expect(freeOfXen(xen)).toBe(free);
  });
});

describe('a grantee that dies (§5.7)', () => {
  it('gives back pins and references, without touching its IOMMU tables', () => {
    for (const release of RELEASES) {
      const xen = x86(release);
      const granter = domain(xen);
      const page = populate(xen, granter, 1);
      const grantee = domain(xen);
      if (xen.profile.iommuContext === 'at-first-assignment') assign(xen, grantee);
      writeGrantEntry(xen, granter, 0, grantee, xen.ram.frameAt(page), false);
      const [type, count, hash] = [
        typeText(xen, page),
        xen.frame.countInfo.get(page),
        entryText(xen, granter),
      ];
      for (const flags of [GNTMAP.host, GNTMAP.device | GNTMAP.readonly]) {
        expect(mapGrantRef(xen, grantee, granter, 0, flags, 0)).toBeGreaterThanOrEqual(0);
      }
      expect(mapped(xen, grantee, page)).toBe('rw');
      expect(xen.frame.countInfo.get(page)).toBe(count + 2);
      destroy(xen, grantee);
      expect(typeText(xen, page).split(' ')[1], release).toBe(type.split(' ')[1]);
      expect([
        xen.frame.countInfo.get(page),
        xen.grant.pin.get(granter * 16),
        entryText(xen, granter),
      ]).toEqual([count, 0, hash]);
      expect([life(xen, grantee), xen.hostBug]).toEqual(['absent', undefined]);
    }
  });

  it('gives back what is left of a mapping that was half unmapped', () => {
    const xen = x86('4.17');
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    const grantee = domain(xen);
    writeGrantEntry(xen, granter, 0, grantee, xen.ram.frameAt(page), false);
    const handle = mapGrantRef(xen, grantee, granter, 0, GNTMAP.host | GNTMAP.device, 0);
    unmapGrantRef(xen, grantee, handle, GNTMAP.host, -1);
    destroy(xen, grantee);
    expect([typeText(xen, page), xen.grant.pin.get(granter * 16), xen.hostBug]).toEqual([
      'writable 0',
      0,
      undefined,
    ]);
  });

  const entryText = (xen: Xen, slot: number) =>
    xen.ram.read32(xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1) * 4096);
});

describe('a zombie', () => {
  it('is what others hold pages of; with the last one it vanishes', () => {
    for (const release of RELEASES) {
      const xen = x86(release);
      const slot = domain(xen);
      const page = populate(xen, slot, 3);
      const handle = granted(xen, slot, page);
      expect(mapVa(xen, 0, 0, page + 1, 'rw', slot)).toBe('ok');
      destroy(xen, slot);
      expect([life(xen, slot), xen.domain.totPages.get(slot), isFree(xen, page + 2)]).toEqual([
        'dead',
        2,
        true,
      ]);
      expect(errnoName(createDomain(xen, slot, CONFIG))).toBe(release < '4.14' ? 'EINVAL' : 'EEXIST');
      unmapVa(xen, 0, 0);
      expect([life(xen, slot), isFree(xen, page + 1)]).toEqual(['dead', true]);
      expect(unmap(xen, handle)).toBe('ok');
      expect([life(xen, slot), isFree(xen, page)]).toEqual(['absent', true]);
      expect([broken(xen), xen.hostBug]).toEqual([[], undefined]);
    }
  });

  const CONFIG = { flags: 0, iommuOpts: 0, maxVcpus: 1, maxPages: 1, directMapped: false };

  it('is also one whose grant frame dom0 has mapped', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    const frame = xen.domain.grantFrame.get(slot) - 1;
    const free = freeOfXen(xen);
    expect(mapVa(xen, 0, 0, frame, 'rw', slot)).toBe('ok');
    destroy(xen, slot);
    expect([life(xen, slot), freeOfXen(xen)]).toEqual(['dead', free]);
    unmapVa(xen, 0, 0);
    expect([life(xen, slot), freeOfXen(xen)]).toEqual(['absent', free + 1]);
  });

  it('gets no device and no page, and gives none; asking whether it could is no error on x86', () => {
    for (const release of ['4.13', '4.17', '4.22']) {
      const xen = x86(release);
      const slot = zombie(xen);
      expect([
        assign(xen, slot, 1),
        errnoName(testAssignDevice(xen, 0, slot, 1, 0)),
        errnoName(deassignDevice(xen, 0, slot, 1)),
        errnoName(populatePhysmap(xen, slot, 0)),
        errnoName(setMaxPages(xen, slot, 4)),
      ]).toEqual(['EINVAL', 'ok', 'ENODEV', 'EBUSY', 'ok']);
    }
  });

  it('on Arm is not even asked', () => {
    const xen = arm('4.17', { withheld: [0] });
    const slot = domain(xen);
    granted(xen, slot, populate(xen, slot, 1));
    destroy(xen, slot);
    expect([life(xen, slot), errnoName(testAssignDevice(xen, 0, slot, 0, 0))]).toEqual(['dead', 'EINVAL']);
  });

  it('lets its page be pinned, but unpins it at once', () => {
    const xen = x86('4.17');
    const slot = zombie(xen, GNTMAP.host | GNTMAP.readonly);
    const page = xen.ram.indexOf(RAM + 1);
    expect(errnoName(pinTable(xen, slot, page, PGT.l1))).toBe('ok');
    expect([typeText(xen, page), errnoName(unpinTable(xen, slot, page))]).toEqual(['l1 0', 'EINVAL']);
    expect(errnoName(decreaseReservation(xen, slot, page, -1))).toBe('ok');
    expect(life(xen, slot)).toBe('dead');
  });

  it('has its page that is held mapped again, but none that was freed', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    const page = populate(xen, slot, 2);
    writeGrantEntry(xen, slot, 1, 0, xen.ram.frameAt(page + 1), false);
    granted(xen, slot, page);
    destroy(xen, slot);
    const map = (ref: number) => grantStatusName(mapGrantRef(xen, 0, slot, ref, GNTMAP.host, 0));
    expect([map(0), map(1), xen.grant.pin.get(slot * 16 + 1)]).toEqual(['ok', 'bad_page', 0]);
  });

  it.each([
    ['4.13.4', 'ok'],
    ['4.13.5', 'bad_page'],
    ['4.16', 'ok'],
    ['4.16.3', 'bad_page'],
    ['4.17', 'bad_page'],
  ])('that was translated has in %s no p2m to look grants up in: %s', (release, status) => {
    const xen = x86(release);
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const page = populate(xen, slot, 1);
    granted(xen, slot, page);
    writeGrantEntry(xen, slot, 1, 0, 0, false);
    destroy(xen, slot);
    expect(grantStatusName(mapGrantRef(xen, 0, slot, 1, GNTMAP.host, 0))).toBe(status);
  });

  it.each([
    ['4.13', true],
    ['4.14', true],
    ['4.15', false],
    ['4.17', false],
  ])('keeps its IOMMU tables in %s: %s', (release, kept) => {
    const xen = x86(release);
    const slot = zombie(xen);
    expect(xen.domain.iommuRoot.get(slot) !== 0).toBe(kept);
    expect(broken(xen)).toEqual([]);
  });

  it('may be the granter of a grantee that dies: both vanish', () => {
    const xen = x86('4.17');
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    const grantee = domain(xen);
    writeGrantEntry(xen, granter, 0, grantee, xen.ram.frameAt(page), false);
    mapGrantRef(xen, grantee, granter, 0, GNTMAP.host, 0);
    destroy(xen, granter);
    expect(life(xen, granter)).toBe('dead');
    destroy(xen, grantee);
    expect([life(xen, granter), life(xen, grantee), isFree(xen, page)]).toEqual(['absent', 'absent', true]);
  });

  it('takes no notice of a gone domain’s domid in its grants: who gets the domid next is the grantee', () => {
    const xen = x86('4.17');
    const grantee = domain(xen);
    const granter = domain(xen);
    const page = populate(xen, granter, 1);
    writeGrantEntry(xen, granter, 0, grantee, xen.ram.frameAt(page), false);
    destroy(xen, grantee);
    expect(domain(xen)).toBe(grantee);
    expect(grantStatusName(mapGrantRef(xen, grantee, granter, 0, GNTMAP.host, 0))).toBe('ok');
  });

  /** A domain that is dead but for its first page, which dom0 has mapped through a grant. */
  function zombie(xen: Xen, flags: number = GNTMAP.host): number {
    const slot = domain(xen);
    granted(xen, slot, populate(xen, slot, 2), flags);
    destroy(xen, slot);
    expect(life(xen, slot)).toBe('dead');
    return slot;
  }
});

describe('a grant of a domain that is gone', () => {
  it('is refused with bad_domain', () => {
    const xen = x86('4.17');
    const slot = domain(xen);
    destroy(xen, slot);
    for (const granter of [slot, NOBODY, xen.domIo]) {
      expect(grantStatusName(mapGrantRef(xen, 0, granter, 0, GNTMAP.host, 0))).toBe('bad_domain');
    }
  });
});

describe('destroying a domain whose context is being built (§1.3, T4)', () => {
  const begun = () => {
    const xen = x86('4.11.2');
    const slot = domain(xen);
    touch(xen, slot, populate(xen, slot, 2));
    expect(assignDevice(xen, 0, slot, 0, 0)).toBe(CONTINUES);
    return { xen, slot };
  };

  const betweenSlices = (xen: Xen) => {
    xen.call.step.set(0, Step.domctl);
    xen.lock.pcidevs.set(0, 0);
  };

  it('waits for the slice of the hypercall to end', () => {
    const { xen, slot } = begun();
    destroy(xen, slot);
    expect([xen.blocked, life(xen, slot)]).toEqual([true, 'alive']);
  });

  it('between two slices is possible: the assignment, started over, finds no domain', () => {
    const { xen, slot } = begun();
    betweenSlices(xen);
    expect([destroy(xen, slot), life(xen, slot)]).toEqual(['ok', 'absent']);
    expect(errnoName(finish(xen, CONTINUES))).toBe('ESRCH');
  });

  it('or a zombie', () => {
    const { xen, slot } = begun();
    granted(xen, slot, xen.ram.indexOf(RAM + 1));
    betweenSlices(xen);
    destroy(xen, slot);
    expect(errnoName(finish(xen, CONTINUES))).toBe('EINVAL');
  });
});

describe('test_assign_device for DOMID_INVALID (§2.5)', () => {
  it.each([
    ['4.11.0', 'ok', undefined],
    ['4.12', 'ok', undefined],
    ['4.13', 'ok', 'no domain where one is looked at'],
    ['4.15.2', 'ok', 'no domain where one is looked at'],
    ['4.15.3', 'ok', undefined],
    ['4.16.1', 'ok', 'no domain where one is looked at'],
    ['4.16.2', 'ok', undefined],
    ['4.17', 'ok', undefined],
    ['4.22', 'ok', undefined],
  ])('in %s: %s, BUG: %s', (release, status, bug) => {
    const xen = x86(release);
    expect(errnoName(testAssignDevice(xen, 0, xen.slotOf(DOMID_INVALID), 0, 0))).toBe(status);
    expect(xen.hostBug).toBe(bug);
  });

  it('asks for the device alone: it must be known and nobody’s', () => {
    const xen = x86('4.17');
    const test = (device: number, flags = 0) => errnoName(testAssignDevice(xen, 0, NOBODY, device, flags));
    expect([test(0), test(-1), test(0, 1)]).toEqual(['ok', 'EINVAL', 'EINVAL']);
    assign(xen, domain(xen));
    expect(test(0)).toBe('EINVAL');
  });

  it.each([
    ['4.12', 'ENOSYS'],
    ['4.17', 'EOPNOTSUPP'],
  ])('without an IOMMU answers in %s %s', (release, status) => {
    const xen = x86(release, { iommu: 'off' });
    expect(errnoName(testAssignDevice(xen, 0, NOBODY, 0, 0))).toBe(status);
  });
});
