import { expect, test } from 'vitest';
import { ramRegions } from './memory-tree.js';

/** What QEMU 7.2 prints, shortened. */
const PRINTED = `FlatView #0
 AS "vtd-root", root: vtd-00.0
 Root memory region: vtd-nodmar
  0000000000000000-00000000000bffff (prio 0, ram): other
FlatView #1
 AS "memory", root: system
 AS "cpu-memory-0", root: system
 Root memory region: system
  0000000000000000-000000000009ffff (prio 0, ram): m KVM
  00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem
  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom
  00000000000f0000-00000000000fffff (prio 0, rom): m @00000000000f0000 KVM
  0000000100000000-000000013fffffff (prio 0, ram): m @0000000080000000

FlatView #2
 AS "I/O", root: io
`;

test('RAM is what the view of system memory has of it, in place in its region', () => {
  expect(ramRegions(PRINTED.replaceAll('\n', '\r\n'))).toEqual([
    { start: 0, end: 0xa_0000, name: 'm', offset: 0 },
    { start: 0xc_0000, end: 0xe_0000, name: 'pc.rom', offset: 0 },
    { start: 0xf_0000, end: 0x10_0000, name: 'm', offset: 0xf_0000 },
    { start: 0x1_0000_0000, end: 0x1_4000_0000, name: 'm', offset: 0x8000_0000 },
  ]);
  expect(ramRegions('')).toEqual([]);
});
