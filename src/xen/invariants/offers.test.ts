import { describe, expect, it } from 'vitest';
import { GNTMAP, GTF_READING, GTF_SUB_PAGE, GTF_WRITING } from '../../formats/grant-v1.js';
import { Step } from '../calls/steps.js';
import { changeUse, writeGrantEntry } from '../grant-entry.js';
import { mapGrantRef } from '../grant-map.js';
import { take } from '../locks.js';
import type { Xen } from '../state.js';
import { guest, message } from './invariants.fixture.js';

/** A guest that offers its first page to dom0 for reading, by grant 3. */
function offering(): { xen: Xen; slot: number; frame: number; row: number } {
  const { xen, slot, frame } = guest();
  writeGrantEntry(xen, slot, 3, 0, frame, true);
  return { xen, slot, frame, row: slot * xen.spec.limits.grants + 3 };
}

describe('INV-AUTH', () => {
  it('holds of a map of what is offered', () => {
    const { xen, slot } = offering();
    mapGrantRef(xen, 0, slot, 3, GNTMAP.host | GNTMAP.readonly, 0);
    expect(message(xen, 'INV-AUTH')).toBeUndefined();
  });

  it('fires on a writer of what is offered for reading', () => {
    const { xen, row } = offering();
    xen.grant.pin.set(row, 1);
    expect(message(xen, 'INV-AUTH')).toBe('grant 3 of d1 is readonly, and in use for writing');
  });

  it('fires on another page, and on another domain', () => {
    const { xen, row, frame } = offering();
    const pin = (grantee: number, mfn: number) => {
      xen.grant.pin.set(row, 0x100);
      xen.grant.grantee.set(row, grantee + 1);
      xen.grant.frame.set(row, xen.ram.indexOf(mfn) + 1);
    };
    pin(0, frame + 1);
    const another = /^d0 uses frame 0x102 .* by grant 3 of d1, which does not offer it$/;
    expect(message(xen, 'INV-AUTH')).toMatch(another);
    pin(1, frame);
    expect(message(xen, 'INV-AUTH')).toMatch(/^d1 uses frame 0x101/);
    pin(0, frame);
    expect(message(xen, 'INV-AUTH')).toBeUndefined();
  });

  it('fires on a map of a part of a page', () => {
    const { xen, slot, row, frame } = offering();
    writeGrantEntry(xen, slot, 3, 0, frame, true, GTF_SUB_PAGE);
    xen.grant.pin.set(row, 0x100);
    xen.grant.grantee.set(row, 1);
    xen.grant.frame.set(row, xen.ram.indexOf(frame) + 1);
    expect(message(xen, 'INV-AUTH')).toBeUndefined();
    xen.maptrack.flags.set(0, GNTMAP.host | GNTMAP.readonly);
    xen.maptrack.granter.set(0, slot + 1);
    xen.maptrack.ref.set(0, 3 + 1);
    expect(message(xen, 'INV-AUTH')).toMatch(/which does not offer it$/);
  });

  it('says nothing of what the granter writes later', () => {
    const { xen, slot, frame } = offering();
    mapGrantRef(xen, 0, slot, 3, GNTMAP.host | GNTMAP.readonly, 0);
    writeGrantEntry(xen, slot, 3, 0, frame + 1, false);
    expect(message(xen, 'INV-AUTH')).toBeUndefined();
  });
});

describe('IN-USE', () => {
  it('fires on a grant in use that its granter sees as free', () => {
    const { xen, slot } = offering();
    mapGrantRef(xen, 0, slot, 3, GNTMAP.host | GNTMAP.readonly, 0);
    changeUse(xen, slot, 3, 0, GTF_READING);
    expect(message(xen, 'IN-USE')).toBe('grant 3 of d1 has pins 0x100, and its granter sees it as free');
  });

  it('fires on one that nobody uses and that is marked', () => {
    const { xen, slot } = offering();
    changeUse(xen, slot, 3, GTF_WRITING, 0);
    expect(message(xen, 'IN-USE')).toBe(
      'grant 3 of d1 has pins 0x0, and its granter sees it as being written, for ever',
    );
  });

  it('says nothing of marks that the granter has overwritten itself', () => {
    const { xen, slot, frame } = offering();
    mapGrantRef(xen, 0, slot, 3, GNTMAP.host | GNTMAP.readonly, 0);
    writeGrantEntry(xen, slot, 3, 0, frame + 1, false);
    expect(message(xen, 'IN-USE')).toBeUndefined();
  });
});

describe('LOCKS', () => {
  it('fires on a lock of a hypercall that has ended', () => {
    const { xen, slot } = offering();
    take(xen.domain.grantLock, slot, 1);
    expect(message(xen, 'LOCKS')).toBe(
      'the lock of d1’s grant table is held by a hypercall of d1 that has ended',
    );
    xen.call.step.set(1, Step.version_held);
    expect(message(xen, 'LOCKS')).toBeUndefined();
  });

  it('fires where an entry is locked while another is', () => {
    const { xen } = offering();
    xen.misdeed('a grant entry is locked while another is');
    expect(message(xen, 'LOCKS')).toBe('a grant entry is locked while another is');
  });
});

describe('INV-CONTRACT', () => {
  it('fires where Xen said what it did not do', () => {
    const { xen } = offering();
    xen.misdeed('a map that failed was answered as if it had succeeded');
    expect(message(xen, 'INV-CONTRACT')).toBe('a map that failed was answered as if it had succeeded');
  });
});
