import { describe, expect, it } from 'vitest';
import { iommuMap } from '../iommu-map.js';
import { broken, x86 } from '../machine.fixture.js';
import { guest, message } from './invariants.fixture.js';

describe('I14', () => {
  it.each(['relaxed', 'strict'] as const)('fires on Xen’s memory in the tables of a %s dom0', (mode) => {
    const xen = x86('4.22', { mode });
    expect(broken(xen)).toEqual([]);
    const frame = xen.spec.xenHeap.base + 50;
    iommuMap(xen, 0, frame, frame, 1);
    expect(message(xen, 'I14')).toBe(
      "frame 0x42 (free, type none, type count 0) is Xen's, and mapped r- for d0's devices",
    );
  });

  it('finds the local APIC in dom0’s tables up to Xen 4.12, where the memory map has it reserved', () => {
    for (const [edition, fires] of [
      ['4.11.0', true],
      ['4.12', true],
      ['4.13', false],
      ['4.22', false],
    ] as const) {
      const xen = x86(edition, { regions: [{ range: { base: 0xfee00, count: 1 }, kind: 'reserved' }] });
      const expected = "the local APIC’s registers are mapped for d0's devices";
      expect(message(xen, 'I14'), edition).toBe(fires ? expected : undefined);
    }
  });

  it('says nothing of pass-through, where dom0 has everything', () => {
    expect(message(x86('4.22', { mode: 'passthrough' }), 'I14')).toBeUndefined();
  });
});

describe('I16', () => {
  it('fires on a page that Xen shares with a guest, mapped for a PV guest’s devices', () => {
    const { xen, slot } = guest();
    const shared = xen.ram.frameAt(xen.domain.grantFrame.get(slot) - 1);
    iommuMap(xen, slot, shared, shared, 3);
    expect(message(xen, 'I16')).toMatch(
      /^frame 0x\w+ \(owned by d1, type writable, type count 1\) is Xen's, and mapped rw for d1's devices$/,
    );
  });

  it('leaves other memory of Xen’s to the rule', () => {
    const { xen, slot } = guest();
    const frame = xen.spec.xenHeap.base;
    iommuMap(xen, slot, frame, frame, 3);
    expect(message(xen, 'I16')).toBeUndefined();
    expect(broken(xen)).toContain('REACH');
  });
});
