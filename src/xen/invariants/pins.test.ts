import { describe, expect, it } from 'vitest';
import { GNTMAP } from '../../formats/grant-v1.js';
import { writeGrantEntry } from '../grant-entry.js';
import { mapGrantRef } from '../grant-map.js';
import { unmapGrantRef } from '../grant-unmap.js';
import { broken } from '../machine.fixture.js';
import { guest, message } from './invariants.fixture.js';

/** A guest whose first page dom0 has mapped twice, once for writing. */
function granting(edition = '4.22') {
  const { xen, slot, frame, page } = guest(edition);
  writeGrantEntry(xen, slot, 3, 0, frame, false);
  mapGrantRef(xen, 0, slot, 3, GNTMAP.host, 0);
  mapGrantRef(xen, 0, slot, 3, GNTMAP.host | GNTMAP.device | GNTMAP.readonly, 0);
  expect(broken(xen)).toEqual([]);
  return { xen, slot, page };
}

describe('INV-PIN', () => {
  it('fires on a pin too many, and on one whose handle is gone', () => {
    const { xen, slot } = granting();
    const row = slot * xen.spec.limits.grants + 3;
    xen.grant.pin.add(row, 1);
    expect(message(xen, 'INV-PIN')).toBe(
      'grant 3 of d1 has pins 0x1000102, where the handles and hypercalls that use it come to 0x1000101: it never ends',
    );
    xen.grant.pin.add(row, -1);
    xen.maptrack.flags.set(0, 0);
    expect(message(xen, 'INV-PIN')).toBe(
      'grant 3 of d1 has pins 0x1000101, where the handles and hypercalls that use it come to 0x1000100: it never ends',
    );
  });
});

describe('COUNTERS', () => {
  it('fires on a counter that is not what the handles are', () => {
    const { xen } = granting();
    xen.grantCounter.readers.add(0, 1);
    expect(message(xen, 'COUNTERS')).toBe(
      'd0 counts 2 readers and 1 writers of frame 0x101, where it has handles of 1 and 1: its devices keep the frame after the last unmap',
    );
    xen.grantCounter.frame.set(0, 0);
    expect(message(xen, 'COUNTERS')).toBe(
      'd0 has a handle of frame 0x101, and no counter: its unmap finds nothing to count down',
    );
  });

  it('finds on Xen 4.16.0 that half an unmap takes all of a mapping from its counter (XSA-394)', () => {
    for (const [edition, fires] of [
      ['4.16', true],
      ['4.16.1', false],
    ] as const) {
      const { xen } = granting(edition);
      unmapGrantRef(xen, 0, 1, GNTMAP.host, -1);
      expect(message(xen, 'COUNTERS') !== undefined, edition).toBe(fires);
    }
  });

  it('says nothing of releases without counters', () => {
    const { xen } = granting('4.14.6');
    expect(message(xen, 'COUNTERS')).toBeUndefined();
  });
});
