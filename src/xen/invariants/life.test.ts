import { describe, expect, it } from 'vitest';
import { CDF } from '../domain.js';
import { destroyDomain } from '../domain-death.js';
import { getPage, ownerOf } from '../frames.js';
import { iommuMap } from '../iommu-map.js';
import { broken, domain, populate, pvWithContext, x86 } from '../machine.fixture.js';
import { p2mSet } from '../p2m.js';
import { Life } from '../tables/domain.js';
import { guest, message, messageOfStep } from './invariants.fixture.js';

describe('I15', () => {
  it('fires on an entry that a dying domain gets, and not on one that it loses', () => {
    const { xen, slot, frame } = guest('4.14');
    xen.domain.life.set(slot, Life.dying);
    expect(messageOfStep(xen, 'I15', () => iommuMap(xen, slot, frame, frame, 1))).toBeUndefined();
    expect(messageOfStep(xen, 'I15', () => iommuMap(xen, slot, frame, frame, 3))).toBe(
      'd1 is dying, and its tables had r- at 0x101 and now have rw',
    );
  });

  it('holds since Xen 4.15 of the same, as requests are ignored then', () => {
    const { xen, slot, frame } = guest('4.15');
    xen.domain.life.set(slot, Life.dying);
    expect(messageOfStep(xen, 'I15', () => iommuMap(xen, slot, frame + 5, frame, 3))).toBeUndefined();
  });

  it('says nothing of the step in which dying begins, nor of the living', () => {
    const { xen, slot, frame } = guest('4.14');
    const begin = () => {
      iommuMap(xen, slot, frame + 5, frame, 3);
      xen.domain.life.set(slot, Life.dying);
    };
    expect(messageOfStep(xen, 'I15', () => iommuMap(xen, slot, frame + 6, frame, 3))).toBeUndefined();
    expect(messageOfStep(xen, 'I15', begin)).toBeUndefined();
  });

  it('looks at a shared p2m as well', () => {
    const xen = x86('4.22');
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    const page = populate(xen, slot, 1);
    xen.domain.life.set(slot, Life.dying);
    expect(messageOfStep(xen, 'I15', () => p2mSet(xen, slot, 5, xen.ram.frameAt(page), 1))).toBe(
      'd1 is dying, and its tables had -- at 0x5 and now have rw',
    );
  });
});

describe('I18', () => {
  it('fires on a dead domain that still has a device', () => {
    const { xen, slot } = guest();
    xen.domain.life.set(slot, Life.dying);
    expect(message(xen, 'I18')).toBeUndefined();
    xen.domain.life.set(slot, Life.dead);
    expect(message(xen, 'I18')).toBe("nic (0000:03:00.0) is still d1's, whose memory has been given back");
  });
});

describe('INV-LEAK', () => {
  it('fires on a page of a domain that is gone', () => {
    const { xen, slot, page } = guest();
    xen.domain.life.set(slot, Life.absent);
    expect(message(xen, 'INV-LEAK')).toMatch(/^frame 0x.* belongs to d1, which is gone$/);
    expect(ownerOf(xen, page)).toBe(slot);
  });

  it('fires on a dead domain that nobody holds, and not on a zombie', () => {
    const xen = x86('4.22');
    const { slot, page } = pvWithContext(xen, 1);
    getPage(xen, page, slot);
    destroyDomain(xen, 0, slot);
    expect(xen.domain.life.get(slot)).toBe(Life.dead);
    expect(message(xen, 'INV-LEAK')).toBeUndefined();
    xen.domain.totPages.set(slot, 0);
    expect(message(xen, 'INV-LEAK')).toBe('nothing of the dead d1 is held by anybody, and it is still there');
  });
});

describe('INV-QUOTA', () => {
  it('fires on a domain that is charged for more or less than it owns', () => {
    for (const by of [1, -1]) {
      const { xen, slot } = guest();
      expect(broken(xen)).toEqual([]);
      xen.domain.totPages.add(slot, by);
      expect(message(xen, 'INV-QUOTA')).toBe(`d1 owns 2 pages and is charged for ${2 + by}`);
    }
  });
});
