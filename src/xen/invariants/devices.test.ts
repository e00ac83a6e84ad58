import { describe, expect, it } from 'vitest';
import { deassignDevice } from '../device-domctl.js';
import { CDF } from '../domain.js';
import { iommuMap, iommuUnmap } from '../iommu-map.js';
import { amd, arm, assign, broken, domain, ETH, NIC, populate, x86 } from '../machine.fixture.js';
import { p2mSet } from '../p2m.js';
import { P2mType } from '../p2m-types.js';
import { guest, message, messageOfStep } from './invariants.fixture.js';

describe('I9', () => {
  it('fires on a device that translates through another domain’s tables', () => {
    const { xen, slot } = guest();
    const other = domain(xen);
    populate(xen, other, 1);
    const root = xen.ram.frameAt(xen.domain.iommuRoot.get(other) - 1);
    xen.vtd!.setContext(NIC.requester, root, slot);
    expect(message(xen, 'I9')).toBe(
      `nic (0000:03:00.0) is d1's, and its accesses go through the tables at 0x${root.toString(16)}`,
    );
  });

  it('fires on a device that is not translated at all, but in the hardware domain’s pass-through', () => {
    const { xen, slot } = guest();
    xen.vtd!.setPassThrough(NIC.requester, slot);
    expect(message(xen, 'I9')).toBe("nic (0000:03:00.0) is d1's, and its accesses go untranslated");
    expect(broken(x86('4.22', { mode: 'passthrough' }))).toEqual([]);
    expect(broken(amd('4.22', { mode: 'passthrough' }))).toEqual([]);
  });

  it('fires on Arm on a stream of nobody’s that is led somewhere', () => {
    const xen = arm('4.22', { withheld: [0] });
    expect(broken(xen)).toEqual([]);
    xen.smmu!.setStream(0, ETH.requester, xen.smmu!.bankFor(0x10));
    expect(message(xen, 'I9')).toBe(
      'eth0 (/ethernet@ff0e0000) is nobody’s, and its accesses go through the tables at 0x10',
    );
  });

  it('finds on Xen 4.11 that AMD-Vi lets everything of a device pass that finds no memory for its tables', () => {
    for (const [edition, fires] of [
      ['4.11.0', true],
      ['4.22', false],
    ] as const) {
      const xen = amd(edition);
      const slot = domain(xen);
      while (populateHeap(xen));
      expect(assign(xen, slot)).toBe('ENOMEM');
      expect(message(xen, 'I9') !== undefined, edition).toBe(fires);
    }
  });
});

describe('I10', () => {
  const back = (edition: string, options: Parameters<typeof x86>[1] = {}) => {
    const xen = x86(edition, options);
    const slot = domain(xen);
    assign(xen, slot);
    return { xen, slot };
  };

  it('holds of a device that goes into quarantine, and from there to the hardware domain', () => {
    const { xen, slot } = back('4.22');
    expect(messageOfStep(xen, 'I10', () => deassignDevice(xen, 0, slot, 0))).toBeUndefined();
    expect(messageOfStep(xen, 'I10', () => deassignDevice(xen, 0, xen.domIo, 0))).toBeUndefined();
    expect(xen.device.owner.get(0)).toBe(1);
  });

  it('fires on one that goes from a guest to the hardware domain at once', () => {
    const { xen } = back('4.22');
    expect(messageOfStep(xen, 'I10', () => xen.device.owner.set(0, 1))).toBe(
      'nic (0000:03:00.0) went from d1 to d0 without quarantine',
    );
  });

  it('says nothing where there is no quarantine', () => {
    for (const { xen, slot } of [back('4.12'), back('4.22', { quarantine: false })]) {
      expect(messageOfStep(xen, 'I10', () => deassignDevice(xen, 0, slot, 0))).toBeUndefined();
      expect(xen.device.owner.get(0)).toBe(1);
    }
  });
});

describe('I11', () => {
  const RMRR = 0x8000;
  const reserved = [{ range: { base: RMRR, count: 1 }, devices: [0], rights: 3 }];

  it('fires on a device that does not reach its region', () => {
    const xen = x86('4.22', { reserved, mode: 'strict' });
    const slot = domain(xen);
    assign(xen, slot);
    expect(broken(xen)).toEqual([]);
    iommuMap(xen, slot, RMRR, RMRR, 1);
    expect(message(xen, 'I11')).toBe('nic (0000:03:00.0) of d1 has r- at 0x8000, which its firmware needs');
    iommuUnmap(xen, slot, RMRR);
    expect(message(xen, 'I11')).toMatch(/has -- at 0x8000/);
  });

  it('fires on a domain that keeps the region of a device that it has not', () => {
    const xen = x86('4.22', { reserved });
    const slot = domain(xen);
    iommuMap(xen, slot, RMRR, RMRR, 3);
    expect(message(xen, 'I11')).toBe('d1 has the reserved frame 0x8000 mapped, and no device that needs it');
    const shares = domain(xen, { flags: CDF.hvm | CDF.hap });
    iommuUnmap(xen, slot, RMRR);
    expect(broken(xen)).toEqual([]);
    p2mSet(xen, shares, RMRR, RMRR, P2mType.mmioDirect);
    expect(message(xen, 'I11')).toMatch(/^d2 has the reserved frame/);
  });

  it('takes a page of the guest’s own there for what a relaxed assignment leaves', () => {
    const xen = x86('4.22', { reserved });
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    populate(xen, slot, 1, RMRR);
    expect(assign(xen, slot, 0, 1)).toBe('ok');
    expect(message(xen, 'I11')).toBeUndefined();
  });
});

/** Takes a frame of Xen's heap away; false when there was none. */
function populateHeap(xen: ReturnType<typeof amd>): boolean {
  const pdx = xen.heap.lowestFree.get(1);
  if (pdx >= xen.xenHeap.end) return false;
  xen.frame.countInfo.set(pdx, 1);
  xen.heap.lowestFree.set(1, pdx + 1);
  return true;
}
