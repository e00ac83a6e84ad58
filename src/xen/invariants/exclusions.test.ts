import { expect, it } from 'vitest';
import { CDF } from '../domain.js';
import { LogDirty } from '../exclusions.js';
import { assign, broken, domain, x86 } from '../machine.fixture.js';
import { message } from './invariants.fixture.js';

it.each([
  ['sharingEnabled', 1, 'memory sharing on'],
  ['pagingEnabled', 1, 'paging on'],
  ['podEntries', 3, 'pages to be populated on demand'],
  ['logDirty', LogDirty.global, 'log-dirty mode on'],
] as const)('I8 fires on a device of a domain with %s', (column, value, what) => {
  const xen = x86('4.22');
  const slot = domain(xen, { flags: CDF.hvm | CDF.hap });
  xen.domain[column].set(slot, value);
  expect(message(xen, 'I8')).toBeUndefined();
  xen.domain[column].set(slot, 0);
  assign(xen, slot);
  expect(broken(xen)).toEqual([]);
  xen.domain[column].set(slot, value);
  expect(message(xen, 'I8')).toBe(`nic (0000:03:00.0) is d1's, which has ${what}`);
});
