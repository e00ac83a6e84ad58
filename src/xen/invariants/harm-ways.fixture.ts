import { expect } from 'vitest';
import { R, W } from '../../formats/address.js';
import { GNTMAP, GTF_READING, GTF_WRITING } from '../../formats/grant-v1.js';
import { CDF } from '../domain.js';
import { setGfns } from '../extents.js';
import { getPage } from '../frames.js';
import { noteGlimpse } from '../glimpses.js';
import { changeUse, writeGrantEntry } from '../grant-entry.js';
import { mapGrantRef } from '../grant-map.js';
import { iommuMap, iommuUnmap } from '../iommu-map.js';
import { broken, domain, mapVa, NIC, populate, x86 } from '../machine.fixture.js';
import { p2mRemove, p2mSet } from '../p2m.js';
import { P2mType } from '../p2m-types.js';
import { markPopulateOnDemand, setPodTarget } from '../pod.js';
import type { Xen } from '../state.js';
import type { Breach, Harm } from './harm.js';
import { breachOf, breachOfStep, guest } from './invariants.fixture.js';

/** A PV guest whose first page dom0 has mapped by grant 3, and how its grant and its handle are counted. */
function granted(flags: number) {
  const { xen, slot, page, frame } = guest();
  writeGrantEntry(xen, slot, 3, 0, frame, false);
  mapGrantRef(xen, 0, slot, 3, GNTMAP.host | flags, 0);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page, frame, row: slot * xen.spec.limits.grants + 3 };
}

/** A translated guest whose p2m is mirrored, with a page at GFN 5. */
function translated(type: number = P2mType.ramRw) {
  const xen = x86('4.22');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap, iommuOpts: 1 });
  const page = populate(xen, slot, 1, 5);
  const frame = xen.ram.frameAt(page);
  p2mSet(xen, slot, 5, frame, type);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page, frame };
}

/** The translated guest's page goes to GFN 9, and is there of a type. */
function move(from: number, to: number): Breach | undefined {
  const { xen, slot, page, frame } = translated(from);
  return breachOfStep(xen, 'MOVED', () => {
    p2mRemove(xen, slot, 5);
    p2mSet(xen, slot, 9, frame, to);
    setGfns(xen, page, 9);
  });
}

/** A guest of which three guest frames wait for a page, and two pages for these. */
function waiting() {
  const xen = x86('4.22');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap, iommu: false, maxPages: 8 });
  markPopulateOnDemand(xen, slot, 0, 2);
  setPodTarget(xen, slot, 2);
  expect(broken(xen)).toEqual([]);
  return { xen, slot };
}

const RESERVED = [{ range: { base: 0x8000, count: 1 }, devices: [0], rights: 3 }];

/** The tables through which a device goes that is its owner's no more: `of` has them. */
function through(of: (xen: Xen) => number): Xen {
  const { xen, slot } = guest();
  xen.vtd!.setContext(NIC.requester, of(xen), slot);
  return xen;
}

function tablesOfAnother(xen: Xen): number {
  const other = domain(xen);
  populate(xen, other, 1);
  return xen.ram.frameAt(xen.domain.iommuRoot.get(other) - 1);
}

/** A table of the device's own for the time of its quarantine: any free frame of Xen's heap will do. */
function tablesOfQuarantine(xen: Xen): number {
  const root = xen.xenHeap.end - 1;
  xen.device.quarantineTable.set(0, root + 1);
  return xen.ram.frameAt(root);
}

function breakOf<M extends { readonly xen: Xen }>(
  id: string,
  machine: M,
  how: (machine: M) => void,
): Breach | undefined {
  how(machine);
  return breachOf(machine.xen, id);
}

/** Of every invariant that can be broken in several ways: what it says of one, what that leads to, and a machine on which it is so. */
export const WAYS: readonly (readonly [
  id: string,
  harm: Harm,
  says: RegExp,
  breach: () => Breach | undefined,
])[] = [
  [
    'I1',
    'mapping lost',
    /type writable.* is mapped -- for d1's devices, but its type asks for rw$/,
    () => breakOf('I1', guest(), (one) => iommuUnmap(one.xen, one.slot, one.frame)),
  ],
  [
    'I1',
    'isolation broken',
    /type none.* is mapped rw for d1's devices, but its type asks for --$/,
    () => breakOf('I1', guest(), (one) => one.xen.frame.typeInfo.set(one.page, 0)),
  ],
  [
    'I12',
    'mapping lost',
    /is mapped -- for d0's devices, but its live grant handles give rw$/,
    () => breakOf('I12', granted(0), (one) => iommuUnmap(one.xen, 0, one.frame)),
  ],
  [
    'I12',
    'isolation broken',
    /is mapped rw for d0's devices, but its live grant handles give r-$/,
    () =>
      breakOf('I12', granted(GNTMAP.readonly), (one) => iommuMap(one.xen, 0, one.frame, one.frame, R | W)),
  ],
  [
    'I13',
    'mapping lost',
    /type writable.* is mapped -- for d1's devices, but its type asks for rw$/,
    () => {
      const { xen, slot, frame } = guest();
      writeGrantEntry(xen, slot, 0, slot, frame, false);
      return breakOf('I13', { xen }, () => iommuUnmap(xen, slot, frame));
    },
  ],
  [
    'I13',
    'isolation broken',
    /type none.* is mapped rw for d1's devices, but its type asks for --$/,
    () => {
      const { xen, slot, page, frame } = guest();
      writeGrantEntry(xen, slot, 0, slot, frame, true);
      mapGrantRef(xen, slot, slot, 0, GNTMAP.host | GNTMAP.readonly, 0);
      return breakOf('I13', { xen }, () => xen.frame.typeInfo.set(page, 0));
    },
  ],
  [
    'I11',
    'mapping lost',
    /^nic .* of d0 has -- at 0x8000, which its firmware needs$/,
    () => {
      const xen = x86('4.22', { reserved: RESERVED, mode: 'strict' });
      return breakOf('I11', { xen }, () => iommuUnmap(xen, 0, 0x8000));
    },
  ],
  [
    'I11',
    'isolation broken',
    /^d1 has the reserved frame 0x8000 mapped, and no device that needs it$/,
    () => {
      const xen = x86('4.22', { reserved: RESERVED });
      const slot = domain(xen);
      return breakOf('I11', { xen }, () => iommuMap(xen, slot, 0x8000, 0x8000, R | W));
    },
  ],
  [
    'INV-SYNC',
    'mapping lost',
    /^d1's p2m has rw at 0x5, and its devices --$/,
    () => breakOf('INV-SYNC', translated(), (one) => iommuUnmap(one.xen, one.slot, 5)),
  ],
  [
    'INV-SYNC',
    'isolation broken',
    /^d1's p2m has r- at 0x5, and its devices rw$/,
    () =>
      breakOf('INV-SYNC', translated(P2mType.ramRo), (one) =>
        iommuMap(one.xen, one.slot, 5, one.frame, R | W),
      ),
  ],
  [
    'INV-M2P',
    'mapping lost',
    /^the M2P has frame 0x101 of d1 at GFN 0x5, which leads to nothing$/,
    () => breakOf('INV-M2P', translated(), (one) => p2mRemove(one.xen, one.slot, 5)),
  ],
  [
    'INV-M2P',
    'isolation broken',
    /^GFN 0x9 of d1 leads to frame 0x101, for which the M2P has GFN 0x5$/,
    () => breakOf('INV-M2P', translated(), (one) => p2mSet(one.xen, one.slot, 9, one.frame, P2mType.ramRw)),
  ],
  [
    'MOVED',
    'mapping lost',
    /went from GFN 0x5 to 0x9 of d1, and from ram_rw to ram_ro$/,
    () => move(P2mType.ramRw, P2mType.ramRo),
  ],
  [
    'MOVED',
    'isolation broken',
    /went from GFN 0x5 to 0x9 of d1, and from ram_ro to ram_rw$/,
    () => move(P2mType.ramRo, P2mType.ramRw),
  ],
  [
    'INV-REF',
    'isolation broken',
    /counts fewer references than are held, 0 instead of 1: it can be freed while it is in use$/,
    () => breakOf('INV-REF', guest(), (one) => one.xen.frame.countInfo.add(one.page, -1)),
  ],
  [
    'INV-REF',
    'isolation broken',
    /counts fewer type references than are held, 0 instead of 1: its type can change while it is relied on$/,
    () => {
      const one = guest();
      mapVa(one.xen, one.slot, 0, one.page, 'rw');
      return breakOf('INV-REF', one, () => one.xen.frame.typeInfo.add(one.page, -1));
    },
  ],
  [
    'INV-REF',
    'leak',
    /counts more references than are held, 2 instead of 1: it is never freed$/,
    () => breakOf('INV-REF', guest(), (one) => getPage(one.xen, one.page, one.slot)),
  ],
  [
    'INV-REF',
    'leak',
    /counts more type references than are held, 1 instead of 0: its type can never change$/,
    () => breakOf('INV-REF', guest(), (one) => one.xen.frame.typeInfo.add(one.page, 1)),
  ],
  [
    'INV-PIN',
    'isolation broken',
    /^grant 3 of d1 has pins 0x0, where .* come to 0x1: it ends while it is in use$/,
    () => breakOf('INV-PIN', granted(0), (one) => one.xen.grant.pin.add(one.row, -1)),
  ],
  [
    'INV-PIN',
    'isolation broken',
    /^grant 3 of d1 has pins 0x100, where .* come to 0x1: it ends while it is in use$/,
    () => breakOf('INV-PIN', granted(0), (one) => one.xen.grant.pin.set(one.row, 0x100)),
  ],
  [
    'INV-PIN',
    'leak',
    /^grant 3 of d1 has pins 0x1000001, where .* come to 0x1: it never ends$/,
    () => breakOf('INV-PIN', granted(0), (one) => one.xen.grant.pin.add(one.row, 0x100_0000)),
  ],
  [
    'COUNTERS',
    'crash',
    /counts 0 readers and 1 writers of frame 0x101, where .* of 1 and 1: an unmap takes the count below 0$/,
    () => {
      const one = granted(0);
      mapGrantRef(one.xen, 0, one.slot, 3, GNTMAP.host | GNTMAP.readonly, 0);
      return breakOf('COUNTERS', one, () => one.xen.grantCounter.readers.add(0, -1));
    },
  ],
  [
    'COUNTERS',
    'isolation broken',
    /counts 1 readers and 1 writers of frame 0x101, where .* of 0 and 1: its devices keep the frame/,
    () => breakOf('COUNTERS', granted(0), (one) => one.xen.grantCounter.readers.add(0, 1)),
  ],
  [
    'IN-USE',
    'isolation broken',
    /^grant 3 of d1 has pins 0x100, and its granter sees it as free$/,
    () =>
      breakOf('IN-USE', granted(GNTMAP.readonly), (one) => changeUse(one.xen, one.slot, 3, 0, GTF_READING)),
  ],
  [
    'IN-USE',
    'leak',
    /^grant 3 of d1 has pins 0x100, and its granter sees it as being written, for ever$/,
    () =>
      breakOf('IN-USE', granted(GNTMAP.readonly), (one) => changeUse(one.xen, one.slot, 3, GTF_WRITING, 0)),
  ],
  [
    'I4',
    'isolation broken',
    /^the IOTLB leads nic .* from 0x10a to frame 0x101 \(r-\), where its tables have nothing$/,
    () => breakOf('I4', guest(), (one) => one.xen.unit!.iotlb.fill(one.slot, one.frame + 9, one.frame, R)),
  ],
  [
    'I4',
    'mapping lost',
    /^the IOTLB has it that nic .* has nothing at 0x101, where its tables have rw$/,
    () => breakOf('I4', guest(), (one) => one.xen.unit!.iotlb.fill(one.slot, one.frame, 0, 0)),
  ],
  [
    'I9',
    'isolation broken',
    /^nic .* is d1's, and its accesses go through the tables at 0x\w+$/,
    () => breachOf(through(tablesOfAnother), 'I9'),
  ],
  [
    'I9',
    'mapping lost',
    /^nic .* is d1's, and its accesses go through the tables of its quarantine at 0x\w+$/,
    () => breachOf(through(tablesOfQuarantine), 'I9'),
  ],
  [
    'POD',
    'crash',
    /^d1 counts 3 pages in its populate-on-demand cache, where there are 2$/,
    () => breakOf('POD', waiting(), (one) => one.xen.domain.podPages.add(one.slot, 1)),
  ],
  [
    'POD',
    'crash',
    /^d1 counts 3 guest frames that wait .*, where there are 4: the count goes below 0$/,
    () => breakOf('POD', waiting(), (one) => one.xen.domain.podEntries.add(one.slot, -1)),
  ],
  [
    'POD',
    'leak',
    /^d1 counts 5 guest frames that wait .*, where there are 4: pages are kept for those that there are not$/,
    () => breakOf('POD', waiting(), (one) => one.xen.domain.podEntries.add(one.slot, 1)),
  ],
  [
    'POD',
    'isolation broken',
    /is in the populate-on-demand cache of d1, and in use: whoever is given it next shares it$/,
    () => {
      const { xen, slot } = waiting();
      const page = populate(xen, slot, 1, 9);
      xen.domain.podPages.add(slot, 1);
      return breakOf('POD', { xen }, () => xen.frame.inPodCache.set(page, 1));
    },
  ],
  [
    'INV-LEAK',
    'leak',
    /^more pages are set aside than domains claim, 1 instead of 0: nobody can have the others$/,
    () => breakOf('INV-LEAK', guest(), (one) => one.xen.host.claimed.add(0, 1)),
  ],
  [
    'INV-LEAK',
    'crash',
    /^fewer pages are set aside than domains claim, 0 instead of 1: the sum goes below 0 as they are used$/,
    () => breakOf('INV-LEAK', guest(), (one) => one.xen.domain.claimed.add(one.slot, 1)),
  ],
  [
    'INV-ATOMIC',
    'mapping lost',
    /^hardware could meet an empty table where a page was mapped$/,
    () =>
      breakOf('INV-ATOMIC', guest(), (one) => noteGlimpse(one.xen, 'an empty table where a page was mapped')),
  ],
  [
    'INV-ATOMIC',
    'isolation broken',
    /^hardware could meet a table that was given back/,
    () => {
      const one = guest();
      const freed = 'a table that was given back while an entry still led to it';
      return breakOf('INV-ATOMIC', one, () => {
        noteGlimpse(one.xen, freed);
        noteGlimpse(one.xen, 'an empty table where a page was mapped');
      });
    },
  ],
];
