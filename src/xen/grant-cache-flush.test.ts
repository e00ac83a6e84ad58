import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../formats/grant-v1.js';
import { errnoName } from './errno.js';
import { CACHE_CLEAN, CACHE_INVAL, grantCacheFlush } from './grant-cache-flush.js';
import { writeGrantEntry } from './grant-entry.js';
import { mapGrantRef } from './grant-map.js';
import { arm, domain, populate, x86 } from './machine.fixture.js';
import type { Xen } from './state.js';

const BOTH = CACHE_CLEAN | CACHE_INVAL;
const flush = (xen: Xen, caller: number, frame: number, offset = 0, length = 4096, op = BOTH) =>
  errnoName(grantCacheFlush(xen, caller, frame, offset, length, op));

describe('cache_flush (§5.6)', () => {
  it.each([
    ['4.11.0', 'ok'],
    ['4.20', 'ok'],
    ['4.21', 'ENOSYS'],
  ])('is answered on x86 in %s by %s (5642a6055c), on Arm always', (edition, status) => {
    const xen = x86(edition);
    const page = populate(xen, domain(xen), 1);
    expect(flush(xen, 1, xen.ram.frameAt(page))).toBe(status);
    const other = arm(edition);
    expect(flush(other, 1, other.ram.frameAt(populate(other, domain(other), 1, 5)))).toBe('ok');
  });

  it('refuses a part beyond the page, and operations that are none: -EINVAL', () => {
    const xen = arm('4.22');
    const frame = xen.ram.frameAt(populate(xen, domain(xen), 1, 5));
    expect([
      flush(xen, 1, frame, 4096, 0),
      flush(xen, 1, frame, 0, 4097),
      flush(xen, 1, frame, 1, 4096),
      flush(xen, 1, frame, 0, 4, 4),
      flush(xen, 1, frame, 0, 4, 2 ** 31),
    ]).toEqual(Array(5).fill('EINVAL'));
  });

  it('of nothing, or with no operation, succeeds whatever is named', () => {
    const xen = arm('4.22');
    const slot = domain(xen);
    expect([flush(xen, slot, 0xf_ffff, 0, 0), flush(xen, slot, 0xf_ffff, 0, 4, 0)]).toEqual(['ok', 'ok']);
  });

  it('is for one’s own pages, and for those that one has mapped by a grant: -EINVAL, -EPERM', () => {
    const xen = arm('4.22');
    const slot = domain(xen);
    const page = populate(xen, slot, 1, 5);
    const frame = xen.ram.frameAt(page);
    const other = domain(xen);
    expect([flush(xen, slot, frame), flush(xen, other, frame), flush(xen, 0, frame)]).toEqual([
      'ok',
      'EINVAL',
      'EINVAL',
    ]);
    writeGrantEntry(xen, slot, 3, other, 5, true);
    mapGrantRef(xen, other, slot, 3, GNTMAP.host | GNTMAP.readonly, 0x30);
    expect([flush(xen, other, frame), flush(xen, 0, frame)]).toEqual(['ok', 'EINVAL']);
    expect([flush(xen, slot, 0xf_ffff), flush(xen, slot, 0x10), flush(xen, slot, 0x10f)]).toEqual([
      'EINVAL',
      'EPERM',
      'EPERM',
    ]);
  });
});
