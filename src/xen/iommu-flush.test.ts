import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { R, W } from '../formats/address.js';
import { FULL_VTD, type VtdCapabilities } from '../hardware/vtd-capabilities.js';
import { CDF } from './domain.js';
import { failNth } from './failures.js';
import { Flush, iommuFlush } from './iommu-flush.js';
import { iommuMap, iommuUnmap } from './iommu-map.js';
import { amd, assign, broken, dma, domain, populate, reach, x86 } from './machine.fixture.js';
import { p2mSet } from './p2m.js';
import { P2mType } from './p2m-types.js';
import type { Xen } from './state.js';
import { didOf } from './vtd-domain-ids.js';

/** A domain with the NIC behind a unit that has these capabilities. */
function guest(edition: string, capabilities: Partial<VtdCapabilities> = {}) {
  const unit = { registerBase: 'ffff82c000203000', capabilities: { ...FULL_VTD, ...capabilities } };
  const xen = x86(edition, { vtd: [unit], limits: { iotlb: 16 } });
  const slot = domain(xen);
  if (assign(xen, slot) !== 'ok') throw new Error('no device');
  return { xen, slot, iotlb: xen.vtd!.iotlb, did: didOf(xen, 0, slot) };
}

const INPUTS = [0, 1, 2, 3, 4, 5, 6, 7, 12];

/** Which of {@link INPUTS} stay remembered after a flush. */
function left(
  edition: string,
  capabilities: Partial<VtdCapabilities>,
  flush: readonly [number, number, number],
) {
  const { xen, slot, iotlb, did } = guest(edition, capabilities);
  for (const input of INPUTS) iotlb.fill(did, input, input, R);
  expect(iommuFlush(xen, slot, ...flush)).toBe(0);
  return INPUTS.filter((input) => iotlb.find(did, input) >= 0);
}

const changed = Flush.added | Flush.modified;

describe('a flush of VT-d (dossier §7.1)', () => {
  it.each([
    ['4.11.0', 4, 1, INPUTS.filter((input) => input !== 4)],
    ['4.22', 4, 1, INPUTS.filter((input) => input !== 4)],
    // Before 5fe515a0fede a range of pages is the whole domain.
    ['4.13', 4, 2, []],
    ['4.13.2', 4, 2, INPUTS.filter((input) => input !== 4 && input !== 5)],
    ['4.22', 4, 4, INPUTS.filter((input) => input < 4 || input > 7)],
    ['4.22', 4, 3, []],
    ['4.22', 2, 4, []],
    ['4.22', 0, 0, []],
  ] as const)('in Xen %s of page %i, %i pages, leaves %j', (edition, input, count, expected) => {
    expect(left(edition, {}, [input, count, changed])).toEqual(expected);
  });

  it('is of the whole domain where the unit knows no pages, or not so many', () => {
    expect(left('4.22', { pageSelective: false }, [4, 1, changed])).toEqual([]);
    expect(left('4.22', { maxOrder: 1 }, [4, 4, changed])).toEqual([]);
    expect(left('4.22', { maxOrder: 2 }, [4, 4, changed])).toEqual(INPUTS.filter((i) => i < 4 || i > 7));
  });

  it('for pages that were absent does nothing, also where it has become one of the domain, but not when it is that', () => {
    expect(left('4.22', {}, [4, 1, Flush.added])).toEqual(INPUTS);
    expect(left('4.22', { pageSelective: false }, [4, 1, Flush.added])).toEqual(INPUTS);
    expect(left('4.22', {}, [4, 3, Flush.added])).toEqual([]);
    expect(left('4.22', {}, [0, 0, Flush.all])).toEqual([]);
  });

  it.each([
    ['4.11.0', 'fault'],
    ['4.15', 'fault'],
    ['4.16', 'ok'],
    ['4.22', 'ok'],
  ])(
    'makes a unit in caching mode notice a page that was absent: in Xen %s a device then gets %s',
    (edition, outcome) => {
      const { xen, slot } = guest(edition, { cachingMode: true });
      expect(dma(xen, 0, 'read', 0x100 * 4096)).toContain('PTE Read access is not set');
      expect(iommuMap(xen, slot, 0x100, 0x100, R | W)).toBe(0);
      expect(dma(xen, 0, 'read', 0x100 * 4096) === 'ok' ? 'ok' : 'fault').toBe(outcome);
    },
  );

  it('of an input beyond 48 bits: its entry is that of the low 36 bits of the frame number', () => {
    const { xen, slot } = guest('4.22');
    expect(iommuMap(xen, slot, 2 ** 36 + 0x100, 0x100, R | W)).toBe(0);
    expect(reach(xen, 0, 0x100)).toBe('rw');
    expect(dma(xen, 0, 'read', (2 ** 36 + 0x100) * 4096)).toContain('Access beyond MGAW');
  });

  it('for a page that was absent drains the write buffer', () => {
    const { xen, slot } = guest('4.22', { writeBuffer: true });
    expect(iommuMap(xen, slot, 0x100, 0x100, R | W)).toBe(0);
    expect(xen.vtd!.delayed!.count).toBe(0);
    expect(dma(xen, 0, 'write', 0x100 * 4096)).toBe('ok');
    iommuUnmap(xen, slot, 0x100);
    expect(dma(xen, 0, 'write', 0x100 * 4096)).toContain('PTE Write access is not set');
  });

  it('that a unit does not answer is an errno and crashes the domain, the hardware domain excepted', () => {
    const { xen, slot } = guest('4.22');
    iommuMap(xen, slot, 0x100, 0x100, R | W);
    failNth(xen, 'flush', 1);
    expect(iommuUnmap(xen, slot, 0x100)).toBe(-110);
    expect(xen.domain.crashed.get(slot)).toBe(1);
    failNth(xen, 'flush', 1);
    expect(iommuFlush(xen, 0, 0, 0, Flush.all)).toBe(-110);
    expect(xen.domain.crashed.get(0)).toBe(0);
  });

  it('drops what the pages flushed need, whatever else it drops, and nothing of another domain', () => {
    fc.assert(
      fc.property(
        fc.nat(64),
        fc.nat(40),
        fc.constantFrom(changed, Flush.modified, Flush.all | changed),
        fc.boolean(),
        fc.integer({ min: 0, max: 6 }),
        fc.constantFrom('4.12', '4.15', '4.22'),
        fc.constantFrom(0, 9),
        (input, count, flags, pageSelective, maxOrder, edition, order) => {
          const { xen, slot, iotlb, did } = guest(edition, { pageSelective, maxOrder });
          const page = input + Math.floor(count / 2);
          iotlb.fill(did, page, 0x1000 + page, R, order);
          iotlb.fill(did + 1, page + 1, 0x1000, R);
          iommuFlush(xen, slot, input, Math.max(count, 1), flags);
          expect(iotlb.find(did, page)).toBe(-1);
          expect(iotlb.find(did + 1, page + 1) >= 0 || order === 9).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a flush of AMD-Vi (dossier §7.2)', () => {
  const remembered = (edition: string, flush: readonly [number, number, number]): readonly number[] => {
    const xen = amd(edition, { limits: { iotlb: 1024 } });
    const slot = domain(xen);
    const inputs = [0x1ff, 0x200, 0x250, 0x3ff, 0x400 + 1];
    for (const input of inputs) xen.amdvi!.iotlb.fill(slot, input, input, R);
    xen.amdvi!.iotlb.fill(slot, 2 ** 18, 2 ** 18, R, 0);
    iommuFlush(xen, slot, ...flush);
    return [...inputs, 2 ** 18].filter((input) => xen.amdvi!.iotlb.find(slot, input) >= 0);
  };

  it('is for entries that were there before, and no others, whatever is asked for', () => {
    for (const flags of [Flush.added, Flush.all, Flush.all | Flush.added]) {
      expect(remembered('4.22', [0x200, 1, flags])).toHaveLength(6);
    }
    expect(remembered('4.16', [0, 0, Flush.all])).toEqual([]);
  });

  it.each([
    ['a page', 0x200, 1, [0x1ff, 0x250, 0x3ff, 0x401, 2 ** 18]],
    ['2 MiB', 0x200, 2, [0x1ff, 0x401, 2 ** 18]],
    ['2 MiB, not aligned', 0x2f0, 0x100, [0x1ff, 0x401, 2 ** 18]],
    ['1 GiB', 0x1ff, 2, [2 ** 18]],
    ['everything', 2 ** 18 - 1, 2, []],
  ])('is the least of those that cover the pages: %s', (_, input, count, expected) => {
    expect(remembered('4.22', [input, count, changed])).toEqual(expected);
  });

  it('goes to every unit', () => {
    const xen = amd('4.22', { amdviUnits: 2 });
    const slot = domain(xen);
    for (const unit of xen.amdvis) unit.iotlb.fill(slot, 5, 5, R);
    iommuFlush(xen, slot, 5, 1, changed);
    expect(xen.amdvis.map(({ iotlb }) => iotlb.find(slot, 5))).toEqual([-1, -1]);
  });
});

describe('a p2m that a unit shares which does not snoop caches (XSA-321)', () => {
  const removed = (edition: string): { xen: Xen; outcome: string } => {
    const { xen } = guest(edition, { coherent: false });
    const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
    populate(xen, slot, 2);
    expect(assign(xen, slot, 1)).toBe('ok');
    p2mSet(xen, slot, 0, 0x105, P2mType.ramRw);
    // In time every line leaves the cache.
    xen.vtd!.delayed!.flush();
    expect(dma(xen, 1, 'read', 0)).toBe('ok');
    p2mSet(xen, slot, 0, 0x106, P2mType.ramRw);
    const unit = xen.unitOf(1)!;
    unit.translate(xen.spec.devices[1]!.requester, 0, false);
    return { xen, outcome: unit.frame === 0x106 ? 'new' : 'old' };
  };

  it.each([
    ['4.13', 'old'],
    ['4.13.2', 'new'],
    ['4.14', 'new'],
    ['4.22', 'new'],
  ])('in Xen %s a changed entry leads the device to the %s frame', (edition, expected) => {
    expect(removed(edition).outcome).toBe(expected);
  });
});

it('leaves nothing reachable that should not be, after any of these', () => {
  const { xen, slot } = guest('4.22', { cachingMode: true, writeBuffer: true });
  const page = populate(xen, slot, 1);
  expect(broken(xen)).toEqual([]);
  iommuUnmap(xen, slot, xen.ram.frameAt(page));
  expect(dma(xen, 0, 'read', xen.ram.frameAt(page) * 4096)).toContain('PTE Read access is not set');
});
