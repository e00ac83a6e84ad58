import { expect, it } from 'vitest';
import { PGT } from '../../formats/x86-page-info.js';
import { beginDestroyDomain } from '../domain-death.js';
import { domain, pvWithContext, x86 } from '../machine.fixture.js';
import { beginPopulatePhysmap } from '../memory.js';
import { beginPinTable } from '../type-steps.js';
import { describeCall, hypercallOf } from './name.js';

it('a hypercall under way goes by the name of its operation, and by who is in it', () => {
  const xen = x86('4.17', { limits: { calls: 2 } });
  expect(hypercallOf(xen, 0)).toBe('none');
  const { slot, page } = pvWithContext(xen, 2);
  beginPopulatePhysmap(xen, 0, domain(xen), 0, 1);
  beginDestroyDomain(xen, 1, slot);
  expect([0, 1].map((call) => describeCall(xen, call))).toEqual([
    'populate_physmap of d0',
    'destroydomain of d0',
  ]);
  const { slot: guest, page: table } = pvWithContext(xen, 2);
  expect(table).not.toBe(page);
  beginPinTable(xen, guest * 2, guest, table, PGT.l2);
  expect(hypercallOf(xen, guest * 2)).toBe('pin_l2_table');
});
