import { describe, expect, it } from 'vitest';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import { broken, domain, x86 } from './machine.fixture.js';
import { populatePhysmap } from './memory.js';
import { p2mLookup, p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { markPopulateOnDemand, podDecrease, populateOnAccess, setPodTarget } from './pod.js';

function guest() {
  const xen = x86('4.22');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap, iommu: false, maxPages: 8 });
  return { xen, slot };
}

describe('populate on demand', () => {
  it('gives a guest frame that waits a page of the cache when a CPU comes there', () => {
    const { xen, slot } = guest();
    expect(markPopulateOnDemand(xen, slot, 0, 2)).toBe(0);
    expect(setPodTarget(xen, slot, 2)).toBe(0);
    expect([xen.domain.podEntries.get(slot), xen.domain.podPages.get(slot)]).toEqual([4, 2]);
    expect([populateOnAccess(xen, slot, 1), p2mType(xen, slot, 1)]).toEqual([true, P2mType.ramRw]);
    expect([xen.domain.podEntries.get(slot), xen.domain.podPages.get(slot), broken(xen)]).toEqual([3, 1, []]);
  });

  it('crashes a domain for which there is no page left', () => {
    const { xen, slot } = guest();
    markPopulateOnDemand(xen, slot, 0, 0);
    expect([populateOnAccess(xen, slot, 0), xen.domain.crashed.get(slot)]).toEqual([false, 1]);
  });

  it('takes a page that is given back into the cache while more guest frames wait', () => {
    const { xen, slot } = guest();
    markPopulateOnDemand(xen, slot, 0, 0);
    const pdx = populatePhysmap(xen, slot, 5);
    expect([podDecrease(xen, slot, 5, 0), p2mLookup(xen, slot, 5)]).toEqual([1, -1]);
    expect([xen.frame.inPodCache.get(pdx), broken(xen)]).toEqual([1, []]);
  });

  it('lets a page be put where a guest frame waits, and counts one less', () => {
    const { xen, slot } = guest();
    markPopulateOnDemand(xen, slot, 0, 1);
    populatePhysmap(xen, slot, 1);
    expect([xen.domain.podEntries.get(slot), broken(xen)]).toEqual([1, []]);
  });

  it('is refused where memory is, and beyond the largest extent', () => {
    const { xen, slot } = guest();
    populatePhysmap(xen, slot, 1);
    expect(errnoName(markPopulateOnDemand(xen, slot, 0, 1))).toBe('EBUSY');
    expect(errnoName(markPopulateOnDemand(xen, slot, 0, 21))).toBe('EBUSY');
  });
});
