import { describe, expect, it } from 'vitest';
import { accessByCpu, cleanBySetWay } from './arm-set-way.js';
import { arm, assign, dma, domain, populate, x86 } from './machine.fixture.js';
import { decreaseReservation, populatePhysmap } from './memory.js';
import { p2mLookup } from './p2m.js';

const GFN = 0x40000;
const BYTES = GFN * 4096;

function machine(release: string, { iommu = true } = {}) {
  const xen = arm(release, { withheld: [0] });
  const slot = domain(xen, { iommu });
  const page = populate(xen, slot, 2, GFN);
  if (iommu) expect(assign(xen, slot)).toBe('ok');
  return { xen, slot, frame: xen.ram.frameAt(page) };
}

describe('a cache operation by set and way (§9 item 4)', () => {
  it('is nothing to Xen up to 4.11', () => {
    const { xen, slot } = machine('4.11.0');
    expect([cleanBySetWay(xen, slot), dma(xen, 0, 'read', BYTES)]).toEqual([true, 'ok']);
  });

  it.each(['4.12', '4.13', '4.14.3', '4.15.1'])(
    'takes the p2m from the devices in %s, until the CPU has been there',
    (release) => {
      const { xen, slot, frame } = machine(release);
      expect(cleanBySetWay(xen, slot)).toBe(true);
      expect(dma(xen, 0, 'read', BYTES)).toContain('fsr=0x402');
      expect([p2mLookup(xen, slot, GFN), accessByCpu(xen, slot, GFN)]).toEqual([frame, true]);
      expect(dma(xen, 0, 'read', BYTES)).toBe('ok');
      // Its neighbour's entry has been passed on that it is not valid.
      expect(dma(xen, 0, 'read', BYTES + 4096)).toContain('fsynr=0xb0003');
      expect([accessByCpu(xen, slot, GFN + 1), dma(xen, 0, 'read', BYTES + 4096)]).toEqual([true, 'ok']);
    },
  );

  it.each(['4.14.4', '4.15.2', '4.16', '4.22'])(
    'is an undefined exception in %s where the IOMMU uses the p2m',
    (release) => {
      const { xen, slot } = machine(release);
      expect([cleanBySetWay(xen, slot), dma(xen, 0, 'read', BYTES)]).toEqual([false, 'ok']);
      const bare = machine(release, { iommu: false });
      expect(cleanBySetWay(bare.xen, bare.slot)).toBe(true);
    },
  );

  it('leaves what Xen knows of the p2m: pages come and go as before', () => {
    const { xen, slot, frame } = machine('4.13');
    cleanBySetWay(xen, slot);
    const heap = xen.heap.lowestFree.get(1);
    expect(populatePhysmap(xen, slot, GFN + 2)).toBeGreaterThanOrEqual(0);
    expect(xen.heap.lowestFree.get(1)).toBe(heap);
    expect(decreaseReservation(xen, slot, -1, GFN)).toBe(0);
    expect([p2mLookup(xen, slot, GFN), p2mLookup(xen, slot, GFN + 1)]).toEqual([-1, frame + 1]);
  });

  it('is not flushed for a page that goes while its entry is set aside: the device keeps what it remembers', () => {
    const { xen, slot, frame } = machine('4.13');
    expect(dma(xen, 0, 'write', BYTES)).toBe('ok');
    cleanBySetWay(xen, slot);
    accessByCpu(xen, slot, GFN + 1);
    expect(decreaseReservation(xen, slot, -1, GFN)).toBe(0);
    expect([dma(xen, 0, 'write', BYTES), xen.unit!.frame]).toEqual(['ok', frame]);
  });

  it('is none of x86', () => {
    const xen = x86('4.22');
    expect([cleanBySetWay(xen, domain(xen)), accessByCpu(xen, 1, 5)]).toEqual([false, false]);
  });

  it('brings an abort where no page is', () => {
    const { xen, slot } = machine('4.22');
    expect([accessByCpu(xen, slot, GFN), accessByCpu(xen, slot, 5), accessByCpu(xen, slot, 2 ** 28)]).toEqual(
      [true, false, false],
    );
  });
});
