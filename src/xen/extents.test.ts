import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CDF } from './domain.js';
import { destroyDomain } from './domain-death.js';
import { errnoName } from './errno.js';
import { getPage, gfnOf, isFree, ownerOf, putPage } from './frames.js';
import { amd, assign, broken, domain, reach, x86 } from './machine.fixture.js';
import { decreaseReservation, populatePhysmap } from './memory.js';
import { p2mLookup, p2mOrder } from './p2m.js';
import type { Xen } from './state.js';

const HVM = { flags: CDF.hvm | CDF.hap, maxPages: 4096 };
const BASE = 0x400;
const FRAMES = 2560;

/** A translated domain with a device, on a machine with memory for five extents of 2 MiB. */
function machine(boot: typeof x86 = x86): { xen: Xen; slot: number } {
  // dom0's page lies below.
  const xen = boot('4.17', { ram: [{ base: BASE - 1, count: FRAMES + 1 }], limits: { gfns: 2048 } });
  const slot = domain(xen, HVM);
  expect(assign(xen, slot)).toBe('ok');
  return { xen, slot };
}

const rowsOf = (xen: Xen, slot: number): number => {
  let rows = 0;
  for (let pdx = 0; pdx < xen.ram.frames; pdx++) if (xen.frame.owner.get(pdx) === slot + 1) rows++;
  return rows;
};

describe('an extent', () => {
  it('is one row until a page of it is needed; what it says of its pages is the same', () => {
    const { xen, slot } = machine();
    const rows = rowsOf(xen, slot);
    const head = populatePhysmap(xen, slot, 512, -1, 9);
    const told = () =>
      [head, head + 5, head + 511].map((pdx) => [ownerOf(xen, pdx), gfnOf(xen, pdx), isFree(xen, pdx)]);
    expect([xen.ram.frameAt(head), rowsOf(xen, slot) - rows, xen.domain.totPages.get(slot)]).toEqual([
      BASE,
      1,
      512,
    ]);
    const before = told();
    expect(before).toEqual([512, 517, 1023].map((gfn) => [slot, gfn, false]));
    expect(getPage(xen, head + 5, slot)).toBe(true);
    putPage(xen, head + 5);
    expect([rowsOf(xen, slot) - rows, told()]).toEqual([512, before]);
  });

  it('of 1 GiB falls into pieces of 2 MiB, and the one of them that matters into pages', () => {
    const xen = x86('4.17', { ram: [{ base: 0x3_ffff, count: 2 ** 18 + 1 }] });
    const slot = domain(xen, { ...HVM, maxPages: 2 ** 18 });
    const rows = rowsOf(xen, slot);
    const head = populatePhysmap(xen, slot, 2 ** 18, -1, 18);
    expect([rowsOf(xen, slot) - rows, p2mOrder(xen, slot, 2 ** 18)]).toEqual([1, 18]);
    expect(decreaseReservation(xen, slot, -1, 2 ** 18 + 1000)).toBe(0);
    expect(rowsOf(xen, slot) - rows).toBe(511 + 511);
    expect([999, 1000, 1001].map((i) => gfnOf(xen, head + i))).toEqual([2 ** 18 + 999, -1, 2 ** 18 + 1001]);
    expect([isFree(xen, head + 1000), xen.domain.totPages.get(slot)]).toEqual([true, 2 ** 18 - 1]);
    expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
    expect([xen.exists(slot), isFree(xen, head + 77_777), xen.host.extents.get(0)]).toEqual([false, true, 0]);
  });

  it('is refused where no aligned run is free, beyond max_mem, and beyond 1 GiB', () => {
    const { xen, slot } = machine();
    expect(errnoName(populatePhysmap(xen, slot, 0, -1, 19))).toBe('EBUSY');
    // A page in the middle of each run.
    for (let i = 0; i < 5; i++) populatePhysmap(xen, slot, i, xen.ram.indexOf(BASE) + i * 512 + 7);
    expect(errnoName(populatePhysmap(xen, slot, 512, -1, 9))).toBe('EBUSY');
    expect(populatePhysmap(xen, slot, 512, -1, 8)).toBe(xen.ram.indexOf(BASE) + 256);
    xen.domain.maxPages.set(slot, xen.domain.totPages.get(slot) + 255);
    expect(errnoName(populatePhysmap(xen, slot, 768, -1, 8))).toBe('EBUSY');
  });

  it.each([
    ['VT-d', x86],
    ['AMD-Vi', amd],
  ] as const)('pages in any order of extents and single ones are the same memory: %s', (_, boot) => {
    const change = fc.record({
      populate: fc.boolean(),
      order: fc.constantFrom(0, 0, 1, 9, 9),
      at: fc.nat(3),
      page: fc.nat(511),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const { xen, slot } = machine(boot);
        const owned = new Map<number, number>();
        for (const { populate, order, at, page } of changes) {
          const gfn = at * 512 + (order === 9 ? 0 : page & ~order);
          if (populate) {
            const pdx = populatePhysmap(xen, slot, gfn, -1, order);
            if (pdx < 0) continue;
            for (let i = 0; i < 2 ** order; i++) owned.set(gfn + i, pdx + i);
          } else {
            for (let i = 0; i < 2 ** order; i++) {
              const there = owned.has(gfn + i);
              expect(decreaseReservation(xen, slot, -1, gfn + i) === 0).toBe(there);
              owned.delete(gfn + i);
            }
          }
        }
        for (let gfn = 0; gfn < 2048; gfn += 13) {
          const pdx = owned.get(gfn);
          expect(p2mLookup(xen, slot, gfn)).toBe(pdx === undefined ? -1 : xen.ram.frameAt(pdx));
          expect(reach(xen, 0, gfn).slice(0, 2)).toBe(pdx === undefined ? '--' : 'rw');
          if (pdx !== undefined) expect([ownerOf(xen, pdx), gfnOf(xen, pdx)]).toEqual([slot, gfn]);
        }
        expect(broken(xen)).toEqual([]);
        expect(errnoName(destroyDomain(xen, 0, slot))).toBe('ok');
        const first = xen.ram.indexOf(BASE);
        for (let i = 0; i < FRAMES; i++) expect(isFree(xen, first + i)).toBe(true);
      }),
      { numRuns: 25 },
    );
  });
});
