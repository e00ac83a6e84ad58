import { describe, expect, it } from 'vitest';
import { CDF } from './domain.js';
import { errnoName } from './errno.js';
import { arm, broken, domain, x86 } from './machine.fixture.js';
import { setMemType } from './mem-type.js';
import { populatePhysmap } from './memory.js';
import { p2mType } from './p2m.js';
import { P2mType } from './p2m-types.js';
import { addToPhysmap } from './physmap.js';

function guest(release: string) {
  const xen = x86(release);
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap, maxPages: 4 });
  for (const gfn of [0, 1]) populatePhysmap(xen, slot, gfn);
  return { xen, slot };
}

describe('set_mem_type', () => {
  it('makes memory read only, and writable again', () => {
    const { xen, slot } = guest('4.22');
    expect([setMemType(xen, 0, slot, 'ram_ro', 0, 2), p2mType(xen, slot, 1)]).toEqual([0, P2mType.ramRo]);
    expect([setMemType(xen, 0, slot, 'ram_rw', 1, 1), p2mType(xen, slot, 1), broken(xen)]).toEqual([
      0,
      P2mType.ramRw,
      [],
    ]);
  });

  it('is for memory of HVM domains', () => {
    const { xen, slot } = guest('4.22');
    expect(errnoName(setMemType(xen, 0, slot, 'ram_ro', 2, 1))).toBe('EINVAL');
    expect(errnoName(setMemType(xen, 0, domain(xen), 'ram_ro', 0, 1))).toBe('EINVAL');
    expect(errnoName(setMemType(xen, 0, 0, 'ram_ro', 0, 1))).toBe('EPERM');
    const other = arm('4.22');
    expect(errnoName(setMemType(other, 0, domain(other), 'ram_ro', 0, 1))).toBe('ENOSYS');
  });

  it.each([
    ['4.21.0', 'ok', P2mType.ramRw],
    ['4.21.1', 'EACCES', P2mType.invalid],
  ])('what can only be read is moved by %s with %s', (release, answer, type) => {
    const { xen, slot } = guest(release);
    setMemType(xen, 0, slot, 'ram_ro', 0, 1);
    expect(errnoName(addToPhysmap(xen, slot, 'gmfn', 0, 3))).toBe(answer);
    expect(p2mType(xen, slot, 3)).toBe(type);
  });

  it.each([
    ['4.21.1', 1],
    ['4.21.2', 2],
  ])('two pages that move up by one arrive in %s as %i', (release, pages) => {
    const { xen, slot } = guest(release);
    addToPhysmap(xen, slot, 'gmfn_range', 0, 1, { size: 2 });
    expect([0, 1, 2].filter((gfn) => p2mType(xen, slot, gfn) === P2mType.ramRw)).toHaveLength(pages);
  });
});
