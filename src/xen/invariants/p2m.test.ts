import { describe, expect, it } from 'vitest';
import { CDF } from '../domain.js';
import { iommuMap, iommuUnmap } from '../iommu-map.js';
import { broken, domain, populate, x86 } from '../machine.fixture.js';
import { p2mRemove, p2mSet } from '../p2m.js';
import { P2mType } from '../p2m-types.js';
import { message } from './invariants.fixture.js';

/** A translated guest whose p2m is mirrored, with two pages from GFN 5. */
function mirrored() {
  const xen = x86('4.22');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap, iommuOpts: 1 });
  const page = populate(xen, slot, 2, 5);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page, frame: xen.ram.frameAt(page) };
}

describe('INV-SYNC', () => {
  it('fires on a mirror that has less or more than the p2m', () => {
    const { xen, slot, frame } = mirrored();
    iommuUnmap(xen, slot, 5);
    expect(message(xen, 'INV-SYNC')).toBe("d1's p2m has rw at 0x5, and its devices --");
    iommuMap(xen, slot, 5, frame, 1);
    expect(message(xen, 'INV-SYNC')).toBe("d1's p2m has rw at 0x5, and its devices r-");
    iommuMap(xen, slot, 5, frame, 3);
    iommuMap(xen, slot, 9, frame, 3);
    expect(message(xen, 'INV-SYNC')).toBe("d1's p2m has -- at 0x9, and its devices rw");
  });

  it('says nothing of a domain that was crashed for a mapping that failed', () => {
    const { xen, slot } = mirrored();
    iommuUnmap(xen, slot, 5);
    xen.domain.crashed.set(slot, 1);
    expect(message(xen, 'INV-SYNC')).toBeUndefined();
  });
});

describe('INV-M2P', () => {
  it('fires on a frame that is not where it says', () => {
    const { xen, slot } = mirrored();
    p2mRemove(xen, slot, 5);
    expect(message(xen, 'INV-M2P')).toBe('the M2P has frame 0x101 of d1 at GFN 0x5, which leads to nothing');
  });

  it('fires on a frame that is in a second place', () => {
    const { xen, slot, frame } = mirrored();
    p2mSet(xen, slot, 9, frame, P2mType.ramRw);
    expect(message(xen, 'INV-M2P')).toBe('GFN 0x9 of d1 leads to frame 0x101, for which the M2P has GFN 0x5');
  });
});
