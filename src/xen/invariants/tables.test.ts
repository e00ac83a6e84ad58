import { describe, expect, it } from 'vitest';
import { CDF } from '../domain.js';
import { allocXenFrame, freeXenFrame } from '../frames.js';
import { iommuMap } from '../iommu-map.js';
import { amd, arm, broken, domain, populate, x86 } from '../machine.fixture.js';
import { guest, message } from './invariants.fixture.js';

const rootPdx = (xen: ReturnType<typeof x86>, slot: number) => xen.domain.iommuRoot.get(slot) - 1;

describe('INV-PTSTRUCT', () => {
  it('fires on a table that was freed', () => {
    const { xen, slot } = guest();
    freeXenFrame(xen, rootPdx(xen, slot));
    expect(message(xen, 'INV-PTSTRUCT')).toMatch(
      /^a table of d1's IOMMU tables is in frame 0x\w+ \(free, .*\), which is not Xen's$/,
    );
  });

  it('fires on a table of two trees, or twice in one', () => {
    const { xen, slot } = guest();
    const other = domain(xen);
    xen.domain.iommuRoot.set(other, rootPdx(xen, slot) + 1);
    expect(message(xen, 'INV-PTSTRUCT')).toMatch(/a table of d2's IOMMU tables, is a table elsewhere, too$/);
  });

  it('fires on a page of a guest’s that stands as a table, and on what is no RAM', () => {
    for (const [frame, expected] of [
      [0x101, /^a table of d1's IOMMU tables is in frame 0x101 \(owned by d1/],
      [0x9999, /^a table of d1's IOMMU tables is at 0x9999, which is no RAM$/],
    ] as const) {
      const { xen, slot } = guest();
      xen.ram.write32(xen.ram.frameAt(rootPdx(xen, slot)) * 4096 + 8, frame * 4096 + 3);
      expect(message(xen, 'INV-PTSTRUCT')).toMatch(expected);
    }
  });

  it('walks the p2m, of x86 and of Arm, and AMD-Vi’s tables', () => {
    const hvm = x86('4.22');
    populate(hvm, domain(hvm, { flags: CDF.hvm | CDF.hap }), 1, 5);
    const smmu = arm('4.22');
    const amdvi = amd('4.22', { mode: 'strict' });
    populate(amdvi, domain(amdvi), 1);
    for (const xen of [hvm, smmu, amdvi]) {
      expect(broken(xen)).toEqual([]);
      const root = (xen === amdvi ? xen.domain.iommuRoot : xen.domain.p2mRoot).get(xen === smmu ? 0 : 1) - 1;
      const at = xen.ram.frameAt(root) * 4096;
      const word = [0, 1, 2, 3].find((index) => xen.ram.read32(at + index * 8) !== 0)!;
      freeXenFrame(xen, xen.ram.indexOf(xen.ram.read32(at + word * 8) >>> 12));
      expect(message(xen, 'INV-PTSTRUCT')).toMatch(/which is not Xen's$/);
    }
  });
});

describe('HEAP', () => {
  it('fires on a frame that nothing leads to', () => {
    for (const xen of [x86('4.22'), amd('4.22'), arm('4.22'), x86('4.13'), amd('4.13')]) {
      expect(broken(xen)).toEqual([]);
      allocXenFrame(xen);
      expect(message(xen, 'HEAP')).toMatch(
        /^frame 0x\w+ .* is taken from Xen's heap, and nothing leads to it$/,
      );
    }
  });

  it('fires on tables that are forgotten', () => {
    const { xen, slot, frame } = guest();
    iommuMap(xen, slot, frame + 0x40000, frame, 3);
    expect(message(xen, 'HEAP')).toBeUndefined();
    xen.domain.p2mRoot.set(slot, 0);
    xen.ram.write32(xen.ram.frameAt(rootPdx(xen, slot)) * 4096, 0);
    expect(message(xen, 'HEAP')).toBeDefined();
  });
});

describe('INV-SCRUB', () => {
  it('fires on a free frame with something in it', () => {
    const { xen, frame } = guest();
    xen.ram.write32((frame + 9) * 4096 + 0x40, 7);
    expect(message(xen, 'INV-SCRUB')).toBe(
      'frame 0x10a (free, type none, type count 0) holds something at byte 0x40',
    );
  });

  it('excuses the devices of a relaxed dom0, which may write anywhere', () => {
    const xen = x86('4.22');
    xen.ram.write32(0x10a * 4096, 7);
    expect(message(xen, 'INV-SCRUB')).toBeUndefined();
    xen.device.owner.set(0, xen.domIo + 1);
    xen.device.owner.set(1, xen.domIo + 1);
    expect(message(xen, 'INV-SCRUB')).toBeDefined();
  });
});
