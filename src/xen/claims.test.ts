import { describe, expect, it } from 'vitest';
import { claimPages } from './claims.js';
import { errnoName } from './errno.js';
import { broken, domain, x86 } from './machine.fixture.js';
import { populatePhysmap } from './memory.js';
import { Life } from './tables/domain.js';

describe('a claim to memory', () => {
  it('keeps others from it, and is used up by what the domain takes', () => {
    const xen = x86('4.22', { frames: 4, dom0Pages: 1 });
    const [one, other] = [domain(xen, { maxPages: 3 }), domain(xen, { maxPages: 3 })];
    expect(claimPages(xen, one, 3)).toBe(0);
    expect(errnoName(populatePhysmap(xen, other, 0))).toBe('EBUSY');
    expect(populatePhysmap(xen, one, 0)).toBeGreaterThanOrEqual(0);
    expect([xen.domain.claimed.get(one), xen.host.claimed.get(0), broken(xen)]).toEqual([2, 2, []]);
    expect([claimPages(xen, one, 0), xen.host.claimed.get(0)]).toEqual([0, 0]);
  });

  it('is one at a time, for more than the domain has, and of what there is', () => {
    const xen = x86('4.22', { frames: 4, dom0Pages: 1 });
    const slot = domain(xen, { maxPages: 9 });
    expect(errnoName(claimPages(xen, slot, 5))).toBe('ENOMEM');
    expect(errnoName(claimPages(xen, slot, 10))).toBe('EINVAL');
    claimPages(xen, slot, 2);
    expect(errnoName(claimPages(xen, slot, 3))).toBe('EINVAL');
  });

  it.each([
    ['4.21.0', 'ok'],
    ['4.21.1', 'EINVAL'],
    ['4.22', 'EINVAL'],
  ])('of a dying domain is answered by %s with %s', (release, answer) => {
    const xen = x86(release);
    const slot = domain(xen);
    xen.domain.life.set(slot, Life.dying);
    expect(errnoName(claimPages(xen, slot, 1))).toBe(answer);
  });
});
